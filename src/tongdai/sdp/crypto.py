"""Keys of SRTP in SDP: a=crypto (RFC 4568, RFC 6188, RFC 7714)."""

from __future__ import annotations

import base64
import binascii
import re

import msgspec

SUITES = {
    "AES_CM_128_HMAC_SHA1_80": 30,
    "AES_CM_128_HMAC_SHA1_32": 30,
    "AES_256_CM_HMAC_SHA1_80": 46,
    "AES_256_CM_HMAC_SHA1_32": 46,
    "AEAD_AES_128_GCM": 28,
    "AEAD_AES_256_GCM": 44,
}
"""Every suite that we speak, with the bytes of its master key and salt together."""

_line = re.compile(
    r"([0-9]{1,9}) (\S+) inline:([A-Za-z0-9+/=]+)((?:\|[^ |]+)*)((?: \S+)*)", re.ASCII
).fullmatch


class Crypto(msgspec.Struct, frozen=True):
    """One a=crypto line: the key that its author sends with, in base64 with the salt behind it."""

    tag: int
    suite: str
    key: str

    def __str__(self) -> str:
        """The value of the attribute."""
        return f"{self.tag} {self.suite} inline:{self.key}"

    def __repr__(self) -> str:
        """For a log: without the key."""
        return f"Crypto({self.tag}, {self.suite!r}, …)"


class Srtp(msgspec.Struct, frozen=True):
    """The keys of both directions, as negotiated."""

    suite: str
    send: str
    receive: str

    def __repr__(self) -> str:
        """For a log: without the keys."""
        return f"Srtp({self.suite!r}, …)"


def read_crypto(value: str) -> Crypto | None:
    """Read the value of a=crypto. None: a suite, a key or a parameter that we do not speak; what else was
    offered may do (RFC 4568 §5.1.2)."""
    found = _line(value)
    if found is None:
        return None
    tag, suite, key, limits, parameters = found.groups()
    # behind the key may stand a lifetime; an identifier (1:4) would have to stand in every packet
    if any(":" in limit for limit in limits.split("|")):
        return None
    # what changes the protection has to be understood, what does not (a window for replays) need not
    if any(not parameter.startswith(("WSH=", "-")) for parameter in parameters.split()):
        return None
    try:
        length = len(base64.b64decode(key, validate=True))
    except (binascii.Error, ValueError):
        return None
    return Crypto(int(tag), suite, key) if SUITES.get(suite) == length else None
