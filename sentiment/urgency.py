"""What the words of a post say of its urgency, 0..100, and of what its author wants.

Owns the adding up: the mood, the cues found in the text, shouting, reach. Pure once made; every point has a reason,
and taking a reason's words away takes its points away. Refuses to own the phrases (sentiment.cues), and to weigh
the words against what the model says (sentiment.judge).
"""

import copy
import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from core.assessment import Intent, Language, Probabilities, Reason
from core.correction import TaughtCue
from sentiment import cues
from sentiment.cues import Cue, Folded
from sentiment.text import MOST_CHARACTERS

_MOOD_POINTS = 30
_SHOUT_POINTS = 4
_CAPITALS_POINTS = 6
_QUESTION_POINTS = 8
_REACH_FROM = 500
_REACH_EACH_TENFOLD = 5
_REACH_MOST = 15
# A reason this heavy (danger, leak, law, self-harm) counts in full beside any other.
_GRAVE = 60
_FURTHER = 0.7

_SHOUT = re.compile(r"(?<![!?])[!?]*!(?:\s*[!?])+")
_CAPITALS = re.compile(r"(?<![\w@#])[^\W\d_]{3,}(?!\w)")
_QUESTION_MARK = re.compile(r"\?+")
_ADDRESS = re.compile(r"(?:https?://|www\.)\S+|(?<!\w)@\S+")
# Where the words of one reason stand apart in the post, this stands between them.
APART = " … "


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What the words, the mood and the reach come to. The reasons' points add up to the urgency, before clipping.

    `taught` are those of the reasons that the staff's own words gave: their points count as they were set.
    """

    urgency: int
    intents: tuple[Intent, ...]
    reasons: tuple[Reason, ...]
    taught: tuple[Reason, ...] = ()


class UrgencyReader:
    """Judges posts by the cues of one file. Make one and keep it; safe to share between threads.

    Raises: ConfigError if the file of cues cannot be used, with every problem.
    """

    def __init__(self, path: Path = cues.FILE) -> None:
        self._cues = cues.load(path)

    def with_taught(self, taught: Iterable[TaughtCue]) -> "UrgencyReader":
        """Return a reader that knows these phrases beside the file's."""
        other = copy.copy(self)
        other._cues = (*self._cues, *(cues.taught(cue) for cue in taught))  # noqa: SLF001  (its own kind)
        return other

    def judge(self, text: str, *, language: Language, probabilities: Probabilities) -> Judgement:
        """Return the urgency with its reasons, heaviest first, and the intents, in the order of `Intent`."""
        text = text[:MOST_CHARACTERS]
        folded = cues.fold(text)
        found = _found(self._cues, text, folded, language)
        # "Tak for hjælpen, men ..." is no praise: kind words count only where nothing is wrong.
        if any(Intent.COMPLAINT in cue.intents for cue, _ in found):
            found = [(cue, reason) for cue, reason in found if cue.points >= 0 or cue.is_taught]
        intents = {intent for cue, _ in found for intent in cue.intents}
        # Addresses are blanked out without moving anything: the capitals of a link are nobody's raised voice.
        bare = _ADDRESS.sub(lambda address: " " * len(address[0]), text)
        asked = _asked(text, bare, already=Intent.QUESTION in intents)
        if asked:
            intents.add(Intent.QUESTION)
        taught = tuple(reason for cue, reason in found if cue.is_taught)
        reasons = _weighed(
            [
                *(reason for cue, reason in found if not cue.is_taught),
                *asked,
                *_shouting(text, bare),
                *_mood(probabilities),
            ]
        )
        reasons = [*reasons, *taught]
        return Judgement(
            urgency=min(100, max(0, sum(reason.points for reason in reasons))),
            intents=tuple(intent for intent in Intent if intent in intents),
            reasons=tuple(sorted(reasons, key=lambda reason: -abs(reason.points))),
            taught=taught,
        )


def _found(all_cues: tuple[Cue, ...], text: str, folded: Folded, language: Language) -> list[tuple[Cue, Reason]]:
    """Return the cues found, the weightiest first; words that one has spoken for count for no other of its kind."""
    found: list[tuple[Cue, Reason]] = []
    taken: list[tuple[int, int]] = []
    for cue in sorted(all_cues, key=lambda cue: -cue.points):
        spans = cue.find(folded, language)
        if Intent.COMPLAINT in cue.intents:
            spans = [(start, end) for start, end in spans if not any(start < e and s < end for s, e in taken)]
            taken += spans
        if spans:
            points = cue.points + cue.each * (min(len(spans), cue.most) - 1)
            found.append((cue, _reason(cue.name, text, spans, points)))
    return found


def _weighed(reasons: list[Reason]) -> list[Reason]:
    """Return the reasons with the points that count: each ordinary one after the second weighs less.

    Ten grumbles are not a fire. Taking any reason away still lowers the sum: what moves up gains less than it cost.
    """
    grave = [reason for reason in reasons if reason.points >= _GRAVE or reason.points <= 0]
    ordinary = sorted((r for r in reasons if 0 < r.points < _GRAVE), key=lambda reason: -reason.points)
    damped = [
        replace(r, points=max(1, round(r.points * _FURTHER ** max(0, place - 1)))) for place, r in enumerate(ordinary)
    ]
    return [*grave, *damped]


def _asked(text: str, bare: str, *, already: bool) -> list[Reason]:
    marks = [found.span() for found in _QUESTION_MARK.finditer(bare)]
    if not marks:
        return []
    return [_reason("question mark", text, marks, 1 if already else _QUESTION_POINTS)]


def _shouting(text: str, bare: str) -> list[Reason]:
    """Return what capitals and exclamation marks add. One word in capitals is a name; two are a raised voice."""
    reasons = []
    if shouts := [found.span() for found in _SHOUT.finditer(bare)]:
        reasons.append(_reason("exclamation", text, shouts, _SHOUT_POINTS))
    loud = [found.span() for found in _CAPITALS.finditer(bare) if found[0].isupper()]
    if len(loud) >= 2:
        reasons.append(_reason("capitals", text, loud, _CAPITALS_POINTS))
    return reasons


def _reason(cue: str, text: str, spans: list[tuple[int, int]], points: int) -> Reason:
    return Reason(cue=cue, words=words_at(text, spans), points=points, spans=tuple(spans))


def words_at(text: str, spans: Sequence[tuple[int, int]]) -> str:
    """Return the words at `spans`, set apart as a reason names them."""
    return APART.join(text[start:end] for start, end in spans)


def _mood(probabilities: Probabilities) -> list[Reason]:
    points = round(_MOOD_POINTS * probabilities.negative)
    return [Reason(cue="mood", words="", points=points)] if points else []


def reach(followers: int | None) -> list[Reason]:
    """Return what an author's followers add to the urgency."""
    if followers is None or followers <= _REACH_FROM:
        return []
    points = min(_REACH_MOST, round(_REACH_EACH_TENFOLD * math.log10(followers / _REACH_FROM)))
    return [Reason(cue="reach", words="", points=points)] if points else []
