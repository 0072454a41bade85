"""What may happen to a conversation."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.conversation import Conversation, Move, Status, apply, snooze
from core.errors import IllegalMove
from tests.builders import NOW, a_conversation

walks = st.lists(st.tuples(st.sampled_from(Move), st.sampled_from(["kari", "ola"])), max_size=15)


def test_who_takes_over_has_it_and_it_is_open() -> None:
    taken = apply(a_conversation(), Move.TAKE_OVER, by="kari")
    assert (taken.taken_by, taken.is_taken, taken.status) == ("kari", True, Status.OPEN)
    assert apply(taken, Move.TAKE_OVER, by="kari") == taken


def test_nobody_takes_what_another_has() -> None:
    with pytest.raises(IllegalMove, match="kari already has"):
        apply(a_conversation(taken_by="kari"), Move.TAKE_OVER, by="ola")


def test_what_a_colleague_has_is_not_moved_and_who_steers_may_hand_it_back() -> None:
    taken = a_conversation(taken_by="kari")
    for move in (Move.HAND_BACK, Move.RESOLVE):
        with pytest.raises(IllegalMove, match="kari has this conversation"):
            apply(taken, move, by="ola")
    with pytest.raises(IllegalMove, match="kari has this conversation"):
        snooze(taken, None, by="ola", now=NOW)
    assert snooze(taken, None, by="kari", now=NOW).status is Status.SNOOZED
    assert not apply(taken, Move.HAND_BACK, by="ola", steers=True).is_taken


def test_a_hand_back_frees_it() -> None:
    assert not apply(a_conversation(taken_by="kari"), Move.HAND_BACK, by="kari").is_taken
    with pytest.raises(IllegalMove, match="nobody has taken"):
        apply(a_conversation(), Move.HAND_BACK, by="kari")


def test_resolving_ends_the_waiting() -> None:
    done = apply(a_conversation(due_at=NOW, waiting_since=NOW, taken_by="kari"), Move.RESOLVE, by="kari")
    assert (done.status, done.due_at, done.waiting_since, done.taken_by) == (Status.RESOLVED, None, None, "kari")
    with pytest.raises(IllegalMove, match="already resolved"):
        apply(done, Move.RESOLVE, by="kari")


def test_only_what_is_resolved_opens_again() -> None:
    assert apply(a_conversation(status=Status.RESOLVED), Move.REOPEN, by="kari").status is Status.OPEN
    with pytest.raises(IllegalMove, match="not resolved"):
        apply(a_conversation(), Move.REOPEN, by="kari")


@given(walks)
def test_no_walk_gives_a_conversation_from_one_person_to_another_unasked(walk: list[tuple[Move, str]]) -> None:
    here = a_conversation()
    for move, by in walk:
        before = here
        here = _or_same(here, move, by)
        assert (here.id, here.version, here.urgency) == (before.id, before.version, before.urgency)
        if before.taken_by is not None and here.taken_by != before.taken_by:
            assert move is Move.HAND_BACK
            assert here.taken_by is None


def _or_same(conversation: Conversation, move: Move, by: str) -> Conversation:
    try:
        return apply(conversation, move, by=by)
    except IllegalMove:
        return conversation
