"""A conversation whole: each post with what was understood, decided and said, and what may be done now.

Owns the view of the conversation page. Pure: refuses to ask anything.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from core.assessment import Assessment, Sentiment
from core.conversation import Conversation, Move, Status
from core.correction import Field
from core.decision import Heard
from core.reply import Reply, ReplyKind, ReplyState
from core.watch import Mention, Via
from dashboard import i18n, words
from dashboard.i18n import _
from dashboard.marks import cue_words, safe_link, worth
from dashboard.present import (
    AuthorView,
    TextView,
    UrgencyView,
    author_view,
    conversation_states,
    post_chips,
    text_view,
    urgency_view,
    waiting_chip,
    why_no_reply,
)
from dashboard.present_corrections import CorrectView, StandingView, correct_view, standing_views
from dashboard.present_person import Beside, PersonView, looker_chips, person_view, promise_chip
from dashboard.present_reply import ReplyView, WritingView, reply_view, writing
from dashboard.told import tell
from dashboard.words import Chip, Moment
from store.conversations import Entry, Thread
from store.corrections import Standing
from store.people import Scope


@dataclass(frozen=True, slots=True, kw_only=True)
class ReasonView:
    """One thing that moved the urgency."""

    cue: str
    words: str
    points: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ShareView:
    """How likely the model holds a mood, in whole per cent."""

    word: str
    percent: int
    words: str
    css: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryView:
    """One post with everything that hangs on it."""

    post_id: int
    author: AuthorView
    text: TextView
    at: Moment
    ago: str
    heard: str
    link: str | None
    chips: tuple[Chip, ...]
    urgency: UrgencyView | None
    shares: tuple[ShareView, ...]
    no_shares: str
    model: str
    reasons: tuple[ReasonView, ...]
    no_reasons: str
    is_urgency_set: bool
    why: str
    decision: str
    rule_words: str
    problem: str
    standing: tuple[StandingView, ...]
    correct: CorrectView | None
    replies: tuple[ReplyView, ...]
    answer: WritingView | None
    why_no_answer: str
    is_latest: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveView:
    """A button, and its key. None is the main one while there are words to send."""

    move: str
    label: str
    is_main: bool
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What a reader of the page has read: the newest post, and the newest edit. A form carries it as its text."""

    last_post_id: int
    last_edit: int = 0

    def __str__(self) -> str:
        return f"{self.last_post_id}.{self.last_edit}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ThreadView:
    """The conversation page. `seen` is what its reader has read."""

    id: int
    version: int
    account: str
    status: Chip
    urgency: UrgencyView
    states: tuple[Chip, ...]
    waiting: Chip | None
    author: AuthorView
    entries: tuple[EntryView, ...]
    moves: tuple[MoveView, ...]
    taken_by_other: str
    seen: Seen
    no_automatic: bool
    not_followed: bool
    lookers: tuple[Chip, ...]
    promises: tuple[Chip, ...]
    person: PersonView


def thread_view(
    thread: Thread,
    scopes: frozenset[Scope],
    standing: Mapping[int, Iterable[Standing]],
    beside: Beside | None = None,
    *,
    reader: str,
    steers: bool = False,
    zone: str = "UTC",
    now: datetime,
) -> ThreadView:
    """Return a conversation as `reader` sees it at `now`; `standing` are the corrections that hold, by post."""
    beside = beside or Beside()
    conversation, latest = thread.conversation, thread.entries[-1]
    mention = latest.heard.mention
    replies = [reply for entry in thread.entries for reply in entry.replies]
    newest = max(replies, key=lambda reply: reply.id, default=None)
    other = taken_by_other(conversation, reader)
    entries = tuple(
        entry_view(entry, standing.get(entry.heard.id, ()), is_latest=entry is latest, taken_by=other, now=now)
        for entry in thread.entries
    )
    has_words = any(entry.answer or any(reply.writing for reply in entry.replies) for entry in entries)
    moves = moves_for(conversation, reader, steers=steers)
    return ThreadView(
        id=conversation.id,
        version=conversation.version,
        account=conversation.account,
        status=words.STATUSES[conversation.status],
        urgency=urgency_view(conversation.urgency),
        states=conversation_states(conversation, newest, mention, now),
        waiting=waiting_chip(conversation, now),
        author=author_view(mention.post.platform, mention.post.author),
        entries=entries,
        moves=tuple(replace(move, is_main=False) for move in moves) if has_words else moves,
        taken_by_other=other,
        seen=Seen(
            last_post_id=max(entry.heard.id for entry in thread.entries),
            last_edit=max(edit_mark(entry.heard) for entry in thread.entries),
        ),
        no_automatic=Scope.AUTOMATIC in scopes,
        not_followed=Scope.LISTENING in scopes,
        lookers=looker_chips(beside.lookers, reader),
        promises=tuple(promise_chip(promise, now) for promise in beside.promises),
        person=person_view(thread, beside, reader=reader, zone=zone, now=now),
    )


def edit_mark(heard: Heard) -> int:
    """Return when a post got the words it has, in milliseconds; 0 where it has its first ones."""
    return 0 if heard.edited_at is None else int(heard.edited_at.timestamp() * 1000)


def taken_by_other(conversation: Conversation, reader: str) -> str:
    """Return the colleague who has it, "" where `reader` may write."""
    return "" if conversation.taken_by in (None, reader) else conversation.taken_by or ""


def moves_for(conversation: Conversation, reader: str, *, steers: bool = False) -> tuple[MoveView, ...]:
    """Return the moves that make sense now; the likeliest is the main one. Who `steers` hands back for others."""
    other = taken_by_other(conversation, reader)
    if conversation.status is Status.RESOLVED:
        moves = [Move.REOPEN]
    elif conversation.status is Status.SNOOZED:
        moves = [Move.REOPEN, Move.RESOLVE]
    elif conversation.is_taken:
        moves = [Move.RESOLVE, Move.HAND_BACK]
    else:
        moves = [Move.TAKE_OVER, Move.RESOLVE]
    if other:
        moves = [move for move in moves if move is Move.REOPEN or (move is Move.HAND_BACK and steers)]
    made = [
        MoveView(move=move.value, label=words.MOVE_LABELS[move], is_main=at == 0, key=_KEYS[move])
        for at, move in enumerate(moves)
    ]
    if not other:
        return tuple(made)
    return tuple(
        replace(
            view,
            label=_("Hand back from {name}", name=other) if view.move == Move.HAND_BACK else view.label,
            is_main=False,
        )
        for view in made
    )


_KEYS = {Move.TAKE_OVER: "t", Move.HAND_BACK: "h", Move.RESOLVE: "d", Move.REOPEN: "o"}


def entry_view(
    entry: Entry, standing: Iterable[Standing], *, is_latest: bool, taken_by: str, now: datetime
) -> EntryView:
    """Return one post with everything that hangs on it."""
    post, assessment = entry.heard.mention.post, entry.assessment
    why_not = why_no_answer(entry, taken_by)
    wants_answer = is_latest and not why_not
    return EntryView(
        post_id=entry.heard.id,
        author=author_view(post.platform, post.author),
        text=text_view(entry.heard, assessment),
        at=words.moment(post.posted_at, now),
        ago=words.ago(post.posted_at, now),
        heard=heard_words(entry.heard.mention, is_backfill=entry.heard.is_backfill),
        link=safe_link(post.url),
        chips=post_chips(entry.heard, assessment),
        urgency=None if assessment is None else urgency_view(assessment.urgency),
        shares=shares(assessment),
        no_shares=_("Being read.") if entry.heard.deleted_at is None else _("Deleted with the post."),
        model=read_by(assessment),
        reasons=reasons(assessment),
        no_reasons=no_reasons(assessment),
        is_urgency_set=is_set(assessment, Field.URGENCY),
        why=why_words(entry),
        decision=tell(entry.because) if entry.because else _("Not decided yet."),
        rule_words=_("Rule “{rule}”.", rule=entry.rule) if entry.rule else "",
        problem=tell(entry.problem or ""),
        standing=standing_views(standing, entry.heard.id, now),
        correct=correct_view(assessment),
        replies=tuple(
            reply_view(
                reply,
                entry.heard.mention,
                taken_by=taken_by,
                now=now,
                is_gone=entry.heard.deleted_at is not None,
                is_answered=any(_is_answer(other) for other in entry.replies),
                assessment=assessment,
            )
            for reply in entry.replies
        ),
        answer=writing(post.platform, "") if wants_answer else None,
        why_no_answer=why_not if is_latest else "",
        is_latest=is_latest,
    )


def _is_answer(reply: Reply) -> bool:
    return reply.kind is ReplyKind.ANSWER and reply.state not in (ReplyState.DRAFT, ReplyState.DROPPED)


def why_words(entry: Entry) -> str:
    """Return the line behind which the reasons are folded."""
    if entry.assessment is None:
        return _("Why")
    urgency = i18n.number(entry.assessment.urgency)
    if entry.rule:
        return _("Why: urgency {urgency}, rule “{rule}”", urgency=urgency, rule=entry.rule)
    return _("Why: urgency {urgency}", urgency=urgency)


def why_no_answer(entry: Entry, taken_by: str) -> str:
    """Return why no answer can be written under a post, "" where one can."""
    if entry.heard.deleted_at is not None:
        return _("The post is gone, so there is nothing to answer.")
    if not entry.heard.mention.post.url:
        return _("Its retention time is over and its text is forgotten, so there is nothing to answer.")
    rule = why_no_reply(entry.heard.mention)
    if rule is not None:
        return rule
    if any(reply.kind is ReplyKind.ANSWER for reply in entry.replies):
        return _("This post has its answer; each post gets one.")
    if taken_by:
        return _("{name} has this conversation. It is handed back first, by {name} or a supervisor.", name=taken_by)
    return ""


def heard_words(mention: Mention, *, is_backfill: bool) -> str:
    """Return how a post reached us."""
    how = {
        Via.MENTION: _("Addressed us"),
        Via.HASHTAG: _("Heard as hashtag {matched}", matched=mention.matched),
        Via.KEYWORD: _("Heard as keyword {matched}", matched=mention.matched),
    }[mention.via]
    if mention.post.place:
        how = _("{how} in {place}", how=how, place=mention.post.place)
    return _("{how}, caught up later", how=how) if is_backfill else how


def shares(assessment: Assessment | None) -> tuple[ShareView, ...]:
    """Return the three moods with their probabilities."""
    if assessment is None:
        return ()
    given = assessment.probabilities
    return tuple(
        ShareView(word=words.MOODS[mood].word, percent=round(share * 100), words=i18n.percent(share), css=mood.value)
        for mood, share in (
            (Sentiment.NEGATIVE, given.negative),
            (Sentiment.NEUTRAL, given.neutral),
            (Sentiment.POSITIVE, given.positive),
        )
    )


def read_by(assessment: Assessment | None) -> str:
    """Return whose reading the shares are, and that a person knows better where one does."""
    if assessment is None:
        return ""
    model = f"{assessment.model} {assessment.model_version}".strip()
    if is_set(assessment, Field.SENTIMENT):
        return _("Read by {model}; a person set the mood.", model=model)
    return _("Read by {model}", model=model)


def is_set(assessment: Assessment | None, field: Field) -> bool:
    """Whether a person set a field, on this post or on one that says nearly the same."""
    return assessment is not None and field in assessment.corrected


def no_reasons(assessment: Assessment | None) -> str:
    """Return what stands where reasons would."""
    if is_set(assessment, Field.URGENCY):
        return _("A person set it.")
    if assessment is not None and not assessment.is_explained:
        return _("Many posts came at once: the reasons follow in a moment.")
    return _("Nothing raised it.")


def reasons(assessment: Assessment | None) -> tuple[ReasonView, ...]:
    """Return why the urgency is what it is, the heaviest first."""
    if assessment is None:
        return ()
    ordered = sorted(assessment.reasons, key=lambda reason: -abs(reason.points))
    return tuple(
        ReasonView(cue=cue_words(reason.cue).capitalize(), words=reason.words, points=worth(reason))
        for reason in ordered
    )
