"""The room's one loop: wait > load > score > judge > save > ring; and, when nothing waits, the reasons still owed.

Owns the order of the steps and the thread the model runs in. Refuses to decide what follows.
"""

import asyncio
import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from prometheus_client import Counter, Histogram

from core.assessment import Assessment, Reason
from core.clock import Clock
from core.decision import Heard
from core.errors import StoreError
from core.failpoint import reach
from sentiment.corrections import effects
from sentiment.guidance import Guidance
from sentiment.reader import Reader
from store.bell import Bell, Ring
from store.posts import Posts, Stage
from store.reasons import Reasons

log = logging.getLogger(__name__)

_assessed = Counter("genlyd_posts_assessed_total", "Posts assessed")
_explained = Counter("genlyd_posts_explained_later_total", "Posts whose reasons were found after they were read")
_seconds = Histogram(
    "genlyd_assess_seconds", "Time to score one batch", buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5)
)

BATCH = 32
# Explaining takes several readings. Once more posts than this wait together, reading comes first, reasons later.
_CALM = 2
# Explained in one go: what arrives meanwhile waits so long.
_EXPLAINED_AT_ONCE = 2
# A post that stands this long was missed by the bell.
_LOST_AFTER = timedelta(seconds=5)
_SWEEP_SECONDS = 2.0


async def run_worker(guidance: Guidance[Reader], posts: Posts, reasons: Reasons, bell: Bell, clock: Clock) -> None:
    """Assess posts for ever, as people of the staff last taught and corrected."""
    # As time passes: a clock that is set back must not end the sweeps.
    swept_at = clock.passed() - _SWEEP_SECONDS
    lost_after = timedelta(0)  # at start, everything that waits is ours
    owes_reasons, is_behind = True, False
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="model") as thread:
        while True:
            try:
                if clock.passed() - swept_at >= _SWEEP_SECONDS:
                    waiting = await posts.waiting(Stage.SAVED, before=clock.now() - lost_after, limit=BATCH)
                    is_behind = len(waiting) == BATCH
                    if not is_behind:
                        swept_at, lost_after, owes_reasons = clock.passed(), _LOST_AFTER, True
                    await _assess(waiting, guidance, posts, bell, clock, thread)
                entries = await bell.wait(Ring.ASSESS, count=BATCH, seconds=0.0 if owes_reasons or is_behind else 1.0)
                if entries:
                    reach("S1")
                await _assess([entry.row_id for entry in entries], guidance, posts, bell, clock, thread)
                await bell.done(Ring.ASSESS, entries)
                if not entries and owes_reasons and not is_behind:
                    owes_reasons = await _explain(guidance, reasons, bell, thread)
                elif len(entries) > _CALM:
                    owes_reasons = True
            except StoreError as err:
                log.error("the database failed: posts wait to be assessed", extra={"error": str(err)})
                await clock.sleep(1.0)


async def _assess(
    ids: Sequence[int],
    guidance: Guidance[Reader],
    posts: Posts,
    bell: Bell,
    clock: Clock,
    thread: ThreadPoolExecutor,
) -> None:
    heard = await posts.load(ids, stage=Stage.SAVED)
    if not heard:
        return
    known = await guidance.fresh(thread)
    assessed = await _read(heard, known.reader, posts, clock, thread)
    accounts = {item.id: item.mention.account for item in heard}
    apply = {post_id: effects(known.lessons, assessment, accounts[post_id]) for post_id, assessment in assessed}
    versions = {item.id: item.edited_at for item in heard}
    reach("S2")
    moved = await posts.save_assessments(assessed, at=clock.now(), effects=apply, edited_at=versions)
    reach("S3")
    await bell.ring(Ring.DECIDE, moved)
    _assessed.inc(len(moved))


async def _read(
    heard: Sequence[Heard], reader: Reader, posts: Posts, clock: Clock, thread: ThreadPoolExecutor
) -> list[tuple[int, Assessment]]:
    """Score a batch; where it fails, one by one, so that one bad text holds up nobody else."""
    loop = asyncio.get_running_loop()
    try:
        with _seconds.time():
            read = await loop.run_in_executor(thread, _read_all, reader, heard)
        return list(zip([item.id for item in heard], read, strict=True))
    except Exception as err:
        if len(heard) == 1:
            log.exception("a post could not be assessed", extra={"post": heard[0].id})
            await posts.fail(heard[0].id, f"could not be assessed: {type(err).__name__}", at=clock.now())
            return []
    return [pair for item in heard for pair in await _read([item], reader, posts, clock, thread)]


async def _explain(guidance: Guidance[Reader], reasons: Reasons, bell: Bell, thread: ThreadPoolExecutor) -> bool:
    """Find the reasons of the most urgent posts that lack them; return whether more may be owed."""
    owed = await reasons.missing(limit=_EXPLAINED_AT_ONCE)
    if not owed:
        return False
    reader = (await guidance.fresh(thread)).reader
    loop = asyncio.get_running_loop()
    found = [(heard, await loop.run_in_executor(thread, _read_again, reader, heard)) for heard in owed]
    _explained.inc(await reasons.save(found))
    await bell.announce()
    return True


def _read_again(reader: Reader, heard: Heard) -> tuple[Reason, ...]:
    """One that cannot be explained is as good as explained: it must not hold up the others for ever."""
    try:
        [read] = _read_all(reader, [heard])
    except Exception:
        log.exception("a post could not be explained", extra={"post": heard.id})
        return ()
    return read.reasons


def _read_all(reader: Reader, heard: Sequence[Heard]) -> list[Assessment]:
    posts = [item.mention.post for item in heard]
    return reader.read(
        [post.text for post in posts],
        [post.language_hint for post in posts],
        [post.author.followers for post in posts],
        explain=len(posts) <= _CALM,
    )
