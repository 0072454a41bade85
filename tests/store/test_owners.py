"""Dead, slow, or on another machine: who was sending, told by a lock that only death sets free."""

import asyncio
import signal
import sys
from pathlib import Path

from store.owners import OwnerLock, OwnerState

ROOT = Path(__file__).parents[2]
SCRIPT = (
    "import pathlib, sys, time\n"
    "from store.owners import OwnerLock\n"
    "lock = OwnerLock(pathlib.Path(sys.argv[1])).__enter__()\n"
    "print(lock.name, flush=True)\n"
    "time.sleep(60)\n"
)


def test_two_locks_of_one_process_have_two_names(tmp_path: Path) -> None:
    with OwnerLock(tmp_path) as first, OwnerLock(tmp_path) as second:
        assert first.name != second.name
        assert second.state(first.name) is OwnerState.ALIVE


def test_who_left_in_order_is_dead_and_who_never_was_here_is_elsewhere(tmp_path: Path) -> None:
    with OwnerLock(tmp_path) as gone:
        name = gone.name
    assert OwnerLock(tmp_path).state(name) is OwnerState.DEAD
    assert OwnerLock(tmp_path / "nothing").state("other-machine:1:ab") is OwnerState.ELSEWHERE


async def test_a_frozen_process_lives_and_a_killed_one_is_dead_until_its_file_goes(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", SCRIPT, str(tmp_path), cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    name = (await process.stdout.readline()).decode().strip()
    me = OwnerLock(tmp_path)
    process.send_signal(signal.SIGSTOP)
    assert me.state(name) is OwnerState.ALIVE
    process.kill()
    await process.wait()
    assert me.state(name) is OwnerState.DEAD
    assert me.state(name) is OwnerState.DEAD, "looking at a lock does not take it"
    me.tidy(me.dead(), keep=())
    assert me.state(name) is OwnerState.ELSEWHERE


def test_tidying_removes_the_files_of_the_dead_but_of_those_with_rows_in_their_hands(tmp_path: Path) -> None:
    with OwnerLock(tmp_path) as first, OwnerLock(tmp_path) as second:
        names = first.name, second.name
    with OwnerLock(tmp_path) as alive, OwnerLock(tmp_path) as me:
        me.tidy(me.dead(), keep=[names[0]])
        assert me.state(names[0]) is OwnerState.DEAD
        assert me.state(names[1]) is OwnerState.ELSEWHERE
        assert me.state(alive.name) is OwnerState.ALIVE
        assert OwnerLock(tmp_path).state(me.name) is OwnerState.ALIVE


def test_who_dies_while_others_tidy_keeps_its_file(tmp_path: Path) -> None:
    """It may have taken something since they asked who has something in its hands."""
    me = OwnerLock(tmp_path)
    with OwnerLock(tmp_path) as dying:
        dead = me.dead()
    me.tidy(dead, keep=())
    assert me.state(dying.name) is OwnerState.DEAD
