"""What adapters report of the world. Each goes to the one tenant whose leg or call it names."""

from __future__ import annotations

import msgspec

from tongdai.calls.model import Cause, Diversion, Party


class LegOffered(msgspec.Struct, frozen=True, tag=True):
    """Somebody calls us. `call` and `leg` are new ids. `dialled` is an extension, a feature code or (from a
    trunk) the E.164 number that was called. `replaces` names the leg whose place it takes (RFC 3891). It was
    forwarded `hops` times before, the last time by `diverted`."""

    call: str
    leg: str
    party: Party
    dialled: str
    replaces: str = ""
    hops: int = 0
    diverted: Diversion | None = None
    max_forwards: int = 70


class LegRinging(msgspec.Struct, frozen=True, tag=True):
    leg: str


class LegProgress(msgspec.Struct, frozen=True, tag=True):
    """Early media: the called side already sends sound (183 with SDP)."""

    leg: str


class LegAnswered(msgspec.Struct, frozen=True, tag=True):
    leg: str


class LegRerouted(msgspec.Struct, frozen=True, tag=True):
    """A way out of the house did not do: `via` names the carrier, `why` (as in `facts`) what became of it
    there."""

    leg: str
    via: str
    why: str


class LegCarried(msgspec.Struct, frozen=True, tag=True):
    """After such a failure: who took the call."""

    leg: str
    via: str


class LegEnded(msgspec.Struct, frozen=True, tag=True):
    """The other side ended the leg or could not be reached. Never reported after our own `Hangup` of that
    leg.
    """

    leg: str
    cause: Cause
    why: str = ""
    """What became of its sound, when that is the reason: for people."""
    reason: str = ""
    """What the other side gave as its reason, as in a Reason header (RFC 3326)."""
    to: str = ""
    """Where the called phone sends the call instead (3xx): an extension or a number as dialled."""


class LegHeld(msgspec.Struct, frozen=True, tag=True):
    leg: str


class LegResumed(msgspec.Struct, frozen=True, tag=True):
    leg: str


class LegDigit(msgspec.Struct, frozen=True, tag=True):
    """A key of the leg's phone. `signalled`: it came as SIP INFO, so the engine neither passed it on nor
    acted on it."""

    leg: str
    digit: str
    signalled: bool = False


class LegUnheard(msgspec.Struct, frozen=True, tag=True):
    """For `ms` up to now the leg sent nothing (`lack`: `packets`) or nothing but silence (`sound`)."""

    leg: str
    lack: str
    ms: int


class LegHeard(msgspec.Struct, frozen=True, tag=True):
    """What was missing is there again, after `ms`."""

    leg: str
    ms: int


class TransferRequested(msgspec.Struct, frozen=True, tag=True):
    """REFER: `leg` asks that the party it talks to be connected to `to`, or, when `replaces` is set, takes
    the place of that other leg of the same device (attended transfer). Answered by
    `commands.TransferResult`."""

    leg: str
    to: str
    replaces: str = ""


class PlayDone(msgspec.Struct, frozen=True, tag=True):
    """A playing ended by itself (`finished`) or could not be played (`failed`)."""

    leg: str
    play: str
    failed: bool = False


class RecordDone(msgspec.Struct, frozen=True, tag=True):
    """`reason`: stopped, digit, silence, limit, closed, disk, failed. The sound is the blob `blob`; `ms`
    long, trailing silence not counted in `voiced_ms`."""

    leg: str
    record: str
    blob: str
    ms: int
    voiced_ms: int
    reason: str


class TimerFired(msgspec.Struct, frozen=True, tag=True):
    call: str
    timer: str
    at: float


class PersonReachable(msgspec.Struct, frozen=True, tag=True):
    """A device of this person registered: a queue may have work for them."""

    person: str


class HangupRequested(msgspec.Struct, frozen=True, tag=True):
    """The operator or the shutting-down process ends this call."""

    call: str
    cause: Cause = Cause.NORMAL


class CallRequested(msgspec.Struct, frozen=True, tag=True):
    """Somebody asks, not by his phone, for a call: `call` is a new id, `flow` the ref of the flow that rings
    `party` and goes on to what was asked for, `to`."""

    call: str
    party: Party
    to: str
    flow: str


class MoveRequested(msgspec.Struct, frozen=True, tag=True):
    """The leg goes to the flow of this ref, which people call `to`, in the name of `by`; whatever else the
    call consists of ends. Asked for only where `transfers.movable` says that it can be."""

    call: str
    leg: str
    to: str
    flow: str
    by: Party


Event = (
    LegOffered
    | LegRinging
    | LegProgress
    | LegAnswered
    | LegRerouted
    | LegCarried
    | LegEnded
    | LegHeld
    | LegResumed
    | LegDigit
    | LegUnheard
    | LegHeard
    | TransferRequested
    | PlayDone
    | RecordDone
    | TimerFired
    | PersonReachable
    | HangupRequested
    | CallRequested
    | MoveRequested
)
