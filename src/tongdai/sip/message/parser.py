"""Bytes to messages (RFC 3261 §7, §18.3)."""

from __future__ import annotations

from tongdai.sip.message.errors import ParseError
from tongdai.sip.message.grammar import BAD_VERSION
from tongdai.sip.message.headers import Headers, reader
from tongdai.sip.message.message import Request, Response
from tongdai.sip.message.values import CSeq, NameAddr, Via

MAX_MESSAGE = 65_536
"""Bytes of a whole message; larger ones are refused."""


def parse(data: bytes) -> Request | Response:
    """Read one whole message: a datagram, or what `StreamParser` cut out.

    The five fields every message needs are checked here; everything else is read when asked for. A body
    longer than its Content-Length is cut (RFC 3261 §18.3), a shorter one is an error.

    Raises `ParseError`.
    """
    if len(data) > MAX_MESSAGE:
        raise ParseError("message too large", status=513)
    if data[:2] == b"\r\n":
        data = data.lstrip(b"\r\n")  # §7.5
    head, blank, body = data.partition(b"\r\n\r\n")
    return parse_head(head, body if blank else None)


def parse_head(head: bytes, body: bytes | None) -> Request | Response:
    """Read a message from its head (without the empty line) and what followed; None when no empty line
    did."""
    status, first, second, fields, required, error = reader.read(head)
    headers = Headers.of(fields)
    message = Response(status, first, headers) if status else Request(first, second, headers)
    if required is not None:
        via, cseq, ends = required
        message._via = Via(*via)
        message._cseq = CSeq(*cseq)
        if ends is not None:
            message._from, message._to = NameAddr(*ends[0]), NameAddr(*ends[1])
    if body is None:
        error = error or "no empty line after the header"
        body = b""
    length = headers.get("Content-Length")
    if length is None:
        message.body = body
    elif not (length.isascii() and length.isdigit()) or len(length) > 9:
        error = error or "bad Content-Length"
    elif (size := int(length)) > len(body):
        error = error or f"Content-Length {size} but {len(body)} bytes of body"
    else:
        message.body = body[:size]
    if error is None:
        return message
    status = 505 if error == BAD_VERSION else 400
    # An ACK is never answered; a response, and a request that does not say by which way it came, cannot be.
    if isinstance(message, Request) and message.method != "ACK" and headers.get("Via"):
        raise ParseError(error, status=status, request=message)
    raise ParseError(error, status=status)
