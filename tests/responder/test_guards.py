"""The last no: what never leaves, however it was approved (I5, I6)."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.assessment import Intent
from core.conversation import Status
from core.decision import Lately
from core.incident import Incident
from core.post import Platform
from core.reply import ReplyKind
from platforms.policy import length_of
from responder.guards import refusal
from tests.builders import (
    NOW,
    a_conversation,
    a_heard,
    a_mention,
    a_post,
    a_standing,
    an_assessment,
    an_author,
    an_automatic_reply,
)


def test_a_reply_that_nothing_forbids_leaves() -> None:
    assert refusal(an_automatic_reply(), a_standing()) is None


@pytest.mark.parametrize(
    ("standing", "why"),
    [
        ({"is_paused": True}, "paused"),
        ({"conversation": a_conversation(taken_by="kari")}, "kari has taken"),
        ({"has_person_acted": True}, "a person has already acted"),
        ({"incident": Incident(id=7, account="x-main", opened_at=NOW)}, "crisis breaker has tripped"),
        ({"is_opted_out": True}, "no automatic replies"),
        ({"heard": a_heard(mention=a_mention(post=a_post(author=an_author(is_bot=True))))}, "bot"),
        ({"heard": a_heard(is_backfill=True)}, "fetched late"),
        ({"assessment": an_assessment(intents=(Intent.GRIEF,))}, "somebody died"),
        ({"lately": Lately(author_hour=2)}, "budget of 2"),
        ({"facts": None}, "nobody has read"),
        ({"not_after": NOW - timedelta(seconds=1)}, "older than the rule allows"),
        ({"has_other_reply": True}, "already acknowledged"),
        ({"conversation": a_conversation(status=Status.RESOLVED)}, "has resolved this conversation"),
    ],
)
def test_what_stops_the_bot_does_not_stop_a_person(standing: dict[str, Any], why: str) -> None:
    assert why in (refusal(an_automatic_reply(), a_standing(**standing)) or "")
    answer = an_automatic_reply(is_automatic=False, approved_by="kari", kind=ReplyKind.ANSWER)
    assert refusal(answer, a_standing(**standing)) is None


@pytest.mark.parametrize(
    ("reply", "standing", "why"),
    [
        ({"text": " \n"}, {}, "empty"),
        ({"text": "å" * 281}, {}, "281 long and x takes 280"),
        ({}, {"is_deleted": True}, "deleted"),
        ({}, {"is_summons": False}, "only where the author addressed us"),
    ],
)
@pytest.mark.parametrize("is_automatic", [True, False])
def test_what_stops_everybody(reply: dict[str, Any], standing: dict[str, Any], why: str, is_automatic: bool) -> None:
    made = an_automatic_reply(is_automatic=is_automatic, **reply)
    assert why in (refusal(made, a_standing(**standing)) or "")


def test_a_person_may_answer_on_reddit_whom_the_platform_lets_us_answer() -> None:
    reply = an_automatic_reply(platform=Platform.REDDIT, is_automatic=False)
    assert refusal(reply, a_standing(is_summons=False)) is None


def test_an_acknowledgement_an_hour_old_to_the_second_still_leaves() -> None:
    assert refusal(an_automatic_reply(), a_standing(not_after=NOW)) is None


@given(text=st.text(max_size=400), platform=st.sampled_from(Platform))
def test_nothing_leaves_that_is_longer_than_its_platform_takes(text: str, platform: Platform) -> None:
    most = 280 if platform is Platform.X else 10_000
    if refusal(an_automatic_reply(text=text, platform=platform), a_standing()) is None:
        assert length_of(platform, text) <= most
        assert text.strip()
