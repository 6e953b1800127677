"""What else comes within a call: DTMF in SIP INFO, as older phones send it, and what means nothing there."""

from __future__ import annotations

from tongdai.sip.message import Request
from tongdai.sip.ua import IncomingRequest
from tongdai.sip.ua.core import ALLOW

_DIGITS = frozenset("0123456789*#ABCD")
_NUMBERED = {"10": "*", "11": "#"}


def digit_of(request: Request) -> str:
    """The key in `application/dtmf-relay` (Signal=5) or `application/dtmf` (5), empty when there is none."""
    body = request.body.decode("ascii", "replace")
    if request.content_type == "application/dtmf":
        value = body.strip()
    elif request.content_type == "application/dtmf-relay":
        lines = (line.partition("=") for line in body.splitlines())
        value = next((value.strip() for name, _, value in lines if name.strip().lower() == "signal"), "")
    else:
        return ""
    value = _NUMBERED.get(value, value.upper())
    return value if value in _DIGITS else ""


def refuse(incoming: IncomingRequest) -> None:
    """Answer a request that has no meaning in a call."""
    method = incoming.request.method
    if method == "NOTIFY":
        incoming.respond(481)  # we have subscribed to nothing else (RFC 6665 §4.1.3)
    elif method in ALLOW.split(", "):
        incoming.respond(403)
    else:
        incoming.respond(405, headers=[("Allow", ALLOW)])
