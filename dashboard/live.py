"""Live pages: one hub asks the database what changed, every tab streams from its ring.

Owns the ring of encoded events and the Server-Sent Events. An event only says which conversation
changed; the page fetches what it shows. Refuses to render anything.
"""

import asyncio
import logging
from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from prometheus_client import Gauge

from core.clock import Clock
from core.errors import StoreError
from store.bell import Bell
from store.conversations import Conversations
from store.lookers import Lookers

log = logging.getLogger(__name__)

# Events of a tick leave together: many changes a second cost each tab one write.
TICK_SECONDS = 0.2
HEARTBEAT_SECONDS = 15.0
_RING = 2_000
_PAGE = 500
# A row's instant is taken before its transaction commits, so a look must reach back a little.
_OVERLAP = timedelta(seconds=5)
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
REFRESH = b"event: refresh\ndata: all\n\n"

_streams = Gauge("genlyd_dashboard_streams", "Live pages open now")


@dataclass(frozen=True, slots=True, order=True)
class Mark:
    """A point in the order of changes; its text is an event's id."""

    at: datetime
    conversation_id: int

    def __str__(self) -> str:
        return f"{self.at.isoformat()}|{self.conversation_id}"

    @classmethod
    def parse(cls, text: str) -> "Mark | None":
        """Return the mark in an event's id, None where it is not one of ours."""
        at, _, conversation_id = text.partition("|")
        try:
            mark = cls(datetime.fromisoformat(at), int(conversation_id))
        except ValueError:
            return None
        is_ours = mark.at.tzinfo is not None and 1970 <= mark.at.year < 9999 and len(conversation_id) <= 15
        return mark if is_ours else None


def encode(mark: Mark) -> bytes:
    """Return one event."""
    return f"id: {mark}\nevent: changed\ndata: {mark.conversation_id}\n\n".encode()


class Hub:
    """The ring. `run()` fills it; `after()` reads on from a position."""

    def __init__(self, conversations: Conversations, bell: Bell, clock: Clock) -> None:
        self._lookers = Lookers(bell)
        self._conversations = conversations
        self._bell = bell
        self._ring: deque[bytes] = deque(maxlen=_RING)
        self._end = 0
        self._latest = Mark(clock.now().astimezone(UTC), 0)
        self._seen: dict[int, datetime] = {}
        self._passed = Mark(_LONG_AGO, 0)
        self._changed = asyncio.Event()
        self.is_closed = False

    @property
    def latest(self) -> Mark:
        """The newest change known: what a page rendered now has surely seen."""
        return self._latest

    @property
    def end(self) -> int:
        """The position after the newest event."""
        return self._end

    async def run(self) -> None:
        """Fill the ring until cancelled."""
        rung = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._listen(rung))
            group.create_task(self._look_when(rung))
            group.create_task(self._tell_lookers())

    async def look(self) -> None:
        """Append what changed since the last look. A database that is away is asked again next time."""
        try:
            found = await self.changed_since(max(Mark(self._latest.at - _OVERLAP, 0), self._passed))
        except StoreError as err:
            log.warning("live pages wait: the database does not answer", extra={"error": str(err)})
            return
        if len(found) >= _RING:
            # As many at one moment: the next look goes on behind them, for else it would find these for ever.
            self._passed = found[-1]
        fresh = [mark for mark in found if self._seen.get(mark.conversation_id) != mark.at]
        self._seen = {mark.conversation_id: mark.at for mark in found}
        if fresh:
            self._latest = max(self._latest, fresh[-1])
            self._append([encode(mark) for mark in fresh])

    async def missed(self, since: Mark) -> bytes:
        """Return what a page has not heard that has seen everything until `since`, as one write. Raises: StoreError.

        What committed late stands before `since`; told twice it does no harm. Who missed more than the ring holds is
        told to fetch everything.
        """
        found = await self.changed_since(Mark(since.at - _OVERLAP, 0))
        return REFRESH if len(found) >= _RING else b"".join(encode(mark) for mark in found if mark != since)

    async def changed_since(self, since: Mark) -> list[Mark]:
        """Return the changes after a point, oldest first: all, or as many as the ring holds. Raises: StoreError."""
        found: list[Mark] = []
        while True:
            page = await self._conversations.changed_after(since.at, since.conversation_id, limit=_PAGE)
            found += [Mark(at, conversation_id) for at, conversation_id in page]
            # No tab wants more than the ring holds: it fetches everything anyway.
            if len(page) < _PAGE or len(found) >= _RING:
                return found
            since = found[-1]

    def after(self, position: int) -> tuple[bytes, int]:
        """Return the events after `position` as one write, and the new position.

        Who fell behind further than the ring reaches is told to fetch everything.
        """
        behind = self._end - position
        if behind > len(self._ring):
            return REFRESH, self._end
        events = list(self._ring)[len(self._ring) - behind :] if behind else []
        return b"".join(events), self._end

    async def wait(self, seconds: float) -> bool:
        """Wait for something new; False where nothing came in time."""
        try:
            async with asyncio.timeout(seconds):
                await self._changed.wait()
        except TimeoutError:
            return False
        return True

    def close(self) -> None:
        """Let every stream end: the server stops."""
        self.is_closed = True
        self._changed.set()

    async def _tell_lookers(self) -> None:
        """Who looks and who types, said once and never again: an event without an id is not asked for later."""
        async for said in self._lookers.changes():
            self._append([f"event: lookers\ndata: {said}\n\n".encode()])

    def _append(self, events: list[bytes]) -> None:
        self._ring.extend(events)
        self._end += len(events)
        woken, self._changed = self._changed, asyncio.Event()
        woken.set()

    async def _listen(self, rung: asyncio.Event) -> None:
        async for _ in self._bell.announcements(at_least_every_seconds=1.0):
            rung.set()

    async def _look_when(self, rung: asyncio.Event) -> None:
        """However often the bell rings, one look a tick. Real time, as the bell's own waiting is."""
        while True:
            await rung.wait()
            rung.clear()
            await self.look()
            await asyncio.sleep(TICK_SECONDS)


def count_stream(change: int) -> None:
    """Count an open stream."""
    _streams.inc(change)
