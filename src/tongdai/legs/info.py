"""DTMF in SIP INFO, as older phones send it."""

from __future__ import annotations

from tongdai.sip.message import Request

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
