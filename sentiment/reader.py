"""From a text to an assessment: language, mood, urgency, intents, and the reasons that held when they were tried.

Owns the order in which the parts of this room are asked. Blocks; refuses threads, rows and rings.
"""

from collections.abc import Iterable, Sequence

from core.assessment import Assessment, Reason, Sentiment
from core.correction import TaughtCue
from sentiment.base import Model, Reading
from sentiment.judge import Judgement, judge
from sentiment.language import LanguageReader
from sentiment.meaning import packed
from sentiment.reasons import Candidate, Span, candidates, enough, parts, proven
from sentiment.text import MOST_CHARACTERS
from sentiment.urgency import UrgencyReader

# Posts below this urgency, and without a mood, are not explained.
_WORTH_A_WORD = 15


class Reader:
    """Everything that turns a text into an assessment. Blocks: run it in a thread."""

    def __init__(self, model: Model, languages: LanguageReader, urgency: UrgencyReader, *, unsure_below: float) -> None:
        self._model = model
        self._languages = languages
        self._urgency = urgency
        self._unsure_below = unsure_below
        self.version = model.version

    def with_taught(self, taught: Iterable[TaughtCue]) -> "Reader":
        """Return a reader that knows these phrases beside the shipped ones."""
        urgency = self._urgency.with_taught(taught)
        return Reader(self._model, self._languages, urgency, unsure_below=self._unsure_below)

    def read(
        self,
        texts: Sequence[str],
        hints: Sequence[str | None],
        reach: Sequence[int | None],
        *,
        explain: bool = True,
    ) -> list[Assessment]:
        """Return assessments in order. `hints` are the platforms' language guesses, `reach` followers.

        Explaining reads a post again for each reason. Without `explain` those worth a word are marked as unexplained.
        """
        texts = [text[:MOST_CHARACTERS] for text in texts]
        readings = self._model.read(
            texts, lambda place, witness: self._languages.read(texts[place], hints[place], witness)
        )
        judged = [
            judge(self._urgency, text, reading=reading, followers=followers)
            for text, reading, followers in zip(texts, readings, reach, strict=True)
        ]
        asking = [i for i, one in enumerate(judged) if _is_telling(readings[i], one)]
        reasons = self._explain(asking, texts, hints, readings, judged) if explain else {}
        unexplained = frozenset() if explain else frozenset(asking)
        return [
            self._assessment(reading, one, reasons.get(i, one.told), is_explained=i not in unexplained)
            for i, (reading, one) in enumerate(zip(readings, judged, strict=True))
        ]

    def _explain(
        self,
        asking: Sequence[int],
        texts: Sequence[str],
        hints: Sequence[str | None],
        readings: Sequence[Reading],
        judged: Sequence[Judgement],
    ) -> dict[int, tuple[Reason, ...]]:
        """Return proven reasons by place: every candidate of every post is read again, all in one go.

        Then the parts of urgent posts that have none of weight, as many at once.
        """
        tries = [(i, one) for i in asking for one in candidates(texts[i], readings[i], judged[i])]
        again = self._again([one.without for _, one in tries], [hints[i] for i, _ in tries])
        tried: dict[int, list[tuple[Candidate, Reading, Judgement]]] = {i: [] for i in asking}
        for (i, one), (reading, weighed) in zip(tries, again, strict=True):
            tried[i].append((one, reading, weighed))
        reasons = {i: proven(texts[i], found, reading=readings[i], judgement=judged[i]) for i, found in tried.items()}
        alone = [(i, span) for i in asking for span in parts(texts[i], readings[i], judged[i], reasons[i])]
        again = self._again([texts[i][slice(*span)] for i, span in alone], [hints[i] for i, _ in alone])
        read: dict[int, list[tuple[Span, Judgement]]] = {}
        for (i, span), (_, weighed) in zip(alone, again, strict=True):
            read.setdefault(i, []).append((span, weighed))
        return reasons | {i: (*enough(texts[i], judged[i], found), *reasons[i]) for i, found in read.items()}

    def _again(self, texts: Sequence[str], hints: Sequence[str | None]) -> list[tuple[Reading, Judgement]]:
        """Read and judge what is left of posts, or parts of them."""
        readings = self._model.read(
            texts, lambda place, witness: self._languages.read(texts[place], hints[place], witness)
        )
        return [
            (reading, judge(self._urgency, text, reading=reading))
            for text, reading in zip(texts, readings, strict=True)
        ]

    def _assessment(
        self, reading: Reading, judged: Judgement, reasons: tuple[Reason, ...], *, is_explained: bool
    ) -> Assessment:
        sentiment, confidence = reading.probabilities.top()
        heads = reading.heads
        return Assessment(
            language=reading.language,
            sentiment=sentiment if confidence >= self._unsure_below else Sentiment.UNSURE,
            confidence=confidence,
            probabilities=reading.probabilities,
            urgency=judged.urgency,
            intents=judged.intents,
            reasons=reasons,
            model=self._model.name,
            model_version=self._model.version,
            anger=heads.anger if heads else None,
            offensive=heads.offensive if heads else None,
            irony=heads.irony if heads else None,
            embedding=None if reading.embedding is None else packed(reading.embedding),
            is_explained=is_explained,
        )


def _is_telling(reading: Reading, judged: Judgement) -> bool:
    """Whether anyone would ask why: not of a calm, neutral post."""
    mood, _ = reading.probabilities.top()
    return judged.urgency >= _WORTH_A_WORD or mood is not Sentiment.NEUTRAL
