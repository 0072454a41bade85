"""`genlyd score`: JSON lines in, assessments out, in order.

Owns the line format. Refuses to stop at a bad line: it is answered with an error and counted.
"""

import itertools
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import Any

from core.assessment import Assessment, Language
from sentiment.reader import Reader

_BATCH = 64


def score_lines(lines: Iterable[str], reader: Reader) -> Iterator[dict[str, Any]]:
    """Yield one answer for each line that is not blank; bad ones as {"error": ...}."""
    numbered = ((number, line) for number, line in enumerate(lines, start=1) if line.strip())
    for batch in _batched(numbered):
        yield from _score(batch, reader)


def answer(assessment: Assessment) -> dict[str, Any]:
    """Return the public shape of an assessment."""
    return {
        "lang": assessment.language.value,
        "sentiment": assessment.sentiment.value,
        "confidence": round(assessment.confidence, 4),
        "probabilities": {name: round(value, 4) for name, value in asdict(assessment.probabilities).items()},
        "urgency": assessment.urgency,
        "intents": [intent.value for intent in assessment.intents],
        "reasons": [asdict(reason) | {"spans": [list(span) for span in reason.spans]} for reason in assessment.reasons],
    }


def _score(batch: tuple[tuple[int, str], ...], reader: Reader) -> Iterator[dict[str, Any]]:
    parsed = [_parse(number, line) for number, line in batch]
    good = [one for one in parsed if isinstance(one, tuple)]
    read = iter(reader.read([text for text, _ in good], [lang for _, lang in good], [None] * len(good)) if good else [])
    for one in parsed:
        yield {"error": one} if isinstance(one, str) else answer(next(read))


def _parse(number: int, line: str) -> tuple[str, str | None] | str:
    """Return (text, lang), or what is wrong with the line."""
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as err:
        return f"line {number}: not JSON: {err}"
    if not isinstance(row, dict):
        return f'line {number}: must be an object such as {{"text": "..."}}'
    text = row.get("text")
    if not isinstance(text, str) or not text.strip():
        return f'line {number}: "text" must be a text that is not empty'
    lang = row.get("lang")
    known = [language.value for language in Language]
    if lang is not None and lang not in known and lang != "no":
        return f'line {number}: "lang" must be one of {", ".join(known)}, not {lang!r}'
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return f'line {number}: "text" holds half of a character (a lone surrogate)'
    return text, lang


# itertools.batched came with Python 3.12.
def _batched(rows: Iterator[tuple[int, str]]) -> Iterator[tuple[tuple[int, str], ...]]:
    while batch := tuple(itertools.islice(rows, _BATCH)):
        yield batch
