"""Causes and SIP status codes, both ways."""

from __future__ import annotations

from tongdai.calls.model import Cause

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
    403: Cause.FORBIDDEN,
    404: Cause.NOT_FOUND,
    407: Cause.FORBIDDEN,
    408: Cause.UNAVAILABLE,
    410: Cause.NOT_FOUND,
    415: Cause.NOT_ACCEPTABLE,
    480: Cause.UNAVAILABLE,
    484: Cause.NOT_FOUND,
    486: Cause.BUSY,
    487: Cause.CANCELLED,
    488: Cause.NOT_ACCEPTABLE,
    500: Cause.FAILED,
    503: Cause.CONGESTION,
    600: Cause.BUSY,
    603: Cause.DECLINED,
    604: Cause.NOT_FOUND,
    606: Cause.NOT_ACCEPTABLE,
}

COMPLETED_ELSEWHERE = 'SIP;cause=200;text="Call completed elsewhere"'
"""Reason of a CANCEL to a device whose call another one answered (RFC 3326 §2)."""


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
