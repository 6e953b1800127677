"""The raw phone's sound: an RTP stream each way (RFC 3550) with G.711, G.722 by ffmpeg, Opus that says
nothing, and telephone events (RFC 4733)."""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
import struct
import time
from collections import deque
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from tests.interop.phones import wide
from tests.interop.phones.sound import FRAME, Sound, alaw_decode, alaw_encode, tone, ulaw_decode, ulaw_encode

PCMU, PCMA, G722, OPUS = 0, 8, 9, 111
DTMF_KEYS = "0123456789*#ABCD"
_SENDER_REPORT, _RECEIVER_REPORT = 200, 201
_PTIME = 0.02
_SO_TIMESTAMPNS = 35
"""The module socket lacks it; this is its value on x86 and ARM (asm-generic/socket.h)."""
_DECODE = {PCMU: ulaw_decode, PCMA: alaw_decode}
_OPUS = b"\xf8\xff\xfe"
"""20 ms of digital silence (RFC 6716). This phone has no coder: whether a packet comes as it left is all that
it can tell."""
_SILENCE = {PCMU: b"\xff" * FRAME, PCMA: b"\xd5" * FRAME, G722: b"\xfa" * FRAME, OPUS: _OPUS}

Address = tuple[str, int]


@dataclass(frozen=True)
class Packet:
    """A received RTP packet; `at` is when the kernel had it, in seconds on the loop's clock: a test
    that waits for a processor reads it later."""

    at: float
    source: Address
    payload_type: int
    marker: bool
    sequence: int
    timestamp: int
    ssrc: int
    payload: bytes


class RtpStream:
    """Sends one frame each 20 ms (the phone's tone, silence or a key) and keeps all that arrives.

    Nothing is sent before `start`; `mute` stops sending altogether, as a phone does that was put on hold.
    """

    def __init__(self, frequency: int, host: str = "127.0.0.1") -> None:
        self.host = host
        self.port = 0
        self.received: list[Packet] = []
        self.rtcp: list[bytes] = []
        self.reporting = False
        """Answer each sender report with one of ours on what came (RFC 3550 §6.4.2)."""
        self.reported = 0
        """Packets that our last report was about."""
        self.sent_at: list[float] = []
        """When each packet left, on the loop's clock."""
        self.remote: Address | None = None
        self.codec = PCMU
        self.event_payload = 101
        self._frequency = frequency
        self._frames = _frames_of(frequency)
        self._sounding = True
        self._muted = False
        self._keys: deque[bytes | None] = deque()
        self._keys_done = asyncio.Event()
        self._key_started = 0
        self._ssrc = random.getrandbits(32)
        self._sequence = random.getrandbits(15)
        self._timestamp = random.getrandbits(31)
        self._socket: socket.socket | None = None
        self._rtcp_transport: asyncio.DatagramTransport | None = None
        self._ticker: asyncio.TimerHandle | None = None
        self._next = 0.0
        self._audio: list[Sound] = []
        self._audio_upto = 0

    async def open(self) -> None:
        """Bind an even port for RTP and the next one for RTCP."""
        loop = asyncio.get_running_loop()
        rtp, rtcp = _port_pair(self.host)
        self.port = int(rtp.getsockname()[1])
        rtp.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        self._socket = rtp
        loop.add_reader(rtp, self._read)
        self._rtcp_transport, _ = await loop.create_datagram_endpoint(lambda: _Rtcp(self), sock=rtcp)

    def start(self, remote: Address, codec: int, event_payload: int) -> None:
        """Send to `remote` from now on; called again after every answer that changes the session."""
        self.remote, self.codec, self.event_payload = remote, codec, event_payload
        if codec == G722:
            self._frames.setdefault(G722, wide.frame(self._frequency))
        if self._ticker is None:
            self._next = asyncio.get_running_loop().time()
            self._tick()

    def close(self) -> None:
        """Stop sending and give the ports back."""
        if self._ticker is not None:
            self._ticker.cancel()
        if self._socket is not None:
            asyncio.get_running_loop().remove_reader(self._socket)
            self._socket.close()
            self._socket = None
        if self._rtcp_transport is not None:
            self._rtcp_transport.close()

    def speak(self, frequency: int | None) -> None:
        """Send another tone from now on, or silence (as packets) for None."""
        self._sounding = frequency is not None
        if frequency is not None:
            self._frequency, self._frames = frequency, _frames_of(frequency)

    @property
    def frame(self) -> bytes:
        """What it sends every 20 ms while nobody presses a key."""
        return (self._frames if self._sounding else _SILENCE)[self.codec]

    def mute(self, muted: bool) -> None:
        """Send no packets at all, or send again."""
        self._muted = muted

    async def press(self, keys: str, on: float = 0.1, off: float = 0.1) -> None:
        """Send keys as telephone events of `on` seconds, `off` seconds apart; returns after the last one."""
        for key in keys:
            code = DTMF_KEYS.index(key)
            ticks = max(2, round(on / _PTIME))
            for tick in range(1, ticks + 1):
                self._keys.append(struct.pack("!BBH", code, 10, tick * FRAME))
            self._keys.extend([struct.pack("!BBH", code, 0x80 | 10, ticks * FRAME)] * 3)
            self._keys.extend([None] * max(1, round(off / _PTIME)))
        self._keys_done.clear()
        await self._keys_done.wait()

    def samples(self) -> Sound:
        """All G.711 received so far, decoded, in the order of arrival."""
        fresh = self.received[self._audio_upto :]
        self._audio_upto += len(fresh)
        chunks = [
            _DECODE[packet.payload_type](packet.payload) for packet in fresh if packet.payload_type in _DECODE
        ]
        if chunks:
            self._audio = [np.concatenate([*self._audio, *chunks])]
        return self._audio[0] if self._audio else np.zeros(0)

    def wide_samples(self) -> Sound:
        """All G.722 received so far, decoded, at 16,000 samples per second."""
        return wide.decode(b"".join(x.payload for x in self.received if x.payload_type == G722))

    def keys(self) -> str:
        """The DTMF keys received so far; an event is told by its timestamp, however often it is sent."""
        seen: dict[tuple[int, int], str] = {}
        for packet in self.received:
            if packet.payload_type == self.event_payload and len(packet.payload) >= 4:
                seen.setdefault((packet.ssrc, packet.timestamp), DTMF_KEYS[packet.payload[0] & 0x0F])
        return "".join(seen.values())

    def ssrcs(self) -> set[int]:
        """Every source identifier that was ever received."""
        return {packet.ssrc for packet in self.received}

    def lost(self, mark: int = 0) -> int:
        """Packets missing in the sequence numbers (modulo 2^16) among those received from index `mark` on."""
        packets = self.received[mark:]
        if len(packets) < 2:
            return 0
        first, extended, highest = packets[0].sequence, packets[0].sequence, packets[0].sequence
        distinct = {first}
        for packet in packets[1:]:
            extended += (packet.sequence - extended + 0x8000) % 0x10000 - 0x8000
            distinct.add(extended)
            highest = max(highest, extended)
        return highest - first + 1 - len(distinct)

    def rtcp_received(self, data: bytes, addr: Address) -> None:
        """Keeps it; answers a sender report at once (so its DLSR is 0) with one on all that came so far."""
        self.rtcp.append(data)
        if not self.reporting or data[1] != _SENDER_REPORT or not self.received:
            return
        assert self._rtcp_transport is not None
        self.reported = len(self.received)
        head = struct.pack("!BBHI", 0x81, _RECEIVER_REPORT, 7, self._ssrc)
        sender, sent_at = data[4:8], data[10:14]
        counts = struct.pack("!III", self.lost(), self.received[-1].sequence, 0)
        self._rtcp_transport.sendto(head + sender + counts + sent_at + bytes(4), addr)

    def longest_gap(self, mark: int = 0) -> float:
        """The longest time in seconds between two packets that arrived one after the other."""
        return _longest_gap([packet.at for packet in self.received[mark:]])

    def longest_pause(self, since: float) -> float:
        """The longest time in seconds between two packets that were sent one after the other, from `since` on
        (the loop's clock): how long this phone itself waited for a processor."""
        return _longest_gap([at for at in self.sent_at if at >= since])

    def _read(self) -> None:
        assert self._socket is not None
        while True:
            try:
                data, ancillary, _, address = self._socket.recvmsg(2048, 64)
            except BlockingIOError:
                return
            [(_, _, stamp)] = ancillary
            seconds, nanoseconds = struct.unpack("qq", stamp)
            waited = time.time() - seconds - nanoseconds / 1e9
            self._packet_received(data, address[:2], asyncio.get_running_loop().time() - waited)

    def _packet_received(self, data: bytes, source: Address, at: float) -> None:
        if len(data) < 12 or data[0] >> 6 != 2:
            return
        first, second, sequence, timestamp, ssrc = struct.unpack("!BBHII", data[:12])
        start = 12 + 4 * (first & 0x0F)
        if first & 0x10:
            start += 4 + 4 * struct.unpack("!H", data[start + 2 : start + 4])[0]
        payload_type, marker = second & 0x7F, bool(second & 0x80)
        self.received.append(
            Packet(at, source, payload_type, marker, sequence, timestamp, ssrc, data[start:])
        )

    def _tick(self) -> None:
        loop = asyncio.get_running_loop()
        self._send_frame()
        self._next += _PTIME
        self._ticker = loop.call_at(self._next, self._tick)

    def _send_frame(self) -> None:
        clock = 6 if self.codec == OPUS else 1
        self._timestamp = (self._timestamp + FRAME * clock) & 0xFFFFFFFF
        event = self._keys.popleft() if self._keys else None
        if not self._keys:
            self._keys_done.set()
        if self._muted or self.remote is None or self._socket is None:
            return
        if event is None:
            self._key_started = 0
            self._send(self.codec, self._timestamp, False, self.frame)
            return
        begins = self._key_started == 0
        if begins:
            self._key_started = self._timestamp
        self._send(self.event_payload, self._key_started, begins, event)

    def _send(self, payload_type: int, timestamp: int, marker: bool, payload: bytes) -> None:
        assert self._socket is not None
        assert self.remote is not None
        self._sequence = (self._sequence + 1) & 0xFFFF
        header = struct.pack(
            "!BBHII", 0x80, marker << 7 | payload_type, self._sequence, timestamp, self._ssrc
        )
        with contextlib.suppress(OSError):  # without a network the packet is lost, as any other is
            self._socket.sendto(header + payload, self.remote)
        self.sent_at.append(asyncio.get_running_loop().time())


class _Rtcp(asyncio.DatagramProtocol):
    def __init__(self, stream: RtpStream) -> None:
        self._stream = stream

    def datagram_received(self, data: bytes, addr: Address) -> None:
        self._stream.rtcp_received(data, addr)


def _longest_gap(times: list[float]) -> float:
    return max((later - earlier for earlier, later in pairwise(times)), default=0.0)


def _frames_of(frequency: int) -> dict[int, bytes]:
    assert frequency % 50 == 0, "a tone must have whole periods in 20 ms"
    sound = tone(frequency)
    return {PCMU: ulaw_encode(sound), PCMA: alaw_encode(sound), OPUS: _OPUS}


def _port_pair(host: str) -> tuple[socket.socket, socket.socket]:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for _ in range(100):
        rtp = socket.socket(family, socket.SOCK_DGRAM)
        rtp.bind((host, 0))
        port = rtp.getsockname()[1]
        rtcp = socket.socket(family, socket.SOCK_DGRAM)
        try:
            if port % 2 == 0:
                rtcp.bind((host, port + 1))
                rtp.setblocking(False)
                rtcp.setblocking(False)
                return rtp, rtcp
        except OSError:
            pass
        rtp.close()
        rtcp.close()
    raise OSError(f"no pair of free UDP ports on {host}")
