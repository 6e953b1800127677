"""Identifiers: unguessable, and in the order in which they were made."""

from __future__ import annotations

import os
import re

from tongdai.core.clock import SystemClock
from tongdai.core.errors import TongdaiError

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32: no i, l, o, u to be misread
_PAIRS = [high + low for high in _ALPHABET for low in _ALPHABET]
_PREFIX = re.compile(r"[a-z][a-z0-9]{0,15}")
_TIME_BITS = 48
_RANDOM_BITS = 80
_LENGTH = 26  # characters of 5 bits that hold both
_STEP_BITS = 64  # as much is unknown of an id to who has seen the one before it
_system = SystemClock()
_latest = 0


def new_id(prefix: str, wall: float | None = None) -> str:
    """A new id such as `call_01k9x4m2v7...`: `prefix`, `_`, then 26 characters `[0-9a-z]`.

    They hold the time in milliseconds (`wall`, seconds since 1970; the machine's clock when left out) and
    79 random bits: ids sort by the millisecond they were made in, and those that one process makes within one
    millisecond in the order in which it makes them. Safe in file names and URLs.
    """
    global _latest
    if not _PREFIX.fullmatch(prefix):
        raise TongdaiError("bad_id_prefix", f"{prefix!r} is no id prefix.", "Use lower-case letters.")
    milliseconds = int((_system.wall() if wall is None else wall) * 1000)
    if not 0 <= milliseconds < 1 << _TIME_BITS:
        raise TongdaiError("bad_id_time", f"An id cannot hold the time {wall}.", "Give seconds since 1970.")
    if _latest >> _RANDOM_BITS == milliseconds:
        number = _latest + 1 + _random(_STEP_BITS)
    else:
        number = milliseconds << _RANDOM_BITS | _random(_RANDOM_BITS) >> 1  # room for the steps
    _latest = number
    pairs = [_PAIRS[number >> shift & 1023] for shift in range(5 * (_LENGTH - 2), -1, -10)]
    return f"{prefix}_{''.join(pairs)}"


def _random(bits: int) -> int:
    return int.from_bytes(os.urandom(bits // 8))
