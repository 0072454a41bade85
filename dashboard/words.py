"""The words, icons and colours of everything a page can say.

Owns how core's closed sets read to a person. Refuses to look at rows or requests: values in, words out.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Generic, TypeVar

from core.assessment import Intent, Language, Sentiment
from core.conversation import Move, Status
from core.correction import Field
from core.post import Platform
from core.reply import RejectReason, ReplyState
from core.rights import Role
from dashboard import i18n
from dashboard.i18n import N_, _, ngettext
from store.handing import Skip

K = TypeVar("K")
V = TypeVar("V")


class Said(Mapping[K, V], Generic[K, V]):
    """A table of words, put into the reader's language when looked up, not when this file is loaded."""

    def __init__(self, table: Mapping[K, V], say: Callable[[V], V]) -> None:
        self._table = table
        self._say = say

    def __getitem__(self, key: K) -> V:
        return self._say(self._table[key])

    def __iter__(self) -> Iterator[K]:
        return iter(self._table)

    def __len__(self) -> int:
        return len(self._table)


# From these points up: a person acts now; a person looks today.
URGENT_FROM = 70
RAISED_FROM = 40
# A due time nearer than this is due soon.
SOON = timedelta(minutes=15)


class Tone(StrEnum):
    """What a colour means; app.css has one class for each."""

    ACT = "act"
    SOON = "soon"
    APPROVE = "approve"
    WAIT = "wait"
    DONE = "done"
    BOT = "bot"


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """An instant for a <time>: the machine's form, and words for a browser without script."""

    iso: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Chip:
    """An icon, a word and a colour: never a colour alone. `at` follows the word where there is one."""

    icon: str
    word: str
    tone: Tone = Tone.WAIT
    at: Moment | None = None
    title: str = ""


def say_chip(chip: Chip) -> Chip:
    """Return a chip in the reader's language."""
    return replace(chip, word=_(chip.word))


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """An urgency as a person puts it: from which number it is read, and which number it sets."""

    key: str
    word: str
    reads_from: int
    sets: int


LEVELS = (
    Level(key="calm", word=N_("Low, calm"), reads_from=0, sets=5),
    Level(key="ordinary", word=N_("Low, ordinary"), reads_from=18, sets=30),
    Level(key="angry", word=N_("Raised, angry"), reads_from=RAISED_FROM, sets=60),
    Level(key="danger", word=N_("High, danger"), reads_from=URGENT_FROM, sets=90),
)
LEVEL_NUMBERS = {level.key: level.sets for level in LEVELS}

FIELDS = Said(
    {
        Field.SENTIMENT: N_("Mood"),
        Field.URGENCY: N_("Urgency"),
        Field.LANGUAGE: N_("Language"),
        Field.INTENTS: N_("Intents"),
    },
    _,
)

MOODS = Said(
    {
        Sentiment.NEGATIVE: Chip(icon="mood-low", word=N_("Negative"), tone=Tone.ACT),
        Sentiment.NEUTRAL: Chip(icon="mood-even", word=N_("Neutral")),
        Sentiment.POSITIVE: Chip(icon="mood-high", word=N_("Positive"), tone=Tone.DONE),
        Sentiment.UNSURE: Chip(icon="mood-unsure", word=N_("Unsure")),
    },
    say_chip,
)

LANGUAGES = Said(
    {
        Language.DA: N_("Danish"),
        Language.SV: N_("Swedish"),
        Language.NB: N_("Norwegian"),
        Language.NN: N_("Nynorsk"),
        Language.EN: N_("English"),
        Language.UNSURE: N_("Unsure"),
    },
    _,
)

INTENTS = Said(
    {
        Intent.COMPLAINT: Chip(icon="alert", word=N_("Complaint"), tone=Tone.SOON),
        Intent.QUESTION: Chip(icon="question", word=N_("Question")),
        Intent.PRAISE: Chip(icon="heart", word=N_("Praise"), tone=Tone.DONE),
        Intent.OUTAGE: Chip(icon="bolt", word=N_("Outage"), tone=Tone.ACT),
        Intent.BILLING: Chip(icon="receipt", word=N_("Billing")),
        Intent.DELIVERY: Chip(icon="parcel", word=N_("Delivery")),
        Intent.CANCELLATION: Chip(icon="leave", word=N_("Cancellation"), tone=Tone.SOON),
        Intent.SAFETY: Chip(icon="shield", word=N_("Safety"), tone=Tone.ACT),
        Intent.LEGAL: Chip(icon="scales", word=N_("Legal"), tone=Tone.ACT),
        Intent.SCAM: Chip(icon="mask", word=N_("Scam"), tone=Tone.SOON),
        Intent.SPAM: Chip(icon="ban", word=N_("Spam")),
        Intent.OPT_OUT: Chip(icon="ban", word=N_("Asked us to stop"), tone=Tone.SOON),
        Intent.SELF_HARM: Chip(icon="shield", word=N_("Self-harm"), tone=Tone.ACT),
        Intent.GRIEF: Chip(icon="heart", word=N_("Grief"), tone=Tone.ACT),
        Intent.PERSON: Chip(icon="person", word=N_("Wants a person"), tone=Tone.SOON),
    },
    say_chip,
)

PLATFORMS = {
    Platform.X: Chip(icon="platform-x", word="X"),
    Platform.REDDIT: Chip(icon="platform-reddit", word="Reddit"),
}

HANDLE_PREFIX = {Platform.X: "@", Platform.REDDIT: "u/"}

STATUSES = Said(
    {
        Status.OPEN: Chip(icon="tray", word=N_("Open")),
        Status.PENDING: Chip(icon="robot", word=N_("With the bot"), tone=Tone.BOT),
        Status.SNOOZED: Chip(icon="clock", word=N_("Snoozed")),
        Status.RESOLVED: Chip(icon="check", word=N_("Resolved"), tone=Tone.DONE),
    },
    say_chip,
)

REPLY_STATES = Said(
    {
        ReplyState.DRAFT: Chip(icon="pencil", word=N_("Draft awaits approval"), tone=Tone.APPROVE),
        ReplyState.APPROVED: Chip(icon="clock", word=N_("Approved, about to be sent"), tone=Tone.APPROVE),
        ReplyState.SENDING: Chip(icon="send", word=N_("Being sent"), tone=Tone.APPROVE),
        ReplyState.SENT: Chip(icon="check", word=N_("Sent"), tone=Tone.DONE),
        ReplyState.REFUSED: Chip(icon="shield", word=N_("Held back by a safety check"), tone=Tone.SOON),
        ReplyState.FAILED: Chip(icon="alert", word=N_("The platform refused it"), tone=Tone.ACT),
        ReplyState.UNKNOWN: Chip(icon="question", word=N_("Outcome unknown: a person decides"), tone=Tone.ACT),
        ReplyState.DROPPED: Chip(icon="ban", word=N_("Dropped")),
    },
    say_chip,
)

REJECT_REASONS = Said(
    {
        RejectReason.MOOD: N_("The mood was read wrong"),
        RejectReason.URGENCY: N_("The urgency was wrong"),
        RejectReason.LANGUAGE: N_("The language was wrong"),
        RejectReason.INTENT: N_("What they want was read wrong"),
        RejectReason.WORDS: N_("The words were wrong"),
        RejectReason.NO_ANSWER: N_("It needs no answer"),
    },
    _,
)

SKIP_REASONS = Said(
    {
        Skip.LANGUAGE: N_("I do not write this language"),
        Skip.SKILL: N_("Somebody else knows this better"),
        Skip.KNOWN: N_("I know this person"),
        Skip.LEAVING: N_("My shift ends"),
    },
    _,
)

MOVE_LABELS = Said(
    {
        Move.TAKE_OVER: N_("Take over"),
        Move.HAND_BACK: N_("Hand back"),
        Move.RESOLVE: N_("Resolve"),
        Move.REOPEN: N_("Reopen"),
    },
    _,
)

# What a redirect after an action may say: the address carries the key, never the words.
DONE = Said(
    {
        "take-over": N_("You have it now. Nothing automatic is sent here until you hand it back."),
        "hand-back": N_("Handed back. The rules may answer here again."),
        "resolve": N_("Resolved. It opens again by itself if the author writes."),
        "reopen": N_("Reopened."),
        "approved": N_("Approved. It is on its way."),
        "asked": N_("It waits for somebody who may send it. Your name is on it."),
        "rejected": N_("Rejected. The reason is kept, so that drafts get better."),
        "rejected-corrected": N_("Rejected, and set right. It counts from now on."),
        "assigned": N_("Assigned."),
        "unassigned": N_("It is nobody's work now."),
        "snoozed": N_("Snoozed. It comes back by itself."),
        "skipped": N_("Given back. The reason is counted."),
        "nothing-next": N_("There is nothing free that fits you."),
        "handed": N_("This one is yours."),
        "noted": N_("Noted. Only colleagues see it."),
        "tagged": N_("Tagged."),
        "untagged": N_("The tag is off."),
        "promised": N_("Promised. You are reminded in time."),
        "promise-kept": N_("Kept. Well done."),
        "promise-off": N_("Called off."),
        "skills-set": N_("Saved. “Next” goes by it from now on."),
        "answered": N_("Your answer is on its way."),
        "dropped": N_("Dropped. It will not be sent."),
        "redrafted": N_("Taken back. It is a draft again."),
        "there": N_("Noted as sent."),
        "again": N_("It is sent once more."),
        "automatic": N_("No automatic replies to this author from now on."),
        "listening": N_("We no longer listen to this author."),
        "house-paused": N_("The house is paused. Nothing automatic is sent anywhere."),
        "house-resumed": N_("The house is running again."),
        "account-paused": N_("The account is paused."),
        "gap-seen": N_("The gap is closed as seen."),
        "account-resumed": N_("The account is running again."),
        "corrected": N_("Set right. It counts from now on."),
        "correction-undone": N_("Undone. The posts say what they said before, but for what was set right since."),
        "nothing-picked": N_("Nothing was changed: first pick what is not right."),
        "taught": N_("Taught. It counts from the next post on."),
        "taught-undone": N_("Undone. The word counts no more."),
        "rules-live": N_("Live. The next post is decided by these rules."),
        "rules-returned": N_("Back as it was. The next post is decided by these rules."),
        "watches-live": N_("Live. The listeners follow within seconds."),
        "watches-returned": N_("Back as it was. The listeners follow within seconds."),
        "incident-taken": N_("You are on it. Nobody else is woken."),
        "alert-taken": N_("You are on it. Nobody else is told."),
        "statement-approved": N_("Approved. New drafts carry it from now on."),
        "breaker-reset": N_("Reset. Automatic replies go on."),
        "filter-saved": N_("Saved. The star beside the search lists it."),
        "filter-deleted": N_("Deleted."),
        "role-set": N_("The role is set. They sign in anew."),
        "deactivated": N_(
            "They cannot sign in any more. What they had is in the queue again; what they had taken over is yours."
        ),
        "reactivated": N_("They can sign in again."),
        "withdrawn": N_("Withdrawn. The link works no longer."),
        "factor-removed": N_("The second factor is removed, and they are signed out everywhere."),
        "sessions-ended": N_("They are signed out everywhere."),
        "password-set": N_("The password is changed. Every other session of yours has ended."),
        "own-factor-removed": N_("The second factor is removed. Every other session of yours has ended."),
        "session-ended": N_("The session has ended."),
        "others-ended": N_("Every other session of yours has ended."),
        "unchanged": N_("Nothing to change: it was so already."),
    },
    _,
)


ROLES = Said(
    {
        Role.READER: N_("Read only"),
        Role.AGENT: N_("Agent"),
        Role.APPROVER: N_("Approver"),
        Role.SUPERVISOR: N_("Supervisor"),
        Role.ADMIN: N_("Administrator"),
    },
    _,
)


def level_of(urgency: int) -> Level:
    """Return the level a number is read as."""
    return next(level for level in reversed(LEVELS) if urgency >= level.reads_from)


def urgency_tone(urgency: int) -> Tone:
    """Return the colour of an urgency."""
    if urgency >= URGENT_FROM:
        return Tone.ACT
    return Tone.SOON if urgency >= RAISED_FROM else Tone.WAIT


def urgency_word(urgency: int) -> str:
    """Return an urgency in a word."""
    return {Tone.ACT: _("High"), Tone.SOON: _("Raised")}.get(urgency_tone(urgency), _("Low"))


def span(length: timedelta) -> str:
    """Return a length of time, as short as it still says something: "12 s", "4 min", "2 h 5 min", "3 days"."""
    seconds = max(0, int(length.total_seconds()))
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86_400
    if seconds < 60:
        return _("{n} s", n=seconds)
    if minutes < 60:
        return _("{n} min", n=minutes)
    if hours < 24:
        rest = minutes % 60
        return _("{hours} h {minutes} min", hours=hours, minutes=rest) if rest else _("{n} h", n=hours)
    return ngettext("{n} day", "{n} days", days)


def ago(at: datetime, now: datetime) -> str:
    """Return how long ago an instant was."""
    return _("just now") if (now - at).total_seconds() < 1 else _("{span} ago", span=span(now - at))


def moment(at: datetime, now: datetime) -> Moment:
    """Return an instant; with its day where that is not today. The browser makes it local."""
    utc = at.astimezone(UTC)
    is_today = utc.date() == now.astimezone(UTC).date()
    text = f"{i18n.clock(utc)} UTC" if is_today else f"{i18n.day(utc)} {i18n.clock(utc)} UTC"
    return Moment(iso=utc.isoformat(timespec="seconds"), text=text)


def posts(number: int) -> str:
    """Return a number of posts."""
    return ngettext("{n} post", "{n} posts", number)


def followers(number: int) -> str:
    """Return a number of followers, three figures at most."""
    return i18n.short_number(number)


def snippet(text: str, most: int) -> str:
    """Return a post as one line of at most so many letters."""
    line = " ".join(text.split())
    return line if len(line) <= most else line[: most - 1].rstrip() + "…"
