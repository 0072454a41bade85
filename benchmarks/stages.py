"""What one post costs, stage by stage, and what the parts could do alone: CPU time, not wall time.

`python -m benchmarks.stages [--posts 640] [--rounds 3] [--database URL]`. Saves posts in batches as a listener does,
reads them with the shipped model, decides them with the house's own rules, and walks the replies through the outbox's
rows, each stage by itself. CPU seconds of this process (PostgreSQL's server works in its own and is not counted);
medians over the rounds. Beside it the ceilings: the model alone, the bell alone.
"""

import argparse
import asyncio
import json
import platform
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

from app.wiring import build_desk
from benchmarks.replay import mixed
from core.assessment import Assessment
from core.clock import SystemClock
from core.config import AccountConfig, Config, SentimentConfig
from core.post import Platform
from core.reply import Receipt
from core.watch import Mention
from responder.guards import refusal
from responder.rules import DEFAULT_RULES
from sentiment.base import open_model
from sentiment.language import LanguageReader
from sentiment.reader import Reader
from sentiment.urgency import UrgencyReader
from store.accounts import Accounts
from store.bell import Bell, Ring
from store.database import Database, open_database
from store.decisions import Decisions
from store.embedded import EmbeddedValkey
from store.posts import Posts
from store.replies import Replies
from tests.builders import a_mention, a_post, an_author, some_progress

T = TypeVar("T")

_BATCH = 32
_FETCH = 10
_SEND = 8


@dataclass(slots=True)
class Costs:
    """CPU microseconds a post, by stage, of each round."""

    by_stage: dict[str, list[float]]

    async def measure(self, stage: str, posts: int, work: Callable[[], Awaitable[object]]) -> None:
        """Do the work and note what it cost a post."""
        before = time.process_time()
        await work()
        self.by_stage.setdefault(stage, []).append(1e6 * (time.process_time() - before) / max(1, posts))


def mentions(texts: list[str], *, start: int) -> list[Mention]:
    """Mentions of many authors, posted now."""
    now = SystemClock().now()
    made = []
    for n, text in enumerate(texts, start=start):
        post = a_post(str(n), text=text, author=an_author(str(n % 900)), posted_at=now)
        made.append(replace(a_mention(str(n)), post=post))
    return made


class Walk:
    """One round: posts from heard to sent, stage by stage."""

    def __init__(self, database: Database, reader: Reader, config: Config, batch: list[Mention]) -> None:
        self._posts, self._replies, self._clock = Posts(database), Replies(database), SystemClock()
        self._decisions = Decisions(database, repeat_alert_after=timedelta(minutes=60))
        self._desk = build_desk(config)
        self._limits = config.safety
        self._reader = reader
        self._batch = batch
        self._read: list[Assessment] = []
        self._ids: list[int] = []
        self.sent = 0

    async def save(self, some: slice, *, at_once: int) -> None:
        """Save part of the posts, so many at once."""
        for mentions in in_batches(self._batch[some], at_once):
            saved = await self._posts.save_batch(mentions, some_progress(), at=self._clock.now())
            self._ids.extend(saved.ids)

    async def read(self) -> None:
        """Read every post, without reasons, as under load."""
        for some in in_batches(self._batch, _BATCH):
            texts = [mention.post.text for mention in some]
            self._read += self._reader.read(texts, [None] * len(some), [120] * len(some), explain=False)

    async def keep(self) -> None:
        """Save what was read."""
        for some in in_batches(list(zip(self._ids, self._read, strict=True)), _BATCH):
            await self._posts.save_assessments(some, at=self._clock.now())

    async def decide(self) -> None:
        """Decide every post."""
        for some in in_batches(self._ids, _BATCH):
            await self._decisions.decide_all(some, self._desk.plan, at=self._clock.now())

    async def send(self) -> None:
        """Walk every approved reply through the outbox's rows."""
        lease = timedelta(minutes=1)
        while claimed := await self._replies.claim_due("benchmark", at=self._clock.now(), lease=lease, limit=_SEND):
            for reply in claimed:
                standing = await self._replies.standing(reply, at=self._clock.now())
                if refusal(reply, standing, self._limits) is None:
                    receipt = Receipt(remote_id=f"r{reply.id}", url="")
                    await self._replies.mark_sent(reply, receipt, at=self._clock.now())
                self.sent += 1

    async def measure(self, costs: Costs) -> None:
        """Take every step and note what it cost."""
        count, half = len(self._batch), len(self._batch) // 2
        await costs.measure("save, ten at once", half, lambda: self.save(slice(half), at_once=_FETCH))
        await costs.measure("save, one by one", count - half, lambda: self.save(slice(half, None), at_once=1))
        await costs.measure("read", count, self.read)
        await costs.measure("save what was read", count, self.keep)
        await costs.measure("decide", count, self.decide)
        await costs.measure("send, without the platform", count, self.send)
        costs.by_stage.setdefault("replies in a hundred posts", []).append(100 * self.sent / count)


def in_batches(items: list[T], size: int) -> list[list[T]]:
    """Return `items` in runs of `size`."""
    return [items[at : at + size] for at in range(0, len(items), size)]


async def bell_alone(url: str, count: int) -> float:
    """Return CPU microseconds for one ring, heard and struck, in batches."""
    bell = Bell.open(url, consumer="benchmark")
    try:
        before = time.process_time()
        for _ in range(0, count, _BATCH):
            await bell.ring(Ring.ASSESS, range(_BATCH))
            await bell.done(Ring.ASSESS, await bell.wait(Ring.ASSESS, count=_BATCH, seconds=1.0))
        return 1e6 * (time.process_time() - before) / count
    finally:
        await bell.close()


def texts_of(data: Path, count: int) -> list[str]:
    """Real texts, addressed to @brand, in one order."""
    turns = [turn.text for turn in mixed(data, None)]
    random.Random(1).shuffle(turns)
    return turns[:count]


async def main(a: argparse.Namespace) -> int:
    """Measure and print."""
    texts = texts_of(a.data, a.posts * a.rounds)
    reader = Reader(open_model(SentimentConfig()), LanguageReader(), UrgencyReader(), unsure_below=0.5)
    account = AccountConfig(name="x-main", platform=Platform.X, handle="brand", credentials={})
    config = Config(accounts=(account,), rules=tuple(DEFAULT_RULES))
    costs = Costs(by_stage={})
    reader.read(texts[:_BATCH], [None] * _BATCH, [None] * _BATCH)
    with tempfile.TemporaryDirectory(prefix="g-") as folder:
        database = await open_database(a.database or f"sqlite:///{folder}/genlyd.db")
        await Accounts(database).enrol([account], at=SystemClock().now() - timedelta(days=1))
        try:
            for n in range(a.rounds):
                some = texts[n * a.posts : (n + 1) * a.posts]
                await Walk(database, reader, config, mentions(some, start=10**9 + n * a.posts)).measure(costs)
        finally:
            await database.close()
        valkey = EmbeddedValkey(Path(folder))
        if await valkey.start():
            costs.by_stage["ring, hear and strike"] = [
                await bell_alone(valkey.url, 20 * _BATCH) for _ in range(a.rounds)
            ]
            await valkey.stop()
    print(json.dumps({"machine": platform.processor() or platform.machine(), "posts a round": a.posts}))
    for stage, spent in costs.by_stage.items():
        print(f"{stage:<40} {statistics.median(spent):>10.2f}")
    return 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path(__file__).parents[2] / "shared" / "data")
    parser.add_argument("--posts", type=int, default=640)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--database")
    sys.exit(asyncio.run(main(parser.parse_args())))
