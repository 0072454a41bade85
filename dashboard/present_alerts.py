"""The alerts page and the page behind an alert's link: what it is about, who was told, who is on it, what comes next.

Owns those views. Pure: refuses to ask anything, and to show what was said where it is not given: the link needs no
sign-in.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from core.config import PEOPLE
from core.decision import INCIDENT, OPERATOR, ORDINARY, URGENT
from core.ladder import Group, Ladder, Why, advance, told_before
from dashboard import words
from dashboard.i18n import N_, _, ngettext, number, pgettext
from dashboard.present import author_view
from dashboard.told import tell_sentence
from dashboard.words import Chip, Moment, Said, Tone
from store.alerts import Listed, Standing
from store.inbox import Card

_SNIPPET = 120

_ABOUT = Said(
    {
        ORDINARY: N_("Angry posts on {where}"),
        URGENT: N_("A person is needed now on {where}"),
        INCIDENT: N_("Storm on {where}"),
        OPERATOR: N_("{where} needs the operator"),
    },
    _,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberView:
    """One alert of a group. `said`: the newest words of its conversation, for those who signed in."""

    name: str
    said: str
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
    standing: Standing,
    members: Sequence[Listed],
    cards: Mapping[int, Card],
    *,
    newest: int,
    is_page: bool,
    ladder: Ladder,
    now: datetime,
) -> AlertView:
    """Return one group with some of its alerts, the most urgent or a page of all; `cards` by conversation."""
    group = standing.group
    has_more = is_page and bool(members) and members[-1].id < newest
    return AlertView(
        id=group.id,
        title=_ABOUT.get(group.kind, _("Alert on {where}")).format(where=group.account or _("the house")),
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
        members=tuple(_member(member, cards.get(member.conversation_id or 0), now) for member in members),
        all=_("All {n}", n=number(standing.alerts)) if not is_page and 0 < len(members) < standing.alerts else "",
        after=members[-1].id if has_more else 0,
    )


def lead(steps: Sequence[str]) -> str:
    """Return who is told and in which order, from the names of the steps that reach anybody."""
    if not steps:
        return _("Nobody is told: no address stands under [alerts].")
    if len(steps) == 1:
        return _("People are told until somebody is on it.")
    named = steps[0]
    for step in steps[1:]:
        named = _("{names}, then {name}", names=named, name=step)
    return _("People are told step by step until somebody is on it: {names}.", names=named)


def due_chip(due_at: datetime | None, now: datetime) -> Chip | None:
    """Return when something is due, None where nothing is."""
    if due_at is None:
        return None
    if due_at < now:
        return Chip(icon="clock", word=_("Missed by {span}", span=words.span(now - due_at)), tone=Tone.ACT)
    tone = Tone.SOON if due_at - now < words.SOON else Tone.WAIT
    return Chip(icon="clock", word=_("Due in {span}", span=words.span(due_at - now)), tone=tone)


def _number(standing: Standing) -> str:
    said = [ngettext("{n} alert", "{n} alerts", standing.alerts)]
    if standing.urgency:
        said.append(_("up to urgency {urgency}", urgency=standing.urgency))
    if 0 < standing.unhandled < standing.alerts:
        said.append(ngettext("{n} not handled", "{n} not handled", standing.unhandled))
    return ", ".join(said)


def _state(group: Group) -> Chip:
    if group.acknowledged_by is not None:
        return Chip(icon="check", word=_("{name} is on it", name=tell_sentence(group.acknowledged_by)), tone=Tone.DONE)
    if group.started_at is None:
        return Chip(icon="hourglass", word=_("Held back until it may be told"), tone=Tone.WAIT)
    return Chip(icon="bell", word=_("Nobody is on it yet"), tone=Tone.ACT)


def _told(group: Group, ladder: Ladder, now: datetime) -> str:
    if group.told_at is None:
        return _("Nobody was told yet.")
    names = [_step_word(name) for name in told_before(group, ladder, group.step, Why.AGAIN)]
    return _("Told: {names}. Last {ago}.", names=", ".join(names) or _("people"), ago=words.ago(group.told_at, now))


def _step_word(name: str) -> str:
    """Return a step's name; the one that stands where none is configured, in words."""
    return _("people") if name == PEOPLE else name


def _coming(group: Group, ladder: Ladder, now: datetime) -> str:
    """Say whom the next telling goes to, and when."""
    if group.next_at is None:
        return "" if group.acknowledged_at else _("Nobody else is told: the ladder has come to its end.")
    after, why = advance(group, ladder, group.next_at)
    name = _step_word(ladder.steps[min(after.step, len(ladder.steps) - 1)].name)
    when = _("in {span}", span=words.span(group.next_at - now)) if group.next_at > now else _("now")
    if why is Why.MORE:
        return _("Next: what came since, to {name}, {when}.", name=name, when=when)
    if why is Why.AGAIN:
        return _("Next: once more {name}, {when}.", name=name, when=when)
    return _("Next: {name}, {when}.", name=name, when=when)


def _who(group: Group, now: datetime) -> str:
    if group.acknowledged_by is None or group.acknowledged_at is None:
        return ""
    name, ago = tell_sentence(group.acknowledged_by), words.ago(group.acknowledged_at, now)
    waited = words.span(group.acknowledged_at - group.opened_at)
    return _("{name} took it {ago}, after {span}.", name=name, ago=ago, span=waited)


def _member(member: Listed, card: Card | None, now: datetime) -> MemberView:
    name, href, said = _("About the house"), "/sources", ""
    if member.conversation_id is not None:
        name = _("Conversation {id}", id=member.conversation_id)
        href = f"/conversations/{member.conversation_id}"
        if card is not None and card.heard.deleted_at is None:
            post = card.heard.mention.post
            author = author_view(post.platform, post.author)
            name, said = author.name or author.handle, words.snippet(post.text, _SNIPPET)
    elif member.incident_id is not None:
        name, href = _("Incident {id}", id=member.incident_id), "/incidents"
    return MemberView(
        name=name,
        said=said,
        href=href,
        urgency=_("Urgency {urgency}", urgency=member.urgency) if member.urgency else "",
        at=words.moment(member.created_at, now),
        state=Chip(icon="check", word=tell_sentence(member.handled_by), tone=Tone.DONE)
        if member.handled_by
        else due_chip(member.due_at, now) or Chip(icon="bell", word=pgettext("alert", "Open")),
    )
