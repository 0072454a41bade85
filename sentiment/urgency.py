"""How soon a person should see a post, 0..100, what its author wants, and which words say so.

Owns the adding up: the mood, the cues found in the text, shouting, reach. Pure once made; every point has a reason,
and taking a reason's words away takes its points away. Refuses to own the phrases (sentiment.cues) and any reply.
"""

import math
import re
from dataclasses import dataclass
from pathlib import Path

from core.assessment import Intent, Language, Probabilities, Reason
from sentiment import cues
from sentiment.cues import Cue, Folded

_MOOD_POINTS = 30
_SHOUT_POINTS = 4
_CAPITALS_POINTS = 6
_QUESTION_POINTS = 8
_REACH_FROM = 500
_REACH_EACH_TENFOLD = 5
_REACH_MOST = 15

_SHOUT = re.compile(r"[!?]*!(?:\s*[!?]){1,}")
_CAPITALS = re.compile(r"(?<![\w@#])[^\W\d_]{3,}(?!\w)")
_QUESTION_MARK = re.compile(r"\?+")
_ADDRESS = re.compile(r"(?:https?://|www\.)\S+|(?<!\w)@\S+")
# Where the words of one reason stand apart in the post, this stands between them.
APART = " … "


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What the words, the mood and the reach come to. The reasons' points add up to the urgency, before clipping."""

    urgency: int
    intents: tuple[Intent, ...]
    reasons: tuple[Reason, ...]


class UrgencyReader:
    """Judges posts by the cues of one file. Make one and keep it; safe to share between threads.

    Raises: ConfigError if the file of cues cannot be used, with every problem.
    """

    def __init__(self, path: Path = cues.FILE) -> None:
        self._cues = cues.load(path)

    def judge(
        self, text: str, *, language: Language, probabilities: Probabilities, followers: int | None = None
    ) -> Judgement:
        """Return the urgency with its reasons, heaviest first, and the intents, in the order of `Intent`."""
        folded = cues.fold(text)
        found = [(cue, reason) for cue in self._cues if (reason := _reason(cue, text, folded, language)) is not None]
        # "Tak for hjælpen, men ..." is no praise: kind words count only where nothing is wrong.
        if any(Intent.COMPLAINT in cue.intents for cue, _ in found):
            found = [(cue, reason) for cue, reason in found if cue.points >= 0]
        intents = {intent for cue, _ in found for intent in cue.intents}
        asked = _asked(text, already=Intent.QUESTION in intents)
        if asked:
            intents.add(Intent.QUESTION)
        reasons = [
            *(reason for _, reason in found),
            *asked,
            *_shouting(text),
            *_mood(probabilities),
            *_reach(followers),
        ]
        return Judgement(
            urgency=min(100, max(0, sum(reason.points for reason in reasons))),
            intents=tuple(intent for intent in Intent if intent in intents),
            reasons=tuple(sorted(reasons, key=lambda reason: -abs(reason.points))),
        )


def _reason(cue: Cue, text: str, folded: Folded, language: Language) -> Reason | None:
    spans = cue.find(folded, language)
    if not spans:
        return None
    further = min(len(spans), cue.most) - 1
    words = APART.join(text[start:end] for start, end in spans)
    return Reason(cue=cue.name, words=words, points=cue.points + cue.each * further)


def _asked(text: str, *, already: bool) -> list[Reason]:
    marks = _QUESTION_MARK.findall(_ADDRESS.sub(" ", text))
    if not marks:
        return []
    return [Reason(cue="question mark", words=APART.join(marks), points=1 if already else _QUESTION_POINTS)]


def _shouting(text: str) -> list[Reason]:
    """Return what capitals and exclamation marks add. One word in capitals is a name; two are a raised voice."""
    bare = _ADDRESS.sub(" ", text)
    reasons = []
    if shouts := _SHOUT.findall(bare):
        reasons.append(Reason(cue="exclamation", words=APART.join(shouts), points=_SHOUT_POINTS))
    loud = [word for word in _CAPITALS.findall(bare) if word.isupper()]
    if len(loud) >= 2:
        reasons.append(Reason(cue="capitals", words=APART.join(loud), points=_CAPITALS_POINTS))
    return reasons


def _mood(probabilities: Probabilities) -> list[Reason]:
    points = round(_MOOD_POINTS * probabilities.negative)
    return [Reason(cue="mood", words="", points=points)] if points else []


def _reach(followers: int | None) -> list[Reason]:
    if followers is None or followers <= _REACH_FROM:
        return []
    points = min(_REACH_MOST, round(_REACH_EACH_TENFOLD * math.log10(followers / _REACH_FROM)))
    return [Reason(cue="reach", words="", points=points)] if points else []
