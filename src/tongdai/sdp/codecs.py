"""The codecs this product knows, as they are named in SDP."""

from __future__ import annotations

import msgspec


class Codec(msgspec.Struct, frozen=True):
    """One format of an m= line. `payload_type` is the number offered; names compare without case (RFC 8866 §6.6)."""

    name: str
    clock_rate: int
    payload_type: int
    channels: int = 1
    fmtp: str | None = None

    def same_as(self, other: Codec) -> bool:
        """The same encoding, whatever number it has."""
        return (
            self.name.lower() == other.name.lower()
            and self.clock_rate == other.clock_rate
            and self.channels == other.channels
        )


PCMU = Codec("PCMU", 8000, 0)
PCMA = Codec("PCMA", 8000, 8)
TELEPHONE_EVENT = Codec("telephone-event", 8000, 101, fmtp="0-16")
