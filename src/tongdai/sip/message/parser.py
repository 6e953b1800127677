"""Bytes to messages (RFC 3261 §7, §18.3)."""

from __future__ import annotations

import re

from tongdai.sip.message.errors import ParseError
from tongdai.sip.message.grammar import decode_text, is_token
from tongdai.sip.message.headers import Headers, parse_fields
from tongdai.sip.message.message import Request, Response

MAX_MESSAGE = 65_536
"""Bytes of a whole message; larger ones are refused."""
MAX_FIELDS = 256
"""Header lines of a message."""

_version = re.compile(r"SIP/([0-9]+)\.([0-9]+)", re.ASCII | re.IGNORECASE).fullmatch


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
    error: str | None = None
    if body is None:
        error = "no empty line after the header"
        body = b""
    text = decode_text(head)
    lines = text.split("\r\n")
    ends = len(lines) - 1
    if text.count("\n") != ends or text.count("\r") != ends:
        # A bare CR or LF ends a line for some and not for others.
        raise ParseError("stray line end in the header")
    if "\0" in text and "\0" in text.replace("\\\0", ""):
        raise ParseError("NUL in the header")  # legal as a quoted-pair only
    if ends >= MAX_FIELDS:
        raise ParseError("too many header fields")
    start = lines.pop(0)
    headers, field_error = parse_fields(lines)
    message, start_error = _parse_start_line(start, headers)
    error = start_error or field_error or _check_required(message) or error
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
    status = 505 if error == _BAD_VERSION else 400
    # An ACK is never answered; a response, and a request that does not say by which way it came, cannot be.
    if isinstance(message, Request) and message.method != "ACK" and headers.get("Via"):
        raise ParseError(error, status=status, request=message)
    raise ParseError(error, status=status)


_BAD_VERSION = "unsupported SIP version"


def _parse_start_line(line: str, headers: Headers) -> tuple[Request | Response, str | None]:
    parts = line.split(" ", 2)
    if len(parts) < 3:
        if len(parts) == 2 and parts[0].upper() == "SIP/2.0" and _is_status(parts[1]):
            return Response(int(parts[1]), "", headers), None
        raise ParseError(f"bad start line {line[:60]!r}")
    first, second, third = parts
    if first.upper() == "SIP/2.0":
        if not _is_status(second):
            raise ParseError(f"bad status {second[:10]!r}")
        return Response(int(second), third, headers), None
    if not is_token(first):
        raise ParseError(f"bad start line {line[:60]!r}")
    request = Request(first, second, headers)
    if third == "SIP/2.0" and second:
        return request, None
    version = _version(third)
    if version is None or not second:
        # Without a SIP version at its end this may be anything; with one it is a request with bad spacing.
        if not third.upper().rstrip().endswith("SIP/2.0"):
            raise ParseError(f"bad start line {line[:60]!r}")
        return request, "bad request line"
    return request, None if (version[1], version[2]) == ("2", "0") else _BAD_VERSION


def _is_status(text: str) -> bool:
    return len(text) == 3 and text.isascii() and text.isdigit() and "1" <= text[0] <= "6"


def _check_required(message: Request | Response) -> str | None:
    """The five fields that every message needs, and what they must agree on.

    Of a response, whose transaction is found without From, only what an ACK copies is read.
    """
    try:
        if not message.headers.get("Call-ID"):
            return "no Call-ID"
        message.via  # noqa: B018
        cseq = message.cseq
        if isinstance(message, Response) and (message.status < 200 or cseq.method != "INVITE"):
            return None if message.headers.get("From") and message.headers.get("To") else "no From or To"
        if not message.from_.params.get("tag", "x") or not message.to.params.get("tag", "x"):
            return "empty tag"
    except ParseError as problem:
        return problem.reason
    if isinstance(message, Response):
        return None
    if cseq.method != message.method:
        return "CSeq names another method"
    return "CSeq too large" if cseq.number >= 2**31 else None
