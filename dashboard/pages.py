"""Pages: what every one of them shows, and the calm ones for when something is wrong.

Owns rendering and errors. Refuses to know any single page's content.
"""

import logging
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import aiohttp_jinja2
from aiohttp import web
from aiohttp.typedefs import Handler

from core.errors import Conflict, IllegalMove, StoreError
from core.rights import Right, may
from dashboard import i18n, words
from dashboard.desk import SESSION, desk_of
from dashboard.i18n import N_, _
from dashboard.keys import help_view
from dashboard.present_frame import navigation_view
from dashboard.present_held import held_view
from dashboard.present_incidents import banner_view
from dashboard.present_sources import house_view
from dashboard.swaps import is_for, is_swap
from dashboard.told import tell_sentence

log = logging.getLogger(__name__)

_TITLES = {
    400: (N_("We could not read that"), N_("The form was not complete. Go back and try again.")),
    403: (N_("Not allowed"), N_("You may not do this here.")),
    404: (N_("Nothing here"), N_("The page is gone, or never was. The inbox is a good place to start.")),
    405: (N_("Nothing here"), N_("This address takes no such request.")),
    413: (N_("Too much text"), N_("That was more than a form may carry. Shorten it and try again.")),
}


class Stop(Exception):
    """Ends a request with a page and words for the person. Raise it; `calm` shows it."""

    def __init__(self, status: int, title: str, message: str, **more: Any) -> None:
        super().__init__(title)
        self.status = status
        self.title = title
        self.message = message
        self.more = more


def refuse(status: int, title: str, message: str, **more: Any) -> Stop:
    """Return what to raise to end a request with a calm page."""
    return Stop(status, title, message, **more)


async def render(
    request: web.Request, template: str, context: Mapping[str, Any], *, status: int = 200, is_framed: bool = True
) -> web.Response:
    """Return a page with its frame: who is signed in, and whether the house is paused or in a storm.

    What is put into a page that stands may have none: then nothing is asked for it.
    """
    frame = _frame(request, is_framed=is_framed)
    if frame["staff"] is not None and is_framed:
        desk, name = desk_of(request), frame["staff"].name
        now = desk.clock.now()
        frame["house"] = house_view(await desk.accounts.house_pause(), now)
        frame["storm"] = banner_view(await desk.incidents.open(), now)
        frame["for_you"] = await desk.notes.count_for(name, due_before=now + words.SOON)
        if frame["rights"]["send"]:
            frame["held"] = held_view(await desk.replies.held(name, at=now), now)
    return aiohttp_jinja2.render_template(template, request, {**frame, **context}, status=status)


@web.middleware
async def calm(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn what went wrong into a page a person can use."""
    try:
        return await handler(request)
    except Stop as stop:
        return error_page(request, stop.status, stop.title, stop.message, **stop.more)
    except StoreError as err:
        log.error("the database does not answer", extra={"error": str(err)})
        return error_page(request, 503, _("The database does not answer"), _("Nothing is lost. Try again in a moment."))
    except (Conflict, IllegalMove) as err:
        what = _("{what} Look again and decide anew.", what=_sentence(str(err)))
        return error_page(request, 409, _("Somebody was first"), what)
    except web.HTTPException as err:
        if err.status < 400:
            raise
        title, message = _TITLES.get(err.status, (N_("That did not work"), N_("Go back and try again.")))
        return error_page(request, err.status, _(title), _(message))
    except (ConnectionError, web.RequestPayloadError):
        log.info("whoever asked has gone")
        return web.Response(status=400)
    except Exception:  # the edge: a bug of ours must not show a stranger our insides
        log.exception("a page failed")
        message = _("It is in the log. What you see elsewhere is right.")
        return error_page(request, 500, _("Something broke here"), message)


def error_page(request: web.Request, status: int, title: str, message: str, **more: Any) -> web.Response:
    """Return an error page. It asks the database for nothing: that may be what failed."""
    context = {**_frame(request), "done": "", "title": title, "message": message, "status": status, **more}
    part = "_error_pane.html" if is_for(request, "reading") else "_error_toast.html"
    template = part if is_swap(request) else "error.html"
    return aiohttp_jinja2.render_template(template, request, context, status=status)


def see(path: str, done: str, *, at: str = "", **more: str) -> web.Response:
    """Return the redirect after an action, so that reloading repeats nothing. `at` is a place on the page."""
    query = urlencode({name: value for name, value in {"done": done, **more}.items() if value})
    address = f"{path}{'&' if '?' in path else '?'}{query}" if query else path
    return web.Response(status=303, headers={"Location": f"{address}{'#' if at else ''}{at}"})


def _frame(request: web.Request, *, is_framed: bool = True) -> dict[str, Any]:
    session = request.get(SESSION)
    rights = {right.value: session is not None and may(session.staff.role, right) for right in Right}
    return {
        "staff": session.staff if session else None,
        "csrf": session.csrf if session else "",
        "rights": rights,
        "navigation": navigation_view(request.path, rights),
        "role": words.ROLES[session.staff.role] if session else "",
        "language": i18n.language(),
        "languages": i18n.LANGUAGES,
        "house": None,
        "storm": None,
        "for_you": 0,
        "held": None,
        "redis_is_up": desk_of(request).bell.is_up,
        "path": request.path,
        "keys": help_view() if session and is_framed else (),
        "is_part": is_swap(request),
        "done": words.DONE.get(request.query.get("done", ""), ""),
    }


def _sentence(text: str) -> str:
    return tell_sentence(text) + ("" if text.endswith(".") else ".")
