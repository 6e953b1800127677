"""SIP over WebSocket (RFC 7118): a message is a message of the WebSocket, and the connection is the phone's
address."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Sequence

from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.protocol import State
from websockets.server import ServerProtocol
from websockets.typing import Origin, Subprotocol

from tongdai.core.proxies import NO_PROXIES, Proxies
from tongdai.sip.message import MAX_MESSAGE, PING, PONG, Message, ParseError, parse

Origins = Sequence[Origin | re.Pattern[str] | None]

_SIP = Subprotocol("sip")
_END_OF_HEAD = b"\r\n\r\n"
_log = logging.getLogger("tongdai.sip.websocket")
_log.setLevel(logging.WARNING)  # every handshake and frame is none of an operator's business


def origins(hosts: Iterable[str], also: Iterable[str] = ()) -> Origins:
    """Whose pages may open a connection: those that these hosts serve, on any port, and the origins `also`
    (`https://portal.example.com`, or `null` for pages out of files). What is no browser names no origin, and
    may.

    A browser lets any page connect to anywhere and says only where the page came from (RFC 6455 §10.2)."""
    names = "|".join(re.escape(f"[{host}]" if ":" in host else host) for host in hosts)
    own = re.compile(rf"https?://(?:{names})(?::[0-9]+)?", re.IGNORECASE)
    return (None, own, *(Origin(origin) for origin in also))


class WebSocketFraming:
    """The server's side of one connection, from its handshake to its close. See `Framing`.

    Messages may come in frames of text or binary, whole or in fragments; one over `MAX_MESSAGE` bytes ends
    the connection (1009). Ours go as text where they are UTF-8, which all phones read (RFC 7118 §5).
    """

    quiet_seconds = 75.0
    """Phones answer pings, so silence means that the network is gone. A browser would notice only when it
    speaks, and its calls would ring nobody until then."""

    def __init__(self, allowed: Origins, proxies: Proxies = NO_PROXIES) -> None:
        """`proxies` of ours tell in the handshake whom it is from."""
        self._ws = ServerProtocol(
            origins=allowed, subprotocols=[_SIP], max_size=MAX_MESSAGE, extensions=None, logger=_log
        )
        self._head = b""
        """The last bytes of the handshake that has not ended."""
        self._fragments: list[bytes] = []
        self._proxies = proxies
        self._told: Sequence[str] = ()

    def feed(self, data: bytes) -> list[Message | ParseError]:
        found: list[Message | ParseError] = []
        for part in self._apart(data):
            self._ws.receive_data(part)
            self._take(found)
        return found

    def _apart(self, data: bytes) -> Sequence[bytes]:
        """The handshake, and what comes along with it: the library acts upon frames as soon as it has them,
        and is to do so only once the connection is open."""
        if self._ws.state is not State.CONNECTING:
            return (data,)
        seen = self._head + data
        end = seen.find(_END_OF_HEAD)
        cut = len(data) if end < 0 else end + len(_END_OF_HEAD) - len(self._head)
        self._head = seen[1 - len(_END_OF_HEAD) :]
        return [part for part in (data[:cut], data[cut:]) if part]

    def _take(self, found: list[Message | ParseError]) -> None:
        for event in self._ws.events_received():
            if isinstance(event, Request):
                self._told = event.headers.get_all(self._proxies.header)
                self._ws.send_response(self._ws.accept(event))
            elif isinstance(event, Frame) and event.opcode in (Opcode.TEXT, Opcode.BINARY, Opcode.CONT):
                self._fragments.append(bytes(event.data))
                if event.fin:
                    payload = b"".join(self._fragments)
                    self._fragments.clear()
                    self._read(payload, found)

    def _read(self, payload: bytes, found: list[Message | ParseError]) -> None:
        if payload == PING:
            if self._ws.state is State.OPEN:  # its close may have come along
                self._ws.send_text(PONG)
        elif payload.strip(b"\r\n"):
            try:
                found.append(parse(payload))
            except ParseError as problem:  # the next message is not touched by this one
                found.append(problem)

    def client(self, peer: str) -> str:
        told, self._told = self._told, ()
        return self._proxies.client(peer, told) if told else peer

    def wrap(self, message: bytes) -> bytes:
        if self._ws.state is not State.OPEN:
            return b""
        try:
            message.decode()
        except UnicodeDecodeError:
            self._ws.send_binary(message)
        else:
            self._ws.send_text(message)
        return self.replies()

    def replies(self) -> bytes:
        return b"".join(self._ws.data_to_send())

    def ping(self) -> bytes:
        if self._ws.state is not State.OPEN:
            return b""
        self._ws.send_ping(b"")
        return self.replies()

    @property
    def pending(self) -> bool:
        ws = self._ws
        return ws.state is State.CONNECTING or bool(self._fragments) or len(ws.reader.buffer) > 0

    @property
    def ended(self) -> bool:
        return self._ws.close_expected()
