"""Transfers: blind (to a destination), by somebody at a screen, attended (two calls become one), and taking
a leg's place (Replaces).
"""

from __future__ import annotations

from tongdai.calls import commands as c
from tongdai.calls import facts as f
from tongdai.calls.events import MoveRequested, PlayDone, TransferRequested
from tongdai.calls.legs import UnexpectedEvent
from tongdai.calls.model import Call, Cause, Leg, LegState, PartyKind, Silence, TenantState
from tongdai.calls.step import Step
from tongdai.calls.transfer import absorb, take_place
from tongdai.flows import schema
from tongdai.flows.ports import World
from tongdai.flows.run import Run
from tongdai.flows.schema import Flow
from tongdai.flows.verbs import pickup, to_verb


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
    refusal = _refusal(step.state, flow)
    if refusal is not None:
        step.do(c.TransferResult(leg.id, ok=False, cause=refusal))
        return
    step.note(call, f.Transferred(leg.party.label, to, attended=False))
    step.do(c.TransferProgress(leg.id))
    call.subject, call.caller, call.peer = moved.id, moved.party, ""
    call.transferred_by, call.returns_to, call.transferrer = leg.party, leg.party, leg.id
    call.diversions = []
    step.hear(call, leg, Silence())
    Run(step, call, world).enter(flow)


def _send(step: Step, world: World, call: Call, leg: Leg, moved: Leg, flow: Flow) -> None:
    """`leg` lets go of `moved`, which enters a flow."""
    call.subject, call.caller, call.peer = moved.id, moved.party, ""
    call.transferred_by, call.diversions = leg.party, []
    step.hangup(call, leg, Cause.NORMAL)
    Run(step, call, world).enter(flow)


def movable(state: TenantState, leg: Leg, flow: Flow) -> Cause | None:
    """Why a leg cannot be moved to a flow by somebody at a screen, None when it can."""
    return _refusal(state, flow) if _has_place(leg) else Cause.NOT_ACCEPTABLE


def move(step: Step, world: World, call: Call, event: MoveRequested) -> None:
    """Take the leg out of whatever it is in, and let it enter another flow."""
    leg, flow = call.legs[event.leg], world.flow(event.flow)
    if flow is None or movable(step.state, leg, flow) is not None:
        raise UnexpectedEvent(f"leg {leg.id} cannot be moved to {event.flow}")
    step.note(call, f.Transferred(event.by.label, event.to, attended=False))
    step.stop_play(call)
    call.returns_to, call.transferrer = None, ""
    if call.recording:  # nobody will want it
        step.do(c.StopRecord(call.subject))
        call.recording = ""
    for other in list(call.legs.values()):
        if other.id != leg.id:
            step.hangup(call, other, Cause.NORMAL)
    step.leave_places(call)
    call.subject, call.caller, call.peer = leg.id, leg.party, ""
    call.transferred_by, call.diversions = event.by, []
    Run(step, call, world).enter(flow)


def _refusal(state: TenantState, flow: Flow) -> Cause | None:
    """Why a call cannot be transferred there, None when it can."""
    node = flow.nodes.get(flow.start)
    if isinstance(node, schema.Refuse):
        return Cause(node.cause)
    if isinstance(
        node, schema.Pickup | schema.Prefer | schema.Intercom | schema.Page
    ):  # one does so oneself, nobody is sent to do it
        return Cause.FORBIDDEN
    if isinstance(node, schema.Park) and node.slot in state.parking:
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
    at = consulted.position
    flow = world.flow(at.flow) if at is not None and at.step != "parked" else None
    refusal = _refusal(step.state, flow) if flow is not None else None
    if refusal is not None:
        step.do(c.TransferResult(leg.id, ok=False, cause=refusal))
        return
    step.do(c.TransferResult(leg.id, ok=True))
    if flow is not None and isinstance(flow.nodes.get(flow.start), schema.Park):
        # the transferring party heard that the place is empty, which is what he wanted to know
        step.note(call, f.Transferred(leg.party.label, consulted.dialled, attended=True))
        step.end_call(consulted, Cause.NORMAL)
        _send(step, world, call, leg, moved, flow)
        return
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
    if theirs is not None and old is not None and pickup.rings(old):
        pickup.take(step, call, theirs, old)
        return
    if theirs is None or old is None or old.state is not LegState.ANSWERED or old.id == theirs.asked:
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
    if old.id == call.transferrer:  # the flow is another's
        take_place(step, call, old, new)
        return
    said = ""
    if not call.asked:
        said, call.playing, call.saying = call.playing, "", []
    recording, call.recording = call.recording, ""
    take_place(step, call, old, new)
    if call.position is None:
        return
    if recording:
        Run(step, call, world).goto(call.position.node)
    elif said:
        to_verb(step, call, PlayDone(new.id, said), world)
