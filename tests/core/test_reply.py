"""A reply's states: nothing that may be published goes back by itself, and what is sent stays sent."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import IllegalMove
from core.reply import MOVES, ReplyState, check_move

states = st.sampled_from(ReplyState)


def test_every_state_has_its_moves() -> None:
    assert set(MOVES) == set(ReplyState)


@given(state=states, to=states)
def test_a_move_is_allowed_or_raises_by_the_table(state: ReplyState, to: ReplyState) -> None:
    if to in MOVES[state]:
        check_move(state, to)
    else:
        with pytest.raises(IllegalMove, match=f"from {state} to {to}"):
            check_move(state, to)


@given(st.lists(states, max_size=12))
def test_sent_is_the_end_of_every_walk(path: list[ReplyState]) -> None:
    here = ReplyState.DRAFT
    for to in path:
        if to in MOVES[here]:
            assert here is not ReplyState.SENT
            here = to


def test_sending_is_reached_from_approved_alone() -> None:
    assert {state for state in ReplyState if ReplyState.SENDING in MOVES[state]} == {ReplyState.APPROVED}


def test_what_may_be_published_never_goes_back_to_draft() -> None:
    assert ReplyState.DRAFT not in MOVES[ReplyState.SENDING] | MOVES[ReplyState.UNKNOWN]
