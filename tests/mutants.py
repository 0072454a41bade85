"""Hand-made mutants: one wrong line each in what keeps the promises, and the tests that must notice.

`make mutants` puts each into a copy of the tree and runs its tests there: a mutant that lives fails the run, and so
does one whose text is no longer found. A fast test checks the latter on every run; docs/attacks.md lists them.
"""

# ruff: noqa: T201

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
COPY = ROOT / "build" / "mutants"
VENDOR = "dashboard/static/vendor"


@dataclass(frozen=True, slots=True)
class Mutant:
    """In `file`, `old` becomes `new`; `tests` must fail. `what` is what would go wrong."""

    what: str
    file: str
    old: str
    new: str
    tests: str


OUTBOX, GUARDS = "responder/outbox.py", "responder/guards.py"
REPLIES, CLAIMS = "store/replies.py", "store/claims.py"
_SENDING, _UNKNOWN = "tests/responder/test_outbox.py", "tests/responder/test_outbox_unknown.py"
_TIME, _STORE = "tests/responder/test_outbox_time.py", "tests/store/test_replies.py"
_HOLDS, _DOORS = "tests/store/test_holds.py", "tests/dashboard/test_security.py"

MUTANTS = (
    Mutant(
        "no answer in time counts as not sent",
        OUTBOX,
        'return await self._unknown(reply, "no answer in time")',
        'return await self._not_sent(reply, TryLater(reply.account, "no answer in time"))',
        f"{_UNKNOWN}::test_a_sender_that_gets_no_answer_in_time_leaves_unknown",
    ),
    Mutant(
        "an outcome nobody knows is tried again at once",
        OUTBOX,
        "return await self._unknown(reply, str(err))\n            case NeedsOperator():",
        "await self.replies.reschedule(reply, str(err), at=now, not_before=now)\n"
        '                return "later"\n            case NeedsOperator():',
        f"{_UNKNOWN}::test_an_unknown_outcome_is_looked_up_before_anything_else_and_found",
    ),
    Mutant(
        "the guards are not asked before sending",
        OUTBOX,
        "if why is not None:\n            await self.replies.mark_refused",
        "if why == '':\n            await self.replies.mark_refused",
        f"{_SENDING}::test_a_guards_no_is_written_and_nothing_leaves",
    ),
    Mutant(
        "one look is believed",
        OUTBOX,
        ">= 0.9 * self.timing.settle.total_seconds()",
        ">= 0.0",
        f"{_UNKNOWN}::test_a_reply_absent_twice_is_sent_again_and_not_after_one_look",
    ),
    Mutant(
        "two looks are apart by the clock on the wall",
        OUTBOX,
        "first = self._absent_since.setdefault((reply.id, reply.attempts), self.clock.passed())\n"
        "        return self.clock.passed() - first",
        "first = self._absent_since.setdefault((reply.id, reply.attempts), self.clock.now().timestamp())\n"
        "        return self.clock.now().timestamp() - first",
        f"{_TIME}::test_a_clock_set_on_between_two_looks_brings_them_no_closer_together",
    ),
    Mutant(
        "a look counts for the next sending too",
        OUTBOX,
        "first = self._absent_since.setdefault((reply.id, reply.attempts), self.clock.passed())",
        "first = self._absent_since.setdefault((reply.id, 0), self.clock.passed())",
        f"{_TIME}::test_a_look_before_a_person_sent_it_again_does_not_count_for_the_second_sending",
    ),
    Mutant(
        "a look that fails counts as absent",
        OUTBOX,
        "return Look.CANNOT_TELL\n",
        "return Look.ABSENT\n",
        f"{_UNKNOWN}::test_what_nobody_can_tell_is_left_to_a_person_and_never_sent_again",
    ),
    Mutant(
        "a no to a second sending fails it without a look",
        OUTBOX,
        "case Rejected() if reply.attempts > 1:",
        "case Rejected() if reply.attempts > 99:",
        f"{_TIME}::test_a_no_to_a_second_sending_says_nothing_about_the_first",
    ),
    Mutant(
        "what we are sending is looked for once the clock is set",
        OUTBOX,
        "but_not=self._in_hand",
        "but_not=()",
        f"{_TIME}::test_a_clock_set_on_by_a_day_does_not_make_us_look_for_what_we_are_sending",
    ),
    Mutant(
        "a request is begun however late",
        OUTBOX,
        "return ends < self.timing.lease.total_seconds() and await self.owner.holds()",
        "return ends > 0 and await self.owner.holds()",
        f"{_TIME}::test_who_was_held_up_between_claiming_and_sending_begins_nothing",
    ),
    Mutant(
        "who lost its lock goes on sending",
        OUTBOX,
        "return ends < self.timing.lease.total_seconds() and await self.owner.holds()",
        "return ends < self.timing.lease.total_seconds()",
        f"{_TIME}::test_who_lost_its_lock_begins_to_send_nothing",
    ),
    Mutant(
        "a frozen sender's replies are taken once its lease is over",
        OUTBOX,
        "not_of=[*alive, *unreachable]",
        "not_of=unreachable",
        f"{_UNKNOWN}::test_a_sender_that_is_only_frozen_is_waited_for_however_long",
    ),
    Mutant(
        "the lock file of the dead goes before all it had in hand was looked for",
        OUTBOX,
        "                    # Its lock file stays: without it,",
        "                    self.owner.tidy(self.owner.dead(), keep=())  #",
        f"{_UNKNOWN}::test_what_a_sender_died_with_is_looked_for_though_another_account_looked_first",
    ),
    Mutant(
        "an interrupted look for an unreachable sender's reply is an ordinary one to whoever takes over",
        CLAIMS,
        'a_persons = {"not_before": None, "lease_until": None}',
        'a_persons = {"lease_until": at}',
        f"{_UNKNOWN}::test_a_look_for_an_unreachable_senders_reply_that_is_interrupted_sends_nothing_either",
    ),
    Mutant(
        "what a person decided meanwhile counts more than the platform's receipt",
        REPLIES,
        "decided = and_(same, _R.state.in_(_WITHOUT_RECEIPT))",
        "decided = and_(same, _R.state == ReplyState.SENDING)",
        f"{_STORE}::test_a_receipt_is_a_fact_whatever_was_decided_meanwhile",
    ),
    Mutant(
        "a person sends again what is being looked for",
        REPLIES,
        "            _check_not_looked_for(before, to, row.lease_until, at=at)\n",
        "",
        f"{_STORE}::test_what_is_being_looked_for_cannot_be_sent_again_by_a_person",
    ),
    Mutant(
        "a platform that is away uses up the looks",
        OUTBOX,
        "return await self._not_asked(reply, found, looks=looks - 1)",
        'return await self._not_asked(reply, found, looks=looks) if looks < _MOST_LOOKS else "left"',
        f"{_UNKNOWN}::test_a_platform_that_is_away_uses_up_no_looks",
    ),
    Mutant(
        "what an unreachable sender had in hand is sent again",
        OUTBOX,
        "await self.replies.mark_unknown(reply, UNREACHABLE, at=self.clock.now(), look_at=None)",
        "await self.replies.reschedule(reply, UNREACHABLE, at=self.clock.now(), not_before=self.clock.now())",
        f"{_UNKNOWN}::test_what_a_sender_nobody_can_reach_may_still_publish_is_left_to_a_person",
    ),
    Mutant(
        "what is being sent can be claimed again",
        CLAIMS,
        "            _R.state == ReplyState.APPROVED,\n            or_(_R.not_before.is_(None), _R.not_before <= at),",
        "            _R.state.in_((ReplyState.APPROVED, ReplyState.SENDING)),",
        f"{_STORE}::test_concurrent_claimers_never_get_the_same_reply",
    ),
    Mutant(
        "a lost sender settles what another is sending by now",
        REPLIES,
        "_R.fence == reply.fence, ",
        "",
        f"{_STORE}::test_a_stale_owner_cannot_settle_what_another_is_sending_by_now",
    ),
    Mutant(
        "a sender is taken for lost before its lease is over",
        CLAIMS,
        "_R.state == ReplyState.SENDING, _R.lease_until < at, _R.owner.not_in(not_of)",
        "_R.state == ReplyState.SENDING, _R.owner.not_in(not_of)",
        f"{_STORE}::test_a_sender_that_was_lost_leaves_unknown_and_only_after_its_lease",
    ),
    Mutant(
        "an approval from an old page counts",
        REPLIES,
        "if row is None or row.version != version:",
        "if row is None:",
        f"{_STORE}::test_an_approval_from_an_old_page_is_void_though_the_reply_is_a_draft_again",
    ),
    Mutant(
        "what may be published goes back to draft, and nobody looked",
        REPLIES,
        "may_stand(before) and not has_looked",
        "may_stand(before) and has_looked",
        f"{_STORE}::test_what_was_dropped_after_it_may_have_left_is_drafted_again_once_somebody_looked",
    ),
    Mutant(
        "a frozen process of this machine counts as dead",
        "store/owners.py",
        "except OSError:\n            return OwnerState.ALIVE",
        "except OSError:\n            return OwnerState.DEAD",
        "tests/store/test_owners.py::test_a_frozen_process_lives_and_a_killed_one_is_dead_until_its_file_goes",
    ),
    Mutant(
        "on another machine, cut off counts as dead",
        "store/presence.py",
        "is_clear = seen.is_running and now - seen.at < _FRESH_SECONDS",
        "is_clear = now - seen.at < _FRESH_SECONDS",
        "tests/store/test_presence.py::test_a_frozen_process_keeps_its_lock_and_without_it_nobody_can_tell",
    ),
    Mutant(
        "the acknowledgement is taken for the answer",
        "responder/senders/find.py",
        "if post.remote_id not in not_these",
        "if post.remote_id",
        "tests/responder/test_senders.py::test_what_is_known_to_be_another_reply_is_not_taken_for_this_one",
    ),
    Mutant(
        "another reply that nobody knows of is taken for this one",
        "responder/senders/find.py",
        "and plain(post.text) not in others",
        "",
        "tests/responder/test_outbox_unknown.py"
        "::test_of_two_replies_under_one_post_each_is_looked_for_by_its_own_words",
    ),
    Mutant(
        "a page that was cut short proves absence",
        "responder/senders/find.py",
        "return Look.ABSENT if found.is_complete else Look.CANNOT_TELL",
        "return Look.ABSENT",
        "tests/responder/test_senders.py::test_an_incomplete_look_without_a_find_cannot_tell",
    ),
    Mutant(
        "a write's 5xx counts as not carried out",
        "platforms/http.py",
        "return OutcomeUnknown(door.account, message) if is_write else TryLater(door.account, message)",
        "return TryLater(door.account, message)",
        "tests/responder/test_senders.py::test_a_reply_stored_without_an_answer_is_found_and_stands_once",
    ),
    Mutant(
        "a conversation is acknowledged as often as it likes",
        GUARDS,
        'return "this conversation was already acknowledged" if standing.has_other_reply else None',
        "return None",
        "tests/responder/test_guards.py::test_what_stops_the_bot_does_not_stop_a_person",
    ),
    Mutant(
        "the guards do not ask again what forbade a reply",
        GUARDS,
        "return still_safe(reply, standing, limits) if reply.is_automatic else None",
        "return None",
        "tests/responder/test_guards.py::test_what_stops_the_bot_does_not_stop_a_person",
    ),
    Mutant(
        "a reply leaves for a post that was deleted",
        GUARDS,
        "(not_deleted, not_empty, not_too_long, summoned)",
        "(not_empty, not_too_long, summoned)",
        "tests/responder/test_guards.py::test_what_stops_everybody",
    ),
    Mutant(
        "an acknowledgement leaves however late it is",
        GUARDS,
        "standing.not_after is not None and standing.now > standing.not_after",
        "standing.not_after is not None and standing.now < standing.not_after",
        "tests/responder/test_guards.py",
    ),
    Mutant(
        "the cursor moves ahead of its posts",
        "store/posts.py",
        "            await advance(connection, progress, heard=len(brought.new), at=at)\n        ids =",
        "            pass\n        async with self._db.begin() as connection:\n"
        "            await advance(connection, progress, heard=len(brought.new), at=at)\n        ids =",
        "tests/store/test_posts.py::test_a_failure_after_the_posts_takes_them_back_too",
    ),
    Mutant(
        "a batch that could not be saved is forgotten",
        "listeners/loop.py",
        "                unsaved = batch\n",
        "                unsaved = None\n",
        "tests/listeners/test_loop.py::test_a_batch_that_could_not_be_saved_is_kept_until_it_is",
    ),
    Mutant(
        "an empty answer wipes the cursor out",
        "store/sources.py",
        '"cursor": func.coalesce(statement.excluded.cursor, t.sources.c.cursor),',
        '"cursor": statement.excluded.cursor,',
        "tests/store/test_sources.py::test_an_empty_answer_moves_the_freshness_and_keeps_the_cursor",
    ),
    Mutant(
        "a disconnect opens no gap",
        "listeners/loop.py",
        "opens_gap=not is_stores, ",
        "opens_gap=False, ",
        "tests/listeners/test_loop.py::test_a_lost_connection_opens_a_gap",
    ),
    Mutant(
        "a post is decided again by whoever hears it later",
        "store/decisions.py",
        ".where(t.posts.c.id.in_(post_ids), t.posts.c.stage == Stage.ASSESSED)",
        ".where(t.posts.c.id.in_(post_ids))",
        "tests/store/test_decisions.py::test_one_post_decided_by_two_workers_at_once_is_decided_once",
    ),
    Mutant(
        "an approval leaves while it can still be undone",
        "store/writing.py",
        '"not_before": at + hold, "held_until": held}',
        '"not_before": at, "held_until": None}',
        f"{_HOLDS}::test_what_a_person_approves_is_not_claimed_before_its_hold_is_over",
    ),
    Mutant(
        "a sender whose clock is ahead cuts the hold short",
        CLAIMS,
        "_R.held_until <= self._db_now(at)",
        "_R.held_until <= at",
        f"{_HOLDS}::test_a_sender_whose_clock_is_ahead_waits_for_the_hold_too",
    ),
    Mutant(
        "what was approved leaves though its author wrote since",
        CLAIMS,
        "            not_(moved_on()),\n",
        "",
        f"{_HOLDS}::test_what_is_held_is_a_draft_again_when_its_author_writes_meanwhile",
    ),
    Mutant(
        "whoever takes over from the dead opens no gap",
        "listeners/loop.py",
        "        after = timedelta()\n",
        "        pass\n",
        "tests/listeners/test_gaps.py::test_whoever_follows_a_process_that_was_killed_notes_a_gap_however_short",
    ),
    Mutant(
        "a lease that was let go looks like one of the dead",
        "store/leases.py",
        "held is not None and not held.is_left",
        "held is not None",
        "tests/store/test_leases.py::test_one_process_holds_a_lease_and_the_next_gets_it_with_a_higher_fence",
    ),
    Mutant(
        "whoever takes over waits for who stands still in the middle of a question",
        "store/leases.py",
        "        await self._db.end_stuck()\n",
        "",
        "tests/store/test_leases.py::test_whoever_takes_over_does_not_wait_for_who_stands_still_while_saving",
    ),
    Mutant(
        "a form is believed without its token",
        "dashboard/auth.py",
        "        check_token(await form_of(request), session.csrf)\n",
        "        await form_of(request)\n",
        f"{_DOORS}::test_no_form_is_believed_without_its_token_or_from_another_site",
    ),
    Mutant(
        "a route without a right is everybody's",
        "dashboard/auth.py",
        "if right is None or not may(session.staff.role, right):",
        "if right is not None and not may(session.staff.role, right):",
        f"{_DOORS}::test_a_right_that_nobody_named_is_nobodys",
    ),
)


def main() -> int:
    """Try each mutant, or those whose description holds the words given. Returns 0 where none lives."""
    words = " ".join(sys.argv[1:])
    tried = [mutant for mutant in MUTANTS if words in mutant.what]
    _copy_tree()
    if not _passes(sorted({test for mutant in tried for test in mutant.tests.split()})):
        print("the tests fail without any mutant: nothing is proved")
        return 1
    alive = [mutant for mutant in tried if not _is_caught(mutant)]
    print(f"{len(tried) - len(alive)} of {len(tried)} mutants caught")
    return 1 if alive else 0


def _is_caught(mutant: Mutant) -> bool:
    file = COPY / mutant.file
    text = file.read_text(encoding="utf-8")
    if text.count(mutant.old) != 1:
        print(f"NOT FOUND   {mutant.file}: {mutant.what}")
        return False
    file.write_text(text.replace(mutant.old, mutant.new), encoding="utf-8")
    try:
        status = _pytest(mutant.tests.split())
    finally:
        file.write_text(text, encoding="utf-8")
    # 1 is pytest's word for tests that failed; anything else means that they did not run.
    said = "caught" if status == 1 else f"LIVES ({status})"
    print(f"{said:12}{mutant.file}: {mutant.what}", flush=True)
    return status == 1


def _passes(tests: list[str]) -> bool:
    return _pytest(tests) == 0


def _pytest(tests: list[str]) -> int:
    environment = {**os.environ, "PYTHONPATH": str(COPY), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *tests]
    return subprocess.run(command, cwd=COPY, env=environment, stdout=subprocess.DEVNULL, check=False).returncode


def _copy_tree() -> None:
    """Every file that Git knows or would add, and the browser's libraries. The model is linked: nobody writes to it."""
    shutil.rmtree(COPY, ignore_errors=True)
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    names = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    for name in filter(None, names):
        if (ROOT / name).is_file():
            (COPY / name).parent.mkdir(parents=True, exist_ok=True)
            (os.link if name.endswith(".onnx") else shutil.copy)(ROOT / name, COPY / name)
    shutil.copytree(ROOT / VENDOR, COPY / VENDOR, dirs_exist_ok=True)


if __name__ == "__main__":
    sys.exit(main())
