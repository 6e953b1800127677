"""Transfers: blind (to a destination), attended (two calls become one), and taking a leg's place
(Replaces).
"""

from __future__ import annotations

from tongdai.calls import commands as c
from tongdai.calls import facts as f
from tongdai.calls.events import PlayDone, TransferRequested
from tongdai.calls.model import Call, Cause, Leg, LegState, PartyKind
from tongdai.calls.step import Step
from tongdai.calls.transfer import absorb, take_place
from tongdai.flows import schema
from tongdai.flows.ports import World
from tongdai.flows.run import Run
from tongdai.flows.schema import Flow
from tongdai.flows.verbs import to_verb


def requested(step: Step, world: World, call: Call, leg: Leg, event: TransferRequested) -> None:
    """Carry out a REFER of `leg`, or say why not; a transfer that is refused leaves the conversation as it
    was.
    """
    moved = call.other(leg.id)
    if leg.party.kind is not PartyKind.PERSON:
        step.do(c.TransferResult(leg.id, ok=False, cause=Cause.FORBIDDEN))
    elif moved is None:
        step.do(c.TransferResult(leg.id, ok=False, cause=Cause.NOT_ACCEPTABLE))
    elif event.replaces:
        _attended(step, world, call, leg, moved, event.replaces)
    else:
        _blind(step, world, call, leg, moved, event.to)


def _blind(step: Step, world: World, call: Call, leg: Leg, moved: Leg, to: str) -> None:
    flow = world.route(to, leg.party)
    refusal = _refusal(step, flow)
    if refusal is not None:
        step.do(c.TransferResult(leg.id, ok=False, cause=refusal))
        return
    step.do(c.TransferResult(leg.id, ok=True))
    step.note(call, f.Transferred(leg.party.label, to, attended=False))
    call.subject, call.caller, call.peer = moved.id, moved.party, ""
    call.transferred_by = leg.party
    step.hangup(call, leg, Cause.NORMAL)
    Run(step, call, world).enter(flow)


def _refusal(step: Step, flow: Flow) -> Cause | None:
    """Why a call cannot be transferred there, None when it can."""
    node = flow.nodes.get(flow.start)
    if isinstance(node, schema.Refuse):
        return Cause(node.cause)
    if isinstance(node, schema.Park) and node.slot in step.state.parking:
        return Cause.BUSY
    return None


def _attended(step: Step, world: World, call: Call, leg: Leg, moved: Leg, replaces: str) -> None:
    """`moved` takes the place that the transferring party has in his other call."""
    consulted = step.state.call_of(replaces)
    old = consulted.legs.get(replaces) if consulted is not None else None
    mine = old is not None and old.party.person == leg.party.person
    if consulted is None or old is None or consulted is call or not mine or not _has_place(old):
        step.do(c.TransferResult(leg.id, ok=False, cause=Cause.NOT_FOUND))
        return
    step.do(c.TransferResult(leg.id, ok=True))
    target = consulted.other(old.id) or next((x for x in consulted.legs.values() if x.id != old.id), None)
    step.note(
        call,
        f.Transferred(leg.party.label, target.party.label if target else consulted.dialled, attended=True),
    )
    step.hangup(call, leg, Cause.NORMAL)
    absorb(step, call, consulted)
    _replace(step, world, call, old, moved)


def _has_place(leg: Leg) -> bool:
    """Whether the leg is one of a conversation or of a flow, and not one that is still being called."""
    return leg.inbound or leg.state is LegState.ANSWERED


def take_over(step: Step, world: World, call: Call, replaces: str) -> None:
    """The new call's only leg takes the place of another leg (INVITE with Replaces, RFC 3891). Only people
    of the company may: who knows a dialog from outside shall not step into it."""
    if call.caller.kind is not PartyKind.PERSON:
        step.end_call(call, Cause.FORBIDDEN)
        return
    theirs = step.state.call_of(replaces)
    old = theirs.legs.get(replaces) if theirs is not None else None
    if theirs is None or old is None or old.state is not LegState.ANSWERED:
        step.end_call(call, Cause.NOT_FOUND)
        return
    new = call.legs[call.subject]
    step.add_leg(theirs, new)
    step.note(theirs, f.Transferred(old.party.label, new.party.label, attended=True))
    step.merged(call, into=theirs)
    _replace(step, world, theirs, old, new)


def _replace(step: Step, world: World, call: Call, old: Leg, new: Leg) -> None:
    """Put `new` where `old` was. What was just being said to `old` counts as said; if `old` was being
    recorded, `new` comes to that node anew."""
    said, call.playing = call.playing, ""
    recording, call.recording = call.recording, ""
    take_place(step, call, old, new)
    if call.position is None:
        return
    if recording:
        Run(step, call, world).goto(call.position.node)
    elif said:
        to_verb(step, call, PlayDone(new.id, said), world)
