"""One CDR per call and one record per leg, derived from the call's facts and from nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

import msgspec

from tongdai.calls import facts as f
from tongdai.calls.model import Cause, Party, PartyKind


class Disposition(StrEnum):
    """What became of a call, in one word."""

    ANSWERED = "answered"  # two or more people talked
    VOICEMAIL = "voicemail"  # a message was left
    SERVICE = "service"  # nobody was rung: a menu, one's mailbox, the echo test
    ABANDONED = "abandoned"  # hung up while waiting in a queue
    REFUSED = "refused"
    BUSY = "busy"
    NO_ANSWER = "no_answer"  # somebody was rung, nobody talked, no message was left
    CANCELLED = "cancelled"
    UNAVAILABLE = "unavailable"
    FAILED = "failed"
    MERGED = "merged"  # went on as part of another call, whose CDR tells the rest


class Direction(StrEnum):
    """Between whom a call is, as the company sees it."""

    IN = "in"
    OUT = "out"
    INTERNAL = "internal"


class Quality(msgspec.Struct, frozen=True):
    """How good a leg's sound was; see `facts.LegMeasured`."""

    mos: float | None
    heard_mos: float | None
    lost: float
    jitter_ms: float
    round_trip_ms: float | None
    concealed: float | None = None
    heard_lost: float | None = None
    heard_jitter_ms: float | None = None


class LegCdr(msgspec.Struct, frozen=True, kw_only=True):
    """One party's side. Times are wall-clock seconds; `ended` is None for a leg that went on in another
    call."""

    leg: str
    party: Party
    inbound: bool
    purpose: str
    started: float
    rang_at: float | None = None
    answered_at: float | None = None
    ended: float | None = None
    cause: str = ""
    by_us: bool = False
    quality: Quality | None = None


class Cdr(msgspec.Struct, frozen=True, kw_only=True):
    """One call. `answered_at` is when the caller began to hear more than ringing; `path` is where the call
    went, as people call it."""

    call: str
    tenant: str
    started: float
    answered_at: float | None
    ended: float
    caller: str
    caller_name: str
    dialled: str
    direction: Direction
    disposition: Disposition
    cause: Cause
    path: tuple[str, ...]
    answered_by: str
    merged_into: str
    legs: tuple[LegCdr, ...]


_BY_CAUSE = {
    Cause.BUSY: Disposition.BUSY,
    Cause.DECLINED: Disposition.BUSY,
    Cause.NO_ANSWER: Disposition.NO_ANSWER,
    Cause.CANCELLED: Disposition.CANCELLED,
    Cause.ELSEWHERE: Disposition.CANCELLED,
    Cause.NORMAL: Disposition.CANCELLED,
    Cause.UNAVAILABLE: Disposition.UNAVAILABLE,
    Cause.NOT_FOUND: Disposition.REFUSED,
    Cause.FORBIDDEN: Disposition.REFUSED,
}
"""For a call in which nothing was ever answered."""


def derive(facts: Sequence[f.LoggedFact]) -> Cdr:
    """The CDR of a call that has ended: its facts in order, from `CallStarted` to `CallEnded`, and what was
    measured until shortly after that. Raises ValueError when there is no end."""
    builder = _Builder(facts[0])
    end: tuple[float, f.CallEnded] | None = None
    for logged in facts:
        if end is None and isinstance(logged.fact, f.CallEnded):
            end = logged.at, logged.fact
        elif end is None or isinstance(logged.fact, f.LegMeasured):
            builder.add(logged.at, logged.fact)
    if end is None:
        raise ValueError(f"call {facts[0].call} has not ended")
    return builder.finish(*end)


class _Builder:
    """Goes through the facts once."""

    def __init__(self, first: f.LoggedFact) -> None:
        self._first = first
        self._caller = Party(PartyKind.OUTSIDE, "")
        self._caller_leg = ""
        self._dialled = ""
        self._legs: dict[str, LegCdr] = {}
        self._path: list[str] = []
        self._answered_by = ""
        self._merged_into = ""
        self._seen: set[type] = set()

    def add(self, at: float, fact: f.Fact) -> None:
        self._seen.add(type(fact))
        match fact:
            case f.CallStarted(leg=leg, party=party, dialled=dialled):
                self._caller, self._caller_leg, self._dialled = party, leg, dialled
                if leg:
                    self._legs[leg] = LegCdr(leg=leg, party=party, inbound=True, purpose="caller", started=at)
            case f.LegCreated(leg=leg, party=party, purpose=purpose):
                self._legs[leg] = LegCdr(leg=leg, party=party, inbound=False, purpose=purpose, started=at)
            case f.LegRang(leg=leg):
                self._set(leg, rang_at=at)
            case f.LegAnsweredFact(leg=leg):
                self._set(leg, answered_at=at)
                if not self._caller_leg and self._legs[leg].purpose == "caller":
                    self._caller_leg = leg  # a call that was asked for on a screen: first his own phone
            case f.LegEndedFact(leg=leg, cause=cause, by_us=by_us):
                self._set(leg, ended=at, cause=cause.value, by_us=by_us)
            case f.Connected(leg=leg, to=to):
                other = self._legs.get(to if leg == self._caller_leg else leg) or self._legs.get(to)
                if not self._answered_by and other is not None:
                    self._answered_by = other.party.label
            case f.FlowEntered(label=label):
                self._path.append(label)
            case f.LegMeasured(leg):
                self._set(leg, quality=msgspec.convert(fact, Quality, from_attributes=True))
            case f.Merged(into=into):
                self._merged_into = into
            case _:
                pass

    def finish(self, at: float, end: f.CallEnded) -> Cdr:
        caller_leg = self._legs.get(self._caller_leg)
        answered_at = caller_leg.answered_at if caller_leg is not None else None
        return Cdr(
            call=self._first.call,
            tenant=self._first.tenant,
            started=self._first.at,
            answered_at=answered_at,
            ended=at,
            caller=self._caller.number,
            caller_name=self._caller.name,
            dialled=self._dialled,
            direction=self._direction(),
            disposition=self._disposition(end.cause, answered_at is not None),
            cause=end.cause,
            path=tuple(self._path),
            answered_by=self._answered_by,
            merged_into=self._merged_into,
            legs=tuple(self._legs.values()),
        )

    def _direction(self) -> Direction:
        if self._caller.kind is PartyKind.OUTSIDE:
            return Direction.IN
        outside = any(x.party.kind is PartyKind.OUTSIDE for x in self._legs.values())
        return Direction.OUT if outside else Direction.INTERNAL

    def _set(self, leg: str, **values: object) -> None:
        """A leg that this call took over from another has its record there."""
        record = self._legs.get(leg)
        if record is not None:
            self._legs[leg] = msgspec.structs.replace(record, **values)

    def _disposition(self, cause: Cause, answered: bool) -> Disposition:
        seen = self._seen
        if f.Connected in seen or f.RoomJoined in seen:
            return Disposition.ANSWERED
        if f.Merged in seen:
            return Disposition.MERGED
        if f.MessageLeft in seen:
            return Disposition.VOICEMAIL
        if f.Refused in seen:
            return Disposition.REFUSED
        if f.Waiting in seen:
            return Disposition.ABANDONED
        if answered and cause is Cause.NORMAL:
            return Disposition.NO_ANSWER if f.LegCreated in seen else Disposition.SERVICE
        return _BY_CAUSE.get(cause, Disposition.FAILED)
