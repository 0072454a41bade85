"""A text to be looked for in raw bytes, in every spelling that our own files could give it.

Owns the spellings. Pure: refuses to open anything.
"""

import html
import json
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import quote

LEAST = 4
# Pieces of a longer text are looked for too: a page boundary, or something written over it, can cut it.
_PIECE = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Needle:
    """Spellings of one text, and the name of each. Make it with `of`."""

    text: str
    spellings: tuple[tuple[str, bytes], ...]

    @classmethod
    def of(cls, text: str) -> "Needle":
        """Return a needle for `text`. Raises: ValueError where it is too short to tell anything."""
        if len(text.strip()) < LEAST:
            raise ValueError(f"at least {LEAST} characters are needed: less is found everywhere")
        found: dict[bytes, str] = {}
        for name, spelled in _spell(text):
            found.setdefault(spelled, name)
        pieces = [text[at : at + _PIECE] for at in range(0, len(text) - _PIECE + 1, _PIECE)]
        for piece in pieces if len(text) > 2 * _PIECE else []:
            for name, spelled in _spell(piece):
                found.setdefault(spelled, f"a part of it, {name}")
        return cls(text=text, spellings=tuple((name, spelled) for spelled, name in found.items()))

    @property
    def longest(self) -> int:
        """The length of the longest spelling, in bytes."""
        return max(len(spelled) for _, spelled in self.spellings)

    def within(self, raw: bytes) -> str | None:
        """Return the name of a spelling that `raw` holds, the whole text before a part; None where it holds none."""
        return next((name for name, spelled in self.spellings if spelled in raw), None)


def _spell(text: str) -> Iterator[tuple[str, bytes]]:
    for form in dict.fromkeys((text, unicodedata.normalize("NFC", text), unicodedata.normalize("NFD", text))):
        plain, escaped = json.dumps(form, ensure_ascii=False)[1:-1], json.dumps(form)[1:-1]
        yield "as it stands", form.encode(errors="surrogatepass")
        yield "UTF-16", form.encode("utf-16-le", "surrogatepass")
        yield "UTF-16", form.encode("utf-16-be", "surrogatepass")
        yield "in JSON", plain.encode(errors="surrogatepass")
        yield "escaped in JSON", escaped.encode()
        yield "escaped in JSON", _with_large_digits(escaped).encode()
        yield "escaped twice in JSON", json.dumps(escaped)[1:-1].encode()
        yield "in HTML", html.escape(form).encode(errors="surrogatepass")
        yield "in an address", quote(form, safe="", errors="replace").encode()
        yield "in hexadecimal", form.encode(errors="surrogatepass").hex().encode()


def _with_large_digits(escaped: str) -> str:
    """Some writers spell \\u00e6 as \\u00E6."""
    first, *rest = escaped.split("\\u")
    return first + "".join(f"\\u{part[:4].upper()}{part[4:]}" for part in rest)
