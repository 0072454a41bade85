"""When a post is looked up again, and what an answer means."""

from datetime import timedelta

import pytest

from core.recheck import SILENT_FOR, Answer, Pace, Verdict, next_check_at, verdict
from tests.builders import NOW, a_post

PACE = Pace(first=timedelta(minutes=15), last=timedelta(hours=12))


@pytest.mark.parametrize(
    ("age", "wait"),
    [
        (timedelta(0), timedelta(minutes=15)),
        (timedelta(hours=4), timedelta(hours=1)),
        (timedelta(days=2), timedelta(hours=12)),
        (timedelta(days=300), timedelta(hours=12)),
        (-timedelta(minutes=3), timedelta(minutes=15)),
    ],
)
def test_a_young_post_is_looked_at_more_often_and_each_at_least_twice_a_day(age: timedelta, wait: timedelta) -> None:
    assert next_check_at(NOW - age, now=NOW, pace=PACE) == NOW + wait


def _verdict(answer: Answer | None, silent_since: timedelta | None = None) -> Verdict:
    since = None if silent_since is None else NOW - silent_since
    return verdict(answer, known_text="old", silent_since=since, now=NOW)


def test_only_the_platforms_word_makes_a_text_edited() -> None:
    post = a_post(text="new")
    assert _verdict(Answer(native_id="1", post=post, is_edited=True)) is Verdict.EDITED
    assert _verdict(Answer(native_id="1", post=post)) is Verdict.SAME
    assert _verdict(Answer(native_id="1", post=a_post(text="old"), is_edited=True)) is Verdict.SAME


def test_silence_is_gone_only_after_hours_and_a_word_at_once() -> None:
    assert _verdict(Answer(native_id="1", is_gone=True)) is Verdict.GONE
    assert _verdict(None) is Verdict.SILENT
    assert _verdict(None, SILENT_FOR - timedelta(minutes=1)) is Verdict.SILENT
    assert _verdict(None, SILENT_FOR) is Verdict.GONE
    assert _verdict(Answer(native_id="1"), SILENT_FOR) is Verdict.GONE
    assert _verdict(Answer(native_id="1", post=a_post(text="old")), SILENT_FOR) is Verdict.SAME
