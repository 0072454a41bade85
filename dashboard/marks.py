"""What strangers wrote, made fit for a page: marked words, and links that can only be links.

Owns the two places where a post could turn against a reader. Refuses to emit HTML: templates escape.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import urlsplit

from core.assessment import Reason
from dashboard.i18n import _, percent
from dashboard.told import tell

# How an assessment joins words that stand apart in the post.
_APART = " … "


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """A stretch of text, and why it is marked ("" where it is not)."""

    text: str
    why: str = ""


def segments(text: str, reasons: Iterable[Reason]) -> tuple[Segment, ...]:
    """Return `text` in stretches; joined, they are `text` again."""
    made: list[Segment] = []
    at = 0
    for start, end, why in _spans(text, reasons):
        if start < at:
            continue
        if start > at:
            made.append(Segment(text=text[at:start]))
        made.append(Segment(text=text[start:end], why=why))
        at = end
    if at < len(text):
        made.append(Segment(text=text[at:]))
    return tuple(made)


def safe_link(url: str | None) -> str | None:
    """Return `url` where it is plain http or https to some host, else None."""
    if not url or any(ord(character) <= 32 for character in url):
        return None
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    return url if parts.scheme in ("http", "https") and parts.hostname else None


def local_path(path: str | None) -> str:
    """Return `path` where it stays on this site, else "/": a sign-in never sends anyone elsewhere."""
    if not path or not path.startswith("/") or path.startswith("//"):
        return "/"
    # Browsers read a backslash as a slash and drop control characters, so neither may pass.
    if "\\" in path or any(ord(character) <= 32 or ord(character) == 127 for character in path):
        return "/"
    return path


def cue_words(cue: str) -> str:
    """Return a cue's name as words."""
    return tell(cue.replace("_", " ").replace("-", " "))


def worth(reason: Reason) -> str:
    """Return what a reason weighs: points of urgency, else its share of the mood, else that it would be enough."""
    if reason.points:
        return f"{reason.points:+d}"
    return _("{share} of the mood", share=percent(reason.mood)) if reason.mood else _("enough alone")


def _spans(text: str, reasons: Iterable[Reason]) -> list[tuple[int, int, str]]:
    """Earliest first, the longest first among those that begin together."""
    found = {span: f"{cue_words(reason.cue)}, {worth(reason)}" for reason in reasons for span in _places(text, reason)}
    return [(start, end, found[start, end]) for start, end in sorted(found, key=lambda span: (span[0], -span[1]))]


def _places(text: str, reason: Reason) -> list[tuple[int, int]]:
    """Return where a reason's words stand: where it says so, or, in rows of older versions, where they are found."""
    if reason.spans:
        # A lone question mark has its points and its line in the list of reasons; marked, it is only noise.
        inside = [(start, end) for start, end in reason.spans if 0 <= start < end <= len(text)]
        return [(start, end) for start, end in inside if end - start > 1 or not text[start:end].isascii()]
    return [match.span() for phrase in _phrases(text, reason.words) for match in _pattern(phrase).finditer(text)]


def _phrases(text: str, words: str) -> list[str]:
    """A reason names one stretch of the text, or several set apart by a dot-dot-dot; reach names none."""
    if not words.strip():
        return []
    parts = [words] if words in text else words.split(_APART)
    # A lone question mark has its points and its line in the list of reasons; marked, it is only noise.
    return [part for part in parts if len(part.strip()) > 1]


@lru_cache(maxsize=1024)
def _pattern(phrase: str) -> re.Pattern[str]:
    before = r"(?<!\w)" if phrase[:1].isalnum() else ""
    after = r"(?!\w)" if phrase[-1:].isalnum() else ""
    return re.compile(f"{before}{re.escape(phrase)}{after}")
