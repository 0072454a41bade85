"""People, their second factors and their sessions, as a page shows them.

Owns the words. Pure: rows in, words out.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from core.rights import Role
from dashboard import i18n, words
from dashboard.i18n import N_, _, ngettext
from dashboard.words import Chip, Moment, Said, Tone
from store.factors import Factor
from store.people import Staff
from store.sessions import Session

# What each role adds to the one above it.
ROLE_MEANS = Said(
    {
        Role.READER: N_("Looks at everything, changes nothing."),
        Role.AGENT: N_("Also takes, notes, tags, corrects, and writes answers that wait for an approver."),
        Role.APPROVER: N_("Also approves and sends replies."),
        Role.SUPERVISOR: N_("Also pauses, ends storms, closes gaps, puts rules live."),
        Role.ADMIN: N_("Also invites people, sets roles, reads the audit."),
    },
    _,
)
# Looked for in this order: every browser claims to be several others.
_BROWSERS = (
    ("Edg/", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
_SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleChoice:
    """A role to choose."""

    key: str
    word: str
    means: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonView:
    """One member of staff. `can` names the forms that make sense for them."""

    id: int
    name: str
    initials: str
    email: str
    is_you: bool
    role: str
    role_key: str
    language: str
    factor: Chip
    seen: str
    seen_at: Moment | None
    state: Chip
    can: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class FactorView:
    """One's own second factor."""

    state: Chip
    is_on: bool
    is_needed: bool
    has_password: bool
    codes: str
    codes_tone: Tone


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionView:
    """A signed-in browser."""

    label: str
    browser: str
    address: str
    since: Moment
    seen: str
    is_this: bool


def role_choices() -> list[RoleChoice]:
    """Return every role, the least first."""
    return [RoleChoice(key=role.value, word=words.ROLES[role], means=ROLE_MEANS[role]) for role in Role]


def person_views(
    people: Iterable[Staff],
    links: Mapping[int, datetime],
    *,
    needs_factor: frozenset[Role],
    reader: int,
    now: datetime,
) -> list[PersonView]:
    """Return everybody as the page of people shows them."""
    return [_person(one, links.get(one.id), one.role in needs_factor, reader, now) for one in people]


def _person(staff: Staff, link_until: datetime | None, needs_factor: bool, reader: int, now: datetime) -> PersonView:
    is_you = staff.id == reader
    return PersonView(
        id=staff.id,
        name=staff.name,
        initials="".join(part[0] for part in staff.name.split()[:2]).upper(),
        email=staff.email or "",
        is_you=is_you,
        role=words.ROLES[staff.role],
        role_key=staff.role.value,
        language=i18n.LANGUAGES.get(staff.language or "", _("As their browser asks")),
        factor=_factor_chip(staff, needs_factor),
        seen=words.ago(staff.seen_at, now) if staff.seen_at else _("Never"),
        seen_at=words.moment(staff.seen_at, now) if staff.seen_at else None,
        state=_state(staff, link_until, now),
        can=frozenset() if is_you else _can(staff),
    )


def _can(staff: Staff) -> frozenset[str]:
    if staff.is_invited:
        return frozenset({"link", "withdraw", "role"})
    if not staff.is_active:
        return frozenset({"reactivate"})
    can = {"role", "deactivate", "link", "sessions"}
    return frozenset(can | ({"factor"} if staff.second_factor_since is not None else set()))


def _factor_chip(staff: Staff, is_needed: bool) -> Chip:
    if staff.second_factor_since is not None:
        return Chip(icon="shield", word=_("Second factor"), tone=Tone.DONE)
    if staff.has_provider and not staff.password_hash:
        return Chip(icon="shield", word=_("Through the provider"))
    if is_needed:
        return Chip(icon="shield", word=_("Second factor at the next sign-in"), tone=Tone.SOON)
    return Chip(icon="shield", word=_("No second factor"))


def _state(staff: Staff, link_until: datetime | None, now: datetime) -> Chip:
    if staff.is_active:
        return Chip(icon="check", word=_("Can sign in"), tone=Tone.DONE)
    if not staff.is_invited:
        return Chip(icon="ban", word=_("Deactivated"))
    if link_until is not None:
        left = words.span(link_until - now)
        return Chip(icon="clock", word=_("Invited; the link works for {span}", span=left), tone=Tone.APPROVE)
    if staff.email:
        return Chip(icon="clock", word=_("Expected through the provider; the link is too old"), tone=Tone.APPROVE)
    return Chip(icon="alert", word=_("Invited; the link is too old"), tone=Tone.SOON)


def factor_view(factor: Factor | None, *, is_needed: bool, has_password: bool, now: datetime) -> FactorView:
    """Return one's own second factor in words."""
    is_on = factor is not None and factor.since is not None
    left = factor.codes_left if factor is not None and is_on else 0
    if factor is not None and factor.since is not None:
        since = words.ago(factor.since, now)
        state = Chip(icon="shield", word=_("On, set up {since}", since=since), tone=Tone.DONE)
    else:
        state = Chip(icon="shield", word=_("Off"), tone=Tone.SOON if is_needed else Tone.WAIT)
    return FactorView(
        state=state,
        is_on=is_on,
        is_needed=is_needed,
        has_password=has_password,
        codes=ngettext("{n} recovery code is left.", "{n} recovery codes are left.", left),
        codes_tone=Tone.SOON if left < 3 else Tone.WAIT,
    )


def session_views(sessions: Iterable[Session], *, this: str, now: datetime) -> list[SessionView]:
    """Return one's own sessions, this browser's first."""
    views = [
        SessionView(
            label=session.label,
            browser=browser_words(session.browser),
            address=session.address,
            since=words.moment(session.created_at or now, now),
            seen=words.ago(session.seen_at or now, now),
            is_this=session.label == this,
        )
        for session in sessions
    ]
    return sorted(views, key=lambda view: not view.is_this)


def browser_words(said: str) -> str:
    """Return a browser as a person knows it: "Firefox on Windows"."""
    browser = next((name for mark, name in _BROWSERS if mark in said), "")
    system = next((name for mark, name in _SYSTEMS if mark in said), "")
    if browser and system:
        return _("{browser} on {system}", browser=browser, system=system)
    return browser or system or _("A browser that does not say which")
