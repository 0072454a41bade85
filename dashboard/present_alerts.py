"""The alerts page and the page behind an alert's link: what it is about, who was told, who is on it, what comes next.

Owns those views. Pure: refuses to ask anything, and to show what was said: the link needs no sign-in.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from core.decision import INCIDENT, OPERATOR, ORDINARY, URGENT
from core.ladder import Group, Ladder, Why, advance, told_before
from dashboard import words
from dashboard.i18n import ngettext
from dashboard.words import Chip, Moment, Tone
from store.alerts import Listed, Standing

_ABOUT = {
    ORDINARY: "Angry posts on {where}",
    URGENT: "A person is needed now on {where}",
    INCIDENT: "Storm on {where}",
    OPERATOR: "{where} needs the operator",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberView:
    """One alert of a group."""

    name: str
    href: str
    urgency: str
    at: Moment
    state: Chip


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertView:
    """One group. `seen` is its newest alert; `all` says that there are more than its `members`; the next begin behind
    `after`, where they are shown in pages.
    """

    id: int
    title: str
    number: str
    state: Chip
    due: Chip | None
    at: Moment
    ago: str
    told: str
    coming: str
    who: str
    can_take: bool
    seen: int
    members: tuple[MemberView, ...]
    all: str
    after: int


def alert_view(
    standing: Standing, members: Sequence[Listed], *, newest: int, is_page: bool, ladder: Ladder, now: datetime
) -> AlertView:
    """Return one group with some of its alerts: the most urgent, or a page of all."""
    group = standing.group
    has_more = is_page and bool(members) and members[-1].id < newest
    return AlertView(
        id=group.id,
        title=_ABOUT.get(group.kind, "Alert on {where}").format(where=group.account or "the house"),
        number=_number(standing),
        state=_state(group),
        due=due_chip(standing.due_at, now) if group.acknowledged_at is None else None,
        at=words.moment(group.opened_at, now),
        ago=words.ago(group.opened_at, now),
        told=_told(group, ladder, now),
        coming=_coming(group, ladder, now),
        who=_who(group, now),
        can_take=group.acknowledged_at is None,
        seen=newest,
        members=tuple(_member(member, now) for member in members),
        all=f"All {standing.alerts:,}" if not is_page and 0 < len(members) < standing.alerts else "",
        after=members[-1].id if has_more else 0,
    )


def due_chip(due_at: datetime | None, now: datetime) -> Chip | None:
    """Return when something is due, None where nothing is."""
    if due_at is None:
        return None
    if due_at < now:
        return Chip(icon="clock", word=f"Missed by {words.span(now - due_at)}", tone=Tone.ACT)
    tone = Tone.SOON if due_at - now < words.SOON else Tone.WAIT
    return Chip(icon="clock", word=f"Due in {words.span(due_at - now)}", tone=tone)


def _number(standing: Standing) -> str:
    up_to = f", up to urgency {standing.urgency}" if standing.urgency else ""
    left = f", {standing.unhandled:,} not handled" if 0 < standing.unhandled < standing.alerts else ""
    return ngettext("{n} alert", "{n} alerts", standing.alerts) + up_to + left


def _state(group: Group) -> Chip:
    if group.acknowledged_by is not None:
        return Chip(icon="check", word=f"{_sentence(group.acknowledged_by)} is on it", tone=Tone.DONE)
    if group.started_at is None:
        return Chip(icon="hourglass", word="Held back until it may be told", tone=Tone.WAIT)
    return Chip(icon="bell", word="Nobody is on it yet", tone=Tone.ACT)


def _told(group: Group, ladder: Ladder, now: datetime) -> str:
    if group.told_at is None:
        return "Nobody was told yet."
    names = told_before(group, ladder, group.step, Why.AGAIN)
    return f"Told: {', '.join(names) or 'people'}. Last {words.ago(group.told_at, now)}."


def _coming(group: Group, ladder: Ladder, now: datetime) -> str:
    """Say whom the next telling goes to, and when."""
    if group.next_at is None:
        return "" if group.acknowledged_at else "Nobody else is told: the ladder has come to its end."
    after, why = advance(group, ladder, group.next_at)
    name = ladder.steps[min(after.step, len(ladder.steps) - 1)].name
    when = f"in {words.span(group.next_at - now)}" if group.next_at > now else "now"
    what = {Why.MORE: "what came since, to ", Why.AGAIN: "once more "}.get(why, "")
    return f"Next: {what}{name}, {when}."


def _who(group: Group, now: datetime) -> str:
    if group.acknowledged_by is None or group.acknowledged_at is None:
        return ""
    waited = words.span(group.acknowledged_at - group.opened_at)
    return f"{_sentence(group.acknowledged_by)} took it {words.ago(group.acknowledged_at, now)}, after {waited}."


def _member(member: Listed, now: datetime) -> MemberView:
    name, href = "About the house", "/sources"
    if member.conversation_id is not None:
        name, href = f"Conversation {member.conversation_id}", f"/conversations/{member.conversation_id}"
    elif member.incident_id is not None:
        name, href = f"Incident {member.incident_id}", "/incidents"
    return MemberView(
        name=name,
        href=href,
        urgency=f"Urgency {member.urgency}" if member.urgency else "",
        at=words.moment(member.created_at, now),
        state=Chip(icon="check", word=_sentence(member.handled_by), tone=Tone.DONE)
        if member.handled_by
        else due_chip(member.due_at, now) or Chip(icon="bell", word="Open"),
    )


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]
