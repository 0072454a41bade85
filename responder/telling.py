"""The words of a telling: one alert as it was written, or many as a number, the most urgent, and a link to all.

Owns compose(). Pure: refuses to send, and to know who is told. Of many alerts only the most urgent one is quoted.
"""

from datetime import datetime, tzinfo

from core.decision import INCIDENT, OPERATOR, URGENT
from core.ladder import Why
from store.tellings import Item, Telling


def compose(
    telling: Telling, *, told: tuple[str, ...], dashboard_url: str, zone: tzinfo, now: datetime
) -> tuple[str, str]:
    """Return the title and the body. `told` names the steps that were told before."""
    today = now.astimezone(zone)
    items = telling.items
    if not items:
        # Somebody handled the last of them between the claim and now; the link says who.
        return f"Nothing left to do on {_where(telling)}", _tail(telling, dashboard_url)
    title = items[0].title if telling.count == 1 else _headline(telling)
    parts: list[str] = []
    if telling.why in (Why.CLIMB, Why.AGAIN):
        title = f"Nobody has it yet: {title}"
        parts.append(f"Told to {_names(told)} since {_since(telling, today)}, and nobody has said they are on it.")
    if telling.count > 1 and items[0].conversation_id is not None:
        parts.append("The most urgent:")
    parts.append(items[0].body)
    parts += _others(telling, dashboard_url, today)
    parts.append(_tail(telling, dashboard_url))
    return title, "\n\n".join(part for part in parts if part)


def _headline(telling: Telling) -> str:
    number = f"{telling.count:,} more" if telling.why is Why.MORE else f"{telling.count:,}"
    match telling.group.kind:
        case kind if kind == URGENT:
            return f"A person is needed now: {number} on {_where(telling)}"
        case kind if kind in (OPERATOR, INCIDENT):
            return f"{number} on {_where(telling)}, first: {telling.items[0].title}"
        case _:
            return f"{number} on {_where(telling)}, up to urgency {telling.items[0].urgency}"


def _others(telling: Telling, dashboard_url: str, today: datetime) -> list[str]:
    """Return the rest of what is told of, a line each, and how many more there are."""
    lines = [_line(item, dashboard_url, today) for item in telling.items[1:]]
    left = telling.count - len(telling.items)
    if left > 0:
        lines.append(f"- and {left:,} more: the link below lists all")
    earlier = telling.total - telling.count
    if earlier > 0 and telling.why is Why.MORE:
        lines.append(f"- told before, and nobody has them yet: {earlier:,}")
    return ["\n".join(lines)] if lines else []


def _line(item: Item, dashboard_url: str, today: datetime) -> str:
    if item.conversation_id is None:
        return f"- {item.title}"
    due = f", due {_hour(item.due_at, today)}" if item.due_at is not None else ""
    return f"- urgency {item.urgency}{due}: {dashboard_url}/conversations/{item.conversation_id}"


def _tail(telling: Telling, dashboard_url: str) -> str:
    return (
        f"I am on it: {dashboard_url}/alert/{telling.token}\n"
        f"(a page with one button; then nobody else is told. Alert {telling.group.id}, telling {telling.id})"
    )


def _since(telling: Telling, today: datetime) -> str:
    return _hour(telling.group.started_at or telling.group.opened_at, today)


def _hour(at: datetime, today: datetime) -> str:
    """Return an hour in the zone of `today`, with its date where that is another."""
    there = at.astimezone(today.tzinfo)
    return f"{there:%H:%M}" if there.date() == today.date() else f"{there:%Y-%m-%d %H:%M}"


def _names(told: tuple[str, ...]) -> str:
    if not told:
        return "people"
    return told[0] if len(told) == 1 else f"{', '.join(told[:-1])} and {told[-1]}"


def _where(telling: Telling) -> str:
    return telling.group.account or "the house"
