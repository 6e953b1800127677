"""Bytes to messages (RFC 3261 §7, §18.3)."""

from __future__ import annotations

from tongdai.sip.message.errors import ParseError
from tongdai.sip.message.grammar import BAD_VERSION
from tongdai.sip.message.headers import Headers, heads
from tongdai.sip.message.message import Request, Response

MAX_MESSAGE = 65_536
"""Bytes of a whole message; larger ones are refused."""


def parse(data: bytes, most: int = MAX_MESSAGE) -> Request | Response:
    """Read one whole message: a datagram, or what `StreamParser` cut out.

    The five fields every message needs are checked here; everything else is read when asked for. A body
    longer than its Content-Length is cut (RFC 3261 §18.3), a shorter one is an error.

    Raises `ParseError`.
    """
    if len(data) > most:
        raise ParseError("message too large", status=513)
    status, first, second, fields, body, cid, via, cseq, from_, to, error = heads.read(data)
    headers = Headers(fields)
    if status:
        message: Request | Response = Response(
            status, first, headers=headers, body=body, _call_id=cid, _via=via, _cseq=cseq, _from=from_, _to=to
        )
    else:
        message = Request(
            first, second, headers=headers, body=body, _call_id=cid, _via=via, _cseq=cseq, _from=from_, _to=to
        )
    if error is None:
        return message
    status = 505 if error == BAD_VERSION else 400
    # An ACK is never answered; a response, and a request that does not say by which way it came, cannot be.
    if isinstance(message, Request) and message.method != "ACK" and headers.get("Via"):
        raise ParseError(error, status=status, request=message)
    raise ParseError(error, status=status)
