"""Causes and SIP status codes, both ways."""

from __future__ import annotations

from tongdai.calls.model import Cause
from tongdai.sip.message import ParseError, Reason, split_list

_TO_STATUS: dict[Cause, int] = {
    Cause.NORMAL: 480,
    Cause.CANCELLED: 487,
    Cause.ELSEWHERE: 487,
    Cause.BUSY: 486,
    Cause.DECLINED: 603,
    Cause.NO_ANSWER: 480,
    Cause.UNAVAILABLE: 480,
    Cause.NOT_FOUND: 404,
    Cause.FORBIDDEN: 403,
    Cause.CONGESTION: 503,
    Cause.LIMITED: 503,
    Cause.NOT_ACCEPTABLE: 488,
    Cause.FAILED: 500,
    Cause.SHUTDOWN: 503,
}

_TO_CAUSE: dict[int, Cause] = {
    400: Cause.FAILED,
    401: Cause.FORBIDDEN,
    402: Cause.CONGESTION,  # no credit with this carrier: another one may have some
    403: Cause.FORBIDDEN,
    404: Cause.NOT_FOUND,
    406: Cause.NOT_ACCEPTABLE,
    407: Cause.FORBIDDEN,
    408: Cause.UNAVAILABLE,
    410: Cause.NOT_FOUND,
    415: Cause.NOT_ACCEPTABLE,
    430: Cause.UNAVAILABLE,
    433: Cause.FORBIDDEN,  # calls without a number are not taken (RFC 5079)
    480: Cause.UNAVAILABLE,
    484: Cause.NOT_FOUND,
    485: Cause.NOT_FOUND,
    486: Cause.BUSY,
    487: Cause.CANCELLED,
    488: Cause.NOT_ACCEPTABLE,
    491: Cause.UNAVAILABLE,  # there is no dialog yet: the phone cannot just now (RFC 3261 §21.4.27)
    500: Cause.FAILED,
    502: Cause.CONGESTION,
    503: Cause.CONGESTION,
    504: Cause.UNAVAILABLE,
    600: Cause.BUSY,
    603: Cause.DECLINED,
    604: Cause.NOT_FOUND,
    606: Cause.NOT_ACCEPTABLE,
}

COMPLETED_ELSEWHERE = 'SIP;cause=200;text="Call completed elsewhere"'
"""Reason of a CANCEL to a device whose call another one answered (RFC 3326 §2)."""

SOUND_FAILED = 'Q.850;cause=41;text="Temporary failure"'
"""Reason of a BYE to a party whose sound we could not keep (RFC 3326 §2, Q.850 §2.2.7.1.41)."""

_PASSED_ON = ("SIP", "Q.850")
_LONGEST_TEXT = 80


def said(field: str | None) -> str:
    """What a peer's Reason (RFC 3326) says, clean enough to be said to others; empty when nothing. A field
    that cannot be read says nothing: no call depends on it."""
    if not field:
        return ""
    found = []
    try:
        for text in split_list(field):
            reason = Reason.parse(text)
            if reason.protocol.upper() in _PASSED_ON and reason.cause is not None:
                plain = "".join(x for x in reason.text or "" if x.isprintable())[:_LONGEST_TEXT]
                found.append(str(Reason(reason.protocol.upper(), reason.cause, plain or None)))
    except ParseError:
        pass
    return ", ".join(found[: len(_PASSED_ON)])


def is_elsewhere(reason: str) -> bool:
    """A CANCEL says that somebody else has answered the call, so that it was not missed."""
    return reason.startswith("SIP;cause=200")


def in_response(reason: str) -> str:
    """Of what was said what a response may repeat: only a cause of Q.850 (RFC 6432)."""
    return ", ".join(x for x in split_list(reason) if x.startswith("Q.850")) if reason else ""


def status_of(cause: Cause) -> int:
    """The final status that refuses an INVITE for this cause."""
    return _TO_STATUS[cause]


def cause_of(status: int) -> Cause:
    """Why a called leg failed, by its final status."""
    known = _TO_CAUSE.get(status)
    if known is not None:
        return known
    return Cause.FAILED if status < 600 else Cause.DECLINED


def reason_of(cause: Cause) -> str | None:
    """The Reason header of a CANCEL or BYE for this cause, when it says something."""
    return COMPLETED_ELSEWHERE if cause is Cause.ELSEWHERE else None
