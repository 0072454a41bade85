"""The same words from several mouths. Pure.

Owns when two posts say the same: all their words, or eight in a row. Refuses to know meaning: other words for the same
thing are no copy.
"""

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

from core.assessment import Intent, Sentiment
from core.incident import Arrival

_RUN = 8
# Shorter than this, people say the same by themselves.
_LEAST_LETTERS = 15
_NAMES = re.compile(r"https?://\S+|[@#]\w+|\bu/\w+")
_MARKS = re.compile(r"[\W\d_]+")


def copies(arrivals: Iterable[Arrival]) -> Sequence[Arrival]:
    """Return the largest group of posts that say the same and are not kind.

    Half of them at least are negative or unsure: contest entries, headlines and newsletters are alike too, and calm.
    Posts that look like spam are none: they are never answered.
    """
    groups: dict[str, list[Arrival]] = {}
    for one in arrivals:
        if _counts(one):
            for run in runs(one.text):
                groups.setdefault(run, []).append(one)
    stormy = (group for group in groups.values() if _calm(group) * 2 <= len(group))
    return max(stormy, key=lambda group: len({one.author_id for one in group}), default=[])


def _counts(one: Arrival) -> bool:
    """Not what is kind or spam; and what the reader is unsure of only where it is said to us."""
    if one.mood in (None, Sentiment.POSITIVE) or Intent.SPAM in one.intents:
        return False
    return one.is_summons or one.mood is Sentiment.NEGATIVE


def _calm(group: Sequence[Arrival]) -> int:
    return sum(one.mood is Sentiment.NEUTRAL for one in group)


@lru_cache(maxsize=4096)
def runs(text: str) -> frozenset[str]:
    """Return each eight words in a row, or all words where there are fewer; none where that is too short."""
    words = bare(text).split()
    found = (" ".join(words[at : at + _RUN]) for at in range(max(1, len(words) - _RUN + 1)))
    return frozenset(run for run in found if len(run) >= _LEAST_LETTERS)


@lru_cache(maxsize=4096)
def bare(text: str) -> str:
    """Return what copies have in common: no names, addresses, numbers, marks or capitals."""
    return _MARKS.sub(" ", _NAMES.sub(" ", text.casefold())).strip()
