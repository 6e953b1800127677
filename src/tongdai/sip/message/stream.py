"""Cutting a byte stream into messages (RFC 3261 §7.5, §18.3; RFC 5626 §3.5.1)."""

from __future__ import annotations

import re
from typing import Final

from tongdai.sip.message.errors import ParseError
from tongdai.sip.message.message import Request, Response
from tongdai.sip.message.parser import MAX_MESSAGE, parse

_length = re.compile(
    rb"^(?:content-length|l)[ \t]*:[ \t\r\n]*([0-9]+)[ \t]*\r?$", re.IGNORECASE | re.MULTILINE
).findall

PING: Final = b"\r\n\r\n"
"""A keep-alive of the peer: answer it with `PONG`."""
PONG: Final = b"\r\n"


class StreamParser:
    """Feed it what a connection delivers. After a `ParseError` the framing is lost: answer, then close."""

    __slots__ = ("_buffer", "_need", "_searched")

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._searched = 0
        self._need = 0

    def feed(self, data: bytes) -> list[Request | Response | bytes]:
        """The messages that are now complete, and `PING` for each keep-alive between them.

        Raises `ParseError` when the stream cannot go on; messages found before it in the same call are in its
        `messages` no more than lost: the peer that sends such a stream has no claim to them.
        """
        buffer = self._buffer
        buffer += data
        found: list[Request | Response | bytes] = []
        while buffer:
            if not self._need:
                if buffer[0] in b"\r\n":
                    if not self._skip_blank(found):
                        break
                    continue
                end = buffer.find(b"\r\n\r\n", max(0, self._searched - 3))
                if end < 0:
                    self._searched = len(buffer)
                    if len(buffer) > MAX_MESSAGE:
                        raise ParseError("message too large", status=513)
                    break
                self._need = end + 4 + self._body_length(bytes(buffer[: end + 2]))
                if self._need > MAX_MESSAGE:
                    raise ParseError("message too large", status=513)
            if len(buffer) < self._need:
                break
            message = bytes(buffer[: self._need])
            del buffer[: self._need]
            self._need = self._searched = 0
            found.append(parse(message))
        return found

    @property
    def pending(self) -> int:
        """Bytes of a message that is not complete yet: what a slow-loris leaves behind."""
        return len(self._buffer)

    def _skip_blank(self, found: list[Request | Response | bytes]) -> bool:
        """Take leading line ends: CRLFCRLF is a ping, CRLF alone the pong to one of ours. False: more is
        needed."""
        buffer = self._buffer
        if buffer.startswith(PING):
            found.append(PING)
            del buffer[:4]
        elif PING.startswith(bytes(buffer[:4])) and len(buffer) < 4:
            return False
        elif buffer.startswith(PONG):
            del buffer[:2]
        else:
            raise ParseError("stray line end between messages")
        return True

    @staticmethod
    def _body_length(head: bytes) -> int:
        lengths = _length(head)
        if len(lengths) != 1:
            raise ParseError("a message on a stream needs exactly one Content-Length")
        if len(lengths[0]) > 6:
            raise ParseError("message too large", status=513)
        return int(lengths[0])
