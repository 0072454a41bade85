"""Tables as files for a spreadsheet.

Owns the form of a CSV file and its name. Refuses to know what is in it.

The form is what Excel in the Nordic countries opens by a double click: semicolons, for there the comma is the decimal
sign and Excel splits by what Windows says; a byte order mark, without which it takes UTF-8 for Windows-1252 and spoils
æ, ø and å; lines that end in CRLF. Numbers are whole and bare, times are ISO 8601, so no decimal sign is needed. A text
that a spreadsheet would take for a formula gets an apostrophe first: a handle or a rule's name must not run anything.
"""

import csv
import io
import re
from collections.abc import Iterable, Sequence

from aiohttp import web

_MARK = "\ufeff"
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
_NOT_PLAIN = re.compile(r"[^a-z0-9]+")


def csv_text(head: Sequence[str], lines: Iterable[Sequence[str | int | None]]) -> str:
    """Return the file."""
    file = io.StringIO()
    writer = csv.writer(file, delimiter=";", lineterminator="\r\n")
    writer.writerow([harmless(name) for name in head])
    for line in lines:
        writer.writerow([_field(value) for value in line])
    return _MARK + file.getvalue()


def file_name(*parts: str) -> str:
    """Return a name for a file that says what it holds, in plain letters: "genlyd-posts-negative-2026-11-05.csv"."""
    plain = [_NOT_PLAIN.sub("-", part.casefold()).strip("-") for part in ("genlyd", *parts)]
    return "-".join(part for part in plain if part)[:150] + ".csv"


def download(name: str, text: str) -> web.Response:
    """Return the file as an answer that a browser saves."""
    return web.Response(
        body=text.encode("utf-8", "replace"),
        headers={"Content-Disposition": f'attachment; filename="{name}"', "Content-Type": "text/csv; charset=utf-8"},
    )


def harmless(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula."""
    return f"'{text}" if text.lstrip(" ").startswith(_FORMULA) or text.startswith(_FORMULA) else text


def _field(value: str | int | None) -> str | int:
    if value is None:
        return ""
    return value if isinstance(value, int) else harmless(value)
