"""The codecs this product knows, as they are named in SDP."""

from __future__ import annotations

import msgspec


class Codec(msgspec.Struct, frozen=True, omit_defaults=True):
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

    @property
    def is_noise(self) -> bool:
        """Comfort noise (RFC 3389): what is sent instead of a pause."""
        return self.name.lower() == "cn"

    @property
    def is_voice(self) -> bool:
        return self.name.lower() not in _NO_VOICE

    @property
    def is_foreign(self) -> bool:
        """Voice that we do not speak; it can be passed on between two parties that both do."""
        return self.is_voice and self.channels == 1 and not is_known(self.name)

    @property
    def encoding(self) -> tuple[str, int, int]:
        """What it is, whatever number it has."""
        return self.name.lower(), self.clock_rate, self.channels

    def same_as(self, other: Codec) -> bool:
        """The same encoding."""
        return self.encoding == other.encoding


PCMU = Codec("PCMU", 8000, 0)
PCMA = Codec("PCMA", 8000, 8)
G722 = Codec("G722", 8000, 9)
"""Sound of 16 kHz under a clock of 8000, for ever (RFC 3551 §4.5.2)."""
OPUS = Codec("opus", 48000, 111, 2, "useinbandfec=1")
"""Always of two channels in SDP, also when it is mono (RFC 7587 §7)."""
CN = Codec("CN", 8000, 13)
TELEPHONE_EVENT = Codec("telephone-event", 8000, 101, fmtp="0-16")
TELEPHONE_EVENT_48000 = Codec("telephone-event", 48000, 110, fmtp="0-16")
"""For those who speak Opus: keys have the clock of the sound (RFC 4733 §2.1)."""

_NO_VOICE = ("telephone-event", "cn")
_KNOWN = frozenset(codec.name.lower() for codec in (OPUS, G722, PCMU, PCMA))


def is_known(name: str) -> bool:
    """Whether the engine speaks a voice codec of that name."""
    return name.lower() in _KNOWN


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
