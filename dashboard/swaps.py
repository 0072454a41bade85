"""Answers that take the place of one part of a page: whether that is asked for, and which address the page then has.

Owns htmx's request and response headers. Refuses to know what the parts show.
"""

from urllib.parse import urlsplit

from aiohttp import web


def is_swap(request: web.Request) -> bool:
    """Whether a part is asked for, not a page. A page that htmx goes back to in its history is for a part too."""
    return request.headers.get("HX-Request") == "true"


def is_for(request: web.Request, part: str) -> bool:
    """Whether the answer takes the place of the element with this id."""
    return is_swap(request) and request.headers.get("HX-Target", "").endswith(f"#{part}")


def said_at(response: web.Response, address: str, request: web.Request) -> web.Response:
    """Tell htmx the address at which this answer stands: a step in the history where the page was elsewhere."""
    was = urlsplit(request.headers.get("HX-Current-URL", "")).path
    is_step = was != urlsplit(address).path and request.headers.get("HX-History-Restore-Request") != "true"
    response.headers["HX-Push-Url" if is_step else "HX-Replace-Url"] = address
    return response
