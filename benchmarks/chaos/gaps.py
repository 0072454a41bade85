"""Whether the ledger of gaps tells what was done to the sources, all of it and nothing else. Pure.

Owns which fault disturbs which source, and what excuses a gap that is not listed: a process that was killed, or lost
its database, before it could write down what it had just met. Such a kill is short; the fetch after it starts from the
saved cursor, so nothing is missing.
"""

import re
from collections.abc import Iterator
from datetime import datetime, time, timedelta

from benchmarks.chaos.record import EVERYWHERE, SOURCES, Disturbance, Record, Row, Source

# Which sources ask a call. What others may be the first to ask (who we are, a token) disturbs one of them at most.
_ASKS: dict[tuple[str, str], tuple[Source, ...]] = {
    ("x", "stream"): (("x-main", "stream"),),
    ("x", "rules"): (("x-main", "stream"),),
    ("x", "rules_change"): (("x-main", "stream"),),
    ("x", "search"): (("x-main", "stream"),),
    ("x", "mentions"): (("x-main", "mentions"),),
    ("reddit", "comments"): (("reddit-main", "r/sandbox"),),
    ("reddit", "inbox"): (("reddit-main", "mentions"),),
    ("reddit", "search"): (("reddit-main", "search"),),
}
_ANY_OF = {("x", "me"): SOURCES["x"], ("reddit", "me"): SOURCES["reddit"], ("reddit", "token"): SOURCES["reddit"]}
# A stream is given up after 25 seconds without a sign of life; a request after 15.
_STALL_SECONDS, _REQUEST_SECONDS = 27.0, 15.0
# How long after a disturbance what it caused may still show: timeouts run out, connections are still taken.
_AFTER = timedelta(seconds=40)
_SLACK = timedelta(seconds=3)
# What a stream brought last is saved a little after it broke off, and makes the source fresh until then.
_SAVES_WITHIN = timedelta(seconds=10)
# How soon a process notes what it met; killed sooner, it may not have.
_NOTES_WITHIN = timedelta(seconds=5)
_WAKES_WITHIN = timedelta(seconds=20)
_LEASE = timedelta(seconds=15)
_LOST = re.compile(r"^(\d\d:\d\d:\d\d)Z .*this process leads no more .*work=hear (\S+)", re.MULTILINE)
_BEYOND_REACH = ("more than 800", "more came while", "more posts came", "7 days")


def gaps_as_injected(record: Record) -> Iterator[str]:
    """Every outage that we caused is in a gap of its source, and every gap has an outage that we caused."""
    from_faults = list(faults_as_disturbances(record))
    blows = [blow for blow in record.disturbances if not blow.what.endswith("down")]
    for caused in (*from_faults, *record.disturbances):
        if caused.must and not _is_excused(caused, blows):
            for source in caused.sources:
                if not any(_covers(gap, source, caused) for gap in record.gaps):
                    near = _near(record.gaps, source, caused.from_at)
                    yield f"no gap of {' '.join(source)} for: {caused.what} at {caused.from_at:%H:%M:%S}; {near}"
    everything = (*from_faults, *record.disturbances, *lost_leases(record))
    for gap in record.gaps:
        source = (gap["account"], gap["source"])
        if not any(source in one.sources and _overlaps(gap, source, one, after=_AFTER) for one in everything):
            lasted = f"from {gap['from_at']} to {gap['until_at']}"
            yield f"a gap of {' '.join(source)} {lasted} that nobody made: {gap['why']}"


def _near(gaps: list[Row], source: Source, at: datetime) -> str:
    """Return the gaps of a source around an instant, for whoever reads what broke."""
    own = [gap for gap in gaps if (gap["account"], gap["source"]) == source]
    own.sort(key=lambda gap: abs(datetime.fromisoformat(gap["from_at"]) - at))
    told = (f"{gap['from_at'][11:23]} to {(gap['until_at'] or 'now')[11:23]} ({gap['why']})" for gap in own[:4])
    return f"those nearest: {'; '.join(told) or 'none'}"


def lost_leases(record: Record) -> Iterator[Disturbance]:
    """Return where a busy machine kept a process from renewing its lease: who took over was right to note a gap.

    It excuses a gap that nobody else made, and never the lack of one.
    """
    if not record.said:
        return
    begun = min(said.written_at for said in record.said)
    for log in record.logs:
        for clock, account in _LOST.findall(log):
            at = datetime.combine(begun.date(), time.fromisoformat(clock), begun.tzinfo)
            at += timedelta(days=1 if at < begun - timedelta(hours=12) else 0)
            sources = tuple(source for source in EVERYWHERE if source[0] == account)
            yield Disturbance(what="a lease lost", sources=sources, from_at=at - _LEASE, until_at=at + _LEASE)


def closed_or_reasoned(record: Record) -> Iterator[str]:
    """Every gap is closed, or open because the platform shows no more, and says so."""
    for gap in record.gaps:
        if gap["closed_at"] is None and not is_reasoned(gap):
            yield f"a gap of {gap['account']} {gap['source']} stays open since {gap['from_at']}: {gap['why']}"


def is_reasoned(gap: Row) -> bool:
    """Whether a gap names a platform's limit as its reason."""
    return any(words in gap["why"] for words in _BEYOND_REACH)


def faults_as_disturbances(record: Record) -> Iterator[Disturbance]:
    """Return what the platforms' faults did to sources, at the moments they fired."""
    for platform, faults in record.faults.items():
        for fault in faults:
            key = (platform, fault["on"])
            is_surely_met = key in _ASKS and _is_surely_told(fault)
            for from_at, until_at in _times(fault):
                yield Disturbance(
                    what=f"{fault['do']} on {platform} {fault['on']}",
                    sources=_ASKS.get(key) or _ANY_OF.get(key, ()),
                    from_at=from_at,
                    until_at=until_at,
                    must=is_surely_met,
                )


def _times(fault: Row) -> Iterator[tuple[datetime, datetime]]:
    """Return from when until when each firing kept a source from being heard.

    One that met what aiohttp asked again lasts no longer than the request did, which began with the firing before.
    """
    lasts, request = timedelta(seconds=_lasts(fault)), timedelta(seconds=_REQUEST_SECONDS)
    before: datetime | None = None
    for fired in map(datetime.fromisoformat, fault["fired_at"]):
        until_at = fired + lasts
        if before is not None and fired < before + request:
            until_at = min(until_at, before + request)
        yield fired, until_at
        before = fired


def _lasts(fault: Row) -> float:
    if fault["do"] == "stall":
        return min(float(fault["seconds"]), _STALL_SECONDS)
    return min(float(fault["seconds"] or 0.0), _REQUEST_SECONDS) if fault["do"].startswith("hang") else 0.0


def _is_surely_told(fault: Row) -> bool:
    """Whether a listener hears of a fault at all.

    A garbled line and a short silence are no outage. A GET that broke off is asked once more by aiohttp itself, so only
    one that broke off twice in a row is told.
    """
    if fault["do"].startswith(("drop", "hang")):
        fired = [datetime.fromisoformat(at) for at in fault["fired_at"]]
        return len(fired) > 1 and fired[1] - fired[0] < timedelta(seconds=_REQUEST_SECONDS + 2)
    return fault["do"] != "garbage" and not (fault["do"] == "stall" and fault["seconds"] < _STALL_SECONDS)


def _is_excused(caused: Disturbance, blows: list[Disturbance]) -> bool:
    """Whether the process that met it was struck too, before it surely had written it down.

    A platform that is down is met by nobody where the process is still waking from an earlier blow.
    """
    before = _WAKES_WITHIN if caused.what.endswith("down") else _SLACK
    return any(
        blow is not caused
        and set(blow.sources) & set(caused.sources)
        and blow.from_at <= caused.until_at + _NOTES_WITHIN
        and caused.from_at <= blow.until_at + before
        for blow in blows
    )


def _covers(gap: Row, source: Source, one: Disturbance) -> bool:
    """Whether a gap holds the whole of a time in which its source was surely not heard."""
    if (gap["account"], gap["source"]) != source:
        return False
    from_at = datetime.fromisoformat(gap["from_at"])
    until_at = datetime.fromisoformat(gap["until_at"]) if gap["until_at"] else None
    begins = from_at <= min(one.from_at + _SAVES_WITHIN, one.until_at + _SLACK)
    return begins and (until_at is None or until_at >= one.until_at - _SLACK)


def _overlaps(gap: Row, source: Source, one: Disturbance, *, after: timedelta) -> bool:
    if (gap["account"], gap["source"]) != source:
        return False
    from_at = datetime.fromisoformat(gap["from_at"])
    until_at = datetime.fromisoformat(gap["until_at"]) if gap["until_at"] else None
    return from_at <= one.until_at + after and (until_at is None or until_at >= one.from_at - _SLACK)
