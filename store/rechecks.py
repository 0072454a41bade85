"""Looking stored posts up again: which are due, and what the answers change.

Owns `checked_at`, `check_at` and `silent_since` of the posts. Refuses to ask a platform: listeners do.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from core.post import Platform
from core.recheck import Answer, Pace, Verdict, next_check_at, silent_check_at, verdict
from store import tables as t
from store.database import Database
from store.deletions import forget_gone
from store.edits import rewrite

# A deletion must be followed within this time on every platform (I7).
WITHIN = timedelta(hours=24)
_P = t.posts.c


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """A post to be looked up."""

    id: int
    native_id: str
    text: str
    posted_at: datetime
    silent_since: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Followed:
    """What a look changed: the ids of posts that are gone, and of those with a new text, which wait to be read."""

    gone: tuple[int, ...] = ()
    edited: tuple[int, ...] = ()


class Rechecks:
    """The posts whose text we hold, and when each was last seen to stand."""

    def __init__(self, database: Database) -> None:
        self._db = database

    async def due(
        self,
        account: str,
        platform: Platform,
        *,
        configured: Sequence[str],
        at: datetime,
        pace: Pace,
        limit: int,
        a_day: int | None = None,
    ) -> list[Due]:
        """Return posts to be looked up now, the longest overdue first.

        `configured` are the config's accounts on the platform. The first of them also looks up, within its own
        `a_day`, posts of accounts that are no longer there. `a_day` posts at most are looked up in a UTC day; one that
        was already counts no more, for X bills it once.
        """
        ours = _falls_to(account, platform, configured)
        due = or_(_P.check_at <= at, and_(_P.check_at.is_(None), _P.heard_at <= at - pace.first))
        query = (
            select(_P.id, _P.native_id, _P.text, _P.posted_at, _P.silent_since)
            .where(_is_held(), ours, due)
            .order_by(func.coalesce(_P.check_at, _P.heard_at), _P.id)
        )
        today = at.replace(hour=0, minute=0, second=0, microsecond=0)
        async with self._db.read() as connection:
            if a_day is not None:
                used = select(func.count()).where(ours, _P.checked_at >= today)
                left = a_day - (await connection.execute(used)).scalar_one()
                query = query if left > 0 else query.where(_P.checked_at >= today)
                limit = min(limit, left) if left > 0 else limit
            return [Due(**row) for row in (await connection.execute(query.limit(limit))).mappings()]

    async def settle(self, due: Sequence[Due], answers: Mapping[str, Answer], *, at: datetime, pace: Pace) -> Followed:
        """Note what the platform said of each post; forget what is gone, put new texts in place.

        Each post that is gone leaves in one transaction of its own.
        """
        found = {
            post.id: verdict(answers.get(post.native_id), known_text=post.text, silent_since=post.silent_since, now=at)
            for post in due
        }
        gone = [post.id for post in due if found[post.id] is Verdict.GONE]
        gone_now = [post_id for post_id in gone if await self._forget(post_id, at=at)]
        edited = [post for post in due if found[post.id] is Verdict.EDITED]
        edited_now = [post.id for post in edited if await self._rewrite(post, answers, at=at)]
        async with self._db.begin() as connection:
            for post in sorted(due, key=lambda post: post.id):
                await _schedule(connection, post, found[post.id], at=at, pace=pace)
        return Followed(gone=tuple(gone_now), edited=tuple(edited_now))

    async def overdue(self, *, at: datetime, within: timedelta = WITHIN) -> dict[str, int]:
        """Return, by account, how many posts were not looked up in time."""
        last = func.coalesce(_P.checked_at, _P.heard_at)
        query = select(_P.account, func.count()).where(_is_held(), last < at - within).group_by(_P.account)
        async with self._db.read() as connection:
            return dict((await connection.execute(query)).all())

    async def _forget(self, post_id: int, *, at: datetime) -> bool:
        async with self._db.begin() as connection:
            return await forget_gone(connection, post_id, at=at)

    async def _rewrite(self, post: Due, answers: Mapping[str, Answer], *, at: datetime) -> bool:
        now = answers[post.native_id].post
        if now is None:
            return False
        async with self._db.begin() as connection:
            return await rewrite(connection, post.id, now, at=at)


def _is_held() -> ColumnElement[bool]:
    """Posts of which we hold anything that a deletion would take."""
    return and_(_P.deleted_at.is_(None), _P.url != "")


def _falls_to(account: str, platform: Platform, configured: Sequence[str]) -> ColumnElement[bool]:
    """Posts that are this account's to look up, and nobody else's: what it looked up is told from them."""
    own = _P.account == account
    is_heir = account not in configured[1:]
    return and_(_P.platform == platform, or_(own, _P.account.not_in(configured)) if is_heir else own)


async def _schedule(connection: AsyncConnection, post: Due, said: Verdict, *, at: datetime, pace: Pace) -> None:
    if said is Verdict.GONE:
        return
    is_silent = said is Verdict.SILENT
    later = silent_check_at(at, pace) if is_silent else next_check_at(post.posted_at, now=at, pace=pace)
    silent_since = (post.silent_since or at) if is_silent else None
    await connection.execute(
        update(t.posts)
        .where(_P.id == post.id, _is_held())
        .values(checked_at=at, check_at=later, silent_since=silent_since)
    )
