"""GET /patterns: every component in every state, to be looked at.

Owns the samples, made through the same views as the real pages. Refuses to read the database.
"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from aiohttp import web

from core.assessment import Assessment, Intent, Language, Probabilities, Reason, Sentiment
from core.config import Step
from core.conversation import Conversation, Move, Status
from core.correction import Correction, Field
from core.decision import ORDINARY, URGENT, Heard
from core.incident import Incident, Measure
from core.ladder import Group, Ladder
from core.post import Author, Platform, Post
from core.reply import RejectReason, Reply, ReplyKind, ReplyState
from core.watch import Mention, Via
from dashboard import words
from dashboard.desk import desk_of
from dashboard.filters import applied, read_filters, status_choices
from dashboard.i18n import _
from dashboard.pages import render
from dashboard.present import CardView, card_view, urgency_view, why_no_reply
from dashboard.present_alerts import AlertView, alert_view
from dashboard.present_corrections import ListedView, StandingView, correct_view, listed_view, standing_views
from dashboard.present_held import HeldView, held_view
from dashboard.present_incidents import IncidentView, banner_view, incident_view
from dashboard.present_person import Beside, looker_chips
from dashboard.present_queue import ToastView, done_view, news_words
from dashboard.present_reply import ReplyView, reply_view, writing
from dashboard.present_sources import house_view
from dashboard.present_thread import ThreadView, thread_view
from dashboard.words import Chip, Tone
from store.accounts import HousePause
from store.alerts import Listed as Alerted
from store.alerts import Standing as AlertStanding
from store.bulk import Batch
from store.conversations import Earlier, EarlierOne, Entry, Thread
from store.corrections import Listed, Standing, Touched
from store.handing import Colleague, Skills
from store.inbox import Card
from store.incidents import Member
from store.lookers import Looker
from store.notes import Note
from store.promises import Promise

_BATCH = Batch(token="", action=Move.RESOLVE, done=tuple(range(12)), left=1)
_TEXT = "@hav tredje gang jeg ringer, ingen hjælper!!! Nu opsiger jeg."


async def patterns(request: web.Request) -> web.Response:
    """GET /patterns."""
    return await render(request, "patterns.html", _context(desk_of(request).clock.now()))


def _context(now: datetime) -> dict[str, Any]:
    meanings = {
        Tone.ACT: _("act now"),
        Tone.SOON: _("due soon"),
        Tone.APPROVE: _("awaiting approval"),
        Tone.WAIT: _("awaiting the customer"),
        Tone.DONE: _("done"),
        Tone.BOT: _("the bot"),
    }
    return {
        "tones": [Chip(icon="layers", word=meaning, tone=tone) for tone, meaning in meanings.items()],
        "urgencies": [urgency_view(number) for number in (92, 55, 12)],
        "chips": [list(group.values()) for group in (words.MOODS, words.INTENTS, words.PLATFORMS, words.STATUSES)],
        "states": [chip for card in _cards(now) for chip in card.states],
        "writing": writing(Platform.X, "Hej, vi ser dig og er på sagen. /Mette"),
        "too_long": writing(Platform.X, "Vi beklager meget. " * 16),
        "cards": _cards(now),
        "replies": _replies(now),
        "rule": why_no_reply(_mention(now, via=Via.HASHTAG)),
        "correct": correct_view(_ASSESSMENT),
        "standing": _standing(now),
        "listed": _listed(now),
        "alerts": _alerts(now),
        "storm_banner": banner_view([_incident(now)], now),
        "storms": _storms(now),
        "thread": _thread(now),
        "paused": house_view(HousePause(by="Mette", at=now - timedelta(minutes=3), reason="#havtur"), now),
        "held_sample": _held(now),
        "edited": [reply_view(one, _mention(now, via=Via.MENTION), taken_by="", now=now) for one in _edited(now)],
        "lookers": looker_chips([Looker(name="Lars", is_typing=True), Looker(name="Nora", is_typing=False)], ""),
        "query": "",
        "filters": read_filters({}),
        "news": news_words(4),
        "done_sample": ToastView(words=done_view(_BATCH).words, undo="sample"),
        "statuses": status_choices(read_filters({}), {"open": 8, "pending": 3, "resolved": 1_200}),
        "applied": applied(read_filters({"mood": "negative", "q": "faktura", "whose": "me"})),
    }


def _thread(now: datetime) -> ThreadView:
    """A conversation with everything beside it."""
    heard = Heard(id=1, conversation_id=1, mention=_mention(now, via=Via.MENTION), heard_at=now)
    entry = Entry(
        heard=heard,
        assessment=_ASSESSMENT,
        action="draft",
        rule="complaints",
        because="",
        replies=(),
        stage="decided",
        problem=None,
    )
    conversation = Conversation(
        id=1, account="hav-dk", status=Status.OPEN, version=1, urgency=92, assigned_to="Mette", waiting_since=now
    )
    thread = Thread(conversation=conversation, entries=(entry,), author_id=1, is_opted_out=False)
    later = timedelta(minutes=40)
    beside = Beside(
        notes=(
            Note(id=1, by="Lars", text="@Mette du kender ham, ikke?", at=now - later, calls=("Mette",)),
            Note(id=2, by="Nora", text="Pakken er fundet i Aarhus.", at=now),
        ),
        tags=("pakke", "vip"),
        usual_tags=("router",),
        promises=(
            Promise(id=1, conversation_id=1, what="Ring ham op", due_at=now - later, by="Lars"),
            Promise(id=2, conversation_id=1, what="Send en ny", due_at=now + later, by="Mette"),
        ),
        colleagues=(
            Colleague(id=1, name="Lars", load=2, skills=Skills()),
            Colleague(id=2, name="Nora", load=0, skills=Skills(languages=frozenset({Language.SV}))),
        ),
        earlier=Earlier(count=4, last=(EarlierOne(id=1, status=Status.RESOLVED, last_post_at=now - 72 * later),)),
    )
    return thread_view(thread, frozenset(), {}, beside, reader="Mette", now=now)


def _held(now: datetime) -> HeldView | None:
    reply = _reply(now, ReplyState.APPROVED)
    return held_view([replace(reply, approved_at=now, not_before=now + timedelta(seconds=15))], now)


def _edited(now: datetime) -> list[Reply]:
    """Edited by a person, written by an agent, held, and rejected."""
    draft, sent = _reply(now, ReplyState.DRAFT), _reply(now, ReplyState.SENT)
    return [
        replace(sent, id=21, is_automatic=False, drafted_text="Hej. Vi har set dit opslag.", is_edited=True),
        replace(draft, id=22, template=None, drafted_by="Nora", drafted_text=draft.text),
        replace(_reply(now, ReplyState.APPROVED), id=23, approved_at=now, not_before=now + timedelta(seconds=15)),
        replace(_reply(now, ReplyState.DROPPED), id=24, rejected_because=RejectReason.WORDS),
    ]


def _standing(now: datetime) -> tuple[StandingView, ...]:
    found = [(_correction(now, 1, spreads=True), 12), (_correction(now, 1), 1), (_correction(now, 2, spreads=True), 2)]
    standing = (Standing(correction=correction, conversation_id=1, posts=posts) for correction, posts in found)
    return standing_views(standing, 1, now)


def _listed(now: datetime) -> list[ListedView]:
    touched = tuple(Touched(post_id=n, conversation_id=n) for n in range(1, 21))
    found = [
        Listed(correction=_correction(now, 1, spreads=True), conversation_id=1, text=_TEXT, posts=34, named=touched),
        Listed(correction=_correction(now, 1, is_undone=True), conversation_id=1, text="", posts=1, named=touched[:1]),
    ]
    return [listed_view(one, now) for one in found]


def _correction(now: datetime, post_id: int, *, spreads: bool = False, is_undone: bool = False) -> Correction:
    return Correction(
        id=1,
        post_id=post_id,
        person="Mette",
        field=Field.URGENCY,
        was=22,
        now=90,
        spreads=spreads,
        made_at=now - timedelta(minutes=3),
        undone_by="Lars" if is_undone else None,
        undone_at=now if is_undone else None,
    )


def _alerts(now: datetime) -> list[AlertView]:
    """One that climbs, one that waits for the morning, one that somebody took."""
    ago = now - timedelta(minutes=12)
    ladder = Ladder(steps=(Step(name="agent"), Step(name="on-call", after_minutes=20)))
    listed = [
        Alerted(id=n, conversation_id=n, incident_id=None, urgency=90 - n, due_at=now + timedelta(minutes=4 * n - 8),
                created_at=ago, handled_by="Lars" if n == 3 else None)
        for n in (1, 2, 3)
    ]  # fmt: skip
    group = Group(id=1, account="hav-dk", kind=ORDINARY, opened_at=ago, first_at=ago, pace_seconds=90.0)
    climbs = replace(group, step=0, started_at=ago, told_at=ago, next_at=now + timedelta(minutes=8), kind=URGENT)
    taken = replace(climbs, acknowledged_by="Mette", acknowledged_at=now, next_at=None)
    return [
        alert_view(
            AlertStanding(group=one, alerts=37, unhandled=36, urgency=89, due_at=listed[0].due_at),
            listed,
            {},
            newest=3,
            is_page=False,
            ladder=ladder,
            now=now,
        )
        for one in (climbs, replace(group, next_at=now + timedelta(hours=7)), taken)
    ]


def _storms(now: datetime) -> list[IncidentView]:
    member = Member(
        post_id=1, conversation_id=1, handle="jensen_kbh", text=_TEXT, sentiment=Sentiment.NEGATIVE, posted_at=now
    )
    return [
        incident_view(_incident(now), [member], 46, now),
        incident_view(_incident(now, taken_by="Mette", is_approved=True), [], 0, now),
    ]


def _incident(now: datetime, *, taken_by: str | None = None, is_approved: bool = False) -> Incident:
    return Incident(
        id=2 if taken_by else 1,
        account="hav-dk",
        opened_at=now - timedelta(minutes=4),
        reasons=("46 negative posts in 5 minutes, from 41 authors; usual at this hour: 1.2",),
        measures=(
            Measure(name="Posts in 5 minutes", number="52", usual="4.8"),
            Measure(name="Share negative", number="88%", usual="25%"),
            Measure(name="Authors", number="47"),
        ),
        statements={
            Language.DA: "Vi har set jeres opslag og undersøger sagen.",
            Language.EN: "We are looking into it.",
        },
        taken_by=taken_by,
        taken_at=now if taken_by else None,
        approved_by=taken_by if is_approved else None,
        approved_at=now if is_approved else None,
    )


def _cards(now: datetime) -> list[CardView]:
    ago = timedelta
    shown = [
        _card(now, urgency=92, waiting_since=now - ago(minutes=14), escalated_at=now, due_at=now - ago(minutes=2)),
        _card(now, urgency=64, waiting_since=now - ago(minutes=6), escalated_at=now, due_at=now + ago(minutes=9)),
        _card(now, urgency=40, state=ReplyState.DRAFT, waiting_since=now - ago(minutes=3)),
        _card(now, urgency=48, state=ReplyState.UNKNOWN, waiting_since=now - ago(hours=2, minutes=5)),
        _card(now, urgency=30, state=ReplyState.SENT, acknowledged_at=now - ago(seconds=12), taken_by="Lars"),
        _card(now, urgency=66, via=Via.HASHTAG, waiting_since=now - ago(minutes=31)),
        _card(now, urgency=10, status=Status.PENDING, is_read=False, waiting_since=now - ago(seconds=2)),
        _card(now, urgency=10, status=Status.SNOOZED),
        _card(now, urgency=10, status=Status.RESOLVED, is_deleted=True),
    ]
    # Each with an id of its own: a page says no id twice.
    numbered = (replace(card, conversation=replace(card.conversation, id=at)) for at, card in enumerate(shown, 1))
    return [card_view(card, now, has_left=card.conversation.status is Status.RESOLVED) for card in numbered]


def _card(
    now: datetime,
    *,
    urgency: int,
    status: Status = Status.OPEN,
    state: ReplyState | None = None,
    via: Via = Via.MENTION,
    is_read: bool = True,
    is_deleted: bool = False,
    **where: Any,
) -> Card:
    mention = _mention(now, via=via)
    heard = Heard(id=1, conversation_id=1, mention=mention, heard_at=now, deleted_at=now if is_deleted else None)
    conversation = Conversation(id=1, account="hav-dk", status=status, version=1, urgency=urgency, **where)
    return Card(
        conversation=conversation,
        heard=heard,
        assessment=_ASSESSMENT if is_read else None,
        reply=_reply(now, state) if state else None,
        posts=3,
        last_post_at=now,
        changed_at=now,
    )


def _replies(now: datetime) -> list[ReplyView]:
    mention = _mention(now, via=Via.MENTION)
    return [reply_view(_reply(now, state), mention, taken_by="", now=now) for state in ReplyState]


def _mention(now: datetime, *, via: Via) -> Mention:
    post = Post(
        platform=Platform.X,
        native_id="1",
        author=Author(native_id="1", handle="jensen_kbh", name="Jens Jensen", followers=12_400),
        text=_TEXT,
        posted_at=now.astimezone(UTC) - timedelta(minutes=14),
        root_id="1",
        url="https://x.com/jensen_kbh/status/1",
    )
    matched = "#havtur" if via is Via.HASHTAG else "hav"
    return Mention(post=post, account="hav-dk", via=via, matched=matched, is_summons=via is Via.MENTION)


def _reply(now: datetime, state: ReplyState) -> Reply:
    problems = {
        ReplyState.UNKNOWN: "nobody can tell whether it is published",
        ReplyState.FAILED: "account 'hav-dk': X answered 403: the author does not allow replies",
        ReplyState.REFUSED: "automatic replies are paused",
    }
    return Reply(
        id=list(ReplyState).index(state) + 1,
        post_id=1,
        conversation_id=1,
        account="hav-dk",
        platform=Platform.X,
        target_id="1",
        kind=ReplyKind.ACKNOWLEDGEMENT,
        text="Hej Jens. Vi har set dit opslag og er på sagen. /Mette",
        language=Language.DA,
        state=state,
        is_automatic=state is ReplyState.SENT,
        template="da/complaint/2",
        approved_by=None if state is ReplyState.DRAFT else "Mette",
        version=1,
        attempts=0,
        fence=0,
        created_at=now,
        settled_at=now if state is ReplyState.SENT else None,
        problem=problems.get(state),
        remote_url="https://x.com/hav/status/2" if state is ReplyState.SENT else None,
    )


_ASSESSMENT = Assessment(
    language=Language.DA,
    sentiment=Sentiment.NEGATIVE,
    confidence=0.94,
    probabilities=Probabilities(negative=0.94, neutral=0.05, positive=0.01),
    urgency=92,
    intents=(Intent.COMPLAINT, Intent.CANCELLATION),
    reasons=(
        Reason(cue="repeated_contact", words="tredje gang", points=24),
        Reason(cue="cancellation", words="opsiger", points=30),
    ),
    model="genlyd-nordic",
    model_version="1",
    embedding=bytes(384),
)
