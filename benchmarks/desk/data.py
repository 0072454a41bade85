"""A desk's rows by the million, the same for the same seed, made within minutes on either database.

`python -m benchmarks.desk.data DATABASE-URL [--posts 1000000] [--seed 1]`. Authors, conversations of one to eight
posts, assessments, decisions and replies of some 400 days, nearly all resolved; the newest two days as a desk has them
in the middle of the day. Written past the doors, for a listener would take hours. Refuses a database that holds posts.
"""

import argparse
import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from sqlalchemy import Table, func, insert, select, text

from benchmarks.desk.speech import DANISH, ENGLISH, FIRST_NAMES, LAST_NAMES, NORWEGIAN, SWEDISH, Tongue
from core.assessment import Intent, Language, Sentiment
from core.config import AccountConfig
from core.conversation import Status
from core.decision import Action
from core.post import Platform
from core.rank import rank
from core.reply import ReplyKind, ReplyState
from store import tables as t
from store.accounts import Accounts
from store.database import Database, open_database
from store.places import bits
from store.readings import reading

_DAYS = 400
# Posts of a conversation, and how many have so many: 3.0 on average.
_LENGTHS = (1, 2, 3, 4, 5, 6, 7, 8)
_LENGTH_WEIGHTS = (34, 20, 14, 10, 8, 6, 4, 4)
_BLOCK = 2_000

ACCOUNTS = tuple(
    AccountConfig(name=name, platform=platform, handle=handle, credentials={})
    for name, platform, handle in (
        ("hav-dk", Platform.X, "hav"),
        ("hav-se", Platform.X, "hav_se"),
        ("hav-no", Platform.X, "hav_no"),
        ("hav-world", Platform.X, "hav_world"),
        ("hav-reddit", Platform.REDDIT, "hav_support"),
        ("hav-jobs", Platform.REDDIT, "hav_jobs"),
    )
)
_ACCOUNT_WEIGHTS = (40, 25, 20, 8, 6, 1)
_TONGUES: dict[Language, Tongue] = {
    Language.DA: DANISH,
    Language.SV: SWEDISH,
    Language.NB: NORWEGIAN,
    Language.NN: NORWEGIAN,
    Language.EN: ENGLISH,
}
_LANGUAGES = {
    "hav-dk": (80, 3, 3, 0, 14),
    "hav-se": (3, 82, 2, 0, 13),
    "hav-no": (3, 3, 74, 8, 12),
    "hav-world": (5, 5, 5, 0, 85),
    "hav-reddit": (35, 30, 15, 2, 18),
    "hav-jobs": (30, 30, 20, 0, 20),
}
_MOODS = (Sentiment.NEGATIVE, Sentiment.NEUTRAL, Sentiment.POSITIVE, Sentiment.UNSURE)
_MOOD_WEIGHTS = (38, 40, 15, 7)
_INTENTS = tuple(Intent)
_INTENT_WEIGHTS = (30, 30, 12, 8, 8, 14, 4, 1, 1, 1, 3, 1, 0.1, 0.3, 1)


@dataclass(slots=True)
class _Thread:
    """One conversation's rows."""

    conversation: dict[str, Any]
    posts: list[dict[str, Any]]
    assessments: list[dict[str, Any]]
    decisions: list[dict[str, Any]]
    replies: list[dict[str, Any]]


class People:
    """Everybody who writes: a few of them often."""

    def __init__(self, random: Random, count: int) -> None:
        self._random = random
        self._count = count
        self.followers: dict[tuple[int, Platform], int] = {}
        self.fresh: list[dict[str, Any]] = []
        self._ids: dict[tuple[int, Platform], int] = {}

    def one(self, platform: Platform) -> int:
        """Return somebody's id; who has not written before is added to `fresh`."""
        number = int(self._count * self._random.random() ** 1.4)
        known = self._ids.get((number, platform))
        if known is not None:
            return known
        author_id = self._ids[number, platform] = len(self._ids) + 1
        random = self._random
        first, last = random.choice(FIRST_NAMES), random.choice(LAST_NAMES)
        self.fresh.append(
            {
                "id": author_id,
                "platform": platform,
                "native_id": f"{platform}-{number}",
                "handle": f"{first}_{last}{number}".lower(),
                "name": f"{first} {last}",
                "followers": int(10 ** random.triangular(0, 6, 2)) if random.random() < 0.95 else None,
                "is_bot": random.random() < 0.01,
            }
        )
        return author_id


class Maker:
    """Makes the rows, block by block, oldest conversation first."""

    def __init__(self, *, posts: int, seed: int, until: datetime) -> None:
        self._random = Random(seed)
        self._left = posts
        self._until = until
        self._people = People(self._random, max(1, posts // 4))
        self._followers: dict[int, int | None] = {}
        self._ids = dict.fromkeys(("conversation", "post", "reply"), 0)
        self._conversations = max(1, round(posts / 3.05))

    def blocks(self) -> Iterator[dict[Table, list[dict[str, Any]]]]:
        """Yield rows by table, in the order in which they can be inserted."""
        while self._left > 0:
            threads: list[_Thread] = []
            while self._left > 0 and len(threads) < _BLOCK:
                threads.append(self._thread())
            authors, self._people.fresh = self._people.fresh, []
            yield {
                t.authors: authors,
                t.conversations: [thread.conversation for thread in threads],
                t.posts: [row for thread in threads for row in thread.posts],
                t.assessments: [row for thread in threads for row in thread.assessments],
                t.decisions: [row for thread in threads for row in thread.decisions],
                t.replies: [row for thread in threads for row in thread.replies],
            }

    def _next(self, what: str) -> int:
        self._ids[what] += 1
        return self._ids[what]

    def _thread(self) -> _Thread:
        random = self._random
        account = random.choices(ACCOUNTS, _ACCOUNT_WEIGHTS)[0]
        author_id = self._people.one(account.platform)
        for row in self._people.fresh[-1:]:
            self._followers[row["id"]] = row["followers"]
        language = random.choices(tuple(_TONGUES), _LANGUAGES[account.name])[0]
        conversation_id = self._next("conversation")
        # Evenly over the time, a little out of order.
        share = min(1.0, (conversation_id - 1 + random.random()) / self._conversations)
        opened_at = self._until - timedelta(days=_DAYS) * (1 - share)
        thread = _Thread({}, [], [], [], [])
        count = min(self._left, random.choices(_LENGTHS, _LENGTH_WEIGHTS)[0])
        self._left -= count
        at = opened_at
        for _ in range(count):
            self._post(thread, account, author_id, conversation_id, language, at)
            at = min(self._until, at + timedelta(minutes=random.expovariate(1 / 90)))
        self._close(thread, account, author_id, conversation_id, opened_at)
        return thread

    def _post(
        self,
        thread: _Thread,
        account: AccountConfig,
        author_id: int,
        conversation_id: int,
        language: Language,
        at: datetime,
    ) -> None:
        random, post_id = self._random, self._next("post")
        is_x = account.platform is Platform.X
        said = _TONGUES[language].say(random)
        thread.posts.append(
            {
                "id": post_id,
                "platform": account.platform,
                "native_id": f"n{post_id}",
                "account": account.name,
                "author_id": author_id,
                "conversation_id": conversation_id,
                "text": f"@{account.handle} {said}",
                "url": f"https://x.com/i/status/n{post_id}" if is_x else f"https://www.reddit.com/comments/n{post_id}",
                "root_id": f"r{conversation_id}",
                "place": "" if is_x else "r/hav",
                "language_hint": language if is_x else None,
                "via": "mention",
                "matched": account.handle,
                "is_summons": True,
                "is_backfill": False,
                "posted_at": at,
                "heard_at": at,
                "stage": "decided",
                "stage_at": at,
                "attempts": 0,
                "checked_at": at,
                "reading": None,
                "check_at": None if random.random() < 0.97 else self._until + timedelta(hours=24 * random.random()),
            }
        )
        mood = random.choices(_MOODS, _MOOD_WEIGHTS)[0]
        urgency = min(100, int(random.triangular(0, 100, 15 if mood is not Sentiment.NEGATIVE else 45)))
        intents = list(dict.fromkeys(random.choices(_INTENTS, _INTENT_WEIGHTS, k=random.choice((1, 1, 1, 2)))))
        thread.posts[-1]["reading"] = reading(sentiment=mood, language=language, intents=intents)
        word = said.split(maxsplit=1)[0]
        thread.assessments.append(
            {
                "post_id": post_id,
                "language": language,
                "sentiment": mood,
                "confidence": round(0.6 + 0.4 * random.random(), 3),
                "negative": 0.4,
                "neutral": 0.4,
                "positive": 0.2,
                "urgency": urgency,
                "intents": intents,
                "reasons": [{"cue": "mood", "words": word, "points": urgency // 3, "mood": 0.2, "spans": [[5, 9]]}],
                "model": "genlyd-nordic",
                "model_version": "2026-11",
                "assessed_at": at,
                "embedding": random.randbytes(384),
                "corrected": [],
                "is_explained": True,
            }
        )
        answers = random.random() < 0.45
        thread.decisions.append(
            {
                "post_id": post_id,
                "action": Action.ACKNOWLEDGE if answers else Action.SHOW,
                "rule": "complaints" if answers else "everything else",
                "because": "A complaint is acknowledged." if answers else "A person decides.",
                "escalate": urgency > 75,
                "decided_at": at,
            }
        )
        if answers:
            thread.replies.append(self._reply(thread.posts[-1], language, at))

    def _reply(self, post: dict[str, Any], language: Language, at: datetime) -> dict[str, Any]:
        random, reply_id = self._random, self._next("reply")
        is_answer = random.random() < 0.4
        return {
            "id": reply_id,
            "post_id": post["id"],
            "conversation_id": post["conversation_id"],
            "account": post["account"],
            "platform": post["platform"],
            "target_id": post["native_id"],
            "kind": ReplyKind.ANSWER if is_answer else ReplyKind.ACKNOWLEDGEMENT,
            "text": random.choice(_TONGUES[language].replies),
            "language": language,
            "state": ReplyState.SENT,
            "is_automatic": not is_answer,
            "template": None if is_answer else f"{language}/general/1",
            "approved_by": "Lars" if is_answer else "rule complaints",
            "version": 2,
            "attempts": 1,
            "fence": 1,
            "created_at": at,
            "sending_at": at,
            "settled_at": at,
            "remote_id": f"o{reply_id}",
            "remote_url": f"https://x.com/hav/status/o{reply_id}",
        }

    def _close(
        self, thread: _Thread, account: AccountConfig, author_id: int, conversation_id: int, opened_at: datetime
    ) -> None:
        """The conversation's own row, with the place that store.places gives it."""
        random = self._random
        last = thread.posts[-1]
        status = self._status(self._until - last["posted_at"])
        waits = status is not Status.RESOLVED and random.random() < 0.8
        is_due = waits and random.random() < 0.2
        due_at = last["posted_at"] + timedelta(minutes=random.choice((15, 60, 240))) if is_due else None
        if waits and status is Status.OPEN and thread.replies and random.random() < 0.3:
            thread.replies[-1] |= {"state": ReplyState.DRAFT, "approved_by": None, "is_automatic": False}
            thread.replies[-1] |= dict.fromkeys(("sending_at", "settled_at", "remote_id", "remote_url"))
        urgency = max(row["urgency"] for row in thread.assessments)
        newest = thread.assessments[-1]
        waiting_since = thread.posts[0]["posted_at"] if waits else None
        thread.conversation = {
            "id": conversation_id,
            "account": account.name,
            "root_id": f"r{conversation_id}",
            "author_id": author_id,
            "status": status,
            "version": len(thread.posts),
            "urgency": urgency,
            "taken_by": "Lars" if status is Status.OPEN and random.random() < 0.2 else None,
            "escalated_at": last["posted_at"] if is_due else None,
            "due_at": due_at,
            "acknowledged_at": last["posted_at"] if thread.replies else None,
            "waiting_since": waiting_since,
            "opened_at": opened_at,
            "last_post_at": last["posted_at"],
            "changed_at": last["posted_at"],
            "rank": rank(
                status=status,
                waiting_since=waiting_since,
                due_at=due_at,
                urgency=urgency,
                followers=self._followers.get(author_id),
                last_post_at=last["posted_at"],
            ),
            "platform": account.platform,
            "language": newest["language"],
            "sentiment": newest["sentiment"],
            "intents": bits(newest["intents"]),
            "has_draft": any(reply["state"] is ReplyState.DRAFT for reply in thread.replies),
            "first_post_id": thread.posts[0]["id"],
            "began_at": thread.posts[0]["posted_at"],
            "automatic_took": _took(thread, is_automatic=True),
            "person_took": _took(thread, is_automatic=False),
            "answers": sum(
                reply["state"] is ReplyState.SENT and reply["kind"] is ReplyKind.ANSWER for reply in thread.replies
            ),
        }

    def _status(self, age: timedelta) -> Status:
        choices = (Status.OPEN, Status.PENDING, Status.SNOOZED, Status.RESOLVED)
        weights = (45, 15, 1, 39) if age < timedelta(days=2) else (2, 0.2, 0.5, 97.3)
        return self._random.choices(choices, weights)[0]


async def fill(database: Database, *, posts: int, seed: int, until: datetime) -> None:
    """Write a desk's rows. Raises: ValueError where there are posts already."""
    async with database.read() as connection:
        if (await connection.execute(select(func.count()).select_from(t.posts))).scalar_one():
            raise ValueError("this database holds posts already: a benchmark wants an empty one")
    await Accounts(database).enrol(ACCOUNTS, at=until - timedelta(days=_DAYS + 1))
    for block in Maker(posts=posts, seed=seed, until=until).blocks():
        async with database.begin() as connection:
            for table, rows in block.items():
                if rows:
                    await connection.execute(insert(table), _alike(rows))
    if not database.is_sqlite:
        await _settle_postgres(database)


def _took(thread: _Thread, *, is_automatic: bool) -> float | None:
    sent = (
        reply["settled_at"]
        for reply in thread.replies
        if reply["state"] is ReplyState.SENT and reply["is_automatic"] is is_automatic
    )
    first = min(sent, default=None)
    return None if first is None else (first - thread.posts[0]["posted_at"]).total_seconds()


def _alike(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Every row with the same columns: a statement for many is made from the first."""
    names = dict.fromkeys(name for row in rows for name in row)
    return [{name: row.get(name) for name in names} for row in rows]


async def _settle_postgres(database: Database) -> None:
    """Ids go on after ours, and what autovacuum would do within minutes is done."""
    async with database.begin() as connection:
        for table in (t.authors, t.conversations, t.posts, t.replies):
            sequence = f"pg_get_serial_sequence('{table.name}', 'id')"
            await connection.execute(text(f"SELECT setval({sequence}, (SELECT max(id) FROM {table.name}))"))
    async with database.read() as connection:
        bare = await connection.execution_options(isolation_level="AUTOCOMMIT")
        await bare.execute(text("VACUUM ANALYZE"))


async def _main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("database", help="sqlite:///FILE or postgresql://...; empty")
    parser.add_argument("--posts", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    database = await open_database(given.database)
    try:
        began = time.monotonic()
        until = datetime.now(UTC).replace(microsecond=0)
        await fill(database, posts=given.posts, seed=given.seed, until=until)
        took = time.monotonic() - began
        print(f"{given.posts:,} posts in {took:.0f} s, {given.posts / took:,.0f} a second")
    finally:
        await database.close()


if __name__ == "__main__":
    asyncio.run(_main())
