"""The right pane: where a conversation stands, its author, whose work it is, and what colleagues wrote beside it.

Owns that view. Pure: refuses to ask anything.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from core.assessment import Assessment, Intent, Language
from core.conversation import Conversation, Status
from dashboard import words
from dashboard.i18n import _, ngettext
from dashboard.present_corrections import OptionView
from dashboard.whens import PROMISES, SNOOZES
from dashboard.words import Chip, Tone
from store.conversations import Earlier, Thread
from store.handing import Colleague, Skills, Skip, fits
from store.lookers import Looker
from store.notes import Note
from store.promises import Promise


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """What hangs on a conversation beside its posts, as read from the store."""

    notes: Sequence[Note] = ()
    tags: Sequence[str] = ()
    usual_tags: Sequence[str] = ()
    promises: Sequence[Promise] = ()
    colleagues: Sequence[Colleague] = ()
    earlier: Earlier = field(default_factory=Earlier)
    lookers: Sequence[Looker] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkView:
    """A link and its words."""

    url: str
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteView:
    """One note. `calls` says whom it names; `is_for_me` marks it."""

    by: str
    ago: str
    text: str
    calls: str
    is_for_me: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PromiseView:
    """One promise that stands."""

    id: int
    what: str
    by: str
    state: Chip


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonView:
    """The person and the tools."""

    earlier: str
    earlier_links: tuple[LinkView, ...]
    assigned: str
    is_mine: bool
    colleagues: tuple[OptionView, ...]
    skips: tuple[OptionView, ...]
    snoozed: str
    snoozes: tuple[OptionView, ...]
    can_snooze: bool
    tags: tuple[str, ...]
    usual_tags: tuple[str, ...]
    notes: tuple[NoteView, ...]
    promises: tuple[PromiseView, ...]
    promise_times: tuple[OptionView, ...]
    zone: str


def person_view(thread: Thread, beside: Beside, *, reader: str, zone: str, now: datetime) -> PersonView:
    """Return what `reader` sees beside a conversation at `now`."""
    conversation = thread.conversation
    is_mine = conversation.assigned_to == reader and not conversation.is_taken
    is_open = conversation.status is not Status.RESOLVED
    return PersonView(
        earlier=_earlier(beside.earlier),
        earlier_links=tuple(
            LinkView(
                url=f"/conversations/{one.id}",
                label=_(
                    "{ago}, {status}",
                    ago=words.ago(one.last_post_at, now),
                    status=words.STATUSES[one.status].word,
                ),
            )
            for one in beside.earlier.last
        ),
        assigned=assigned_words(conversation, reader),
        is_mine=is_mine,
        colleagues=colleague_options(conversation, beside.colleagues, _newest_read(thread)) if is_open else (),
        skips=tuple(OptionView(value=skip, label=words.SKIP_REASONS[skip], is_chosen=False) for skip in Skip)
        if is_mine
        else (),
        snoozed=snoozed_words(conversation, now),
        snoozes=tuple(OptionView(value=key, label=_(word), is_chosen=False) for key, word in SNOOZES.items()),
        can_snooze=is_open,
        tags=tuple(beside.tags),
        usual_tags=tuple(tag for tag in beside.usual_tags if tag not in beside.tags),
        notes=tuple(note_view(note, reader, now) for note in beside.notes),
        promises=tuple(promise_view(promise, now) for promise in beside.promises),
        promise_times=tuple(OptionView(value=key, label=_(word), is_chosen=False) for key, word in PROMISES.items()),
        zone=zone,
    )


def assigned_words(conversation: Conversation, reader: str) -> str:
    """Return whose work a conversation is."""
    if conversation.assigned_to is None:
        return _("Nobody's work yet")
    return _("Yours") if conversation.assigned_to == reader else conversation.assigned_to


def colleague_options(
    conversation: Conversation, colleagues: Iterable[Colleague], assessment: Assessment | None
) -> tuple[OptionView, ...]:
    """Return whom a conversation can be given to: whom it fits first, then who has the least open."""
    language = assessment.language if assessment else Language.UNSURE
    intents: tuple[Intent, ...] = assessment.intents if assessment else ()
    made = []
    for one in colleagues:
        is_fit = fits(one.skills, language, intents, conversation.urgency)
        load = ngettext("{n} open", "{n} open", one.load)
        label = _("{name}, {load}", name=one.name, load=load)
        made.append(
            (
                not is_fit,
                OptionView(
                    value=one.name,
                    label=label if is_fit else _("{colleague}, another language or skill", colleague=label),
                    is_chosen=one.name == conversation.assigned_to,
                ),
            )
        )
    return tuple(option for _unfit, option in sorted(made, key=lambda pair: pair[0]))


def snoozed_words(conversation: Conversation, now: datetime) -> str:
    """Return until when a conversation is put off, "" where it is not."""
    if conversation.status is not Status.SNOOZED:
        return ""
    until = conversation.snoozed_until
    if until is None:
        return _("Snoozed until the author writes")
    return _("Snoozed for {span} more", span=words.span(until - now))


def note_view(note: Note, reader: str, now: datetime) -> NoteView:
    """Return one note."""
    return NoteView(
        by=note.by,
        ago=words.ago(note.at, now),
        text=note.text,
        calls=_("For {names}", names=", ".join(note.calls)) if note.calls else "",
        is_for_me=reader in note.calls,
    )


def promise_view(promise: Promise, now: datetime) -> PromiseView:
    """Return one promise with its clock."""
    return PromiseView(
        id=promise.id,
        what=promise.what or _("Forgotten: the time we keep texts is over."),
        by=promise.by,
        state=promise_chip(promise, now),
    )


def promise_chip(promise: Promise, now: datetime) -> Chip:
    """Return when a promise is due: red once it is missed, amber where it is due soon."""
    left = promise.due_at - now
    if left.total_seconds() <= 0:
        return Chip(icon="bell", word=_("Promise missed by {span}", span=words.span(-left)), tone=Tone.ACT)
    tone = Tone.SOON if left <= words.SOON else Tone.WAIT
    return Chip(icon="bell", word=_("Promised within {span}", span=words.span(left)), tone=tone)


def looker_chips(lookers: Iterable[Looker], reader: str) -> tuple[Chip, ...]:
    """Return who else is here right now."""
    return tuple(
        Chip(icon="pencil", word=_("{name} is typing", name=one.name), tone=Tone.SOON)
        if one.is_typing
        else Chip(icon="person", word=_("{name} is looking", name=one.name))
        for one in lookers
        if one.name != reader
    )


def skill_options(skills: Skills) -> tuple[tuple[OptionView, ...], tuple[OptionView, ...]]:
    """Return languages and intents to tick, for the form of what somebody can."""
    languages = tuple(
        OptionView(value=one, label=words.LANGUAGES[one], is_chosen=one in skills.languages)
        for one in Language
        if one is not Language.UNSURE
    )
    intents = tuple(
        OptionView(value=one, label=words.INTENTS[one].word, is_chosen=one in skills.intents) for one in Intent
    )
    return languages, intents


def _earlier(earlier: Earlier) -> str:
    if not earlier.count:
        return _("First time we meet on this platform.")
    return ngettext("{n} earlier conversation with us", "{n} earlier conversations with us", earlier.count)


def _newest_read(thread: Thread) -> Assessment | None:
    return next((entry.assessment for entry in reversed(thread.entries) if entry.assessment is not None), None)
