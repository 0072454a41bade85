"""What people at the desk write to each other: whom a note calls, whether it quotes a post, and tags.

Owns those readings. Pure. Refuses any I/O.
"""

import re
from collections.abc import Iterable, Sequence

from core.errors import BadValue

MOST_NOTE = 4_000
MOST_TAG = 40
# So many words in a row that stand in the post too are a quotation.
_RUN = 3
_WORD = re.compile(r"[^\W_]+")
_TAG = re.compile(r"[^\s,#]+(?: [^\s,#]+)*")


def called(text: str, names: Iterable[str]) -> list[str]:
    """Return the colleagues that a note names with an @: by the whole name, or by a first name that only one has."""
    known = list(names)
    folded = text.casefold()
    firsts = [name.split()[0].casefold() for name in known if name.split()]
    found = []
    for name in known:
        spellings = [name.casefold()]
        first = name.split()[0].casefold() if name.split() else ""
        if firsts.count(first) == 1:
            spellings.append(first)
        if any(re.search(rf"(?<!\w)@{re.escape(spelling)}(?!\w)", folded) for spelling in spellings):
            found.append(name)
    return found


def quotes(note: str, said: Sequence[str]) -> bool:
    """Whether a note repeats one of some texts: three words in a row, or all of a shorter one."""
    words = _words(note)
    return any(_repeats(words, _words(text)) for text in said)


def tidy_tag(text: str) -> str:
    """Return a tag as it is stored: small letters, single spaces, no #. Raises: BadValue."""
    tag = " ".join(text.replace("#", " ").casefold().split())
    if not tag:
        raise BadValue("a tag needs a word")
    if len(tag) > MOST_TAG:
        raise BadValue(f"a tag has {MOST_TAG} characters at most")
    if not _TAG.fullmatch(tag):
        raise BadValue("a tag is words without commas")
    return tag


def _repeats(words: list[str], said: list[str]) -> bool:
    if not said:
        return False
    run = min(_RUN, len(said))
    theirs = {tuple(said[at : at + run]) for at in range(len(said) - run + 1)}
    return any(tuple(words[at : at + run]) in theirs for at in range(len(words) - run + 1))


def _words(text: str) -> list[str]:
    return _WORD.findall(text.casefold())
