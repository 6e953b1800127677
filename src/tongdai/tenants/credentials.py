"""How secrets are kept: none of them can be read back."""

from __future__ import annotations

import hashlib
import hmac
import secrets

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from tongdai.sip.digest import ha1

REALM = "tongdai"
"""One realm for the whole provider, so that a challenge tells nothing of who is hosted here."""

_SALT_BYTES = 8
# argon2id as the OWASP Password Storage Cheat Sheet has it. RFC 9106 §4 spends 64 MiB and four threads on a
# login, so that a flood of logins would take a small machine down.
_argon2 = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)


def device_hashes(username: str, password: str) -> dict[str, str]:
    """A device's password as it is stored: the columns `ha1_md5` and `ha1_sha256` (RFC 7616 §3.4.2)."""
    return {
        "ha1_md5": ha1(username, REALM, password, "MD5"),
        "ha1_sha256": ha1(username, REALM, password, "SHA-256"),
    }


def hash_password(password: str) -> str:
    """A login password by argon2id. Takes some 20 ms on purpose: never on the signalling loop."""
    return _argon2.hash(password)


def verify_password(stored: str, password: str) -> bool:
    """Whether the password fits; an empty hash fits nothing. As slow as `hash_password`."""
    try:
        return _argon2.verify(stored, password)
    except (VerificationError, InvalidHashError):
        return False


def hash_pin(key: bytes, pin: str) -> str:
    """A voicemail PIN by keyed BLAKE2b with a salt, as `salt$hash` in hex. `key` is the server's secret.

    PINs are checked on the signalling loop, so a slow hash (argon2, scrypt) would delay every other call. Nor
    would it help: all ten thousand PINs of four digits are tried in minutes whatever the hash. What protects
    them in a stolen database is the key, which is not in it; what protects them on the phone is the lockout.
    """
    salt = secrets.token_bytes(_SALT_BYTES)
    return f"{salt.hex()}${_pin_digest(key, salt, pin)}"


def verify_pin(key: bytes, stored: str, pin: str) -> bool:
    """Whether the PIN fits; takes a few microseconds, the same for right and wrong."""
    salt, dollar, digest = stored.partition("$")
    if not dollar:
        return False
    return hmac.compare_digest(_pin_digest(key, bytes.fromhex(salt), pin), digest)


def _pin_digest(key: bytes, salt: bytes, pin: str) -> str:
    return hashlib.blake2b(
        pin.encode(), key=key, salt=salt, person=b"tongdai-pin", digest_size=32
    ).hexdigest()
