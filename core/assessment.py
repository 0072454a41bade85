"""What we understood of a post.

Owns the words of understanding: sentiment, language, intent, reason, assessment. Refuses to compute
any of them.
"""

from dataclasses import dataclass
from enum import StrEnum


class Sentiment(StrEnum):
    """The author's mood. UNSURE where the model's calibrated confidence is too low to act on."""

    NEGATIVE = "negative"
    NEUTRAL = "neutral"
    POSITIVE = "positive"
    UNSURE = "unsure"


class Language(StrEnum):
    """The languages we answer in; UNSURE is everything else, and too little to tell."""

    DA = "da"
    SV = "sv"
    NB = "nb"
    NN = "nn"
    EN = "en"
    UNSURE = "unsure"


class Intent(StrEnum):
    """What the author wants or tells; a post may have several."""

    COMPLAINT = "complaint"
    QUESTION = "question"
    PRAISE = "praise"
    OUTAGE = "outage"
    BILLING = "billing"
    DELIVERY = "delivery"
    CANCELLATION = "cancellation"
    SAFETY = "safety"
    LEGAL = "legal"
    SCAM = "scam"
    SPAM = "spam"
    OPT_OUT = "opt-out"
    SELF_HARM = "self-harm"
    GRIEF = "grief"
    # They ask whether a machine answers, or for somebody who is none.
    PERSON = "person"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """One thing that moved the urgency or the mood: its name, and the words that carried it.

    Take the words at `spans` (start and end, in characters of the post) out and the urgency falls by `points`, and the
    probability of the mood by `mood` (0..1). Reach, which no words carry, has no spans. Words that move neither were
    read by themselves, and come to nearly as much: the post is urgent several times over.
    """

    cue: str
    words: str
    points: int
    mood: float = 0.0
    spans: tuple[tuple[int, int], ...] = ()

    @property
    def makes_urgent(self) -> bool:
        """Whether it is a reason for the urgency, and not for less of it or for the mood alone."""
        return self.points > 0 or (not self.points and not self.mood and bool(self.spans))


@dataclass(frozen=True, slots=True, kw_only=True)
class Probabilities:
    """Calibrated; they sum to 1."""

    negative: float
    neutral: float
    positive: float

    def top(self) -> tuple[Sentiment, float]:
        """Return the likeliest class and its probability."""
        return max(
            (
                (Sentiment.NEGATIVE, self.negative),
                (Sentiment.NEUTRAL, self.neutral),
                (Sentiment.POSITIVE, self.positive),
            ),
            key=lambda pair: pair[1],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment:
    """Everything understood of one post. `urgency` runs 0..100; `confidence` 0..1, calibrated.

    What a model does not say is None. `embedding` is what the post means: 384 signed bytes, 127 times the unit vector.
    `corrected` names the fields that a person of the staff has set, here or on a post that says nearly the same.
    Not `is_explained`: there was no time yet to find out which words carried it; the reasons follow.
    """

    language: Language
    sentiment: Sentiment
    confidence: float
    probabilities: Probabilities
    urgency: int
    intents: tuple[Intent, ...]
    reasons: tuple[Reason, ...]
    model: str
    model_version: str
    anger: float | None = None
    offensive: float | None = None
    irony: float | None = None
    embedding: bytes | None = None
    corrected: tuple[str, ...] = ()
    is_explained: bool = True
