"""What the numbers count, in SQL: each kind of row once, for counting and for listing alike.

Owns what makes a row one of a kind, the instant that puts it into a range, and how each of its facets is read. Refuses
to run a query: `reports` does. A deleted post stays a row of its day; what it meant is forgotten, and says so.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Integer,
    Select,
    String,
    and_,
    bindparam,
    case,
    cast,
    exists,
    func,
    literal,
    or_,
    select,
)
from sqlalchemy.sql.expression import FromClause
from sqlalchemy.sql.visitors import iterate

from core.conversation import Move, Status
from core.reply import VOID, ReplyState
from core.report import DELETED, NO, NONE, TOOK, YES, Answer, Facet, Fate, Kind, Outcome, Solved, Which
from store import tables as t
from store.readings import READ, says

_P, _C, _R, _D, _L = t.posts.c, t.conversations.c, t.replies.c, t.decisions.c, t.audit.c
Text_ = ColumnElement[str]

# The instant as of which it is told what is due.
NOW = bindparam("now", type_=t.Instant)


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """One kind of row. `source` joins each with the one post it is about; `conditions` say which are of the kind.

    `alone` are the same rows without their posts, for questions that ask nothing of those: SQLite joins all the same.
    Facets that stand in a post's reading have READ for their column: `values_of` says what it holds.
    """

    source: FromClause
    alone: FromClause
    at: ColumnElement[Any]
    id: ColumnElement[int]
    conditions: tuple[ColumnElement[bool], ...]
    facets: Mapping[Facet, ColumnElement[Any]]

    def is_read(self, facet: Facet) -> bool:
        """Whether a facet stands in the reading. Raises: KeyError where rows of the kind have no such facet."""
        return self.facets[facet] is READ

    def holds(self, facet: Facet, value: str) -> ColumnElement[bool]:
        """SQL: whether a row has a value. Raises: KeyError where rows of the kind have no such facet."""
        return says(facet, value) if self.is_read(facet) else self.facets[facet] == value


def chosen(which: Which, *columns: ColumnElement[Any]) -> Select[Any]:
    """Return the query for `which`. How long things took is not asked here: opening hours are no matter for SQL."""
    of_kind = DEFINITIONS[which.kind]
    held = [of_kind.holds(facet, value) for facet, value in which.facets if facet not in TOOK]
    source = of_kind.source if _ask_of_posts(*columns, *held) else of_kind.alone
    query = select(*columns).select_from(source).where(*of_kind.conditions, *held)
    return query.where(of_kind.at >= which.start, of_kind.at < which.until)


def _ask_of_posts(*asked: ColumnElement[Any]) -> bool:
    return any(getattr(part, "table", None) is t.posts for one in asked for part in iterate(one))


def _yes(holds: ColumnElement[bool]) -> Text_:
    return case((holds, literal(YES, String)), else_=literal(NO, String))


_COMMON: dict[Facet, ColumnElement[Any]] = {
    # As an expression: by the bare column SQLite takes the index of native ids, and looks at every post there is.
    Facet.PLATFORM: func.coalesce(_P.platform, NONE),
    Facet.ACCOUNT: _P.account,
    Facet.LANGUAGE: READ,
    Facet.TOPIC: READ,
    Facet.MOOD: READ,
}

_POSTS = Definition(
    source=t.posts,
    alone=t.posts,
    at=_P.posted_at,
    id=_P.id,
    conditions=(),
    facets={
        **_COMMON,
        # What we listen for that found it. It goes with the text.
        Facet.WATCH: case((_P.deleted_at.is_not(None), DELETED), else_=_P.matched),
        # Heard by a fetch after the fact: after a gap, or from before we listened.
        Facet.LATE: _yes(_P.is_backfill),
    },
)


# ---- Conversations: which began in the range, by the first post we heard of each. That never changes. ----

_SENT = _R.state == ReplyState.SENT
_BY_PERSON = _R.is_automatic.is_(False)

# Each has its first post, so this is no outer join in truth.
_CONVERSATIONS = Definition(
    source=t.conversations.outerjoin(t.posts, _P.id == _C.first_post_id),
    alone=t.conversations,
    at=_C.began_at,
    id=_C.id,
    conditions=(),
    facets={
        **_COMMON,
        Facet.ANSWER: case(
            (_C.person_took.is_not(None), Answer.PERSON.value),
            (_C.status == Status.RESOLVED, Answer.CLOSED.value),
            else_=Answer.WAITING.value,
        ),
        Facet.ACKNOWLEDGED: _yes(_C.automatic_took.is_not(None)),
        Facet.SOLVED: case(
            (_C.person_took.is_(None), NONE),
            (_C.status != Status.RESOLVED, Solved.OPEN.value),
            (_C.answers <= 1, Solved.ONCE.value),
            else_=Solved.MORE.value,
        ),
    },
)


# ---- Replies: what was published. A reply that is sent never changes. ----

# A reply has its post, so these are no outer joins in truth.
_ABOUT_REPLY = t.replies.outerjoin(t.posts, _P.id == _R.post_id)
_OF_REPLY = {**_COMMON, Facet.PLATFORM: func.coalesce(_R.platform, NONE), Facet.ACCOUNT: _R.account}

_REPLIES = Definition(
    source=_ABOUT_REPLY,
    alone=t.replies,
    at=_R.settled_at,
    id=_R.id,
    conditions=(_SENT,),
    facets={
        **_OF_REPLY,
        Facet.AUTOMATIC: _yes(_R.is_automatic),
        Facet.BY: func.coalesce(_R.approved_by, NONE),
    },
)


# ---- Drafts: what the machine wrote. Whether a person changed one stands in the audit, for texts are forgotten. ----

_edited_in_audit = exists().where(
    _L.subject == literal("reply ", String) + cast(_R.id, String),
    _L.action == f"reply {ReplyState.APPROVED}",
    _L.detail["edited"].as_boolean().is_(True),
)
# Known with the reply itself since it is kept there; before that from the audit.
_edited = func.coalesce(_R.is_edited, _edited_in_audit)
_FATE = case(
    (and_(_R.is_automatic, _R.state == ReplyState.SENT), Fate.BY_ITSELF.value),
    (_R.state == ReplyState.REFUSED, Fate.HELD.value),
    (_R.state == ReplyState.FAILED, Fate.FAILED.value),
    (and_(_R.state == ReplyState.DROPPED, _R.problem == VOID), Fate.VOID.value),
    (_R.state == ReplyState.DROPPED, Fate.REJECTED.value),
    # Not decided, or on its way without a person.
    (or_(_R.state == ReplyState.DRAFT, _R.is_automatic), Fate.WAITING.value),
    (_edited, Fate.EDITED.value),
    else_=Fate.UNCHANGED.value,
)

_DRAFTS = Definition(
    source=_ABOUT_REPLY.outerjoin(t.decisions, _D.post_id == _R.post_id),
    alone=t.replies.outerjoin(t.decisions, _D.post_id == _R.post_id),
    at=_R.created_at,
    id=_R.id,
    conditions=(_R.template.is_not(None),),
    facets={
        **_OF_REPLY,
        # The language it was written in, which outlives the post's.
        Facet.LANGUAGE: _R.language,
        Facet.FATE: _FATE,
        Facet.TEMPLATE: _R.template,
        Facet.RULE: func.coalesce(_D.rule, NONE),
    },
)


# ---- Moves: lines of the audit, which never change. ----

_MOVED = case((_L.subject.like("conversation %"), cast(func.substr(_L.subject, len("conversation ") + 1), Integer)))

_MOVES = Definition(
    source=t.audit.outerjoin(t.conversations, _C.id == _MOVED).outerjoin(t.posts, _P.id == _C.first_post_id),
    alone=t.audit,
    at=_L.at,
    id=_L.id,
    conditions=(_L.action.in_([move.value for move in Move]), _L.subject.like("conversation %")),
    facets={**_COMMON, Facet.BY: _L.by, Facet.MOVE: _L.action},
)


# ---- Promises: escalated posts. One is kept when a person sees to its conversation from then on and in time. ----

_in_time = and_(_R.settled_at >= _D.decided_at, _R.settled_at <= _D.due_at)
_met = or_(
    exists().where(_R.conversation_id == _P.conversation_id, _SENT, _BY_PERSON, _in_time),
    exists().where(
        _L.subject == literal("conversation ", String) + cast(_P.conversation_id, String),
        _L.action.in_([Move.TAKE_OVER.value, Move.RESOLVE.value]),
        _L.at >= _D.decided_at,
        _L.at <= _D.due_at,
    ),
)

_ESCALATED = t.decisions.join(t.posts, _P.id == _D.post_id)

_PROMISES = Definition(
    source=_ESCALATED,
    alone=_ESCALATED,
    at=_D.due_at,
    id=_D.post_id,
    conditions=(_D.escalate,),
    facets={
        **_COMMON,
        Facet.RULE: _D.rule,
        Facet.OUTCOME: case(
            (_met, Outcome.MET.value),
            # Nobody was left to see to.
            (_P.deleted_at <= _D.due_at, Outcome.WITHDRAWN.value),
            (_D.due_at >= NOW, Outcome.RUNNING.value),
            else_=Outcome.MISSED.value,
        ),
    },
)

DEFINITIONS: dict[Kind, Definition] = {
    Kind.POSTS: _POSTS,
    Kind.CONVERSATIONS: _CONVERSATIONS,
    Kind.REPLIES: _REPLIES,
    Kind.DRAFTS: _DRAFTS,
    Kind.MOVES: _MOVES,
    Kind.PROMISES: _PROMISES,
}
