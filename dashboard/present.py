"""A conversation as a card: rows in, words and colours out, so that templates only loop and branch.

Owns the view of the inbox and the words a card and a thread share. Pure: refuses to ask anything.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from core.assessment import Assessment
from core.conversation import Conversation, Status
from core.correction import Field
from core.decision import Heard
from core.post import Author, Platform
from core.reply import Reply, ReplyKind, ReplyState
from core.watch import Mention, Via
from dashboard import i18n, words
from dashboard.i18n import N_, _
from dashboard.marks import Segment, segments
from dashboard.words import Chip, Tone
from platforms.policy import ALLOWANCES
from store.inbox import Card


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorView:
    """Who wrote."""

    handle: str
    name: str
    followers: str
    is_bot: bool
    platform: Chip


@dataclass(frozen=True, slots=True, kw_only=True)
class TextView:
    """What they wrote; `note` says why where there is nothing to show."""

    segments: tuple[Segment, ...]
    note: str
    language: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UrgencyView:
    """A number, what it means, and its colour."""

    number: int
    word: str
    tone: Tone


@dataclass(frozen=True, slots=True, kw_only=True)
class CardView:
    """One conversation in the inbox, in four lines. `tone` is the strongest of its states.

    `clock` is how long its author has waited, else how long ago they wrote. `has_left`: it is shown where it stood, but
    belongs to the list no more.
    """

    id: int
    version: int
    tone: Tone
    author: AuthorView
    account: str
    posts: str
    clock: Chip
    text: TextView
    chips: tuple[Chip, ...]
    states: tuple[Chip, ...]
    has_left: bool = False


def card_view(card: Card, now: datetime, *, has_left: bool = False) -> CardView:
    """Return a card of the inbox as it stands at `now`."""
    conversation, mention = card.conversation, card.heard.mention
    states = conversation_states(conversation, card.reply, mention, now)
    urgency = urgency_view(conversation.urgency)
    if has_left:
        word = _("Resolved") if conversation.status is Status.RESOLVED else _("No longer in this list")
        states = (Chip(icon="check", word=word, tone=Tone.DONE),)
    return CardView(
        id=conversation.id,
        version=conversation.version,
        tone=_strongest(states, urgency, conversation.status),
        author=author_view(mention.post.platform, mention.post.author),
        account=conversation.account,
        posts=words.posts(card.posts) if card.posts > 1 else "",
        clock=clock_chip(card, now),
        text=text_view(card.heard, card.assessment),
        chips=card_chips(card),
        states=states or (Chip(icon="tray", word=_("Nobody has answered yet")),),
        has_left=has_left,
    )


def card_chips(card: Card) -> tuple[Chip, ...]:
    """Return a card's third line: mood, urgency, language, intents."""
    urgency = urgency_view(card.conversation.urgency)
    level = _("{word} {number}", word=urgency.word, number=urgency.number)
    gauge = Chip(icon="gauge", word=level, tone=urgency.tone, title=_("Urgency, of 100"))
    mood, *rest = post_chips(card.heard, card.assessment) or (None,)
    return tuple(chip for chip in (mood, gauge if card.assessment else None, *rest) if chip is not None)


def clock_chip(card: Card, now: datetime) -> Chip:
    """Return how long the author has waited for a person, else when they wrote last."""
    waiting, since = waiting_chip(card.conversation, now), card.conversation.waiting_since
    if waiting is None or since is None:
        return Chip(icon="", word=words.ago(card.last_post_at, now), title=_("Wrote last"))
    return replace(waiting, word=words.span(now - since), title=waiting.word)


def author_view(platform: Platform, author: Author) -> AuthorView:
    """Return an author."""
    return AuthorView(
        handle=f"{words.HANDLE_PREFIX[platform]}{author.handle}" if author.handle else _("forgotten"),
        name=author.name,
        followers="" if author.followers is None else words.followers(author.followers),
        is_bot=author.is_bot,
        platform=words.PLATFORMS[platform],
    )


def text_view(heard: Heard, assessment: Assessment | None) -> TextView:
    """Return a post's text, its reason words marked."""
    text = heard.mention.post.text
    language = "" if assessment is None else assessment.language.value
    if heard.deleted_at is not None:
        note = _("Deleted by its author, and here.")
    elif not text:
        note = _("Forgotten: the time we keep texts is over.")
    else:
        reasons = () if assessment is None else assessment.reasons
        return TextView(segments=segments(text, reasons), note="", language="" if language == "unsure" else language)
    return TextView(segments=(), note=note, language="")


def urgency_view(urgency: int) -> UrgencyView:
    """Return an urgency."""
    return UrgencyView(number=urgency, word=words.urgency_word(urgency), tone=words.urgency_tone(urgency))


def post_chips(heard: Heard, assessment: Assessment | None) -> tuple[Chip, ...]:
    """Return what was understood of a post, and that it was edited; nothing of one that is gone."""
    if heard.deleted_at is not None:
        return ()
    edited = (Chip(icon="pencil", word=_("Edited by its author")),) if heard.edited_at is not None else ()
    return (*assessment_chips(assessment), *edited)


def assessment_chips(assessment: Assessment | None) -> tuple[Chip, ...]:
    """Return mood, language and intents."""
    if assessment is None:
        return (Chip(icon="clock", word=_("Being read")),)
    mood = words.MOODS[assessment.sentiment]
    language = Chip(icon="globe", word=words.LANGUAGES[assessment.language], title=_("Language"))
    sure = _("Mood, {share} sure", share=i18n.percent(assessment.confidence))
    if assessment.language.value == "unsure":
        language = replace(language, word=_("Language unsure"))
    return (
        replace(mood, title=_("Mood, set by a person") if Field.SENTIMENT in assessment.corrected else sure),
        language,
        *(words.INTENTS[intent] for intent in assessment.intents),
    )


def conversation_states(
    conversation: Conversation, reply: Reply | None, mention: Mention, now: datetime
) -> tuple[Chip, ...]:
    """Return where a conversation stands: what asks for a person first."""
    found = (
        _reply_chip(reply, now) if reply else None,
        _due_chip(conversation, now),
        _taken_chip(conversation),
        _acknowledged_chip(conversation, reply, now),
        _no_reply_chip(mention) if conversation.status is not Status.RESOLVED else None,
        words.STATUSES[conversation.status] if conversation.status is not Status.OPEN else None,
    )
    return tuple(chip for chip in found if chip is not None)


def waiting_chip(conversation: Conversation, now: datetime) -> Chip | None:
    """Return how long the author has waited for a person."""
    since = conversation.waiting_since
    if since is None or conversation.status is Status.RESOLVED:
        return None
    due = conversation.due_at
    tone = Tone.WAIT
    if due is not None and due - now <= words.SOON:
        tone = Tone.ACT if due <= now else Tone.SOON
    return Chip(icon="hourglass", word=_("Waiting {span}", span=words.span(now - since)), tone=tone)


def why_no_reply(mention: Mention) -> str | None:
    """Return the platform's rule that forbids a reply of ours here, None where there is none."""
    platform = mention.post.platform
    if mention.is_summons or platform is not Platform.X:
        return None
    heard = {Via.HASHTAG: N_("a hashtag"), Via.KEYWORD: N_("a keyword"), Via.MENTION: N_("a mention")}[mention.via]
    return _(
        "We heard this through {heard} ({matched}); its author did not address us. X takes replies by API only "
        "where the author mentioned or quoted the account (rule read {read_on}). Open the post on X and answer there "
        "by hand.",
        heard=_(heard),
        matched=mention.matched,
        read_on=f"{ALLOWANCES[platform].read_on:%Y-%m-%d}",
    )


def reply_chip(reply: Reply) -> Chip:
    """Return where one reply stands."""
    return words.REPLY_STATES[reply.state]


_LOUD_REPLIES = {
    ReplyState.UNKNOWN: N_("Reply outcome unknown: a person decides"),
    ReplyState.FAILED: N_("Reply failed: the platform refused it"),
    ReplyState.REFUSED: N_("Reply held back by a safety check"),
    ReplyState.DRAFT: N_("Draft awaits approval"),
    ReplyState.APPROVED: N_("Reply about to be sent"),
    ReplyState.SENDING: N_("Reply being sent"),
}


def _reply_chip(reply: Reply, now: datetime) -> Chip | None:
    if reply.state in _LOUD_REPLIES:
        return replace(reply_chip(reply), word=_(_LOUD_REPLIES[reply.state]))
    if reply.state is ReplyState.SENT and reply.kind is ReplyKind.ANSWER and reply.settled_at is not None:
        ago, by = words.ago(reply.settled_at, now), reply.approved_by
        word = _("Answered by {by} {ago}", by=by, ago=ago) if by else _("Answered {ago}", ago=ago)
        return Chip(icon="check", word=word, tone=Tone.DONE)
    return None


def _due_chip(conversation: Conversation, now: datetime) -> Chip | None:
    if conversation.escalated_at is None or conversation.status is Status.RESOLVED:
        return None
    due = conversation.due_at
    if conversation.waiting_since is None:
        # Answered: nobody is late any more.
        return Chip(icon="bell", word=_("Escalated"))
    if due is None:
        return Chip(icon="bell", word=_("Escalated"), tone=Tone.SOON)
    if due <= now:
        late = _("Escalated, overdue by {span}", span=words.span(now - due))
        return Chip(icon="bell", word=late, tone=Tone.ACT)
    tone = Tone.SOON if due - now <= words.SOON else Tone.WAIT
    return Chip(icon="bell", word=_("Escalated, due"), tone=tone, at=words.moment(due, now))


def _taken_chip(conversation: Conversation) -> Chip | None:
    if conversation.taken_by is None:
        return None
    return Chip(icon="person", word=_("Taken by {name}", name=conversation.taken_by), tone=Tone.WAIT)


def _acknowledged_chip(conversation: Conversation, reply: Reply | None, now: datetime) -> Chip | None:
    at = conversation.acknowledged_at
    if at is None:
        return None
    is_this_one = reply is not None and reply.kind is ReplyKind.ACKNOWLEDGEMENT and reply.state is ReplyState.SENT
    by_person = is_this_one and reply is not None and not reply.is_automatic
    icon, tone = ("check", Tone.DONE) if by_person else ("robot", Tone.BOT)
    return Chip(icon=icon, word=_("Acknowledged {ago}", ago=words.ago(at, now)), tone=tone)


def _no_reply_chip(mention: Mention) -> Chip | None:
    if why_no_reply(mention) is None:
        return None
    return Chip(icon="open", word=_("X allows no API reply here"), tone=Tone.WAIT)


_LOUDEST = (Tone.ACT, Tone.SOON, Tone.APPROVE, Tone.BOT, Tone.WAIT)


def _strongest(states: tuple[Chip, ...], urgency: UrgencyView, status: Status) -> Tone:
    if status is Status.RESOLVED:
        return Tone.DONE
    tones = {chip.tone for chip in states} | {urgency.tone}
    return next(tone for tone in _LOUDEST if tone in tones or tone is Tone.WAIT)
