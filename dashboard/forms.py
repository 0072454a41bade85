"""Reading forms: every field checked, every fault a calm page.

Owns that. Refuses to know what a field means.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum

from aiohttp import web

from dashboard.i18n import _
from dashboard.pages import refuse
from store.rows import storable

# More than any platform takes.
MOST_TEXT = 20_000


async def form_of(request: web.Request) -> Mapping[str, object]:
    """Return the posted form, or end the request where what was sent is none."""
    try:
        return await request.post()
    except (LookupError, ValueError) as err:
        raise refuse(400, _("We could not read that"), _("What was sent is not a form.")) from err


# What a column of 32 bits takes: a version, and the ids of what people make by hand.
SMALL = 9


def number(value: object, *, most_digits: int = 15) -> int:
    """Return a whole number that fits a database, or end the request."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= most_digits:
        return int(value)
    raise refuse(400, _("We could not read that"), _("A number in the form was missing or no number."))


def number_if_any(value: str | None, *, most_digits: int = 15) -> int | None:
    """Return a whole number of an address, None for what is none: nonsense there is as if it were not."""
    is_number = value is not None and value.isascii() and value.isdigit() and len(value) <= most_digits
    return int(value) if value is not None and is_number else None


def one_of(form: Mapping[str, object], name: str, allowed: Iterable[StrEnum | str]) -> str:
    """Return a field that must be one of a few words, or end the request."""
    value = form.get(name)
    if isinstance(value, str) and value in {str(word) for word in allowed}:
        return value
    raise refuse(400, _("We could not read that"), _("The form asked for something we do not know."))


def line_of(value: object) -> str:
    """Return what stands in a field of one line, "" where there is none."""
    return " ".join(storable(value.replace("\x00", " ")).split()) if isinstance(value, str) else ""


def text_of(form: Mapping[str, object], name: str) -> str:
    """Return a text with the line ends a platform expects; browsers send CRLF."""
    value = form.get(name)
    if not isinstance(value, str):
        raise refuse(400, _("We could not read that"), _("The text was missing from the form."))
    return storable(value.replace("\r\n", "\n").replace("\x00", "")).strip()[: MOST_TEXT + 1]
