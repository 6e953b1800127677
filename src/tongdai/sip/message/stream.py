"""Cutting a byte stream into messages (RFC 3261 §7.5, §18.3; RFC 5626 §3.5.1)."""

from __future__ import annotations

import re
from typing import Final

from tongdai.sip.message.errors import ParseError
from tongdai.sip.message.message import Request, Response
from tongdai.sip.message.parser import MAX_MESSAGE, parse

_length = re.compile(
    rb"^(?:content-length|l)[ \t]*:(?:[ \t]|\r\n[ \t])*([0-9]+)[ \t]*\r$", re.IGNORECASE | re.MULTILINE
).findall

PING: Final = b"\r\n\r\n"
"""A keep-alive of the peer: answer it with `PONG`."""
PONG: Final = b"\r\n"

Item = Request | Response | bytes | ParseError


class StreamParser:
    """Feed it what a connection delivers. After a `ParseError` it takes nothing more: answer it, then
    close."""

    __slots__ = ("_buffer", "_dead", "_need", "_searched")

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._searched = 0
        self._need = 0
        self._dead = False

    def feed(self, data: bytes) -> list[Item]:
        """What is now complete: messages, `PING` for each keep-alive, and a `ParseError` as the last item
        when the stream cannot go on."""
        if self._dead:
            return []
        self._buffer += data
        found: list[Item] = []
        try:
            while self._buffer and self._step(found):
                pass
        except ParseError as problem:
            found.append(problem)
            self._dead = True
            self._buffer.clear()
        return found

    @property
    def pending(self) -> int:
        """Bytes of a message that is not complete yet: what a slow-loris leaves behind."""
        return len(self._buffer)

    def _step(self, found: list[Item]) -> bool:
        """Take one item off the buffer; False when more bytes are needed."""
        buffer = self._buffer
        if not self._need:
            if buffer[0] in b"\r\n":
                return self._take_line_ends(found)
            end = buffer.find(b"\r\n\r\n", max(0, self._searched - 3))
            if end < 0:
                self._searched = len(buffer)
                if len(buffer) > MAX_MESSAGE:
                    raise ParseError("message too large", status=513)
                return False
            self._need = end + 4 + self._body_length(bytes(buffer[: end + 2]))
        if len(buffer) < self._need:
            return False
        message = bytes(buffer[: self._need])
        del buffer[: self._need]
        self._need = self._searched = 0
        found.append(parse(message))
        return True

    def _take_line_ends(self, found: list[Item]) -> bool:
        """CRLFCRLF is a ping, CRLF alone the pong to one of ours."""
        buffer = self._buffer
        if buffer.startswith(PING):
            found.append(PING)
            del buffer[:4]
        elif len(buffer) < 4 and PING.startswith(bytes(buffer)):
            return False
        elif buffer.startswith(PONG):
            del buffer[:2]
        else:
            raise ParseError("stray line end between messages")
        return True

    @staticmethod
    def _body_length(head: bytes) -> int:
        """The size of the body. Without exactly one Content-Length nobody can say where the next message
        begins."""
        lengths = _length(head)
        if len(lengths) == 1 and len(lengths[0]) <= 9 and len(head) + 2 + int(lengths[0]) <= MAX_MESSAGE:
            return int(lengths[0])
        if len(lengths) == 1:
            problem = ParseError("message too large", status=513)
        else:
            problem = ParseError("a message on a stream needs exactly one Content-Length")
        try:
            message = parse(head[:-2], len(head))
        except ParseError as incomplete:
            problem.request = incomplete.request
        else:
            problem.request = message if isinstance(message, Request) else None
        raise problem
