"""Every error of ours, named for what to do next.

    GenlydError
      ConfigError               the operator mends the file; lists every problem with its line
      StoreError                the database or its disk failed: nothing was saved, try again later
      LeaseLost                 another process leads this work now: stop, save nothing
      Conflict                  someone moved it first: reload and decide again
      IllegalMove               our own code asked for a move the state machine forbids: a bug
      BadValue                  a person asked for what cannot be: tell them the message, change nothing
      PlatformError(account)
        TryLater                network, 5xx: back off
          RateLimited           429, with the platform's own number
          CursorTooOld          the platform no longer honours where we wanted to resume: ask for what it still has
          Deaf                  it answers as if all were quiet, and it is not: connect anew and fetch
          BudgetSpent           our own budget says no until a later time
        NeedsOperator           revoked, suspended, misconfigured: pause this account, tell people
        Rejected                never will be accepted: fail it, do not retry
        OutcomeUnknown          it left and no answer came: look, never resend blind
        Unreadable              upstream data we cannot parse: count it, keep it, go on

Owns the names. Refuses to hold behaviour.
"""

from dataclasses import dataclass
from datetime import datetime


class GenlydError(Exception):
    """Anything of ours that went wrong. Catch a narrower one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One fault in a file a person wrote: where, what, and how to mend it."""

    line: int | None
    where: str
    what: str

    def __str__(self) -> str:
        place = f"line {self.line}: " if self.line else ""
        return f"{place}{self.where}: {self.what}"


class ConfigError(GenlydError):
    """The configuration cannot be used. Show every problem and stop with status 2."""

    def __init__(self, problems: list[Problem], *, file: str = "") -> None:
        self.problems = problems
        self.file = file
        super().__init__("\n".join(f"{file}: {problem}" if file else str(problem) for problem in problems))


class StoreError(GenlydError):
    """The database could not be read or written. Nothing was saved; keep the work and try again."""


class LeaseLost(GenlydError):
    """Another process does this work now, or may soon. Nothing was saved: stop, and let go of every connection."""


class Conflict(GenlydError):
    """The row changed since it was read. Reload and decide again."""


class IllegalMove(GenlydError):
    """The state machine forbids this move. A bug of ours: do not catch it."""


class BadValue(GenlydError):
    """A person gave a value that cannot be. Nothing was changed; the message says what can."""


class PlatformError(GenlydError):
    """Something between us and a platform. `account` is the name in the config."""

    def __init__(self, account: str, message: str) -> None:
        self.account = account
        super().__init__(message)


class TryLater(PlatformError):
    """The platform or the network failed. Wait `wait_seconds` (None: back off as usual), try again."""

    def __init__(self, account: str, message: str, *, wait_seconds: float | None = None) -> None:
        self.wait_seconds = wait_seconds
        super().__init__(account, message)


class RateLimited(TryLater):
    """The platform said how often we may ask. Wait at least its own number."""


class CursorTooOld(TryLater):
    """The platform reaches back less far than we asked. Ask for all that it still has; the rest is a gap."""


class Deaf(TryLater):
    """The source answers, and leaves out what is there. Whatever came since `since` (None: unsure) may be missing."""

    def __init__(self, account: str, message: str, *, since: datetime | None = None) -> None:
        self.since = since
        super().__init__(account, message)


class BudgetSpent(TryLater):
    """Our own budget is spent, `what` is for the period from `since` to `again_at`: nothing was asked."""

    def __init__(
        self, account: str, message: str, *, what: str, since: datetime, wait_seconds: float, again_at: datetime
    ) -> None:
        self.what = what
        self.since = since
        self.again_at = again_at
        super().__init__(account, message, wait_seconds=wait_seconds)


class NeedsOperator(PlatformError):
    """Only a person can mend this: `cure` says how. Pause the account, tell people."""

    def __init__(self, account: str, message: str, *, cure: str) -> None:
        self.cure = cure
        super().__init__(account, message)


class Rejected(PlatformError):
    """The platform will never accept this. Fail it with `reason`; do not retry."""

    def __init__(self, account: str, message: str, *, reason: str) -> None:
        self.reason = reason
        super().__init__(account, message)


class OutcomeUnknown(PlatformError):
    """The request left and no clear answer came. It may have worked: look before anything else."""


class Unreadable(PlatformError):
    """The platform sent something we cannot parse. Count it, keep `raw`, go on."""

    def __init__(self, account: str, message: str, *, raw: str) -> None:
        self.raw = raw
        super().__init__(account, message)
