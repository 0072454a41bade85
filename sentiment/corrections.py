"""What people of the staff set right, held against a post that was just read.

Pure. Owns the choice of the corrections that apply. Refuses to write them down: the store does, with the assessment.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from core.assessment import Assessment
from core.correction import Effect, Lesson
from store.likeness import NEAR, unpacked


@dataclass(frozen=True, slots=True)
class Lessons:
    """Corrections that spread, by account and by the version of the model that read their posts."""

    kinds: dict[tuple[str, str], tuple[Lesson, ...]] = field(default_factory=dict)
    # The same, as rows of unit length.
    rows: dict[tuple[str, str], NDArray[np.float32]] = field(default_factory=dict)


def lessons_of(found: Iterable[Lesson]) -> Lessons:
    """Return lessons made ready for many comparisons."""
    kinds: dict[tuple[str, str], list[Lesson]] = {}
    for lesson in found:
        kinds.setdefault((lesson.account, lesson.model_version), []).append(lesson)
    rows = {key: unpacked([lesson.embedding for lesson in group]) for key, group in kinds.items()}
    return Lessons({key: tuple(group) for key, group in kinds.items()}, rows)


def effects(lessons: Lessons, assessment: Assessment, account: str) -> tuple[Effect, ...]:
    """Return the corrections of posts that say nearly what this one says to the same account, oldest first."""
    key = (account, assessment.model_version)
    if assessment.embedding is None or key not in lessons.kinds:
        return ()
    alike = lessons.rows[key] @ unpacked([assessment.embedding])[0]
    return tuple(
        Effect(correction_id=lesson.correction_id, field=lesson.field, now=lesson.now, likeness=float(near))
        for lesson, near in zip(lessons.kinds[key], alike, strict=True)
        if near >= NEAR
    )
