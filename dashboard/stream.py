"""GET /live: one tab's stream from the hub's ring.

Owns the connection: catching up, heartbeats, and its quiet end. Refuses to ask what changed: the hub does.
"""

import logging

from aiohttp import web

from core.errors import StoreError
from dashboard.auth import still_signed_in
from dashboard.desk import Desk, desk_of
from dashboard.live import HEARTBEAT_SECONDS, REFRESH, Mark, count_stream

log = logging.getLogger(__name__)

_CHECK_SECONDS = 5.0


async def live(request: web.Request) -> web.StreamResponse:
    """Stream changes; `Last-Event-ID`, or `since` on a first visit, says what the page has seen."""
    response = web.StreamResponse(
        headers={"Content-Type": "text/event-stream; charset=utf-8", "X-Accel-Buffering": "no"}
    )
    count_stream(+1)
    try:
        await response.prepare(request)
        await _stream(request, response)
    except ConnectionResetError:
        log.debug("a live page was closed")
    finally:
        count_stream(-1)
    return response


async def _stream(request: web.Request, response: web.StreamResponse) -> None:
    desk = desk_of(request)
    # Taken before the database is asked, so nothing falls between the two; twice does no harm.
    position = desk.hub.end
    await response.write(b"retry: 2000\n\n" + await _missed(request, desk))
    checked_at = desk.clock.now()
    while not desk.hub.is_closed:
        # However busy the house is: a signed-out tab hears no more than a heartbeat longer.
        if (desk.clock.now() - checked_at).total_seconds() >= _CHECK_SECONDS:
            checked_at = desk.clock.now()
            if not await _may_stay(request):
                return
        events, position = desk.hub.after(position)
        if events:
            await response.write(events)
        elif not await desk.hub.wait(HEARTBEAT_SECONDS):
            if not await _may_stay(request):
                return
            await response.write(b": still here\n\n")


async def _missed(request: web.Request, desk: Desk) -> bytes:
    since = Mark.parse(request.headers.get("Last-Event-ID") or request.query.get("since", ""))
    if since is None:
        return b""
    try:
        return await desk.hub.missed(since)
    except StoreError:
        return REFRESH


async def _may_stay(request: web.Request) -> bool:
    """A stream outlives neither its session nor its tab; a database that is away ends nobody's."""
    if request.transport is None or request.transport.is_closing():
        return False
    try:
        return await still_signed_in(request)
    except StoreError:
        return True
