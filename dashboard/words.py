"""The words, icons and colours of everything a page can say.

Owns how core's closed sets read to a person. Refuses to look at rows or requests: values in, words out.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from core.assessment import Intent, Language, Sentiment
from core.conversation import Move, Status
from core.correction import Field
from core.post import Platform
from core.reply import ReplyState

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """An urgency as a person puts it: from which number it is read, and which number it sets."""

    key: str
    word: str
    reads_from: int
    sets: int


LEVELS = (
    Level(key="calm", word="Calm", reads_from=0, sets=5),
    Level(key="ordinary", word="Ordinary", reads_from=18, sets=30),
    Level(key="angry", word="Angry", reads_from=RAISED_FROM, sets=60),
    Level(key="danger", word="Danger", reads_from=URGENT_FROM, sets=90),
)
LEVEL_NUMBERS = {level.key: level.sets for level in LEVELS}

FIELDS = {
    Field.SENTIMENT: "Mood",
    Field.URGENCY: "Urgency",
    Field.LANGUAGE: "Language",
    Field.INTENTS: "Intents",
}

MOODS = {
    Sentiment.NEGATIVE: Chip(icon="mood-low", word="Negative", tone=Tone.ACT),
    Sentiment.NEUTRAL: Chip(icon="mood-even", word="Neutral"),
    Sentiment.POSITIVE: Chip(icon="mood-high", word="Positive", tone=Tone.DONE),
    Sentiment.UNSURE: Chip(icon="mood-unsure", word="Unsure"),
}

LANGUAGES = {
    Language.DA: "Danish",
    Language.SV: "Swedish",
    Language.NB: "Norwegian",
    Language.NN: "Nynorsk",
    Language.EN: "English",
    Language.UNSURE: "Unsure",
}

INTENTS = {
    Intent.COMPLAINT: Chip(icon="alert", word="Complaint", tone=Tone.SOON),
    Intent.QUESTION: Chip(icon="question", word="Question"),
    Intent.PRAISE: Chip(icon="heart", word="Praise", tone=Tone.DONE),
    Intent.OUTAGE: Chip(icon="bolt", word="Outage", tone=Tone.ACT),
    Intent.BILLING: Chip(icon="receipt", word="Billing"),
    Intent.DELIVERY: Chip(icon="parcel", word="Delivery"),
    Intent.CANCELLATION: Chip(icon="leave", word="Cancellation", tone=Tone.SOON),
    Intent.SAFETY: Chip(icon="shield", word="Safety", tone=Tone.ACT),
    Intent.LEGAL: Chip(icon="scales", word="Legal", tone=Tone.ACT),
    Intent.SCAM: Chip(icon="mask", word="Scam", tone=Tone.SOON),
    Intent.SPAM: Chip(icon="ban", word="Spam"),
    Intent.OPT_OUT: Chip(icon="ban", word="Asked us to stop", tone=Tone.SOON),
    Intent.SELF_HARM: Chip(icon="shield", word="Self-harm", tone=Tone.ACT),
    Intent.GRIEF: Chip(icon="heart", word="Grief", tone=Tone.ACT),
    Intent.PERSON: Chip(icon="person", word="Wants a person", tone=Tone.SOON),
}

PLATFORMS = {
    Platform.X: Chip(icon="platform-x", word="X"),
    Platform.REDDIT: Chip(icon="platform-reddit", word="Reddit"),
}

HANDLE_PREFIX = {Platform.X: "@", Platform.REDDIT: "u/"}

STATUSES = {
    Status.OPEN: Chip(icon="tray", word="Open"),
    Status.PENDING: Chip(icon="robot", word="Pending", tone=Tone.BOT),
    Status.SNOOZED: Chip(icon="clock", word="Snoozed"),
    Status.RESOLVED: Chip(icon="check", word="Resolved", tone=Tone.DONE),
}

REPLY_STATES = {
    ReplyState.DRAFT: Chip(icon="pencil", word="Draft awaits approval", tone=Tone.APPROVE),
    ReplyState.APPROVED: Chip(icon="clock", word="Approved, about to be sent", tone=Tone.APPROVE),
    ReplyState.SENDING: Chip(icon="send", word="Being sent", tone=Tone.APPROVE),
    ReplyState.SENT: Chip(icon="check", word="Sent", tone=Tone.DONE),
    ReplyState.REFUSED: Chip(icon="shield", word="Held back by a safety check", tone=Tone.SOON),
    ReplyState.FAILED: Chip(icon="alert", word="The platform refused it", tone=Tone.ACT),
    ReplyState.UNKNOWN: Chip(icon="question", word="Outcome unknown: a person decides", tone=Tone.ACT),
    ReplyState.DROPPED: Chip(icon="ban", word="Dropped"),
}

MOVE_LABELS = {
    Move.TAKE_OVER: "Take over",
    Move.HAND_BACK: "Hand back",
    Move.RESOLVE: "Resolve",
    Move.REOPEN: "Reopen",
}

# What a redirect after an action may say: the address carries the key, never the words.
DONE = {
    "take-over": "You have it now. Nothing automatic is sent here until you hand it back.",
    "hand-back": "Handed back. The rules may answer here again.",
    "resolve": "Resolved. It opens again by itself if the author writes.",
    "reopen": "Reopened.",
    "approved": "Approved. It is on its way.",
    "answered": "Your answer is on its way.",
    "dropped": "Dropped. It will not be sent.",
    "redrafted": "Taken back. It is a draft again.",
    "there": "Noted as sent.",
    "again": "It is sent once more.",
    "automatic": "No automatic replies to this author from now on.",
    "listening": "We no longer listen to this author.",
    "house-paused": "The house is paused. Nothing automatic is sent anywhere.",
    "house-resumed": "The house is running again.",
    "account-paused": "The account is paused.",
    "gap-seen": "The gap is closed as seen.",
    "account-resumed": "The account is running again.",
    "corrected": "Set right. It counts from now on.",
    "correction-undone": "Undone. The posts say what they said before, but for what was set right since.",
    "nothing-picked": "Nothing was changed: first pick what is not right.",
    "taught": "Taught. It counts from the next post on.",
    "taught-undone": "Undone. The word counts no more.",
    "incident-taken": "You are on it. Nobody else is woken.",
    "alert-taken": "You are on it. Nobody else is told.",
    "statement-approved": "Approved. New drafts carry it from now on.",
    "breaker-reset": "Reset. Automatic replies go on.",
    "unchanged": "Nothing to change: it was so already.",
}


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
    return {Tone.ACT: "High", Tone.SOON: "Raised"}.get(urgency_tone(urgency), "Low")


def span(length: timedelta) -> str:
    """Return a length of time, as short as it still says something: "12 s", "4 min", "2 h 5 min", "3 days"."""
    seconds = max(0, int(length.total_seconds()))
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86_400
    if seconds < 60:
        return f"{seconds} s"
    if minutes < 60:
        return f"{minutes} min"
    if hours < 24:
        rest = minutes % 60
        return f"{hours} h {rest} min" if rest else f"{hours} h"
    return "1 day" if days == 1 else f"{days} days"


def ago(at: datetime, now: datetime) -> str:
    """Return how long ago an instant was."""
    return "just now" if (now - at).total_seconds() < 1 else f"{span(now - at)} ago"


def moment(at: datetime, now: datetime) -> Moment:
    """Return an instant; with its day where that is not today. The browser makes it local."""
    utc = at.astimezone(UTC)
    is_today = utc.date() == now.astimezone(UTC).date()
    text = f"{utc:%H:%M} UTC" if is_today else f"{utc.day} {utc:%b %H:%M} UTC"
    return Moment(iso=utc.isoformat(timespec="seconds"), text=text)


def count(number: int, one: str, many: str = "") -> str:
    """Return a number with its noun."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def followers(number: int) -> str:
    """Return a number of followers, three figures at most."""
    for size, letter in ((1_000_000, "M"), (1_000, "k")):
        if number >= size:
            value = number / size
            return f"{value:.0f}{letter}" if value >= 100 or number % size < size // 20 else f"{value:.1f}{letter}"
    return str(number)
