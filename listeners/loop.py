"""Hearing, source by source: fetch > match > save > ring > wait. Never dies of upstream data.

Owns the waiting, the gaps and the order of saving. Refuses to parse or to know a platform.
"""

import logging
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from prometheus_client import Counter, Gauge

from core.clock import Backoff, Clock
from core.errors import BudgetSpent, Deaf, LeaseLost, NeedsOperator, PlatformError, StoreError
from core.failpoint import reach
from core.watch import Identity, Mention, Watch, match
from listeners.base import Batch, Listener
from listeners.thrift import Thrift, count_posts, pause_after, wait_asked
from store.accounts import Accounts, AccountState
from store.bell import Bell, Ring
from store.posts import Posts, Saved
from store.sources import Progress, Sources

log = logging.getLogger(__name__)

_fetched = Counter("genlyd_posts_fetched_total", "Posts a source showed us", ["account", "source"])
_saved = Counter("genlyd_posts_saved_total", "Posts saved as mentions", ["account", "source"])
_unreadable = Counter("genlyd_unreadable_total", "Items a source sent that we cannot parse", ["account", "source"])
_fresh = Gauge("genlyd_source_fresh_timestamp_seconds", "When a source was last heard in full", ["account", "source"])

_OPERATOR_LOOK_SECONDS = 5.0
# A source that begins again after longer than this, or than three of its polls, has missed something until it is asked.
_PAUSE_SECONDS = 60.0
# What a backfill brings so soon is not late: a line that was lost for a moment holds up no acknowledgement.
_YOUNG = timedelta(minutes=2)
_NOTE_AGAIN_SECONDS = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Ear:
    """What every listener's loop shares."""

    posts: Posts
    sources: Sources
    accounts: Accounts
    bell: Bell
    clock: Clock
    thrift: Thrift | None = None
    # Whoever listened before was killed, frozen or cut off, and may not have written down that it heard nothing.
    is_inherited: bool = False


async def run_listener(listener: Listener, watches: tuple[Watch, ...], ear: Ear) -> None:
    """Listen to one source for ever."""
    backoff = Backoff()
    us: Identity | None = None
    unsaved: Batch | None = None
    is_awake, pause = False, listener.poll_seconds
    last: datetime | None = None
    heard_until: datetime | None = None
    try:
        while True:
            try:
                if not is_awake:
                    await _wake(listener, ear)
                    is_awake = True
                elif unsaved is None:
                    last, heard_until = heard_until, None
                    await _mind_the_time(listener, last, pause, ear)
                us = us or await listener.identify()
                batch = unsaved or await listener.fetch(await ear.sources.cursor(listener.account, listener.source))
                # Kept until it is saved: a full disk must not lose what a stream will not repeat.
                unsaved = batch
                reach("I1")
                await _save(listener, batch, watches, us, ear)
                unsaved = None
                backoff.reset()
                heard_until = batch.heard_until or ear.clock.now()
                pause = pause_after(ear.thrift, listener.account, listener.source, listener.poll_seconds).seconds
                await ear.clock.sleep(pause)
            except LeaseLost:
                raise
            except NeedsOperator as err:
                await _wait_for_operator(listener, err, ear)
            except PlatformError as err:
                await _stumble(listener, err, backoff, ear)
            except StoreError as err:
                await _stumble(listener, err, backoff, ear)
                # Nobody could write down that nothing was heard meanwhile.
                heard_until = last
            except Exception as err:
                log.exception("a listener failed in a way it should not", extra=_where(listener))
                await _stumble(listener, err, backoff, ear)
    finally:
        await listener.close()


async def _wake(listener: Listener, ear: Ear) -> None:
    now, after = ear.clock.now(), timedelta(seconds=max(_PAUSE_SECONDS, 3 * listener.poll_seconds))
    if ear.is_inherited:
        after = timedelta()
    stood = await ear.sources.cursor(listener.account, listener.source)
    begins = listener.first_cursor(now, stood)
    await ear.sources.begin(listener.account, listener.source, cursor=begins, instead_of=stood)
    await ear.sources.woke(listener.account, listener.source, at=now, after=after)


async def _mind_the_time(listener: Listener, heard_until: datetime | None, pause: float, ear: Ear) -> None:
    """A machine that slept, or a house that stood still, has missed something until the source is asked (I2)."""
    now, after = ear.clock.now(), timedelta(seconds=max(_PAUSE_SECONDS, 3 * pause))
    if heard_until is None or now - heard_until <= after:
        return
    log.warning("listening stood still", extra={**_where(listener), "seconds": (now - heard_until).total_seconds()})
    listener.doubt()
    why = "Genlyd stood still, or its machine slept"
    await ear.sources.woke(listener.account, listener.source, at=now, after=after, why=why)


async def _save(listener: Listener, batch: Batch, watches: tuple[Watch, ...], us: Identity, ear: Ear) -> None:
    authors = {post.author.native_id for post in batch.posts}
    not_followed = await ear.posts.not_followed(us.platform, authors)
    found = (match(post, watches, us, not_followed=not_followed) for post in batch.posts)
    mentions: list[Mention] = [mention for mention in found if mention is not None]
    progress = Progress(
        account=listener.account,
        source=listener.source,
        cursor=batch.cursor,
        is_backfill=batch.is_backfill,
        is_caught_up=batch.is_caught_up,
        gap=batch.gap,
        missing_until=batch.missing_until,
        doubt=batch.doubt,
        heard_until=batch.heard_until,
        unreadable=batch.unreadable,
    )
    now = ear.clock.now()
    late = [mention for mention in mentions if batch.is_backfill and mention.post.posted_at < now - _YOUNG]
    saved: list[Saved] = []
    if late:
        # First, and the source stays where it stands: killed between the two, we fetch both again and store each once.
        saved.append(await ear.posts.save_batch(late, replace(progress, is_part=True), at=now))
    young = mentions if not late else [one for one in mentions if one.post.posted_at >= now - _YOUNG]
    saved.append(await ear.posts.save_batch(young, replace(progress, is_backfill=False), at=now))
    reach("I3")
    ids = [post_id for one in saved for post_id in one.ids]
    await ear.bell.ring(Ring.ASSESS, ids)
    await ear.bell.ring(Ring.DECIDE, [post_id for one in saved for post_id in one.again])
    reach("I4")
    _count(listener, batch, len(ids), ear)


def _count(listener: Listener, batch: Batch, saved: int, ear: Ear) -> None:
    labels = (listener.account, listener.source)
    _fetched.labels(*labels).inc(len(batch.posts))
    _saved.labels(*labels).inc(saved)
    _fresh.labels(*labels).set((batch.heard_until or ear.clock.now()).timestamp())
    count_posts(ear.thrift, *labels, saved)
    if batch.unreadable:
        _unreadable.labels(*labels).inc(len(batch.unreadable))
        log.warning("a source sent what we cannot read", extra={**_where(listener), "count": len(batch.unreadable)})
    if saved:
        log.info("mentions saved", extra={**_where(listener), "count": saved})


async def _stumble(listener: Listener, err: Exception, backoff: Backoff, ear: Ear) -> None:
    """Note the failure, open a gap (I2), and wait: as long as the platform says, or ever longer."""
    wait = backoff.next_seconds(at_least=wait_asked(err))
    problem = str(err) or type(err).__name__
    log.warning("a source is not heard", extra={**_where(listener), "error": problem, "wait_seconds": round(wait, 1)})
    at = ear.clock.now()
    while not await _note(listener, err, problem, ear, at):
        await ear.clock.sleep(_NOTE_AGAIN_SECONDS)
    await ear.clock.sleep(wait)


async def _note(listener: Listener, err: Exception, problem: str, ear: Ear, at: datetime) -> bool:
    """False where it has to be noted once more: what is asked next would cover a gap that nobody wrote down."""
    is_stores = isinstance(err, StoreError)
    since = err.since if isinstance(err, Deaf) else None
    try:
        await ear.sources.stumble(
            listener.account, listener.source, problem, at=at, opens_gap=not is_stores, since=since
        )
        if isinstance(err, BudgetSpent) and ear.thrift is not None:
            await ear.thrift.tell(err, listener.source)
    except StoreError:
        log.error("the database failed: a gap could not be noted yet", extra=_where(listener))
        return is_stores
    return True


async def _wait_for_operator(listener: Listener, err: NeedsOperator, ear: Ear) -> None:
    """Pause the account, tell people, and look now and then whether somebody woke it. Others go on."""
    now = ear.clock.now()
    while not await _note(listener, err, f"{err} {err.cure}", ear, now):
        await ear.clock.sleep(_NOTE_AGAIN_SECONDS)
    try:
        if await ear.accounts.call_operator(err, at=now):
            log.error("an account needs the operator", extra={**_where(listener), "cure": err.cure, "error": str(err)})
            await ear.bell.ring(Ring.TELL, [0])
        while await ear.accounts.state(listener.account) is AccountState.NEEDS_OPERATOR:
            await ear.clock.sleep(_OPERATOR_LOOK_SECONDS)
    except StoreError as failure:
        log.error("the database failed", extra={**_where(listener), "error": str(failure)})
        await ear.clock.sleep(_OPERATOR_LOOK_SECONDS)


def _where(listener: Listener) -> dict[str, str]:
    return {"account": listener.account, "source": listener.source}
