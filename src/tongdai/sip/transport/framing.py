"""How SIP messages stand on a connection: one after the other (RFC 3261 §18.3), or as the protocol of a
connection says."""

from __future__ import annotations

from typing import Protocol

from tongdai.sip.message import PING, PONG, Message, ParseError, StreamParser


class Framing(Protocol):
    """Between a connection's bytes and messages. Does no I/O: what it wants sent is in `replies`."""

    quiet_seconds: float
    """A connection on which the peer says nothing for this long is closed."""

    def feed(self, data: bytes) -> list[Message | ParseError]:
        """What is complete with these bytes."""
        ...

    def client(self, peer: str) -> str:
        """The address of whom the connection is from, when that was learned just now and is not `peer`."""
        ...

    def wrap(self, message: bytes) -> bytes:
        """A message as it is sent."""
        ...

    def replies(self) -> bytes:
        """What the protocol of the connection has to answer by itself; each reply is given once."""
        ...

    def ping(self) -> bytes:
        """What makes a peer that is there say something; empty where there is no such thing."""
        ...

    @property
    def pending(self) -> bool:
        """The peer has begun something that it has not finished."""
        ...

    @property
    def ended(self) -> bool:
        """Nothing can follow: what is to be said is said, and then the connection is closed."""
        ...


class StreamFraming:
    """Messages that say their length, over TCP or TLS; an empty line asks for one (RFC 5626 §3.5.1)."""

    quiet_seconds = 7200.0

    def __init__(self) -> None:
        self._parser = StreamParser()
        self._pongs = 0
        self.ended = False

    def feed(self, data: bytes) -> list[Message | ParseError]:
        found: list[Message | ParseError] = []
        for item in self._parser.feed(data):
            if isinstance(item, bytes):
                self._pongs += item == PING
            else:
                found.append(item)
                self.ended = isinstance(item, ParseError)  # nobody knows where the next message begins
        return found

    def client(self, peer: str) -> str:
        return peer

    def wrap(self, message: bytes) -> bytes:
        return message

    def replies(self) -> bytes:
        pongs, self._pongs = self._pongs, 0
        return PONG * pongs

    def ping(self) -> bytes:
        return b""

    @property
    def pending(self) -> bool:
        return self._parser.pending > 0
