"""How numbers, lengths of time and causes are said."""

from __future__ import annotations

from tongdai.calls.model import Cause

ENDINGS = {
    Cause.NORMAL: "ended",
    Cause.CANCELLED: "the caller gave up",
    Cause.ELSEWHERE: "answered elsewhere",
    Cause.BUSY: "busy",
    Cause.DECLINED: "declined",
    Cause.NO_ANSWER: "nobody answered",
    Cause.UNAVAILABLE: "nobody could be reached",
    Cause.NOT_FOUND: "there is no such number",
    Cause.FORBIDDEN: "not permitted",
    Cause.CONGESTION: "no capacity was left",
    Cause.LIMITED: "every line was in use",
    Cause.NOT_ACCEPTABLE: "the phones have no codec in common",
    Cause.FAILED: "it failed",
    Cause.SHUTDOWN: "the server was shut down",
}
"""Why a whole call ended."""

REFUSALS = {
    Cause.BUSY: "was busy",
    Cause.DECLINED: "declined",
    Cause.NO_ANSWER: "did not answer",
    Cause.UNAVAILABLE: "could not be reached",
    Cause.NOT_FOUND: "does not exist there",
    Cause.FORBIDDEN: "was refused",
    Cause.CONGESTION: "had no capacity left",
    Cause.NOT_ACCEPTABLE: "has no codec in common",
    Cause.FAILED: "failed",
}
"""Why one who was called did not answer, after their name."""


def duration(seconds: float) -> str:
    """`4 s`, `2 min 10 s`, `1 h 3 min`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        minutes, rest = divmod(whole, 60)
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, rest = divmod(whole // 60, 60)
    return f"{hours} h {rest} min" if rest else f"{hours} h"


def after(seconds: float) -> str:
    """`after 4 s`, or `at once`."""
    return f"after {duration(seconds)}" if seconds >= 1 else "at once"


def number(text: str) -> str:
    """An E.164 number in groups (`+84 28 7123 4500`); anything else as it is."""
    if not text.startswith("+"):
        return text
    import phonenumbers

    try:
        parsed = phonenumbers.parse(text)
    except phonenumbers.NumberParseException:
        return text
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.INTERNATIONAL)


def listed(names: list[str]) -> str:
    """`101`, `101 and 102`, `101, 102 and 103`."""
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} and {names[-1]}"
