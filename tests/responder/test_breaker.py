"""The crisis breaker's judgement: quiet weeks never trip it, storms do at once, and it says why."""

from collections import deque
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.assessment import Intent, Sentiment
from core.config import BreakerConfig
from core.incident import Arrival, Conduct, Hour, Incident, tempo
from responder.breaker import Usual, bare, judge, share_tail, storm_post, tail, usual_for
from tests.builders import an_assessment
from tests.responder.storms import BIG, MIDDLE, MONDAY, SMALL, STORMS, TELECOM, Brand, Public

CONFIG, CALM = BreakerConfig(), Conduct()
NOON = MONDAY + timedelta(days=1, hours=12)
FEW = Usual(per_hour=2, negative_share=0.25)


def _trips(public: Public, days: float) -> list[str]:
    """Judge a week post by post, as it is heard; return the reasons of every false trip."""
    past, recent, found, hour = public.past(), deque[Arrival](), list[str](), None
    usual = usual_for(past, MONDAY, CONFIG)
    for post in public.week(days):
        recent.append(post)
        while recent[0].at <= post.at - timedelta(minutes=30):
            recent.popleft()
        if post.at.hour != hour:
            hour, usual = post.at.hour, usual_for(past, post.at, CONFIG)
        trip = judge(recent, usual, CALM, CONFIG, now=post.at)
        found += trip.reasons if trip else ()
    return found


@pytest.mark.parametrize(
    ("brand", "seeds", "days"),
    [(SMALL, range(6), 7), (MIDDLE, range(1), 7), (TELECOM, range(1), 2), (BIG, range(1), 1)],
    ids=["small", "middle", "telecom", "big"],
)
def test_a_quiet_week_with_seasons_campaigns_and_quarrels_trips_nothing(
    brand: Brand, seeds: range, days: float
) -> None:
    for seed in seeds:
        assert _trips(Public(brand, seed), days) == [], seed


@pytest.mark.parametrize("brand", [SMALL, MIDDLE, BIG], ids=["small", "middle", "big"])
@pytest.mark.parametrize("shape", STORMS)
def test_a_storm_trips_within_two_minutes_and_before_its_20th_post_is_answered(shape: str, brand: Brand) -> None:
    seconds, answered = _trip_of(shape, brand)
    # A storm that begins with what a big brand gets anyway takes longer to tell from it.
    is_hidden = shape == "slow" and brand is BIG
    assert seconds < (240 if is_hidden else 120)
    assert answered < (60 if is_hidden else 20)


def _trip_of(shape: str, brand: Brand) -> tuple[float, int]:
    """Return the seconds until a storm trips, and how many of its posts could be answered by then."""
    public = Public(brand, 7)
    usual, recent = usual_for(public.past(), NOON, CONFIG), list[Arrival]()
    for minute in range(-30, 0):
        recent += public.minute(NOON + timedelta(minutes=minute))
    answered = 0
    for minute in range(10):
        at = NOON + timedelta(minutes=minute)
        storm = STORMS[shape](public, at, minute)
        for post in sorted([*storm, *public.minute(at)], key=lambda one: one.at):
            recent.append(post)
            if judge(recent, usual, CALM, CONFIG, now=post.at):
                return (post.at - NOON).total_seconds(), answered
            answered += post in storm
    return 600.0, answered


def _said(count: int, mood: Sentiment = Sentiment.NEGATIVE, *, authors: int = 99, text: str = "") -> list[Arrival]:
    return [
        Arrival(
            post_id=n,
            at=NOON - timedelta(seconds=2 * n),
            author_id=n % authors,
            text=text or f"{'abcdefghijklmnopqrstuvwxyz'[n % 26] * (n + 3)} virker ikke",
            mood=mood,
            matched="hav",
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
        "Most of them matched": ("hav", ""),
    }
    assert trip.post_ids == tuple(range(10))


def test_fewer_than_the_least_number_is_no_storm_however_rare() -> None:
    assert _reasons(_said(7)) == ""
    assert _reasons(_said(8))


def test_one_person_who_rants_is_no_storm_and_three_are() -> None:
    assert _reasons(_said(25, authors=1)) == ""
    assert "from 3 authors" in _reasons(_said(25, authors=3))


def test_what_a_campaign_brings_is_no_storm_and_much_more_is() -> None:
    some = Usual(per_hour=120, negative_share=0.25)
    assert _reasons(_said(8, Sentiment.POSITIVE) + _said(3), some) == ""
    assert "more than a campaign brings" in _reasons(_said(40, Sentiment.POSITIVE), FEW)


def test_negative_posts_in_their_usual_share_are_no_storm_and_a_larger_share_is() -> None:
    busy = Usual(per_hour=300, negative_share=0.5)
    assert _reasons(_said(12) + _said(12, Sentiment.POSITIVE), busy) == ""
    assert "negative posts" in _reasons(_said(29), Usual(per_hour=300, negative_share=0.2))


@pytest.mark.parametrize(("mood", "count", "trips"), [
    (Sentiment.UNSURE, 8, True), (Sentiment.UNSURE, 7, False), (Sentiment.NEUTRAL, 8, False),
    (Sentiment.NEUTRAL, 16, True), (Sentiment.POSITIVE, 29, False),
])  # fmt: skip
def test_the_same_words_from_many_mouths_trip_unless_they_are_kind(mood: Sentiment, count: int, trips: bool) -> None:
    busy = Usual(per_hour=3000, negative_share=0.5)
    said = _said(count, mood, text="@hav Stop jeres løgne om vores data nu! https://t.co/1")
    assert ("say the same words" in _reasons(said, busy)) is trips


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


@pytest.mark.parametrize("text", ["Er du en bot?", "are you a robot", "Är detta en bot", "er dette bare en robot??"])
def test_people_who_ask_whether_a_robot_answers_trip_it(text: str) -> None:
    asked = _said(3, Sentiment.NEUTRAL, text=text)
    assert "3 people asked" in _reasons(asked, conduct=Conduct(sent=5, arrivals=50))
    assert _reasons(asked, conduct=Conduct(sent=50, arrivals=50)) == ""
    assert _reasons(asked) == ""


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
    assert share_tail(8, 10, 0.5) == pytest.approx(56 / 1024)
    assert share_tail(2, 10, 0.5) == 1.0
