"""From words and a model's reading to one judgement: urgency 0..100, intents, mood.

Owns the weighing of model against cues, which is monotone in both: a higher head or a further cue never lowers the
urgency. Pure. Refuses to read a text twice; why a judgement came out so is sentiment.reasons'.
"""

from dataclasses import dataclass

from core.assessment import Intent, Probabilities, Reason
from sentiment.base import Heads, Reading
from sentiment.heads import BY_WORDS
from sentiment.urgency import UrgencyReader, reach

# What being surely of level 1, 2 and 3 adds. Chosen on the development posts, as is CUES: sentiment.training.weigh
# shows what they reach there beside others.
LEVELS = (26.0, 38.0, 36.0)
# How much of what the heads leave open the cues can fill.
CUES = 0.25
# An intent that a cue names is believed unless the model all but rules it out.
_RULED_OUT = 0.08
# These the model may not rule out: a missed one costs more than a false one.
_GRAVE = frozenset({Intent.SAFETY, Intent.LEGAL, Intent.SCAM}) | BY_WORDS

NO_MOOD = Probabilities(negative=0.0, neutral=1.0, positive=0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """`exact` is the urgency before rounding, without the author's reach; `cues` are the reasons the words gave.

    `told` are the reasons that need no proof: reach, and words that the staff taught to weigh less.
    """

    exact: float
    urgency: int
    intents: tuple[Intent, ...]
    cues: tuple[Reason, ...]
    told: tuple[Reason, ...]


def judge(cues: UrgencyReader, text: str, *, reading: Reading, followers: int | None = None) -> Judgement:
    """Return what `text` comes to."""
    if reading.heads is None:
        return _by_words_alone(cues, text, reading, followers)
    said = cues.judge(text, language=reading.language, probabilities=NO_MOOD)
    own = sum(reason.points for reason in said.taught)
    exact = weigh(reading.heads.levels, sum(reason.points for reason in said.reasons) - own) + own
    exact = min(100.0, max(0.0, exact))
    far = tuple(reach(followers))
    return Judgement(
        exact=exact,
        urgency=min(100, round(exact) + sum(reason.points for reason in far)),
        intents=_intents(reading.heads, said.intents),
        cues=said.reasons,
        told=(*(reason for reason in said.taught if reason.points < 0), *far),
    )


def weigh(
    heads: tuple[float, float, float],
    cue_points: float,
    *,
    levels: tuple[float, float, float] = LEVELS,
    cues: float = CUES,
) -> float:
    """Return the urgency, 0..100, of what the heads and the cues say; never falls as either rises."""
    said = sum(points * p for points, p in zip(levels, heads, strict=True)) / 100
    found = min(100.0, max(0.0, cue_points)) / 100
    return 100 * (1 - (1 - said) * (1 - cues * found))


def _by_words_alone(cues: UrgencyReader, text: str, reading: Reading, followers: int | None) -> Judgement:
    said = cues.judge(text, language=reading.language, probabilities=reading.probabilities)
    far = tuple(reach(followers))
    return Judgement(
        exact=float(said.urgency),
        urgency=min(100, said.urgency + sum(reason.points for reason in far)),
        intents=said.intents,
        cues=said.reasons,
        told=(*(reason for reason in said.taught if reason.points < 0), *far),
    )


def _intents(heads: Heads, named: tuple[Intent, ...]) -> tuple[Intent, ...]:
    believed = {intent for intent in named if intent in _GRAVE or heads.intents.get(intent, 1.0) >= _RULED_OUT}
    return tuple(intent for intent in Intent if intent in believed or intent in heads.found)
