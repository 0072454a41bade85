"""Codes: of a telephone that counts with us (TOTP), and on paper for when it is lost.

Owns how they are made and read. Refuses to store or to count tries.
Source: RFC 6238, read 2026-11; steps of 30 seconds, six digits, SHA-1, which is what every app reads from a QR code.
"""

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime

import pyotp
import segno

STEP_SECONDS = 30
# A telephone's clock may be a step off, and a person a moment late.
_NEAR = (0, -1, 1)
CODES = 10
_CODE_BYTES = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """What a person needs to set a telephone up: a picture, and the same in letters. `image` is a data address."""

    image: str
    secret: str
    address: str


def new_secret() -> str:
    """Return a secret of 160 random bits, as letters and digits."""
    return pyotp.random_base32()


def setup_of(secret: str, name: str, brand: str) -> Setup:
    """Return how to set a telephone up. The app lists it as Genlyd and the brand."""
    address = pyotp.TOTP(secret).provisioning_uri(name=name, issuer_name=f"Genlyd {brand}")
    code = segno.make(address, error="m", micro=False)
    image = code.svg_data_uri(scale=4, border=4, dark="#000", light="#fff", omitsize=True)
    return Setup(image=image, secret=" ".join(secret[at : at + 4] for at in range(0, len(secret), 4)), address=address)


def step_of(secret: str, code: str, at: datetime) -> int | None:
    """Return the step whose code this is, near `at`; None where it is none of them."""
    digits = "".join(code.split())
    if len(digits) != 6 or not digits.isascii() or not digits.isdigit():
        return None
    now, totp = int(at.timestamp()) // STEP_SECONDS, pyotp.TOTP(secret)
    matching = [now + off for off in _NEAR if hmac.compare_digest(totp.generate_otp(now + off), digits)]
    return matching[0] if matching else None


def new_codes() -> tuple[str, ...]:
    """Return ten recovery codes of 80 random bits, as a person copies them: abcd-efgh-ijkl-mnop."""
    made = (base64.b32encode(secrets.token_bytes(_CODE_BYTES)).decode().lower() for _ in range(CODES))
    return tuple("-".join(one[at : at + 4] for at in range(0, 16, 4)) for one in made)


def hash_code(code: str) -> str | None:
    """Return what is stored of a recovery code; None where it cannot be one."""
    bare = "".join(letter for letter in code.casefold() if letter.isascii() and letter.isalnum())
    return hashlib.sha256(bare.encode()).hexdigest() if len(bare) == 16 else None
