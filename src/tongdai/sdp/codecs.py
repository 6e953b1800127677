"""The codecs this product knows, as they are named in SDP."""

from __future__ import annotations

import msgspec


class Codec(msgspec.Struct, frozen=True):
    """One format of an m= line. `payload_type` is the number offered; names compare without case (RFC 8866
    §6.6)."""

    name: str
    clock_rate: int
    payload_type: int
    channels: int = 1
    fmtp: str | None = None

    @property
    def is_dtmf(self) -> bool:
        """RFC 4733 events rather than sound."""
        return self.name.lower() == "telephone-event"

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

# (encoding, clock rate, channels) of numbers that need no rtpmap (RFC 3551 §6)
STATIC: dict[int, tuple[str, int, int]] = {
    0: ("PCMU", 8000, 1),
    3: ("GSM", 8000, 1),
    4: ("G723", 8000, 1),
    8: ("PCMA", 8000, 1),
    9: ("G722", 8000, 1),
    13: ("CN", 8000, 1),
    15: ("G728", 8000, 1),
    18: ("G729", 8000, 1),
}
