"""Why a judgement came out so: words whose removal was tried, and mattered.

Owns the choice of words to try and the proof. A reason is believed only after the post was read again without its
words, so what is shown is true of this post and this model. A post that is urgent several times over stays so
without any of its words; there the proof is the other way round: read alone, they come to nearly as much. Refuses to
guess: where nothing mattered there is none.
"""

import re
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
# From this urgency a post without a reason is asked which of its parts come to nearly as much alone.
_URGENT, _NEARLY = 40, 0.8
_MOST_PARTS = 6
_MOST_ENOUGH = 2
_PART = re.compile(r"[^.,;:!?…\n]*[^\s.,;:!?…][^.,;:!?…\n]*")
_WIDTHS = (3, 5, 8)


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
        chosen += [("urgent words", (span,)) for span in _best(reading.words[:, 0], where)]
        chosen += [("mood", (span,)) for span in _best(reading.words[:, 1], where)]
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


def parts(text: str, reading: Reading, judgement: Judgement, reasons: Sequence[Reason]) -> list[Span]:
    """Return the parts of an urgent post to read alone, none where some of its words are known to be a reason."""
    if judgement.exact < _URGENT or any(reason.points > 0 and reason.spans for reason in reasons):
        return []
    clauses = [span for span in map(_trimmed, _PART.finditer(text)) if " " in text[slice(*span)]]
    found = clauses[:_MOST_PARTS] if len(clauses) > 1 else []
    where = words_of(text)
    if reading.words is not None and len(reading.words) == len(where):
        narrow = [width for width in _WIDTHS if width < len(where)]
        found += [span for width in narrow for span in _best(reading.words[:, 0], where, longest=width)]
    return list(dict.fromkeys(found))


def enough(text: str, judgement: Judgement, tried: Sequence[tuple[Span, Judgement]]) -> tuple[Reason, ...]:
    """Return the parts that come to nearly as much alone, the most urgent first; of parts within each other, the least.

    Their points are 0: without any one of them the post would be as urgent.
    """
    held = [(span, alone) for span, alone in tried if alone.exact >= _NEARLY * judgement.exact]
    kept: list[tuple[Span, Judgement]] = []
    for span, alone in sorted(held, key=lambda one: one[0][1] - one[0][0]):
        if not any(span[0] <= start and end <= span[1] for (start, end), _ in kept):
            kept.append((span, alone))
    kept.sort(key=lambda one: -one[1].exact)
    return tuple(
        Reason(cue="urgent words", words=words_at(text, [span]), points=0, spans=(span,))
        for span, _ in kept[:_MOST_ENOUGH]
    )


def _trimmed(found: re.Match[str]) -> Span:
    start, end = found.span()
    return start + len(found[0]) - len(found[0].lstrip()), end - len(found[0]) + len(found[0].rstrip())


def _apart(reasons: Sequence[Reason]) -> list[Reason]:
    """Leave out reasons whose words a heavier one has already named."""
    kept: list[Reason] = []
    for reason in reasons:
        taken = [span for other in kept for span in other.spans]
        if not all(any(s <= start and end <= e for s, e in taken) for start, end in reason.spans):
            kept.append(reason)
    return kept


def _best(said: NDArray[np.float32], where: Sequence[Span], *, longest: int = _LONGEST) -> list[Span]:
    """Return the stretch of up to `longest` words that says most beyond what an average word says, if there is one."""
    beyond = said - said.mean()
    best, at = 0.0, (0, 0)
    for start in range(len(beyond)):
        total = 0.0
        for end in range(start + 1, min(start + longest, len(beyond)) + 1):
            total += float(beyond[end - 1])
            if total > best and end - start < len(beyond):
                best, at = total, (start, end)
    first, last = at
    return [(where[first][0], where[last - 1][1])] if best > 0 else []


def _without(text: str, spans: Sequence[Span]) -> str:
    """Return `text` with the words at `spans` taken out, "" where nothing would be left to read.

    Its lines stay lines: what is quoted is known by them.
    """
    out, at = "", 0
    for start, end in sorted(spans):
        out += text[at:start] if start >= at else ""
        at = max(at, end)
    left = "\n".join(" ".join(line.split()) for line in (out + text[at:]).split("\n"))
    return left if any(char.isalnum() for char in left) else ""
