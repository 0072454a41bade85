"""The incidents page and the banner: what tripped, why, who has it, and what may be done.

Owns those views. Pure: refuses to ask anything.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from core.assessment import Language, Sentiment
from core.incident import Incident
from dashboard import words
from dashboard.i18n import _, ngettext, number
from dashboard.present_sources import Figure
from dashboard.told import tell, tell_figure, tell_sentence
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
    said = [_("Tripped {ago}.", ago=words.ago(first.opened_at, now))]
    if first.reasons:
        said.append(f"{tell_sentence(first.reasons[0])}.")
    said.append(_("{name} is on it.", name=first.taken_by) if first.taken_by else _("Nobody has it yet."))
    return BannerView(title=_("Storm on {account}: drafts only", account=names), words=" ".join(said))


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
        reasons=tuple(tell_sentence(reason) for reason in incident.reasons),
        figures=_figures(incident, total),
        who=_("{name} is on it, since {span}.", name=incident.taken_by, span=words.span(now - incident.taken_at))
        if incident.taken_by and incident.taken_at
        else _("Nobody has said they are on it. People are told again until somebody does."),
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
        return Chip(icon="check", word=_("Reset"), tone=Tone.DONE)
    if incident.taken_by is None:
        return Chip(icon="alert", word=_("Drafts only, nobody has it"), tone=Tone.ACT)
    return Chip(icon="shield", word=_("Drafts only"), tone=Tone.SOON)


def _figures(incident: Incident, total: int) -> tuple[Figure, ...]:
    so_far = Figure(
        name=_("Posts listed here"), number=number(total), tone=Tone.WAIT, note=_("Not told of one by one.")
    )
    measured = (
        Figure(
            name=tell(measure.name),
            number=tell_figure(measure.number),
            tone=Tone.ACT if measure.usual else Tone.WAIT,
            note=_("Usual: {figure}", figure=tell_figure(measure.usual)) if measure.usual else "",
        )
        for measure in incident.measures
    )
    return (*measured, so_far)


def _approved(incident: Incident, now: datetime) -> str:
    if incident.approved_by is None or incident.approved_at is None:
        return ""
    ago = words.ago(incident.approved_at, now)
    return _("Approved by {name} {ago}. New drafts carry it.", name=incident.approved_by, ago=ago)


def _closed(incident: Incident, now: datetime) -> str:
    if incident.closed_by is None or incident.closed_at is None:
        return ""
    ago, lasted = words.ago(incident.closed_at, now), words.span(incident.closed_at - incident.opened_at)
    return _("Reset by {name} {ago}, after {span}.", name=incident.closed_by, ago=ago, span=lasted)


def _member(member: Member, now: datetime) -> MemberView:
    text = member.text if len(member.text) <= _EXCERPT else member.text[:_EXCERPT] + "…"
    return MemberView(
        conversation_id=member.conversation_id,
        handle=member.handle or _("forgotten"),
        text=text or _("Forgotten: the time we keep texts is over."),
        mood=words.MOODS[Sentiment(member.sentiment)] if member.sentiment else None,
        at=words.moment(member.posted_at, now),
    )
