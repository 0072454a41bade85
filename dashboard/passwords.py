"""Passwords: hashed with argon2id, checked off the event loop.

Owns the hasher and the least length. Refuses to know who signs in.
"""

import asyncio

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from core.errors import GenlydError
from dashboard.i18n import _

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

    def __init__(self, length: int) -> None:
        self.length = length
        super().__init__(self.said())

    def said(self) -> str:
        """Return what is wrong, in the reader's language."""
        if self.length > LONGEST:
            return _("The password has {n} characters; at most {most} are read.", n=self.length, most=LONGEST)
        message = _("The password has {n} characters; it needs at least {least}.", n=self.length, least=SHORTEST)
        return message + " " + _("Three or four words do well.")


def hash_password(password: str) -> str:
    """Return the argon2id hash to store. Takes a tenth of a second. Raises: WeakPassword."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise WeakPassword(len(password))
    return _hasher.hash(password)


class PasswordCheck:
    """Checks passwords, as slowly for a name nobody has as for a wrong password."""

    def __init__(self) -> None:
        self._turn = asyncio.Semaphore(_MOST_AT_ONCE)

    async def is_right(self, password_hash: str | None, password: str) -> bool:
        """Whether `password` made `password_hash`; None or empty for a name nobody has, or one without a password."""
        if len(password) > LONGEST:
            return False
        async with self._turn:
            matched = await asyncio.to_thread(_verify, password_hash or _NOBODY, password)
        return matched and bool(password_hash)


def _verify(password_hash: str, password: str) -> bool:
    try:
        return _hasher.verify(password_hash, password)
    except (VerificationError, InvalidHashError):
        return False
