"""Fail points: the places where a test may kill or freeze the process, each named once.

Owns the table of points and what happens at one. Does nothing unless GENLYD_FAIL_AT names a point and
GENLYD_FAIL_PROOF a file: the file is written first, so a test knows that the point was reached. Refuses
to raise: what is tried here is a process that ends, not an exception that somebody catches.
"""

import os
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from core.errors import ConfigError, Problem

AT, PROOF = "GENLYD_FAIL_AT", "GENLYD_FAIL_PROOF"

# In the order of a post's walk. docs/attacks.md shows this table with the tests that strike there.
POINTS: dict[str, str] = {
    "I1": "a batch was fetched, nothing of it is stored",
    "I2": "posts are written, the cursor is not, nothing is committed",
    "I3": "posts and cursor are committed, no bell was rung",
    "I4": "the bell was rung, the loop has not gone on",
    "I5": "another source brings a post that is already stored",
    "S1": "the bell was heard, nothing is read",
    "S2": "a batch was scored, nothing is saved",
    "S3": "assessments are committed, the bell's entry is not struck",
    "T1": "a decision and its reply are written, not committed",
    "A1": "a person's approval is written, not committed",
    "A2": "a person's approval is committed, no bell was rung",
    "R1": "a reply is due, nobody has claimed it",
    "R2": "SENDING is committed, the guards were not asked",
    "R3": "the guards said yes, the request has not left",
    "R5": "the platform answered, nothing is committed",
    "R6": "the outcome is committed, nobody was told",
    "R7": "an unknown reply is claimed, nobody has looked",
    "R7b": "somebody looked, nothing is committed",
    "R8": "a reply that was surely absent is about to be sent again",
}
_SIGNALS = {"kill": signal.SIGKILL, "stop": signal.SIGSTOP}


@dataclass(slots=True)
class _Armed:
    name: str
    signal: signal.Signals
    left: int
    proof: Path


_armed: list[_Armed] = []


def arm(environment: Mapping[str, str]) -> None:
    """Read GENLYD_FAIL_AT: "R5:kill", "R4:stop", or "T1:kill@3" for the third time. Raises: ConfigError."""
    _armed.clear()
    asked = environment.get(AT, "")
    if not asked:
        return
    name, _, rest = asked.partition(":")
    action, _, times = rest.partition("@")
    if name not in POINTS or action not in _SIGNALS or not (times or "1").isdigit() or int(times or "1") < 1:
        raise _bad(f"{asked!r} is no fail point; write NAME:kill or NAME:stop, and @N for the Nth time. {_known()}")
    if not environment.get(PROOF):
        raise _bad(f"{PROOF} must name the file that proves that the point was reached")
    _armed.append(_Armed(name=name, signal=_SIGNALS[action], left=int(times or "1"), proof=Path(environment[PROOF])))


def reach(name: str) -> None:
    """The process is at point `name`: it ends or freezes here if that was asked for."""
    if _armed:
        _strike(name)


def _strike(name: str) -> None:
    if name not in POINTS:
        raise _bad(f"the code reaches {name!r}, which is no fail point. {_known()}")
    armed = _armed[0]
    if armed.name != name or armed.left == 0:
        return
    armed.left -= 1
    if armed.left == 0:
        armed.proof.write_text(f"{name} {os.getpid()}\n")
        os.kill(os.getpid(), armed.signal)


def _known() -> str:
    return f"Known: {', '.join(POINTS)}"


def _bad(what: str) -> ConfigError:
    return ConfigError([Problem(line=None, where=AT, what=what)])
