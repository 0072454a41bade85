"""What the pages of rules and watches ask of the roof: reading a text, and trying it on what was heard.

Owns the port. Refuses to know TOML and the policy: those are the roof's and the responder's.
"""

from typing import Protocol

from core.errors import Problem
from core.rulebook import Kind
from core.trial import Trial
from core.watch_trial import WatchTrial


class Books(Protocol):
    """Whoever reads rulebooks and tries them. Nothing is sent or changed by trying."""

    async def problems(self, kind: Kind, text: str) -> tuple[Problem, ...]:
        """Return everything that is wrong with a text, as `genlyd check` would say it; () where nothing is."""
        ...

    def file_text(self, kind: Kind) -> str:
        """Return what the configuration file says, or the house's own where it says nothing, as a rulebook."""
        ...

    async def try_rules(self, text: str, *, days: int) -> Trial:
        """Return what rules would have done with the last days' decided posts.

        Raises: ConfigError, StoreError; Conflict where too many try at once.
        """
        ...

    async def try_watches(self, text: str, *, days: int) -> WatchTrial:
        """Return what watches would have heard of the last days' posts. Raises: as `try_rules`."""
        ...
