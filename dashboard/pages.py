"""Pages: what every one of them shows, and the calm ones for when something is wrong.

Owns rendering and errors. Refuses to know any single page's content.
"""

import logging
from collections.abc import Mapping
from typing import Any

import aiohttp_jinja2
from aiohttp import web
from aiohttp.typedefs import Handler

from core.errors import Conflict, IllegalMove, StoreError
from dashboard import words
from dashboard.desk import SESSION, desk_of
from dashboard.present_incidents import banner_view
from dashboard.present_sources import house_view
from store.people import Role

log = logging.getLogger(__name__)

_TITLES = {
    400: ("We could not read that", "The form was not complete. Go back and try again."),
    403: ("Not allowed", "You may not do this here."),
    404: ("Nothing here", "The page is gone, or never was. The inbox is a good place to start."),
    405: ("Nothing here", "This address takes no such request."),
    413: ("Too much text", "That was more than a form may carry. Shorten it and try again."),
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


async def render(request: web.Request, template: str, context: Mapping[str, Any], *, status: int = 200) -> web.Response:
    """Return a page with its frame: who is signed in, and whether the house is paused or in a storm."""
    frame = _frame(request)
    if frame["staff"] is not None:
        desk = desk_of(request)
        frame["house"] = house_view(await desk.accounts.house_pause(), desk.clock.now())
        frame["storm"] = banner_view(await desk.incidents.open(), desk.clock.now())
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
        return error_page(request, 503, "The database does not answer", "Nothing is lost. Try again in a moment.")
    except (Conflict, IllegalMove) as err:
        return error_page(request, 409, "Somebody was first", f"{_sentence(str(err))} Look again and decide anew.")
    except web.HTTPException as err:
        if err.status < 400:
            raise
        title, message = _TITLES.get(err.status, ("That did not work", "Go back and try again."))
        return error_page(request, err.status, title, message)
    except Exception:  # the edge: a bug of ours must not show a stranger our insides
        log.exception("a page failed")
        return error_page(request, 500, "Something broke here", "It is in the log. What you see elsewhere is right.")


def error_page(request: web.Request, status: int, title: str, message: str, **more: Any) -> web.Response:
    """Return an error page. It asks the database for nothing: that may be what failed."""
    context = {**_frame(request), "done": "", "title": title, "message": message, "status": status, **more}
    return aiohttp_jinja2.render_template("error.html", request, context, status=status)


def see(path: str, done: str, *, at: str = "") -> web.Response:
    """Return the redirect after an action, so that reloading repeats nothing. `at` is a place on the page."""
    return web.Response(status=303, headers={"Location": f"{path}?done={done}{'#' if at else ''}{at}"})


def _frame(request: web.Request) -> dict[str, Any]:
    session = request.get(SESSION)
    return {
        "staff": session.staff if session else None,
        "csrf": session.csrf if session else "",
        "is_supervisor": session is not None and session.staff.role is Role.SUPERVISOR,
        "house": None,
        "storm": None,
        "redis_is_up": desk_of(request).bell.is_up,
        "path": request.path,
        "done": words.DONE.get(request.query.get("done", ""), ""),
    }


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + ("" if text.endswith(".") else ".")
