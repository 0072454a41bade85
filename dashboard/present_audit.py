"""Lines of the audit, as a page shows them.

Owns the words of actions. Pure: rows in, words out. Never a text or a handle: none is in them (I9).
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlencode

from core.assessment import Intent, Language, Sentiment
from core.conversation import Status
from core.correction import Field
from core.rights import Role
from dashboard import i18n, words
from dashboard.i18n import N_, _
from dashboard.words import Moment
from store.audit import Line

# Where an action has no words yet it is shown as it is written.
ACTIONS = {
    "accept invitation": N_("Accepted an invitation"),
    "add staff": N_("Added a person"),
    "alert acknowledged": N_("Is on an alert"),
    "answer": N_("Wrote an answer"),
    "assign": N_("Gave it to somebody"),
    "bind provider": N_("First came through the provider"),
    "breaker reset": N_("Ended a storm"),
    "breaker tripped": N_("Storm: drafts only"),
    "correct": N_("Set a reading right"),
    "deactivate": N_("Deactivated a person"),
    "end sessions": N_("Ended sessions"),
    "gap seen": N_("Closed a gap as seen"),
    "hand back": N_("Handed back a conversation"),
    "incident taken": N_("Is on a storm"),
    "invite": N_("Invited a person"),
    "kept the last admin": N_("Kept the last administrator"),
    "make link": N_("Made a one-time link"),
    "new recovery codes": N_("Made new recovery codes"),
    "next": N_("Took the next one"),
    "note": N_("Left a note"),
    "opt out": N_("Noted that an author opted out"),
    "pause": N_("Paused the house"),
    "promise": N_("Promised something"),
    "promise called off": N_("Called a promise off"),
    "promise kept": N_("Kept a promise"),
    "put rules live": N_("Put rules live"),
    "put watches live": N_("Put watches live"),
    "reactivate": N_("Reactivated a person"),
    "recovery code": N_("Used a recovery code"),
    "reopen": N_("Reopened a conversation"),
    "reply approved": N_("Approved a reply"),
    "reply draft": N_("Took a reply back"),
    "reply dropped": N_("Dropped a reply"),
    "reply sent": N_("Noted a reply as sent"),
    "resolve": N_("Resolved a conversation"),
    "resume": N_("Resumed the house"),
    "second factor": N_("Changed the second factor"),
    "set account": N_("Paused or resumed an account"),
    "set language": N_("Chose a language"),
    "set password": N_("Set a password"),
    "set role": N_("Set a role"),
    "set skills": N_("Set languages and skills"),
    "sign in": N_("Signed in"),
    "sign out": N_("Signed out"),
    "sign-in failed": N_("Failed sign-ins"),
    "skip": N_("Skipped one"),
    "snooze": N_("Snoozed"),
    "statement approved": N_("Approved a holding statement"),
    "suggest": N_("Wrote an answer for approval"),
    "tag": N_("Set a tag"),
    "take back": N_("Took a reply back"),
    "take over": N_("Took over a conversation"),
    "teach": N_("Taught a word"),
    "undo correction": N_("Undid a correction"),
    "undo teach": N_("Took a taught word back"),
    "untag": N_("Took a tag off"),
    "wake": N_("Opened what was snoozed"),
    "withdraw invitation": N_("Withdrew an invitation"),
}
# What of a conversation a move can change. Its version is for the code.
_FIELDS = {
    "status": N_("status: {value}"),
    "taken_by": N_("taken by: {value}"),
    "assigned_to": N_("whose work: {value}"),
    "due_at": N_("due: {value}"),
    "waiting_since": N_("waits since: {value}"),
    "snoozed_until": N_("snoozed until: {value}"),
}
# What else a line says, with its value.
_MORE = {
    "due_at": N_("due: {value}"),
    "calls": N_("calls: {value}"),
    "because": N_("why: {value}"),
    "how": N_("with {value}"),
    "count": N_("{value} times"),
    "sessions": N_("sessions: {value}"),
    "reason": N_("why: {value}"),
    "field": N_("field: {value}"),
    "scope": N_("from: {value}"),
    "points": N_("points: {value}"),
    "through": N_("through: {value}"),
    "edited": N_("edited: {value}"),
    "reasons": N_("why: {value}"),
    "note": N_("note: {value}"),
    "takes_up": N_("version taken up again: {value}"),
    "changed_lines": N_("lines changed: {value}"),
    "freed": N_("conversations that are nobody's now: {value}"),
    "handed on": N_("conversations handed on to {value}"),
}


# What a line is about, where it has a number; and where that can be opened.
_SUBJECTS = {
    "alert": N_("alert {n}"),
    "author": N_("author {n}"),
    "conversation": N_("conversation {n}"),
    "correction": N_("correction {n}"),
    "gap": N_("gap {n}"),
    "incident": N_("incident {n}"),
    "post": N_("post {n}"),
    "reply": N_("reply {n}"),
    "rules": N_("rules, version {n}"),
    "taught word": N_("taught word {n}"),
    "watches": N_("watches, version {n}"),
}
_OPENS = {"alert": "/alerts/{n}", "conversation": "/conversations/{n}"}
# Values of a closed set that a line holds.
_VALUES = {
    "acknowledged": N_("acknowledged"),
    "dashboard": N_("Genlyd"),
    "in effect": N_("in effect"),
    "link": N_("a link"),
    "open": N_("open"),
    "password": N_("a password"),
    "password and code": N_("a password and a code"),
    "password and new second factor": N_("a password and a new second factor"),
    "password and recovery code": N_("a password and a recovery code"),
    "provider": N_("the provider"),
    "seen": N_("seen"),
    "undone": N_("undone"),
}


_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?[+-]\d\d:\d\d")
# What only code reads, and what stands on a page of its own.
_UNSAID = ("before", "after", "batch", "changed")
_GIVES_A_ROLE = ("add staff", "invite", "set role")
_HOLDS_A_VALUE = ("alert acknowledged", "gap seen", "undo correction")
_VALUED = ("how", "through")


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """An action to choose."""

    key: str
    word: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LineView:
    """One line. `before` and `after` are "" where the line is no change; `more` is whatever else it says.

    `link` opens what it is about, "" where nothing does.
    """

    at: Moment
    by: str
    action: str
    subject: str
    link: str
    before: str
    after: str
    is_change: bool
    more: str


def line_view(line: Line, now: datetime) -> LineView:
    """Return a line in words."""
    rest = {key: value for key, value in line.detail.items() if key not in _UNSAID and value not in (None, "")}
    before, after = _what_differs(line.detail.get("before"), line.detail.get("after"))
    subject, link = _subject(line.subject)
    return LineView(
        at=words.moment(line.at, now),
        by=line.by,
        action=action_word(line.action),
        subject=subject,
        link=link,
        before=_value(line, before),
        after=_value(line, after),
        is_change="after" in line.detail,
        more=", ".join(_more(key, value) for key, value in rest.items()),
    )


def action_word(action: str) -> str:
    """Return an action in words."""
    undone = action.removeprefix("undo ")
    if action not in ACTIONS and undone in ACTIONS:
        return _("Undid: {what}", what=_(ACTIONS[undone]))
    return _(ACTIONS[action]) if action in ACTIONS else action


def action_choices(actions: Iterable[str]) -> list[Choice]:
    """Return the actions there are, by their words."""
    choices = [Choice(key=action, word=action_word(action)) for action in actions]
    return sorted(choices, key=lambda choice: choice.word.casefold())


def link_to(path: str, asked: Mapping[str, str]) -> str:
    """Return an address with what is asked for."""
    given = {key: value for key, value in asked.items() if value}
    return f"{path}?{urlencode(given)}" if given else path


def _field(key: str, value: object) -> str:
    if key == "status" and value in set(Status):
        value = words.STATUSES[Status(str(value))].word
    return _(_FIELDS[key], value=_plain(value)) if key in _FIELDS else f"{key} {_plain(value)}"


def _more(key: str, value: object) -> str:
    if key == "field" and value in set(Field):
        value = words.FIELDS[Field(str(value))]
    if key in _VALUED and value in _VALUES:
        value = _(_VALUES[str(value)])
    return _(_MORE[key], value=_plain(value)) if key in _MORE else f"{key}: {_plain(value)}"


def _what_differs(before: object, after: object) -> tuple[object, object]:
    """Of two states of a conversation, what the move changed in it."""
    if not (isinstance(before, Mapping) and isinstance(after, Mapping) and {*before, *after} <= {*_FIELDS, "version"}):
        return before, after
    changed = [field for field in _FIELDS if before.get(field) != after.get(field)]
    return {field: before.get(field) for field in changed}, {field: after.get(field) for field in changed}


def _subject(subject: str) -> tuple[str, str]:
    """Return what a line is about in words, and where it opens. What has no number of ours is a name."""
    if subject == "house":
        return _("the house"), ""
    kind, space, number = subject.rpartition(" ")
    if not space or kind not in _SUBJECTS or not number.isdecimal():
        return subject, ""
    return _(_SUBJECTS[kind], n=number), _OPENS.get(kind, "").format(n=number)


def _value(line: Line, value: object) -> str:
    """Return what a line changed, from or to: what is of a closed set by its name."""
    said = str(value)
    if line.action in _GIVES_A_ROLE and said in set(Role):
        return words.ROLES[Role(said)]
    if line.action == "set language" and said in i18n.LANGUAGES:
        return i18n.LANGUAGES[said]
    if line.action == "correct":
        return _reading(value)
    if line.action in _HOLDS_A_VALUE and said in _VALUES:
        return _(_VALUES[said])
    return _plain(value)


def _reading(value: object) -> str:
    """Return a reading as it was set right: a mood, a language, intents or a number."""
    if isinstance(value, list):
        return ", ".join(_reading(one) for one in value) or _("nothing")
    if value in set(Sentiment):
        return words.MOODS[Sentiment(str(value))].word
    if value in set(Intent):
        return words.INTENTS[Intent(str(value))].word
    return words.LANGUAGES[Language(str(value))] if value in set(Language) else _plain(value)


def _plain(value: object) -> str:
    """Return a stored value as a person reads it."""
    if value is None or value == "":
        return _("nothing")
    if isinstance(value, str) and _INSTANT.fullmatch(value):
        at = datetime.fromisoformat(value).astimezone(UTC)
        return _("{day} {clock} UTC", day=i18n.full_day(at), clock=i18n.clock(at))
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, Mapping):
        return ", ".join(_field(str(key), one) for key, one in value.items()) or _("nothing")
    if isinstance(value, list):
        return ", ".join(_plain(one) for one in value) or _("nothing")
    return str(value)
