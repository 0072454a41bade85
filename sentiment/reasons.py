"""Why a judgement came out so: words whose removal was tried, and mattered.

Owns the choice of words to try and the proof. A reason is believed only after the post was read again without its
words, so what is shown is true of this post and this model. Refuses to guess: where nothing mattered there is none.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.assessment import Reason
from sentiment.base import Reading
from sentiment.judge import Judgement
from sentiment.text import words_of
from sentiment.urgency import words_at

Span = tuple[int, int]

# A cue's own words, at most so many; then the words the model points at.
_MOST_CUES = 3
_LONGEST = 4
# Below this a fall is noise of the rounding: shown, it would not be true of the next reading.
_LEAST_POINTS = 2
_LEAST_MOOD = 0.05


@dataclass(frozen=True, slots=True)
class Candidate:
    """Words to try: where they stand, what to call them, and the post without them."""

    name: str
    spans: tuple[Span, ...]
    without: str


def candidates(text: str, reading: Reading, judgement: Judgement) -> list[Candidate]:
    """Return the words worth trying: those of the heaviest cues, and those that the model's own sums point at."""
    found = [(reason.cue, reason.spans) for reason in judgement.cues if reason.points > 0 and reason.spans]
    chosen = found[:_MOST_CUES]
    where = words_of(text)
    if reading.words is not None and len(reading.words) == len(where) and where:
        chosen += [("urgent words", span) for span in _best(reading.words[:, 0], where)]
        chosen += [("mood", span) for span in _best(reading.words[:, 1], where)]
    seen: set[tuple[Span, ...]] = set()
    out: list[Candidate] = []
    for name, spans in chosen:
        without = _without(text, spans)
        if spans not in seen and without:
            seen.add(spans)
            out.append(Candidate(name, spans, without))
    return out


def proven(
    text: str,
    tried: Sequence[tuple[Candidate, Reading, Judgement]],
    *,
    reading: Reading,
    judgement: Judgement,
) -> tuple[Reason, ...]:
    """Return the reasons that held, the heaviest first: each with how much its words' absence cost."""
    held: list[Reason] = []
    mood, _ = reading.probabilities.top()
    for candidate, again, without in tried:
        points = round(judgement.exact - without.exact)
        fall = getattr(reading.probabilities, mood.value) - getattr(again.probabilities, mood.value)
        if points < _LEAST_POINTS and fall < _LEAST_MOOD:
            continue
        held.append(
            Reason(
                cue=candidate.name,
                words=words_at(text, candidate.spans),
                points=max(0, points),
                mood=round(max(0.0, float(fall)), 3),
                spans=candidate.spans,
            )
        )
    held.sort(key=lambda reason: (-reason.points, -reason.mood))
    return (*_apart(held), *judgement.told)


def _apart(reasons: Sequence[Reason]) -> list[Reason]:
    """Leave out reasons whose words a heavier one has already named."""
    kept: list[Reason] = []
    for reason in reasons:
        taken = [span for other in kept for span in other.spans]
        if not all(any(s <= start and end <= e for s, e in taken) for start, end in reason.spans):
            kept.append(reason)
    return kept


def _best(said: NDArray[np.float32], where: Sequence[Span]) -> list[tuple[Span, ...]]:
    """Return the stretch of up to _LONGEST words that says most beyond what an average word says, if there is one."""
    beyond = said - said.mean()
    best, at = 0.0, (0, 0)
    for start in range(len(beyond)):
        total = 0.0
        for end in range(start + 1, min(start + _LONGEST, len(beyond)) + 1):
            total += float(beyond[end - 1])
            if total > best and end - start < len(beyond):
                best, at = total, (start, end)
    first, last = at
    return [((where[first][0], where[last - 1][1]),)] if best > 0 else []


def _without(text: str, spans: Sequence[Span]) -> str:
    """Return `text` with the words at `spans` taken out, "" where nothing would be left to read."""
    out, at = "", 0
    for start, end in sorted(spans):
        out += text[at:start] if start >= at else ""
        at = max(at, end)
    left = " ".join((out + text[at:]).split())
    return left if any(char.isalnum() for char in left) else ""
