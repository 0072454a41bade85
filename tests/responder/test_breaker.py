"""The crisis breaker's judgement: quiet weeks never trip it, storms do at once, and it says why."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.breaker import quiet_week, storm
from core.assessment import Intent, Sentiment
from core.config import BreakerConfig
from core.incident import Arrival, Conduct, Hour, Incident, tempo
from responder.breaker import judge, storm_post
from responder.copies import bare
from responder.tails import share_tail, tail
from responder.usual import Usual, usual_for
from tests.builders import an_assessment
from tests.responder.storms import MONDAY, STORMS, Brand

CONFIG, CALM = BreakerConfig(), Conduct()
NOON = MONDAY + timedelta(days=1, hours=12)
FEW = Usual(per_hour=2, negative_share=0.25)


# The large runs are `python -m benchmarks.breaker`; these are some of them.
@pytest.mark.parametrize(
    ("per_hour", "seeds", "days"), [(1, 3, 7), (5, 3, 7), (20, 2, 7), (100, 1, 2), (500, 1, 0.5)], ids=str
)
def test_a_quiet_week_with_all_that_is_no_storm_trips_nothing(per_hour: int, seeds: int, days: float) -> None:
    for seed in range(700, 700 + seeds):
        assert quiet_week(Brand(per_hour=per_hour, growth=1.2), seed, days) == [], seed


@pytest.mark.parametrize("per_hour", [1, 20, 500])
@pytest.mark.parametrize("shape", [name for name in STORMS if "60" not in name])
def test_a_storm_trips_within_two_minutes_and_before_its_20th_automatic_reply(shape: str, per_hour: int) -> None:
    if not STORMS[shape].sizes[0] <= per_hour <= STORMS[shape].sizes[1]:
        pytest.skip("no storm at a brand of this size")
    outcome = storm(Brand(per_hour=per_hour), shape, 701)
    assert outcome.after_line is not None
    assert outcome.after_line <= 120
    assert outcome.sent < 20
    assert outcome.why


def _said(
    count: int,
    mood: Sentiment = Sentiment.NEGATIVE,
    *,
    authors: int = 99,
    text: str = "",
    intents: tuple[Intent, ...] = (),
) -> list[Arrival]:
    return [
        Arrival(
            post_id=n,
            at=NOON - timedelta(seconds=2 * n),
            author_id=n % authors,
            text=text or f"{'abcdefghijklmnopqrstuvwxyz'[n % 26] * (n + 3)} virker ikke",
            mood=mood,
            matched="hav",
            intents=intents,
        )
        for n in range(count)
    ]


def _reasons(arrivals: list[Arrival], usual: Usual = FEW, conduct: Conduct = CALM) -> str:
    trip = judge(arrivals, usual, conduct, CONFIG, now=NOON)
    return "; ".join(trip.reasons) if trip else ""


def test_it_says_how_many_from_how_many_and_what_is_usual() -> None:
    assert _reasons(_said(10)) == "10 negative posts in 1 minute, from 10 authors; usual at this hour: 0.0"
    trip = judge(_said(10), FEW, CALM, CONFIG, now=NOON)
    assert trip is not None
    assert {one.name: (one.number, one.usual) for one in trip.measures} == {
        "Posts in 1 minute": ("10", "0.0"),
        "Negative": ("10", "0.0"),
        "Share negative": ("100%", "25%"),
        "Authors": ("10", ""),
        "Most of them are about": ("hav", ""),
    }
    assert trip.post_ids == tuple(range(10))


def test_fewer_than_the_least_number_is_no_storm_however_rare() -> None:
    assert _reasons(_said(7)) == ""
    assert _reasons(_said(8))


def test_three_people_who_rant_are_no_storm_and_five_are() -> None:
    assert _reasons(_said(25, authors=3)) == ""
    assert "from 5 authors" in _reasons(_said(25, authors=5))


def test_what_a_campaign_brings_is_no_storm_however_much_it_is() -> None:
    some = Usual(per_hour=120, negative_share=0.25)
    assert _reasons(_said(8, Sentiment.POSITIVE) + _said(3), some) == ""
    assert _reasons(_said(29, Sentiment.POSITIVE) + _said(8), some) == ""
    assert _reasons(_said(40, Sentiment.POSITIVE), FEW) == ""


def test_what_nobody_has_read_yet_hides_no_storm() -> None:
    unread = [replace(one, post_id=one.post_id + 100, mood=None) for one in _said(29)]
    assert _reasons(_said(10) + unread) == _reasons(_said(10)) != ""


def test_a_storm_in_one_topic_trips_where_the_whole_is_calm_and_is_named() -> None:
    busy = Usual(per_hour=3000, negative_share=0.25, topics={"outage": 0.01, "hav": 0.25})
    ordinary = _said(26, Sentiment.NEUTRAL) + _said(4)
    assert _reasons(ordinary + _said(12, intents=(Intent.COMPLAINT,)), busy) == ""
    said = ordinary + _said(12, intents=(Intent.OUTAGE, Intent.COMPLAINT))
    trip = judge(said, busy, CALM, CONFIG, now=NOON)
    assert trip is not None
    assert trip.topic == "outage"
    assert trip.reasons == ("12 negative posts about outage in 1 minute, from 12 authors; usual at this hour: 0.5",)
    assert trip.measures[0].number == "outage"
    assert _reasons(said, replace(busy, topics={"outage": 0.2, "hav": 0.25})) == ""


def test_an_angry_hashtag_is_a_topic_too_and_a_happy_one_is_none() -> None:
    busy = Usual(per_hour=3000, negative_share=0.25, topics={"hav": 0.25}, topic_share=0.0004)
    calm = _said(26, Sentiment.NEUTRAL)
    angry = [replace(one, text=f"{one.text} #nejtilhav") for one in _said(20)]
    assert "about #nejtilhav" in _reasons(calm + calm + calm + angry, busy)
    happy = [replace(one, text=f"{one.text} #vind") for one in _said(20) + _said(29, Sentiment.POSITIVE)]
    assert _reasons(happy, busy) == ""


def test_negative_posts_in_their_usual_share_are_no_storm_and_a_larger_share_is() -> None:
    busy = Usual(per_hour=300, negative_share=0.5)
    assert _reasons(_said(12) + _said(12, Sentiment.POSITIVE), busy) == ""
    assert "negative posts" in _reasons(_said(29), Usual(per_hour=300, negative_share=0.2))


def test_windows_reach_no_further_back_than_what_is_known() -> None:
    early = [replace(one, at=one.at - timedelta(minutes=3)) for one in _said(14)]
    assert _reasons(early)
    newest = [*early, *_said(1, Sentiment.NEUTRAL)]
    assert judge(newest, FEW, CALM, CONFIG, now=NOON, known_since=NOON - timedelta(minutes=1)) is None


@pytest.mark.parametrize(("mood", "count", "trips"), [
    (Sentiment.UNSURE, 8, True), (Sentiment.UNSURE, 7, False), (Sentiment.NEUTRAL, 8, False),
    (Sentiment.NEUTRAL, 29, False), (Sentiment.POSITIVE, 29, False),
])  # fmt: skip
def test_the_same_words_from_many_mouths_trip_unless_they_are_kind(mood: Sentiment, count: int, trips: bool) -> None:
    busy = Usual(per_hour=3000, negative_share=0.5)
    said = _said(count, mood, text="@hav Stop jeres løgne om vores data nu! https://t.co/1")
    assert ("say the same words" in _reasons(said, busy)) is trips


def test_headlines_and_spam_are_no_copies_and_a_run_of_words_is() -> None:
    busy = Usual(per_hour=3000, negative_share=0.5)
    said = _said(20, Sentiment.UNSURE, text="Vind en ny telefon helt gratis, klik på linket nu")
    assert _reasons(said, busy)
    assert _reasons([replace(one, is_summons=False) for one in said], busy) == ""
    assert _reasons([replace(one, intents=(Intent.SPAM,)) for one in said], busy) == ""
    own = [replace(one, text=f"{'abcdefghij'[n % 10] * n} de skjuler sandheden om alle vores data i skyen {n * 'x'}")
           for n, one in enumerate(_said(9))]  # fmt: skip
    assert "say the same words" in _reasons(own, busy)


def test_copies_are_known_by_their_words_alone() -> None:
    assert bare("@Hav STOP jeres løgne!! 🙃 https://t.co/x 24") == bare("stop jeres… løgne #hav") == "stop jeres løgne"


@pytest.mark.parametrize(
    ("conduct", "says"),
    [
        (Conduct(sent=2, refused=5, arrivals=9), "the platform refused 5 of our last 7"),
        (Conduct(sent=9, refused=5, arrivals=9), ""),
        (Conduct(sent=12, opt_outs=3, arrivals=50), "3 people asked us to stop"),
        (Conduct(sent=40, opt_outs=3, arrivals=50), ""),
        (Conduct(sent=30, arrivals=29), "we sent 30 automatic replies in an hour and heard only 29"),
        (Conduct(sent=30, arrivals=30), ""),
    ],
)
def test_our_own_misbehaviour_trips_it_too(conduct: Conduct, says: str) -> None:
    reasons = _reasons([], conduct=conduct)
    assert says in reasons
    assert bool(says) is bool(reasons)


def test_people_whom_we_answered_and_who_ask_for_a_person_trip_it() -> None:
    asked = _said(3, Sentiment.NEUTRAL, intents=(Intent.PERSON,))
    answered = frozenset(one.author_id for one in asked)
    assert "3 people we answered" in _reasons(asked, conduct=Conduct(sent=5, arrivals=50, answered=answered))
    assert _reasons(asked, conduct=Conduct(sent=50, arrivals=50, answered=answered)) == ""
    # Who asks for a person before we said anything has not noticed a robot.
    assert _reasons(asked, conduct=Conduct(sent=5, arrivals=50, answered=frozenset({77, 78, 79}))) == ""
    assert _reasons(_said(3, Sentiment.NEUTRAL), conduct=Conduct(sent=5, arrivals=50, answered=answered)) == ""


@pytest.mark.parametrize(("changes", "belongs"), [
    ({}, True), ({"sentiment": Sentiment.UNSURE}, True), ({"sentiment": Sentiment.POSITIVE}, False),
    ({"intents": (Intent.SAFETY,)}, False), ({"intents": (Intent.COMPLAINT,)}, True),
])  # fmt: skip
def test_what_is_kind_or_touches_danger_is_not_part_of_the_storm(changes: dict[str, object], belongs: bool) -> None:
    assert storm_post(an_assessment(**changes)) is belongs


def test_what_is_usual_follows_hour_and_weekday_and_until_then_the_houses_guess() -> None:
    assert usual_for([], NOON, CONFIG).per_hour == 60
    past = [
        Hour(at=NOON - timedelta(hours=n), heard=100 if (NOON - timedelta(hours=n)).hour == 12 else 4, negative=1)
        for n in range(1, 28 * 24)
    ]
    assert usual_for(past, NOON, CONFIG).per_hour > 50
    assert usual_for(past, NOON + timedelta(hours=6), CONFIG).per_hour < 10


def test_one_stormy_hour_of_the_past_does_not_make_storms_usual() -> None:
    past = [Hour(at=NOON - timedelta(hours=n), heard=4, negative=1) for n in range(1, 28 * 24)]
    stormy = [Hour(at=h.at, heard=900, negative=800) if h.at == NOON - timedelta(days=7) else h for h in past]
    assert usual_for(stormy, NOON, CONFIG).per_hour < 6


def test_the_tempo_a_person_accepted_is_usual_for_an_hour_and_no_longer() -> None:
    said = _said(30)
    heard, negative = tempo(said, now=NOON)
    past = [Hour(at=NOON - timedelta(hours=n), heard=2, negative=0) for n in range(1, 28 * 24)]
    reset = Incident(
        id=1, account="x", opened_at=NOON, closed_at=NOON, heard_per_minute=heard, negative_per_minute=negative
    )
    assert _reasons(said[:10], usual_for(past, NOON, CONFIG))
    assert _reasons(said[:10], usual_for(past, NOON, CONFIG, reset)) == ""
    assert _reasons(said[:10], usual_for(past, NOON + timedelta(hours=2), CONFIG, reset))


@given(number=st.integers(0, 300), mean=st.floats(0.001, 500), spread=st.floats(0.01, 0.5))
def test_a_tail_is_a_chance_and_falls_with_the_number(number: int, mean: float, spread: float) -> None:
    one, more = tail(number, mean, spread), tail(number + 1, mean, spread)
    assert 0 <= more <= one <= 1 + 1e-9


def test_the_tails_are_those_of_the_books() -> None:
    assert tail(3, 1, 1e-6) == pytest.approx(0.0803, abs=1e-3)  # Poisson
    assert share_tail(8, 10, 0.5, 1e-6) == pytest.approx(56 / 1024, abs=1e-4)
    assert share_tail(2, 10, 0.5, 1e-6) == 1.0
    # A beta-binomial with one and one: each number is as likely as any other.
    assert share_tail(8, 10, 0.5, 1 / 3) == pytest.approx(3 / 11)
