"""One leg takes another's place, and calls that become one (attended transfer, Replaces, taking back a
parked call).
"""

from __future__ import annotations

from tongdai.calls import commands as c
from tongdai.calls import facts as f
from tongdai.calls.model import Call, Cause, Hears, Leg, LegState, RingTone, Silence
from tongdai.calls.step import Step
from tongdai.calls.talk import sounds


def take_place(step: Step, call: Call, old: Leg, new: Leg) -> None:
    """`new` (a leg of this call) becomes what `old` was: subject, peer, or who waits for the outcome of a
    transfer. `old` is hung up.

    Who heard `old` hears `new`. What was played to `old` is played to nobody: the caller of this function
    continues the flow after it.
    """
    rings = old.state is not LegState.ANSWERED and old.hears == Silence()
    heard = RingTone() if rings else old.hears
    if call.subject == old.id:
        call.subject, call.caller = new.id, new.party
    elif call.peer == old.id:
        call.peer = new.id
    elif call.transferrer == old.id:
        call.transferrer = new.id
    for room in step.state.rooms.values():
        if old.id in room.members:
            room.members = {new.id if leg == old.id else leg: owner for leg, owner in room.members.items()}
    step.hangup(call, old, Cause.ELSEWHERE)
    if call.subject in call.legs and call.peer in call.legs:
        step.answer(call, new, match=call.peer if call.subject == new.id else call.subject)
        step.note(call, f.Connected(call.subject, call.peer))
        sounds(step, call)
    else:
        step.answer(call, new)
        step.hear(call, new, heard)
        for leg in call.legs.values():
            if leg.hears == Hears(old.id):
                step.hear(call, leg, Hears(new.id))


def absorb(step: Step, keep: Call, gone: Call) -> None:
    """Everything of `gone` (legs, place in a flow, timers, queue, room, parking place) becomes part of
    `keep`.

    `keep` must have given up its own conversation. Its id goes on; the log of `gone` says where it went.
    """
    for leg in gone.legs.values():
        step.add_leg(keep, leg)
    keep.subject, keep.caller, keep.peer = gone.subject, gone.caller, gone.peer
    keep.position, keep.playing, keep.recording = gone.position, gone.playing, gone.recording
    keep.saying = gone.saying
    keep.transferred_by, keep.returns_to = gone.transferred_by, gone.returns_to
    keep.transferrer, keep.asked = gone.transferrer, gone.asked
    keep.timers = {}
    for name, at in gone.timers.items():
        keep.timers[name] = at
        step.do(c.SetTimer(keep.id, name, at))
    state = step.state
    state.parking = {slot: keep.id if call == gone.id else call for slot, call in state.parking.items()}
    for department, waiting in state.queues.items():
        state.queues[department] = [keep.id if call == gone.id else call for call in waiting]
    for room in state.rooms.values():
        room.members = {leg: keep.id if call == gone.id else call for leg, call in room.members.items()}
    gone.recording = ""
    step.merged(gone, into=keep)
