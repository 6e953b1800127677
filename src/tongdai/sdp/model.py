"""A session description as data (RFC 8866)."""

from __future__ import annotations

from typing import Literal

import msgspec

Direction = Literal["sendrecv", "sendonly", "recvonly", "inactive"]


class SdpError(ValueError):
    """A description that cannot be used; the text says why (answer 400 or 488)."""


class Media(msgspec.Struct):
    """One m= section."""

    kind: str
    port: int
    protocol: str
    formats: list[str]


class SessionDescription(msgspec.Struct):
    """The whole description."""

    media: list[Media] = []
