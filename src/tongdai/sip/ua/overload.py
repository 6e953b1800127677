"""Refusing what a busy server should not begin, before it is parsed (RFC 3261 §21.5.4; RFC 7339 says why: a
server that does all its work too late does none)."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from zlib import crc32

from tongdai.sip.flow import Flow, hostport

RETRY_SECONDS = (1, 30)
"""Between these are the Retry-After of our refusals. It counts whole seconds."""

_BEGINS = frozenset(b"INVITE REGISTER SUBSCRIBE PUBLISH OPTIONS MESSAGE NOTIFY REFER".split())
_ROOM = 4 << 20
"""Bytes of a queue that take some tenths of a second to work off (2.3 KB a datagram in the kernel).
Longer, and peers send everything again."""
_STANDING_ROOM = 1 << 20
_STANDING_SECONDS = 0.1
_TELLING_ROOM = 2 << 20
"""A smaller queue is filled by what comes in during one pause of some hundredths of a second: how much waits
at the moment says nothing about overload, and calls would be refused that could well be taken."""
_UNPROVEN, _CALL, _PROVEN = (0.25, 0.5), (0.45, 0.7), (0.7, 0.95)
"""The pressure at which the first of them are refused, and that from which on all are."""

_DRAWS = 1 << 32
_TURN = 2654435769
"""What is added each second to the draw of what is no call: a phone keeps its Call-ID for all its
registrations, and would be among those that are refused first for ever."""

_PHASES = 4
"""Parts of a second. Who is told whole seconds comes back in the part in which it was refused, so the places
of each are given away by themselves: those of a whole second would all come in one part of it."""
_RATE_AT_FIRST = 500.0
_RETURN = 2
"""Requests of one that comes back: without a password, and with it."""

_ECHOED = {
    name: kind
    for kind, names in enumerate((b"via v", b"from f", b"call-id i", b"cseq", b"to t"))
    for name in names.split()
}
_VIA, _CALL_ID, _TO, _PROOF = 0, 2, 4, 5
_ECHOED[b"authorization"] = _PROOF
_tagged = re.compile(rb";[ \t]*tag[ \t]*=", re.IGNORECASE).search
_user = re.compile(rb"[A-Z]+ (?:sips?|tel):([^@;>: ]{1,16})", re.IGNORECASE).match
_sent_by = re.compile(rb"[ \t]*SIP/2\.0/UDP[ \t]+([^\s;,]+)", re.IGNORECASE).match
_rport = re.compile(rb";rport(?=[;,\s]|$)", re.IGNORECASE)


class Returns:
    """Tells each of those that were refused when there is room for it: one after the other, as fast as their
    kind was let in lately. So the wait is as long as the queue of those who were told to wait is."""

    def __init__(self) -> None:
        self._rate = _RATE_AT_FIRST
        self._phase = self._taken = 0
        self._next = [0] * _PHASES
        """Of each phase the second that still has places, and how many of it are given away."""
        self._given = [0] * _PHASES
        self._places: dict[int, int] = {}
        """Of who was told to wait the phase of its place, counted on as `_phase` is."""
        self._cleared = 0

    def took(self, now: float) -> None:
        """One was let in at this time, in seconds, while others may not."""
        phase = int(now * _PHASES)
        if phase != self._phase:
            if phase == self._phase + 1:
                self._rate = float(self._taken * _PHASES)
            self._phase, self._taken = phase, 0
        self._taken += 1

    def wait(self, who: int, drawn: int, now: float) -> int:
        """The Retry-After of one that is refused; `who` is the same when it comes again. When all places are
        given away, the draw spreads them."""
        least, most = RETRY_SECONDS
        count = int(now * _PHASES)
        early = self._places.get(who, 0) - count
        if early > 0:
            return math.ceil(early / _PHASES)
        if count - self._cleared >= most * _PHASES:
            self._places = {who: place for who, place in self._places.items() if place > count}
            self._cleared = count
        second, phase = divmod(count, _PHASES)
        if self._next[phase] < second + least:
            self._next[phase], self._given[phase] = second + least, 0
        wait = self._next[phase] - second
        if wait > most:
            return most // 2 + drawn % (most - most // 2 + 1)
        self._places[who] = count + wait * _PHASES
        self._given[phase] += 1
        if self._given[phase] * _RETURN * _PHASES >= self._rate:
            self._next[phase], self._given[phase] = self._next[phase] + 1, 0
        return wait


class Overload:
    """Holds under what pressure we are, and refuses with 503 what may not begin then.

    First goes what is no call and shows no password yet, since registrations come back by themselves; then
    calls before they are challenged; last what shows a password. Of each kind a share is refused that grows
    with the pressure, so that as much is let in as can be done (refusing all or nothing by turns would let in
    too much first, and lose the work on it). What belongs to a dialog, every response, and emergency calls
    are never refused.
    """

    def __init__(self, token: str, emergency: Callable[[str], bool]) -> None:
        """`token` makes the tag of refusals, by which their ACKs are known. `emergency(user)` of the
        Request-URI says that nothing else matters."""
        self.pressure = 0.0
        """From 0, when nothing waits, to 1."""
        self.refused = 0
        """How many requests were refused so far."""
        self._tag = f";tag=busy-{token}".encode()
        self._emergency = emergency
        self._calls, self._others = Returns(), Returns()

    def refuse(self, data: bytes, flow: Flow, now: float) -> bytes | None:
        """The refusal, to be sent to the flow; empty when there is nothing to say; None: the message may in,
        or is too odd to be dealt with here. `now` is in seconds."""
        if data.startswith(b"ACK "):
            return b"" if self.refused and self._tag in data else None
        if self.pressure < _UNPROVEN[0]:
            return None
        method = data[: data.find(b" ", 0, 12)]
        is_call = method == b"INVITE"
        share = _CALL if is_call else _UNPROVEN
        if method not in _BEGINS or self.pressure < share[0]:
            return None
        user = _user(data, 0, 80)
        if is_call and user is not None and self._emergency(user[1].decode("latin-1")):
            return None
        returns = self._calls if is_call else self._others
        answer = self._answer(data, flow, share, returns, now, 0 if is_call else int(now))
        if answer is None:
            returns.took(now)
        else:
            self.refused += 1
        return answer

    def _answer(
        self, data: bytes, flow: Flow, share: tuple[float, float], returns: Returns, now: float, turn: int
    ) -> bytes | None:
        head, blank, _ = data.partition(b"\r\n\r\n")
        if not blank:
            return None
        lines: list[bytes] = []
        seen = [0] * 6
        call = b""
        for line in head.split(b"\r\n")[1:]:
            name, _, value = line.partition(b":")
            kind = _ECHOED.get(name) if name.islower() else _ECHOED.get(name.rstrip().lower())
            if kind is None:
                if line[:1] in (b" ", b"\t"):
                    return None  # folded, perhaps one of ours
                continue
            seen[kind] += 1
            if kind == _PROOF:
                share = _PROVEN
            elif kind == _VIA and seen[_VIA] == 1:
                stamped = _stamp(line, value, flow)
                if stamped is None:
                    return None
                line = stamped
            elif kind == _CALL_ID:
                call = value
            elif kind == _TO:
                if _tagged(value):
                    return None
                line += self._tag
            if kind != _PROOF:
                lines.append(line)
        if not seen[_VIA] or seen[1:_PROOF] != [1, 1, 1, 1]:
            return None
        drawn = (_draw(call) + turn * _TURN) % _DRAWS
        low, high = share
        if self.pressure < low + (high - low) * (drawn / _DRAWS):
            return None
        who = hash((flow.remote, call))
        lines += [b"Retry-After: %d" % returns.wait(who, drawn, now), b"Content-Length: 0", b"", b""]
        return b"SIP/2.0 503 Service Unavailable\r\n" + b"\r\n".join(lines)


def _stamp(line: bytes, value: bytes, flow: Flow) -> bytes | None:
    """The topmost Via with `rport` and `received` filled in (RFC 3581); None when the answer does not belong
    to where the request came from."""
    if flow.transport != "udp":
        return line
    host, port = flow.remote
    if _rport.search(value):
        return _rport.sub(b";rport=%d;received=%s" % (port, host.encode()), line, count=1)
    sent_by = _sent_by(value)
    if sent_by is None or sent_by[1] not in (host.encode(), hostport(flow.remote).encode()):
        return None
    return line if port == 5060 or sent_by[1] != host.encode() else None


def _draw(call_id: bytes) -> int:
    """What a call repeats, and its next request, draw the same."""
    return crc32(call_id) * 2654435761 % _DRAWS  # the checksums alone of neighbours are alike


class Queue:
    """Under what pressure one socket is. What waits after a pause is worked off, and refusing then would lose
    calls that could well be taken; what stands there all the time only delays everybody, so that more calls
    are in progress, each of which costs more (RFC 8289 §3 tells the two apart). So the pressure is that of
    the least that waited lately, or of much more at the moment."""

    def __init__(self) -> None:
        self._since = float("-inf")
        self._least = self._least_before = 0

    def pressure(self, waiting: int, room: int, now: float) -> float:
        """From 0 to 1, when `waiting` of `room` bytes are taken at this time, in seconds."""
        passed = now - self._since
        if passed < _STANDING_SECONDS:
            self._least = min(self._least, waiting)
        else:
            self._least_before = self._least if passed < 2 * _STANDING_SECONDS else 0
            self._least, self._since = waiting, now
        standing = min(self._least, self._least_before) / min(room, _STANDING_ROOM)
        momentary = waiting / min(room, _ROOM) if room >= _TELLING_ROOM else 0.0
        return min(1.0, max(standing, momentary))
