"""How often a name may be tried from one address.

Owns the counting of failed sign-ins, in memory: a restart forgives. Refuses to know passwords.
"""

from collections import OrderedDict, deque
from datetime import datetime, timedelta

_MOST_FAILURES = 5
_WINDOW = timedelta(minutes=1)
# Bounded, so that trying many names cannot fill the memory; the oldest are forgotten first.
_MOST_KEYS = 10_000


class Throttle:
    """Five tries a minute for a name from an address."""

    def __init__(self) -> None:
        self._tries: OrderedDict[tuple[str, str], deque[datetime]] = OrderedDict()

    def try_now(self, name: str, address: str, *, at: datetime) -> bool:
        """Count a try before the password is looked at, so that many at once do not slip by. False: too many."""
        key = (name.casefold(), address)
        tries = self._tries.setdefault(key, deque())
        self._tries.move_to_end(key)
        while len(self._tries) > _MOST_KEYS:
            self._tries.popitem(last=False)
        while tries and tries[0] <= at - _WINDOW:
            tries.popleft()
        if len(tries) >= _MOST_FAILURES:
            return False
        tries.append(at)
        return True

    def forget(self, name: str, address: str) -> None:
        """The password was right."""
        self._tries.pop((name.casefold(), address), None)
