"""The incidents page and the banner: what tripped, why, who has it, and what may be done.

Owns those views. Pure: refuses to ask anything.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from core.assessment import Language, Sentiment
from core.incident import Incident
from dashboard import words
from dashboard.i18n import ngettext
from dashboard.present_sources import Figure
from dashboard.words import Chip, Moment, Tone
from store.incidents import Member

_EXCERPT = 240


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementView:
    """The holding text of one language."""

    language: str
    field: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberView:
    """One post of the storm, with the way to its conversation."""

    conversation_id: int
    handle: str
    text: str
    mood: Chip | None
    at: Moment


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentView:
    """One incident whole."""

    id: int
    version: int
    account: str
    is_open: bool
    state: Chip
    at: Moment
    ago: str
    reasons: tuple[str, ...]
    figures: tuple[Figure, ...]
    who: str
    can_take: bool
    statements: tuple[StatementView, ...]
    approved: str
    members: tuple[MemberView, ...]
    more: str
    closed: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BannerView:
    """What every page says while incidents are open."""

    title: str
    words: str


def banner_view(incidents: Sequence[Incident], now: datetime) -> BannerView | None:
    """Return the banner, None in quiet times."""
    if not incidents:
        return None
    first = incidents[0]
    names = ", ".join(incident.account for incident in incidents)
    why = first.reasons[0][:1].upper() + first.reasons[0][1:] if first.reasons else ""
    taken = f" {first.taken_by} is on it." if first.taken_by else " Nobody has it yet."
    return BannerView(
        title=f"Storm on {names}: drafts only",
        words=f"Tripped {words.ago(first.opened_at, now)}. {why}.{taken}",
    )


def incident_view(incident: Incident, members: Iterable[Member], total: int, now: datetime) -> IncidentView:
    """Return one incident with the newest of its posts."""
    shown = tuple(_member(member, now) for member in members)
    left = total - len(shown)
    return IncidentView(
        id=incident.id,
        version=incident.version,
        account=incident.account,
        is_open=incident.is_open,
        state=_state(incident),
        at=words.moment(incident.opened_at, now),
        ago=words.ago(incident.opened_at, now),
        reasons=tuple(reason[:1].upper() + reason[1:] for reason in incident.reasons),
        figures=_figures(incident, total),
        who=f"{incident.taken_by} is on it, since {words.span(now - incident.taken_at)}."
        if incident.taken_by and incident.taken_at
        else "Nobody has said they are on it. People are told again until somebody does.",
        can_take=incident.is_open and incident.taken_by is None,
        statements=tuple(
            StatementView(language=words.LANGUAGES[language], field=statement_field(language), text=text)
            for language, text in incident.statements.items()
        ),
        approved=_approved(incident, now),
        members=shown,
        more=ngettext("and {n} earlier post", "and {n} earlier posts", left) if left > 0 else "",
        closed=_closed(incident, now),
    )


def statement_field(language: Language) -> str:
    """Return the name of a language's field in the form."""
    return f"statement_{language}"


def _state(incident: Incident) -> Chip:
    if not incident.is_open:
        return Chip(icon="check", word="Reset", tone=Tone.DONE)
    if incident.taken_by is None:
        return Chip(icon="alert", word="Drafts only, nobody has it", tone=Tone.ACT)
    return Chip(icon="shield", word="Drafts only", tone=Tone.SOON)


def _figures(incident: Incident, total: int) -> tuple[Figure, ...]:
    so_far = Figure(name="Posts listed here", number=f"{total:,}", tone=Tone.WAIT, note="Not told of one by one.")
    measured = (
        Figure(
            name=measure.name,
            number=measure.number,
            tone=Tone.ACT if measure.usual else Tone.WAIT,
            note=f"Usual: {measure.usual}" if measure.usual else "",
        )
        for measure in incident.measures
    )
    return (*measured, so_far)


def _approved(incident: Incident, now: datetime) -> str:
    if incident.approved_by is None or incident.approved_at is None:
        return ""
    return f"Approved by {incident.approved_by} {words.ago(incident.approved_at, now)}. New drafts carry it."


def _closed(incident: Incident, now: datetime) -> str:
    if incident.closed_by is None or incident.closed_at is None:
        return ""
    lasted = words.span(incident.closed_at - incident.opened_at)
    return f"Reset by {incident.closed_by} {words.ago(incident.closed_at, now)}, after {lasted}."


def _member(member: Member, now: datetime) -> MemberView:
    text = member.text if len(member.text) <= _EXCERPT else member.text[:_EXCERPT] + "…"
    return MemberView(
        conversation_id=member.conversation_id,
        handle=member.handle or "forgotten",
        text=text or "Forgotten: the time we keep texts is over.",
        mood=words.MOODS[Sentiment(member.sentiment)] if member.sentiment else None,
        at=words.moment(member.posted_at, now),
    )
