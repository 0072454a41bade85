"""The judge of chaos runs is judged itself: a record with one thing wrong in it must be found out.

No process runs here. tests/journeys/test_chaos.py plays a seed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from benchmarks.chaos.check import broken_promises, only_those_who_may_be, who_said_stop_is_left_alone
from benchmarks.chaos.plan import ANSWERABLE, LOOKING, READING, REQUESTS, SENDING, make_plan
from benchmarks.chaos.record import SOURCES, Disturbance, Record, Row, Said

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
STREAM = ("x-main", "stream")


def _at(seconds: float) -> str:
    return (NOW + timedelta(seconds=seconds)).isoformat()


def _said(native_id: str, kind: str = "complaint", *, author: str = "", at: float = 0, **extra: Any) -> Said:
    return Said(
        platform="x",
        id=native_id,
        kind=kind,
        author=author or f"author_{native_id}",
        written_at=NOW + timedelta(seconds=at),
        concerns_us=kind != "noise",
        may_be_answered=kind in ANSWERABLE,
        **extra,
    )


def _shown(said: Said) -> Row:
    return {
        "id": said.id, "author": said.author, "parent": None, "root": said.id, "time": said.written_at.isoformat(),
        "ours": False, "bot": said.kind == "bot", "deleted": False,
    }  # fmt: skip


def _our_reply(under: Said, native_id: str, *, at: float = 5) -> Row:
    return {
        "id": native_id, "author": "brand", "parent": under.id, "root": under.id, "ours": True, "bot": False,
        "time": _at(at), "deleted": False,
    }  # fmt: skip


def _ledger(under: Said, remote_id: str, state: str = "sent") -> Row:
    return {
        "platform": "x", "target_id": under.id, "remote_id": remote_id, "state": state, "is_automatic": True,
        "sending_at": _at(4), "not_before": None,
    }  # fmt: skip


def _gap(source: tuple[str, str], from_at: float, until_at: float | None, why: str = "it broke off") -> Row:
    account, name = source
    return {
        "account": account, "source": name, "from_at": _at(from_at),
        "until_at": None if until_at is None else _at(until_at),
        "closed_at": None if until_at is None else _at(until_at), "why": why,
    }  # fmt: skip


def _fault(on: str, do: str, *, fired_at: float | None, seconds: float | None = None) -> Row:
    fired = [] if fired_at is None else [_at(fired_at)]
    return {"on": on, "do": do, "times": 1, "fired": len(fired), "fired_at": fired, "seconds": seconds}


ASKED, QUIET, BOT, STOP, AFTER = (
    _said("1"),
    _said("2", "noise"),
    _said("3", "bot"),
    _said("4", "stop", author="tired"),
    _said("5", author="tired", at=10),
)
SAID = (ASKED, QUIET, BOT, STOP, AFTER)


def _sound() -> Record:
    """One post answered, a stream closed once, a house killed and a platform down: and all of it told truly."""
    heard = [said for said in SAID if said.concerns_us]
    return Record(
        said=SAID,
        public={"x": [*map(_shown, SAID), _our_reply(ASKED, "90")], "reddit": []},
        faults={"x": [_fault("stream", "close", fired_at=100), _fault("create", "hang", fired_at=3)], "reddit": []},
        posts=[{"platform": "x", "native_id": s.id, "stage": "decided", "is_backfill": False} for s in heard],
        decisions=[{"platform": "x", "native_id": said.id, "decided_at": _at(2)} for said in heard],
        replies=[_ledger(ASKED, "90")],
        gaps=[_gap(STREAM, 99, 103), *(_gap(source, 199, 206) for source in SOURCES["x"])],
        planned=Counter(kill=1),
        done=Counter(kill=1),
        disturbances=(_down("x", 200, 205), Disturbance(what="killed", sources=(), from_at=NOW, until_at=NOW)),
    )


def _down(platform: str, from_at: float, until_at: float) -> Disturbance:
    return Disturbance(
        what=f"{platform} down",
        sources=SOURCES[platform],
        from_at=NOW + timedelta(seconds=from_at),
        until_at=NOW + timedelta(seconds=until_at),
        must=True,
    )


def test_a_sound_record_breaks_no_promise() -> None:
    assert broken_promises(_sound()) == []


def _without_post(record: Record, native_id: str) -> list[Row]:
    return [post for post in record.posts if post["native_id"] != native_id]


def _public(record: Record, *more: Row) -> dict[str, list[Row]]:
    return record.public | {"x": [*record.public["x"], *more]}


def _changed(row: Row, **to: Any) -> Row:
    return row | to


Doctor = Callable[[Record], Record]
DOCTORED: dict[str, tuple[str, Doctor]] = {
    "a lost post": ("never stored", lambda r: replace(r, posts=_without_post(r, "1"))),
    "a post stored twice": ("stored more than once", lambda r: replace(r, posts=[*r.posts, r.posts[0]])),
    "a post that is nobody's business": (
        "does not concern us",
        lambda r: replace(r, posts=[*r.posts, _changed(r.posts[0], native_id="2")]),
    ),
    "a post left undecided": (
        "not decided",
        lambda r: replace(r, posts=[_changed(r.posts[0], stage="stuck"), *r.posts[1:]]),
    ),
    "a doubled reply": ("with two replies", lambda r: replace(r, public=_public(r, _our_reply(ASKED, "91")))),
    "a second acknowledgement in a conversation": (
        "acknowledged twice",
        lambda r: replace(
            r,
            public=_public(
                r,
                _shown(_said("6", author=ASKED.author)) | {"root": ASKED.id, "parent": ASKED.id},
                _our_reply(_said("6"), "91") | {"root": ASKED.id},
            ),
        ),
    ),
    "a reply to a bot": ("a bot wrote it", lambda r: replace(r, public=_public(r, _our_reply(BOT, "91")))),
    "a reply to ourselves": (
        "it is our own",
        lambda r: replace(r, public=_public(r, _our_reply(ASKED, "91") | {"parent": "90"})),
    ),
    "a reply to who said stop": ("of the kind 'stop'", lambda r: replace(r, public=_public(r, _our_reply(STOP, "91")))),
    "a reply to a later post of who said stop": (
        "had said stop",
        lambda r: replace(
            r,
            public=_public(r, _our_reply(AFTER, "91")),
            replies=[*r.replies, _ledger(AFTER, "91") | {"sending_at": _at(5)}],
        ),
    ),
    "a reply to a deleted post": (
        "had deleted it",
        lambda r: replace(r, said=(replace(ASKED, gone_at=NOW + timedelta(seconds=2)), *SAID[1:])),
    ),
    "a reply to an old post": (
        "too old",
        lambda r: replace(
            r, public={"x": [_changed(r.public["x"][0], time=_at(-4_000)), *r.public["x"][1:]], "reddit": []}
        ),
    ),
    "an automatic reply to what was fetched late": (
        "fetched late",
        lambda r: replace(r, posts=[_changed(r.posts[0], is_backfill=True), *r.posts[1:]]),
    ),
    "a reply that nobody here knows of": ("nobody knows of it", lambda r: replace(r, replies=[])),
    "a reply that is not there": (
        "does not stand there",
        lambda r: replace(r, replies=[*r.replies, _ledger(AFTER, "99", "sent") | {"sending_at": _at(1)}]),
    ),
    "a reply left in the middle of sending": (
        "was left 'sending'",
        lambda r: replace(r, replies=[*r.replies, _ledger(AFTER, "", "sending") | {"sending_at": _at(1)}]),
    ),
    "an unknown outcome that nobody settles": (
        "was not settled",
        lambda r: replace(
            r,
            replies=[*r.replies, _ledger(AFTER, "", "unknown") | {"sending_at": _at(1), "not_before": _at(9)}],
        ),
    ),
    "silence": (
        "0 replies to",
        lambda r: replace(r, public={"x": list(map(_shown, SAID)), "reddit": []}, replies=[]),
    ),
    "a fault that did not fire": (
        "fired 0 of 1 times",
        lambda r: replace(r, faults={"x": [*r.faults["x"], _fault("mentions", "drop", fired_at=None)], "reddit": []}),
    ),
    "a kill that did not happen": ("kill: 0 of 1", lambda r: replace(r, done=Counter())),
    "a missing gap after a fault": ("no gap of x-main stream", lambda r: replace(r, gaps=r.gaps[1:])),
    "a missing gap of a platform that was down": ("no gap of x-main mentions", lambda r: replace(r, gaps=r.gaps[:2])),
    "a gap that ends before the outage does": (
        "no gap of x-main stream",
        lambda r: replace(r, gaps=[r.gaps[0], _gap(STREAM, 199, 200.5), r.gaps[2]]),
    ),
    "an invented gap": (
        "that nobody made",
        lambda r: replace(r, gaps=[*r.gaps, _gap(("reddit-main", "search"), 199, 206)]),
    ),
    "a gap at a time when nothing happened": (
        "that nobody made",
        lambda r: replace(r, gaps=[*r.gaps, _gap(STREAM, 400, 406)]),
    ),
    "a gap that stays open for no reason": (
        "stays open",
        lambda r: replace(r, gaps=[_changed(r.gaps[0], until_at=None, closed_at=None), *r.gaps[1:]]),
    ),
    "a process that ended by itself": ("it ended", lambda r: replace(r, ended_by_itself=("house 0: it ended",))),
    "a traceback": ("a log says", lambda r: replace(r, logs=("Traceback (most recent call last)",))),
}


@pytest.mark.parametrize(("said", "doctor"), DOCTORED.values(), ids=DOCTORED.keys())
def test_a_doctored_record_is_found_out(said: str, doctor: Doctor) -> None:
    found = broken_promises(doctor(_sound()))
    assert any(said in promise for promise in found), found


def test_what_lies_beyond_a_platforms_reach_is_missing_only_where_an_open_gap_says_so() -> None:
    sound = _sound()
    lost = replace(sound, posts=_without_post(sound, "1"))
    told = _gap(STREAM, -1, 1, why="more posts came while we were away than one backfill reads") | {"closed_at": None}
    made = Disturbance(what="killed", sources=(STREAM,), from_at=NOW, until_at=NOW)
    assert broken_promises(lost)
    excused = replace(lost, gaps=[*lost.gaps, told], disturbances=(*lost.disturbances, made))
    assert broken_promises(excused) == []


def test_who_writes_after_a_stop_is_left_alone_where_the_stop_was_heard() -> None:
    sound = _sound()
    again = _said("6", "after stop", author="tired", at=20)
    answered = replace(sound, said=(*SAID, again), public=_public(sound, _shown(again), _our_reply(again, "91", at=25)))
    assert list(only_those_who_may_be(answered)) == ["x 6 was answered: it is of the kind 'after stop'"]
    assert list(only_those_who_may_be(replace(answered, posts=_without_post(answered, STOP.id)))) == []


@pytest.mark.parametrize(("what", "is_broken"), [("hush 1", False), ("house 1 frozen", False), ("x down", True)])
def test_a_stop_is_known_once_a_process_that_was_held_up_can_commit_it(what: str, *, is_broken: bool) -> None:
    sound = _sound()
    held = replace(_down("x", 1, 14), what=what, must=False)
    told = replace(
        sound,
        public=_public(sound, _our_reply(AFTER, "91", at=16)),
        replies=[*sound.replies, _ledger(AFTER, "91") | {"sending_at": _at(15)}],
        disturbances=(*sound.disturbances, held),
    )
    broken = list(who_said_stop_is_left_alone(told))
    assert broken == (["x 5: its author had said stop, 11.0 s before it left"] if is_broken else [])


def test_a_post_that_its_author_deleted_may_be_missing() -> None:
    sound = _sound()
    gone = replace(AFTER, gone_at=NOW + timedelta(seconds=11))
    assert broken_promises(replace(sound, said=(*SAID[:-1], gone), posts=_without_post(sound, "5"))) == []


def test_a_fault_met_by_a_process_that_was_killed_at_once_needs_no_gap() -> None:
    sound = _sound()
    killed = Disturbance(
        what="killed", sources=(STREAM,), from_at=NOW + timedelta(seconds=101), until_at=NOW + timedelta(seconds=104)
    )
    assert broken_promises(replace(sound, gaps=sound.gaps[1:], disturbances=(*sound.disturbances, killed))) == []


def test_a_gap_that_a_lost_lease_made_needs_no_other_cause_and_a_lost_lease_excuses_no_missing_gap() -> None:
    sound = _sound()
    gap = _gap(STREAM, 299, 306)
    log = "12:05:03Z warning app.lead: this process leads no more  work=hear x-main error=it could not be renewed"
    assert broken_promises(replace(sound, gaps=[*sound.gaps, gap]))
    assert broken_promises(replace(sound, gaps=[*sound.gaps, gap], logs=(log,))) == []
    met = _fault("mentions", "status", fired_at=303)
    told = replace(sound, faults={"x": [*sound.faults["x"], met], "reddit": []}, logs=(log,))
    assert broken_promises(told)


def test_a_request_that_broke_off_once_needs_no_gap_for_it_was_asked_again_and_twice_needs_one() -> None:
    sound = _sound()
    once = _fault("mentions", "drop", fired_at=300)
    twice = once | {"times": 2, "fired": 2, "fired_at": [_at(300), _at(300.1)]}
    for fault, is_broken in ((once, False), (twice, True)):
        told = replace(sound, faults={"x": [*sound.faults["x"], fault], "reddit": []})
        assert bool(broken_promises(told)) is is_broken


def test_a_request_asked_again_lasts_no_longer_than_its_own_fifteen_seconds() -> None:
    sound = _sound()
    hang = _fault("mentions", "hang", fired_at=300, seconds=12)
    hang |= {"times": 2, "fired": 2, "fired_at": [_at(300), _at(312)]}
    mentions = ("x-main", "mentions")
    for until_at, is_broken in ((315, False), (305, True)):
        gaps = [*sound.gaps, _gap(mentions, 299, until_at)]
        told = replace(sound, faults={"x": [*sound.faults["x"], hang], "reddit": []}, gaps=gaps)
        assert bool(broken_promises(told)) is is_broken


def test_the_same_seed_is_the_same_plan_and_another_one_is_not() -> None:
    one, again, other = (make_plan(seed, posts=300, processes=1) for seed in (7, 7, 8))
    assert str(one) == str(again)
    assert one.turns == again.turns
    assert str(one) != str(other)


def test_twenty_seeds_plan_every_fault_on_every_call_that_matters() -> None:
    planned = {
        (blow.platform, blow.fault["on"], blow.fault["do"])
        for seed in range(1, 21)
        for blow in make_plan(seed, posts=10_000, processes=1).blows
        if blow.do == "fault"
    }
    for platform in ("x", "reddit"):
        for on in (*READING[platform], *LOOKING[platform], SENDING[platform]):
            assert {do for where, call, do in planned if (where, call) == (platform, on)} >= set(REQUESTS), on
    assert ("reddit", "comment", "api_error") in planned
    in_stream = {do for where, on, do in planned if (where, on) == ("x", "stream")}
    assert in_stream >= {"close", "reset", "stall", "garbage", "disconnect_error", "truncate"}
