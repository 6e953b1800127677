"""The shapes inside frames (docs/engine.md) and the framing itself: 4 bytes of length, then one msgpack
map."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from typing import Any, Literal

import msgspec

PROTO = 1
MAX_FRAME = 1 << 20
"""Largest frame body in bytes; a longer one means that the stream is out of step."""

Direction = Literal["sendrecv", "sendonly", "recvonly", "inactive"]


class Codec(msgspec.Struct, frozen=True, omit_defaults=True):
    """One codec of a session: `PCMU`, `PCMA`, `G722` or `opus`; the payload type that the peer receives it
    under, and the one that it sends it under if that is another; what it wishes to receive."""

    name: str
    pt: int
    rx_pt: int | None = None
    fmtp: str | None = None


class Foreign(msgspec.Struct, frozen=True, omit_defaults=True):
    """A codec that the engine does not speak and only passes on; payload types as those of `Codec`."""

    name: str
    clock: int
    pt: int
    rx_pt: int | None = None


class Keys(msgspec.Struct, frozen=True, omit_defaults=True):
    """telephone-event of a clock; payload types as those of `Codec`."""

    pt: int
    rx_pt: int | None = None
    clock: int = 8000


class Noise(msgspec.Struct, frozen=True, omit_defaults=True):
    """Comfort noise (RFC 3389); payload types as those of `Codec`."""

    pt: int
    rx_pt: int | None = None


class Srtp(msgspec.Struct, frozen=True):
    """The suite of a protected stream by its name in SDP, and the master key of each direction with its salt
    behind it, in base64."""

    suite: str
    send: str
    recv: str

    def __repr__(self) -> str:
        """For a log: without the keys."""
        return f"Srtp({self.suite!r}, …)"


class Dtls(msgspec.Struct, frozen=True):
    """Keys that the engine agrees on with the peer itself: our part in the handshake, and the fingerprints
    of the peer's certificate as SDP has them."""

    setup: Literal["active", "passive"]
    fingerprints: Sequence[str]


class Ice(msgspec.Struct, frozen=True):
    """Our credentials of ICE, and the peer's user fragment."""

    ufrag: str
    pwd: str
    remote_ufrag: str

    def __repr__(self) -> str:
        """For a log: without the password."""
        return f"Ice({self.ufrag!r}, …)"


class Remote(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where a peer is and what it speaks; `direction` is ours, `ptime` in ms."""

    ip: str
    port: int
    codecs: list[Codec]
    direction: Direction
    dtmf: list[Keys] = []
    foreign: list[Foreign] = []
    cn: Noise | None = None
    srtp: Srtp | None = None
    dtls: Dtls | None = None
    ice: Ice | None = None
    rtcp_mux: bool = False
    rtcp_port: int | None = None
    rtcp_ip: str | None = None
    ptime: int | None = None
    tag: str | None = None


class Silence(msgspec.Struct, frozen=True, tag_field="kind", tag="silence"):
    pass


class Echo(msgspec.Struct, frozen=True, tag_field="kind", tag="echo"):
    pass


class HearSession(msgspec.Struct, frozen=True, tag_field="kind", tag="session"):
    session: str


class HearMixer(msgspec.Struct, frozen=True, tag_field="kind", tag="mixer"):
    mixer: str


class Music(msgspec.Struct, frozen=True, tag_field="kind", tag="music"):
    file: str


class Tone(msgspec.Struct, frozen=True, tag_field="kind", tag="tone"):
    tone: Literal["ringback", "busy", "congestion"]


EngineSource = Silence | Echo | HearSession | HearMixer | Music | Tone
"""What a session hears when nothing is played to it."""


class Hello(msgspec.Struct, frozen=True):
    """Reply to `hello`. `engine` is random per engine process; `sessions` counts those that live in it,
    `lost` the events that it had to drop before anybody was sent them."""

    engine: str
    proto: int
    version: str
    sessions: int = 0
    lost: int = 0
    fingerprint: str = ""
    """Of the engine's certificate, as SDP has it."""


class Opened(msgspec.Struct, frozen=True, omit_defaults=True):
    """Reply to `open`: where the peer shall send. `next` is a port in place of the reserved one."""

    ip: str
    port: int
    rtcp_port: int
    next: int | None = None


class Reserved(msgspec.Struct, frozen=True):
    """Reply to `reserve`: ports for RTP, RTCP is on the next one."""

    ip: str
    ports: list[int]


class Stats(msgspec.Struct, frozen=True):
    """Counters of a session since it was opened (docs/engine.md), those that are used here."""

    rx_packets: int = 0
    rx_lost: int = 0
    rx_jitter_ms: float = 0.0
    heard_ms: int = 0
    concealed_ms: int = 0
    tx_packets: int = 0
    tx_lost: int | None = None
    tx_reported: int | None = None
    tx_jitter_ms: float | None = None
    rtt_ms: float | None = None
    rx_mos: float | None = None
    tx_mos: float | None = None


class Closed(msgspec.Struct, frozen=True):
    """Reply to `close`."""

    stats: Stats = Stats()


class SessionInfo(msgspec.Struct, frozen=True):
    """One line of `list`. `play` and `record` are what it was told to play and to record last."""

    session: str
    port: int
    source: Any = None
    remote: Any = None
    tag: str | None = None
    play: str | None = None
    record: str | None = None


class Listing(msgspec.Struct, frozen=True):
    sessions: tuple[SessionInfo, ...]
    mixers: tuple[str, ...] = ()


class OutOfStep(Exception):
    """The bytes are not frames of this protocol; the connection must be closed."""


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(dict[str, Any])
_length = struct.Struct(">I").unpack_from


def encode(frame: dict[str, Any]) -> bytes:
    """A frame with its length."""
    body = _encoder.encode(frame)
    return len(body).to_bytes(4, "big") + body


class FrameReader:
    """Turns a byte stream into frames, however it was cut."""

    __slots__ = ("_buffer",)

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[dict[str, Any]]:
        """Yield every frame that is complete now. Raises `OutOfStep` for what cannot be a frame."""
        buffer = self._buffer
        buffer += data
        start, there = 0, len(buffer)
        try:
            while start + 4 <= there:
                [size] = _length(buffer, start)
                if size > MAX_FRAME:
                    raise OutOfStep(f"a frame of {size} bytes; the limit is {MAX_FRAME}")
                end = start + 4 + size
                if end > there:
                    return
                body, start = buffer[start + 4 : end], end
                try:
                    frame = _decoder.decode(body)
                except msgspec.DecodeError as error:
                    raise OutOfStep(f"not a msgpack map: {error}") from error
                yield frame
        finally:
            del buffer[:start]
