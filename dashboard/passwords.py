"""Passwords: hashed with argon2id, checked off the event loop.

Owns the hasher and the least length. Refuses to know who signs in.
"""

import asyncio

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from core.errors import GenlydError

SHORTEST = 10
# Long enough for any passphrase; without a limit, hashing megabytes is an attack.
LONGEST = 1_000

_hasher = PasswordHasher()
# Of a random password nobody kept: an unknown name costs as long to refuse as a wrong password.
_NOBODY = "$argon2id$v=19$m=65536,t=3,p=4$UO7AVTthb4AfEpCRsHKIyw$mKRj3K05VJZzdi+8moHr8B6ByS9W2iKDIu9jEibdJqw"
# Each check takes 64 MiB for a moment; two at a time bound what a crowd at the door can take.
_MOST_AT_ONCE = 2


class WeakPassword(GenlydError):
    """The password is not fit; the message says what to choose instead."""


def hash_password(password: str) -> str:
    """Return the argon2id hash to store. Takes a tenth of a second. Raises: WeakPassword."""
    if len(password) < SHORTEST:
        raise WeakPassword(
            f"the password has {len(password)} characters; it needs at least {SHORTEST}. Three or four words do well."
        )
    if len(password) > LONGEST:
        raise WeakPassword(f"the password has {len(password)} characters; at most {LONGEST} are read.")
    return _hasher.hash(password)


class PasswordCheck:
    """Checks passwords, as slowly for a name nobody has as for a wrong password."""

    def __init__(self) -> None:
        self._turn = asyncio.Semaphore(_MOST_AT_ONCE)

    async def is_right(self, password_hash: str | None, password: str) -> bool:
        """Whether `password` made `password_hash`; None for a name nobody has."""
        if len(password) > LONGEST:
            return False
        async with self._turn:
            matched = await asyncio.to_thread(_verify, password_hash or _NOBODY, password)
        return matched and password_hash is not None


def _verify(password_hash: str, password: str) -> bool:
    try:
        return _hasher.verify(password_hash, password)
    except (VerificationError, InvalidHashError):
        return False
