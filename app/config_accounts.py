"""What two accounts cannot share, since each signs in as itself, and which account a wrong name means.

Owns these two checks. Refuses to read an account: `config` does.
"""

import difflib
from collections.abc import Callable, Mapping

from core.config import AccountConfig
from core.post import Platform

# The key, and why it is one account's alone. With one bearer token two accounts would take each other's stream.
_OWN: Mapping[Platform, Mapping[str, str]] = {
    Platform.X: {
        "access_token": "so both would speak as one; each account needs its own",
        "bearer_token": "and X gives an app one stream; make an app for each account",
    },
    Platform.REDDIT: {"username": "so both would speak as one; each account needs its own"},
}


def check_apart(accounts: Mapping[int, AccountConfig], fault: Callable[[int, str, str], None]) -> None:
    """Note at the second account, by its place in the file, what it shares with an earlier one."""
    for index, account in accounts.items():
        earlier = [one for place, one in accounts.items() if place < index and one.platform is account.platform]
        for other in earlier:
            if account.handle and other.handle.casefold() == account.handle.casefold():
                fault(index, "handle", f"{other.name!r} has this handle too; one account needs one table")
            for key, why in _OWN[account.platform].items():
                ours, theirs = account.credentials[key].reveal(), other.credentials[key].reveal()
                if ours and ours == theirs:
                    fault(index, key, f"is also that of {other.name!r}, {why}")


def nearest(name: str, names: list[str]) -> str:
    """Return which of the accounts' `names` somebody meant by `name`, or all of them."""
    near = difflib.get_close_matches(name, names, n=1)
    return f"did you mean {near[0]!r}?" if near else f"accounts: {', '.join(names) or 'none'}"
