"""The one function of call logic: `(state, event, now) -> (state, commands)` for one tenant.

It routes each event to the leg's call and there to the conversation (`calls.talk`) or to the verb that runs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tongdai.calls import commands as c
from tongdai.calls import events as e
from tongdai.calls import facts as f
from tongdai.calls import hearing, talk
from tongdai.calls.legs import UnexpectedEvent
from tongdai.calls.model import Call, Hears, Leg, LegState, PartyKind, Room, TenantState
from tongdai.calls.step import Step
from tongdai.flows import schema, transfers
from tongdai.flows.ports import World
from tongdai.flows.run import Run
from tongdai.flows.verbs import node_of, queue, to_verb


def apply(state: TenantState, event: e.Event, now: float, world: World) -> Step:
    """Apply one event. `state` is changed in place; the step holds the commands, in order, and the calls it
    touched.

    An event that the present state does not know changes nothing and is noted in the call's log as trouble.
    """
    step = Step(state, now)
    try:
        _HANDLERS[type(event)](step, event, world)
    except UnexpectedEvent as unexpected:
        call = _call_of(state, event)
        if call is not None:
            step.note(call, f.Trouble(str(unexpected)))
    if step.freed or isinstance(event, e.PersonReachable):
        for department, waiting in state.queues.items():
            if waiting:
                queue.dispatch(step, world, department)
    return step


def restore(state: TenantState, world: World) -> list[tuple[str, str, float]]:
    """After a restart: rebuild from the calls what spans calls. Returns the timers to arm, as (call, timer,
    at).
    """
    timers = []
    for call in sorted(state.calls.values(), key=lambda call: call.position.since if call.position else 0.0):
        for leg in call.legs:
            state.by_leg[leg] = call.id
        timers += [(call.id, name, at) for name, at in call.timers.items()]
        node = node_of(call, world) if call.position is not None else None
        step = call.position.step if call.position is not None else ""
        if isinstance(node, schema.Queue):
            state.queues.setdefault(node.department, []).append(call.id)
        elif isinstance(node, schema.Park) and step == "parked":
            state.parking[node.slot] = call.id
        elif isinstance(node, schema.Conference) and step in ("in", "inviting"):
            config = world.room(node.room)
            room = state.rooms.setdefault(node.room, Room(tones=config is None or config.tones))
            room.members[call.subject] = call.id
    return timers


def _call_of(state: TenantState, event: Any) -> Call | None:
    leg = getattr(event, "leg", None)
    return state.call_of(leg) if leg is not None else state.calls.get(getattr(event, "call", ""))


def _leg_of(step: Step, leg: str) -> tuple[Call, Leg]:
    call = step.state.call_of(leg)
    if call is None:
        raise UnexpectedEvent(f"no call has the leg {leg}")
    return call, call.legs[leg]


# one function per event


def _offered(step: Step, event: e.LegOffered, world: World) -> None:
    leg = Leg(id=event.leg, party=event.party, state=LegState.OFFERED, since=step.now)
    call = Call(event.call, step.state.tenant, leg.id, event.party, step.now, dialled=event.dialled)
    call.hops, call.max_forwards = event.hops, event.max_forwards
    step.new_call(call)
    step.add_leg(call, leg)
    step.note(call, f.CallStarted(leg.id, event.party, event.dialled))
    if event.diverted is not None:
        step.note(call, f.Forwarded(event.diverted.by, event.dialled, event.diverted.reason))
    if event.replaces:
        transfers.take_over(step, world, call, event.replaces)
    elif event.party.kind is PartyKind.PERSON:
        Run(step, call, world).enter(world.route(event.dialled, event.party))
    else:
        Run(step, call, world).enter(world.route_number(event.dialled, event.party))


def _of_called_leg(step: Step, event: Any, world: World) -> None:
    call, _ = _leg_of(step, event.leg)
    to_verb(step, call, event, world)


def _ended(step: Step, event: e.LegEnded, world: World) -> None:
    call, leg = _leg_of(step, event.leg)
    step.reason = event.reason
    if event.why:
        step.note(call, f.SoundLost(leg.id, event.why))
    if leg.id == call.transferrer:
        step.far_end(call, leg, event.cause)  # he does not wait for the outcome
        call.transferrer = ""
    elif call.other(leg.id) is not None:
        talk.ended(step, call, leg, event.cause)
    elif leg.id == call.subject and (leg.inbound or leg.state is LegState.ANSWERED):
        step.far_end(call, leg, event.cause)
        step.end_call(call, event.cause, by=leg.party.label)
    else:
        to_verb(step, call, event, world)


def _held(step: Step, event: e.LegHeld, world: World) -> None:
    talk.held(step, *_leg_of(step, event.leg), holding=True)


def _resumed(step: Step, event: e.LegResumed, world: World) -> None:
    talk.held(step, *_leg_of(step, event.leg), holding=False)


def _digit(step: Step, event: e.LegDigit, world: World) -> None:
    """Keys are for the flow: those of the call's subject, or of whom it asks. Between two who talk the engine
    passes them on."""
    call, leg = _leg_of(step, event.leg)
    if event.signalled:
        _signalled(step, call, leg, event.digit)
    if call.position is not None and leg.id == call.listener:
        to_verb(step, call, event, world)


def _signalled(step: Step, call: Call, leg: Leg, digit: str) -> None:
    """What the engine does with a key that comes in the sound."""
    for other in call.legs.values():
        if other.hears == Hears(leg.id):
            step.do(c.SendDigit(other.id, digit))
    if call.recording and leg.id == call.subject and digit in c.STOP_DIGITS:
        step.do(c.StopRecord(leg.id))


def _rerouted(step: Step, event: e.LegRerouted, world: World) -> None:
    call, leg = _leg_of(step, event.leg)
    step.note(call, f.Rerouted(leg.id, event.via, event.why))


def _carried(step: Step, event: e.LegCarried, world: World) -> None:
    call, leg = _leg_of(step, event.leg)
    step.note(call, f.Carried(leg.id, event.via))


def _unheard(step: Step, event: e.LegUnheard, world: World) -> None:
    call = step.state.call_of(event.leg)
    if call is not None:
        hearing.missing(step, call, call.legs[event.leg], event.lack, event.ms)


def _heard(step: Step, event: e.LegHeard, world: World) -> None:
    call = step.state.call_of(event.leg)
    if call is not None:
        hearing.heard(step, call, call.legs[event.leg])


def _played(step: Step, event: e.PlayDone, world: World) -> None:
    call = step.state.call_of(event.leg)
    if call is None or call.playing != event.play:
        return
    call.playing, call.saying = "", []
    step.touch(call)
    if event.failed:
        step.note(call, f.Trouble("prompt_failed"))
    if call.position is not None:
        to_verb(step, call, event, world)


def _recorded(step: Step, event: e.RecordDone, world: World) -> None:
    call = next((call for call in step.state.calls.values() if call.recording == event.record), None)
    if call is None:
        step.discard(event.blob)
        return
    call.recording = ""
    step.touch(call)
    if event.reason in ("disk", "failed"):
        step.note(call, f.Trouble("recording_failed"))
    if call.position is not None:
        to_verb(step, call, event, world)
    if call.ended:
        step.close(call)


def _timer(step: Step, event: e.TimerFired, world: World) -> None:
    call = step.state.calls.get(event.call)
    if call is None or call.timers.get(event.timer) != event.at:
        return
    del call.timers[event.timer]
    step.touch(call)
    if call.ended:
        step.note(call, f.Trouble("recording_lost"))
        step.close(call)
    else:
        to_verb(step, call, event, world)


def _reachable(step: Step, event: e.PersonReachable, world: World) -> None:
    """Nothing of itself: `apply` looks at the queues."""


def _hangup(step: Step, event: e.HangupRequested, world: World) -> None:
    call = step.state.calls.get(event.call)
    if call is not None:
        step.end_call(call, event.cause)


def _requested(step: Step, event: e.CallRequested, world: World) -> None:
    call = Call(event.call, step.state.tenant, "", event.party, step.now, dialled=event.to)
    step.new_call(call)
    step.note(call, f.CallStarted("", event.party, event.to))
    flow = world.flow(event.flow)
    run = Run(step, call, world)
    if flow is None:
        run.fail(f"flow {event.flow} is gone")
    else:
        run.enter(flow)


def _move(step: Step, event: e.MoveRequested, world: World) -> None:
    transfers.move(step, world, _leg_of(step, event.leg)[0], event)


def _transfer(step: Step, event: e.TransferRequested, world: World) -> None:
    call, leg = _leg_of(step, event.leg)
    transfers.requested(step, world, call, leg, event)


_HANDLERS: dict[type, Callable[[Step, Any, World], None]] = {
    e.LegOffered: _offered,
    e.LegRinging: _of_called_leg,
    e.LegProgress: _of_called_leg,
    e.LegAnswered: _of_called_leg,
    e.LegRerouted: _rerouted,
    e.LegCarried: _carried,
    e.LegEnded: _ended,
    e.LegHeld: _held,
    e.LegResumed: _resumed,
    e.LegDigit: _digit,
    e.TransferRequested: _transfer,
    e.LegUnheard: _unheard,
    e.LegHeard: _heard,
    e.PlayDone: _played,
    e.RecordDone: _recorded,
    e.TimerFired: _timer,
    e.PersonReachable: _reachable,
    e.HangupRequested: _hangup,
    e.CallRequested: _requested,
    e.MoveRequested: _move,
}
