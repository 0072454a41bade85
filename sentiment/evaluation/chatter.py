"""False alarms: how often small talk, which asks nobody for anything, is called urgent.

Pure. Owns the figures, and those of the loud posts among it: calm that is bought by deafness would be worthless.
Refuses to read a post.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from core.assessment import Sentiment
from sentiment.evaluation.tables import Section, count, ratio, share
from sentiment.evaluation.urgency import EVERYONE, Read, by_language

# From where the product explains a post, the shipped rules call a person, and call one at once.
_EXPLAINED, _CALLED, _AT_ONCE = 40, 55, 80
_LOUD = 2
# Of each public set: a sample shows it, and the whole would double the time of the evaluation.
MOST = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Calm:
    """Shares of `n` calm posts by urgency, of those without a bad mood read as negative, and of loud posts heard."""

    n: int
    mean: float
    explained: float
    called: float
    at_once: float
    read_negative: float
    loud: int
    heard: float


def chatter(own: Sequence[Read], public: Mapping[str, Sequence[Read]]) -> Section:
    """Return the table of false alarms: our small talk by language, and neutral or glad posts of each public set."""
    figures = {("ours", language): calm(mine) for language, mine in by_language(own)} if own else {}
    figures |= {(name, EVERYONE): calm(reads) for name, reads in public.items()}
    return Section(
        name="chatter",
        title="False alarms on small talk",
        note=(
            "Posts that ask nobody for anything, through the whole product: our own small talk, and at most "
            f"{MOST} posts of each public mood set that their judges call neutral or positive (some of these ask "
            f"something). Called: urgency of {_CALLED} or more, from which the shipped rules call a person. "
            "Read negative: share of the posts without a bad mood. Heard: share of the loud posts (level 2 and 3) "
            "among ours that are called."
        ),
        head=(
            "posts", "language", "n", "mean", f"from {_EXPLAINED}", f"called, from {_CALLED}", f"from {_AT_ONCE}",
            "read negative", "loud", "heard",
        ),
        rows=[_row(*name, one) for name, one in figures.items()],
        figures={f"{name} {language}": asdict(one) for (name, language), one in figures.items()},
        left=2,
    )  # fmt: skip


def calm(reads: Sequence[Read]) -> Calm:
    """Return the figures of some posts."""
    quiet = [read for read in reads if read.level < _LOUD]
    loud = [read for read in reads if read.level >= _LOUD]
    content = [read for read in quiet if read.mood != "negative"]
    urgency = np.array([read.said.urgency for read in quiet], dtype=np.int64)
    return Calm(
        n=len(quiet),
        mean=float(urgency.mean()) if quiet else float("nan"),
        explained=ratio(float((urgency >= _EXPLAINED).sum()), len(quiet)),
        called=ratio(float((urgency >= _CALLED).sum()), len(quiet)),
        at_once=ratio(float((urgency >= _AT_ONCE).sum()), len(quiet)),
        read_negative=ratio(sum(read.said.sentiment is Sentiment.NEGATIVE for read in content), len(content)),
        loud=len(loud),
        heard=ratio(sum(read.said.urgency >= _CALLED for read in loud), len(loud)),
    )


def _row(name: str, language: str, one: Calm) -> tuple[str, ...]:
    shares = (share(value) for value in (one.explained, one.called, one.at_once, one.read_negative))
    return (name, language, count(one.n), f"{one.mean:.0f}", *shares, count(one.loud), share(one.heard))
