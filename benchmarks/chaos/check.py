"""Whether the promises were kept: the platforms' own record against ours. Pure.

Owns every promise, one function each, which says how it was broken. Believes the platforms and nobody else; of our own
word it takes only what cannot be seen from outside (when we knew of a wish to stop, which post was fetched late).

Rules of what counts:
- A post that concerns us and stands must be stored, once. One that its author deleted may be missing: it may have gone
  before anybody could hear it. What lies beyond a platform's reach may be missing only where an open gap says so.
- A post that concerns nobody of ours must not be stored.
- "Answered" is what stands, or stood, on the platform under our name.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from benchmarks.chaos.gaps import closed_or_reasoned, gaps_as_injected, is_reasoned
from benchmarks.chaos.record import Record, Row, Said

Promise = Callable[[Record], Iterator[str]]

_OLD = timedelta(minutes=60)
# The defaults of [safety].
_AUTHOR_PER_HOUR, _CONVERSATION_MOST = 2, 2
_LEAST_ANSWERED = 0.2
_MOST_TOLD = 3
# A decision is known once it is committed; a batch on a busy machine commits so long after the time it writes down.
_COMMITS_WITHIN = timedelta(seconds=2)
_HOLDS_A_COMMIT_UP = ("frozen", "hush", "cut", "postgres")


def broken_promises(record: Record) -> list[str]:
    """Return every broken promise in words; none where all were kept."""
    return [f"{promise.__name__}: {how}" for promise in PROMISES for how in promise(record)]


def stored_as_shown(record: Record) -> Iterator[str]:
    """Every post the platforms showed that concerns us is stored once, and nothing else is."""
    stored = Counter((row["platform"], row["native_id"]) for row in record.posts)
    known = {(said.platform, said.id): said for said in record.said}
    missing = [
        said
        for said in record.said
        if said.concerns_us
        and said.gone_at is None
        and not stored[said.platform, said.id]
        and not is_beyond_reach(record.gaps, said)
    ]
    if missing:
        yield _told("never stored", [f"{said.kind} {said.platform} {said.id}" for said in missing])
    twice = [f"{platform} {native}" for (platform, native), count in stored.items() if count > 1]
    if twice:
        yield _told("stored more than once", twice)
    strange = [key for key in stored if key not in known or not known[key].concerns_us]
    if strange:
        yield _told("stored, and does not concern us", [" ".join(key) for key in strange])


def everything_decided(record: Record) -> Iterator[str]:
    """Every stored post has been read and decided."""
    left = [
        f"{row['platform']} {row['native_id']} ({row['stage']})" for row in record.posts if row["stage"] != "decided"
    ]
    if left:
        yield _told("not decided", left)


def nobody_answered_twice(record: Record) -> Iterator[str]:
    """No post has two replies; no author in a conversation two acknowledgements."""
    for platform, rows in record.public.items():
        by_id = {row["id"]: row for row in rows}
        under = Counter(row["parent"] for row in rows if _is_reply_of_ours(row))
        doubled = [str(parent) for parent, count in under.items() if count > 1]
        if doubled:
            yield _told(f"posts on {platform} with two replies", doubled)
        talks = Counter((row["root"], by_id[row["parent"]]["author"]) for row in rows if _is_reply_of_ours(row))
        again = [f"{root} {author}" for (root, author), count in talks.items() if count > 1]
        if again:
            yield _told(f"conversations on {platform} acknowledged twice", again)


def nobody_answered_too_often(record: Record) -> Iterator[str]:
    """No author gets more than the house's budget."""
    for platform, rows in record.public.items():
        by_id = {row["id"]: row for row in rows}
        authors = Counter(by_id[row["parent"]]["author"] for row in rows if _is_reply_of_ours(row))
        many = [f"{author} ({count})" for author, count in authors.items() if count > _AUTHOR_PER_HOUR]
        if many:
            yield _told(f"authors on {platform} answered more than {_AUTHOR_PER_HOUR} times within the hour", many)


def only_those_who_may_be(record: Record) -> Iterator[str]:
    """Nobody is answered whom docs/safety.md forbids: ours, bots, grief, the law, old posts, who did not ask.

    Who wrote again after a "stop" that the platform never showed us may be: `stored_as_shown` says whether it did.
    """
    stored = record.stored
    heard = {
        (one.platform, one.author) for one in record.said if one.kind == "stop" and (one.platform, one.id) in stored
    }
    said = {
        (one.platform, one.id): one
        for one in record.said
        if one.kind != "after stop" or (one.platform, one.author) in heard
    }
    for platform, rows in record.public.items():
        by_id = {row["id"]: row for row in rows}
        for reply in filter(_is_reply_of_ours, rows):
            target = by_id[reply["parent"]]
            why = _may_not(reply, target, said.get((platform, target["id"])))
            if why:
                yield f"{platform} {target['id']} was answered: {why}"


def _may_not(reply: Row, target: Row, said: Said | None) -> str | None:
    if target["ours"]:
        return "it is our own"
    if target["bot"]:
        return "a bot wrote it"
    if said is not None and not said.may_be_answered:
        return f"it is of the kind '{said.kind}'"
    if said is not None and said.gone_at is not None and _at(reply["time"]) > said.gone_at:
        return "its author had deleted it"
    return "it was too old" if _at(reply["time"]) - _at(target["time"]) > _OLD else None


def who_said_stop_is_left_alone(record: Record) -> Iterator[str]:
    """Once we know that an author said stop, nothing automatic begins to leave for that author.

    We know it once the decision is committed, which is a moment after the time written in it, or as long as its
    process was frozen or cut off from the database meanwhile.
    """
    decided = {(row["platform"], row["native_id"]): row["decided_at"] for row in record.decisions}
    known_at: dict[tuple[str, str], datetime] = {}
    for said in record.said:
        at = decided.get((said.platform, said.id))
        if said.kind == "stop" and at is not None:
            key, committed_at = (said.platform, said.author), _committed_at(_at(at), record)
            known_at[key] = min(known_at.get(key, committed_at), committed_at)
    author_of = {(said.platform, said.id): said.author for said in record.said}
    for reply in record.replies:
        known = known_at.get((reply["platform"], author_of.get((reply["platform"], reply["target_id"]), "")))
        is_out = reply["is_automatic"] and reply["state"] in ("sending", "sent", "unknown")
        if is_out and known is not None and _at(reply["sending_at"]) > known:
            later = (_at(reply["sending_at"]) - known).total_seconds()
            yield f"{reply['platform']} {reply['target_id']}: its author had said stop, {later:.1f} s before it left"


def _committed_at(decided_at: datetime, record: Record) -> datetime:
    """Return when a decision of that time was committed at the latest."""
    known = decided_at + _COMMITS_WITHIN
    for one in sorted(record.disturbances, key=lambda one: one.from_at):
        is_in_between = one.from_at <= known and decided_at <= one.until_at
        if is_in_between and any(word in one.what for word in _HOLDS_A_COMMIT_UP):
            known = max(known, one.until_at + _COMMITS_WITHIN)
    return known


def nothing_late_by_itself(record: Record) -> Iterator[str]:
    """What was fetched late, to cover a gap, gets no automatic reply."""
    late = {(row["platform"], row["native_id"]) for row in record.posts if row["is_backfill"]}
    for reply in record.replies:
        is_out = reply["state"] in ("sending", "sent", "unknown")
        if reply["is_automatic"] and is_out and (reply["platform"], reply["target_id"]) in late:
            yield f"{reply['platform']} {reply['target_id']} was fetched late and answered by itself"


def ledger_is_true(record: Record) -> Iterator[str]:
    """What stands there is `sent` here or waits for a person; what is `sent` here stands there; nothing hangs."""
    rows = {(reply["platform"], reply["remote_id"]): reply for reply in record.replies if reply["remote_id"]}
    waiting = {(reply["platform"], reply["target_id"]) for reply in record.replies if _waits_for_a_person(reply)}
    standing = set()
    for platform, public in record.public.items():
        for ours in filter(_is_reply_of_ours, public):
            standing.add((platform, ours["id"]))
            reply = rows.get((platform, ours["id"]))
            if (reply is None or reply["state"] != "sent") and (platform, ours["parent"]) not in waiting:
                yield f"{platform} {ours['id']} stands there, and here nobody knows of it"
    for reply in record.replies:
        where = f"{reply['platform']} {reply['target_id']}"
        if reply["state"] == "sent" and (reply["platform"], reply["remote_id"]) not in standing:
            yield f"{where} is 'sent' here and does not stand there"
        if reply["state"] in ("sending", "approved"):
            yield f"{where} was left '{reply['state']}'"
        if reply["state"] == "unknown" and not _waits_for_a_person(reply):
            yield f"{where} is 'unknown' and was not settled"


def _waits_for_a_person(reply: Row) -> bool:
    return reply["state"] == "unknown" and reply["not_before"] is None


def somebody_was_answered(record: Record) -> Iterator[str]:
    """Silence keeps every other promise, so it is none."""
    may = [said for said in record.said if said.may_be_answered and said.gone_at is None]
    ours = sum(_is_reply_of_ours(row) for rows in record.public.values() for row in rows)
    if ours < _LEAST_ANSWERED * len(may):
        yield f"{ours} replies to {len(may)} posts that may be answered"


def every_blow_fell(record: Record) -> Iterator[str]:
    """Every planned fault fired as often as planned, and everything else that was planned was done."""
    for platform, faults in record.faults.items():
        for fault in faults:
            if fault["fired"] != fault["times"]:
                yield f"{platform}: {fault['do']} on {fault['on']} fired {fault['fired']} of {fault['times']} times"
    for what, planned in record.planned.items():
        if record.done[what] != planned:
            yield f"{what}: {record.done[what]} of {planned} were done"


def our_own_code_held(record: Record) -> Iterator[str]:
    """No process ended by itself while its stores were there, and no log has a traceback."""
    yield from record.ended_by_itself
    for log in record.logs:
        for sign in ("Traceback", "Unclosed", "was never retrieved"):
            if sign in log:
                at = log.index(sign)
                yield f"a log says: {log[max(0, at - 200) : at + 1500]}"
                break


def is_beyond_reach(gaps: list[Row], said: Said) -> bool:
    """Whether an open gap with the platform's limit as its reason says that this post may be missing."""
    account = "x-main" if said.platform == "x" else "reddit-main"
    return any(
        gap["account"] == account
        and gap["closed_at"] is None
        and is_reasoned(gap)
        and _at(gap["from_at"]) - timedelta(seconds=5) <= said.written_at
        and (gap["until_at"] is None or said.written_at <= _at(gap["until_at"]))
        for gap in gaps
    )


def _is_reply_of_ours(row: Row) -> bool:
    return bool(row["ours"]) and row["parent"] is not None


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _told(what: str, cases: list[str]) -> str:
    return f"{len(cases)} {what}, such as {'; '.join(cases[:_MOST_TOLD])}"


PROMISES: tuple[Promise, ...] = (
    stored_as_shown,
    everything_decided,
    nobody_answered_twice,
    nobody_answered_too_often,
    only_those_who_may_be,
    who_said_stop_is_left_alone,
    nothing_late_by_itself,
    ledger_is_true,
    somebody_was_answered,
    every_blow_fell,
    gaps_as_injected,
    closed_or_reasoned,
    our_own_code_held,
)
