"""What X bills for an answer.

Owns that count. Pure but for the purse it is given; refuses to decide what may be spent (`core.budget` does).

X charges "per resource returned in the response", once a UTC day for each. We read that as: posts and users that an
answer includes beside its posts are charged too. Whether they are is unconfirmed; this is the dear side.
Source: https://docs.x.com/x-api/getting-started/pricing, read 2026-11.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from core.budget import DOLLAR, Purse
from core.post import Platform
from platforms.policy import ALLOWANCES

_PRICES = {name: round(dollars * DOLLAR) for name, dollars in ALLOWANCES[Platform.X].prices_usd.items()}


def charge(purse: Purse, source: str, answer: Mapping[str, Any], *, price: str | None) -> None:
    """Count the resources of an answer whose own data costs `price` each (a name in the price list; None: nothing)."""
    if price is None:
        return
    includes = answer.get("includes") or {}
    included = includes if isinstance(includes, Mapping) else {}
    resources = (
        (price, _ids(answer.get("data"))),
        ("read post", _ids(included.get("tweets"))),
        ("read user", [f"user {name}" for name in _ids(included.get("users"))]),
    )
    money = sum(purse.newly_billed(names) * _PRICES[each] for each, names in resources)
    purse.spend(source, calls=0, money=money)


def charge_written(purse: Purse, source: str, text: str) -> None:
    """Count a published reply. With a link it costs the reply's price or the link's: unconfirmed, so the dear one."""
    has_link = "http://" in text or "https://" in text or "www." in text
    purse.spend(source, calls=0, money=_PRICES["create post with link" if has_link else "summoned reply"])


def charge_streamed(purse: Purse, source: str, posts: Sequence[tuple[str, str]]) -> None:
    """Count posts that the stream brought, each with its author."""
    read = purse.newly_billed([post for post, _ in posts]) * _PRICES["read post"]
    authors = purse.newly_billed([f"user {author}" for _, author in posts]) * _PRICES["read user"]
    purse.spend(source, calls=0, money=read + authors)


def _ids(data: Any) -> list[str]:
    listed = data if isinstance(data, list) else [data]
    return [str(one["id"]) for one in listed if isinstance(one, Mapping) and "id" in one]
