"""Two legs that talk to each other: connection, hold, and the end of it."""

from __future__ import annotations

from tongdai.calls import commands as c
from tongdai.calls import facts as f
from tongdai.calls import hearing
from tongdai.calls.model import Call, Cause, Hears, Leg, Music, Silence, Source
from tongdai.calls.step import Step


def landed(step: Step, call: Call) -> None:
    """A transfer has come to somebody, or to something that answers: who asked for it is free."""
    waiting = call.legs.get(call.transferrer)
    if waiting is not None:
        step.do(c.TransferResult(waiting.id, ok=True))
        step.hangup(call, waiting, Cause.NORMAL)
    call.returns_to, call.transferrer = None, ""
    step.touch(call)


def connect(step: Step, call: Call, peer: Leg) -> None:
    """Join the subject and `peer` (answered); the flow is over."""
    if call.returns_to is not None:
        landed(step, call)
    call.peer = peer.id
    call.position = None
    call.timers.clear()
    subject = call.legs[call.subject]
    step.stop_play(call)
    step.answer(call, subject, match=peer.id)
    step.note(call, f.Connected(subject.id, peer.id))
    sounds(step, call)


def sounds(step: Step, call: Call) -> None:
    """Let each of the two hear what it should: the other, or music while the other holds."""
    subject, peer = call.legs[call.subject], call.legs[call.peer]
    step.hear(call, subject, _heard(subject, peer))
    step.hear(call, peer, _heard(peer, subject))


def _heard(leg: Leg, other: Leg) -> Source:
    if leg.holding:
        return Silence()
    return Music() if other.holding else Hears(other.id)


def held(step: Step, call: Call, leg: Leg, holding: bool) -> None:
    """`leg` put the call on hold, or took it back."""
    if leg.holding == holding:
        return
    if holding:
        hearing.gone(step, call, leg)
    leg.holding = holding
    step.touch(call)
    step.note(call, f.Held(leg.id) if holding else f.Resumed(leg.id))
    if call.other(leg.id) is not None:
        sounds(step, call)


def ended(step: Step, call: Call, leg: Leg, cause: Cause) -> None:
    """One of the two hung up: the call is over."""
    step.far_end(call, leg, cause)
    step.end_call(call, cause, by=leg.party.label)
