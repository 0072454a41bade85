"""Following deletions and edits, account by account: ask the rows > look up > follow > ring > wait.

Owns the waiting and what is told of it. Refuses to know a platform, and to change a row: `store.rechecks` does.
"""

import logging
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from prometheus_client import Counter, Gauge

from core.clock import Backoff, Clock
from core.errors import LeaseLost, NeedsOperator, PlatformError, StoreError
from listeners.base import Checker
from listeners.thrift import wait_asked
from store.accounts import Accounts, AccountState
from store.bell import Bell, Ring
from store.rechecks import Followed, Rechecks

log = logging.getLogger(__name__)

_looked_up = Counter("genlyd_rechecks_total", "Stored posts looked up again", ["account"])
_gone = Counter("genlyd_posts_gone_total", "Stored posts that were deleted on their platform, and here", ["account"])
_edited = Counter("genlyd_posts_edited_total", "Stored posts that were edited on their platform, and here", ["account"])
_overdue = Gauge("genlyd_rechecks_overdue", "Stored posts not looked up within 24 hours", ["account"])

_PAUSE_SECONDS = 30.0
# Between two full asks: a long list must not use up a platform's allowance at once.
_BREATH_SECONDS = 1.0
_OPERATOR_LOOK_SECONDS = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Following:
    """What the loops of a platform's accounts share. `configured` are their names, in the order of the config."""

    rechecks: Rechecks
    accounts: Accounts
    bell: Bell
    clock: Clock
    configured: Sequence[str]


async def run_rechecks(checker: Checker, following: Following, *, a_day: int | None = None) -> None:
    """Look one account's posts up again for ever. `a_day`: how many posts a UTC day, None for all that are due."""
    backoff = Backoff()
    pause = min(_PAUSE_SECONDS, checker.pace.first.total_seconds() / 2)
    try:
        while True:
            try:
                looked_up = await _look(checker, following, a_day)
                backoff.reset()
                await following.clock.sleep(_BREATH_SECONDS if looked_up == checker.most else pause)
            except LeaseLost:
                raise
            except NeedsOperator as err:
                await _wait_for_operator(checker, err, following)
            except (PlatformError, StoreError) as err:
                await _stumble(checker, err, backoff, following)
            except Exception as err:
                log.exception("a re-check failed in a way it should not", extra={"account": checker.account})
                await _stumble(checker, err, backoff, following)
    finally:
        await checker.close()


async def report_overdue(rechecks: Rechecks, accounts: Collection[str], *, at: datetime) -> None:
    """Say which accounts hold posts that were not looked up in time: that is a promise at risk (I7)."""
    late = await rechecks.overdue(at=at)
    for account in {*accounts, *late}:
        _overdue.labels(account).set(late.get(account, 0))
    for account, count in late.items():
        log.error("posts were not looked up within 24 hours", extra={"account": account, "count": count})


async def _look(checker: Checker, following: Following, a_day: int | None) -> int:
    """Look up what is due, once; return how many posts."""
    at = following.clock.now()
    due = await following.rechecks.due(
        checker.account,
        checker.platform,
        configured=following.configured,
        at=at,
        pace=checker.pace,
        limit=checker.most,
        a_day=a_day,
    )
    if due:
        answers = await checker.look_up([post.native_id for post in due])
        followed = await following.rechecks.settle(due, answers, at=following.clock.now(), pace=checker.pace)
        await _tell(checker, followed, following)
        _looked_up.labels(checker.account).inc(len(due))
    return len(due)


async def _tell(checker: Checker, followed: Followed, following: Following) -> None:
    """Wake whoever reads edited posts anew, and live pages."""
    if not followed.gone and not followed.edited:
        return
    _gone.labels(checker.account).inc(len(followed.gone))
    _edited.labels(checker.account).inc(len(followed.edited))
    counts = {"gone": len(followed.gone), "edited": len(followed.edited)}
    log.info("posts were deleted or edited by their authors", extra={"account": checker.account, **counts})
    await following.bell.ring(Ring.ASSESS, followed.edited)
    await following.bell.announce()


async def _stumble(checker: Checker, err: Exception, backoff: Backoff, following: Following) -> None:
    """Wait as long as the platform says, or ever longer. Nothing is lost: the rows stay due."""
    wait = backoff.next_seconds(at_least=wait_asked(err))
    problem = str(err) or type(err).__name__
    fields = {"account": checker.account, "error": problem, "wait_seconds": round(wait, 1)}
    log.warning("deletions and edits are not followed", extra=fields)
    await following.clock.sleep(wait)


async def _wait_for_operator(checker: Checker, err: NeedsOperator, following: Following) -> None:
    """Pause the account, tell people once, and look now and then whether somebody woke it."""
    try:
        if await following.accounts.call_operator(err, at=following.clock.now()):
            fields = {"account": checker.account, "cure": err.cure, "error": str(err)}
            log.error("an account needs the operator", extra=fields)
            await following.bell.ring(Ring.TELL, [0])
        while await following.accounts.state(checker.account) is AccountState.NEEDS_OPERATOR:
            await following.clock.sleep(_OPERATOR_LOOK_SECONDS)
    except StoreError as failure:
        log.error("the database failed", extra={"account": checker.account, "error": str(failure)})
        await following.clock.sleep(_OPERATOR_LOOK_SECONDS)
