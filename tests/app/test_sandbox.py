"""What the sandbox's own public writes is no storm, however angry it is."""

from datetime import timedelta

from app.sandbox import calm_breaker
from core.assessment import Sentiment
from core.config import BreakerConfig
from core.incident import Arrival, Conduct
from responder.breaker import judge
from responder.usual import usual_for
from tests.builders import NOW

A_MINUTE = 6.0


def test_an_hour_of_its_public_trips_nothing_even_where_four_of_five_are_angry() -> None:
    said = [
        Arrival(
            post_id=n,
            at=NOW - timedelta(minutes=n * 2 / A_MINUTE),
            author_id=n,
            text=f"{'abcdefghijklmnopqrstuvwxyz'[n % 26] * (n + 3)} virker ikke",
            mood=Sentiment.NEUTRAL if n % 5 == 0 else Sentiment.NEGATIVE,
            matched="brand",
        )
        for n in range(int(60 * A_MINUTE / 2))
    ]
    plain, calm = BreakerConfig(usual_per_hour=A_MINUTE * 60), calm_breaker(BreakerConfig(), per_minute=A_MINUTE)
    assert judge(said, usual_for([], NOW, plain), Conduct(), plain, now=NOW) is not None, "a house would be in a storm"
    assert judge(said, usual_for([], NOW, calm), Conduct(), calm, now=NOW) is None


def test_without_a_public_a_few_posts_of_ones_own_make_a_storm_to_look_at() -> None:
    assert calm_breaker(BreakerConfig(), per_minute=0) == BreakerConfig()
