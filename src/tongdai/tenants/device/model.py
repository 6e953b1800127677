"""What is stored of a device."""

from __future__ import annotations

import msgspec


class Device(msgspec.Struct, frozen=True):
    """The hashes are H(username:realm:password) in hex (RFC 7616 §3.4.2)."""

    id: str
    person: str
    username: str
    ha1_md5: str
    ha1_sha256: str
    login: str = ""
    """The session whose browser it is, and with which it ends; empty for a phone."""
