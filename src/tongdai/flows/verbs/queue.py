"""Wait for the next free agent of a department, with music and one's position."""

from __future__ import annotations

from tongdai.calls import facts as f
from tongdai.calls.commands import DeviceTarget
from tongdai.calls.events import (
    LegAnswered,
    LegDigit,
    LegEnded,
    LegProgress,
    LegRinging,
    PlayDone,
    TimerFired,
)
from tongdai.calls.model import Call, Cause, Music, Party, PartyKind
from tongdai.calls.prompts import Phrase
from tongdai.calls.step import Step
from tongdai.calls.talk import connect
from tongdai.flows.ports import Department, World
from tongdai.flows.run import Run, Table, ignore
from tongdai.flows.schema import Queue

RETRY_SECONDS = 5.0
"""After every free agent refused or did not answer: how long until they are tried again."""


def start(run: Run, node: Queue) -> None:
    department = run.world.department(node.department)
    if department is None:
        run.fail(f"department {node.department} does not exist")
        return
    waiting = run.step.state.queues.setdefault(department.id, [])
    waiting.append(run.call.id)
    run.step.note(run.call, f.Waiting(department.id, len(waiting)))
    run.answer()
    run.step.hear(run.call, run.subject, Music())
    run.at.step = "welcome"
    welcome = Phrase("queue.welcome", {"department": department.name})
    run.step.play(run.call, [welcome, Phrase("queue.position", {"position": len(waiting)})])


def _welcomed(run: Run, node: Queue, event: PlayDone) -> None:
    run.at.step = "waiting"
    run.timer("announce", node.announce_seconds)
    dispatch(run.step, run.world, node.department)


def dispatch(step: Step, world: World, department_id: str) -> None:
    """Give free agents to the calls that wait, first come first served; the agent idle longest is tried
    first.
    """
    department = world.department(department_id)
    if department is None:
        return
    for call_id in list(step.state.queues.get(department_id, [])):
        call = step.state.calls[call_id]
        if call.position is None or call.position.step != "waiting":
            continue
        agent = _free_agent(step, world, department, refused=call.position.items)
        if agent is not None:
            _offer(Run(step, call, world), agent)


def _free_agent(step: Step, world: World, department: Department, refused: list[str]) -> str | None:
    busy = step.busy_people()
    free = [
        m
        for m in department.members
        if m not in busy and m not in refused and not world.preferences(m).dnd and world.bindings(m)
    ]
    return min(free, key=lambda m: step.state.idle_since.get(m, float("-inf")), default=None)


def _offer(run: Run, agent: str) -> None:
    flow = run.world.flow(run.at.flow)
    person = run.world.person(agent)
    if flow is None or person is None:
        return
    node = flow.nodes[run.at.node]
    assert isinstance(node, Queue)
    run.at.step = "ringing"
    run.cancel("retry")
    party = Party(PartyKind.PERSON, person.extension, person.name, person.id)
    for binding in run.world.bindings(agent):
        run.step.call_leg(run.call, DeviceTarget(binding), party, run.subject.party, "agent")
    run.timer("ring", node.ring_seconds)


def _rang(run: Run, node: Queue, event: LegRinging | LegProgress) -> None:
    run.rang(run.call.legs[event.leg])


def _answered(run: Run, node: Queue, event: LegAnswered) -> None:
    leg = run.call.legs[event.leg]
    run.answered(leg)
    run.step.state.queues[node.department].remove(run.call.id)
    connect(run.step, run.call, leg)


def _agent_ended(run: Run, node: Queue, event: LegEnded) -> None:
    leg = run.call.legs[event.leg]
    run.step.far_end(run.call, leg, event.cause)
    if not run.targets():
        _wait_again(run, leg.party.person)


def _wait_again(run: Run, agent: str) -> None:
    """The others are tried first (`dispatch` follows, since this agent is free); then all of them anew."""
    run.cancel("ring")
    run.at.step = "waiting"
    run.at.items.append(agent)
    run.timer("retry", RETRY_SECONDS)


def _timer(run: Run, node: Queue, event: TimerFired) -> None:
    if event.timer == "announce":
        position = run.step.state.queues[node.department].index(run.call.id) + 1
        run.hush()
        run.step.play(
            run.call, [Phrase("queue.position", {"position": position}), Phrase("queue.still_waiting")]
        )
        run.timer("announce", node.announce_seconds)
    elif event.timer == "ring":
        agent = run.targets()[0].party.person
        run.stop_targets(Cause.NO_ANSWER)
        _wait_again(run, agent)
    else:
        run.at.items = []
        dispatch(run.step, run.world, node.department)


def waiting_for(call: Call, world: World) -> str | None:
    """The department for which this call waits, None when it does not."""
    if call.position is None:
        return None
    flow = world.flow(call.position.flow)
    node = flow.nodes.get(call.position.node) if flow is not None else None
    return node.department if isinstance(node, Queue) else None


TABLE: Table = {
    ("welcome", PlayDone): _welcomed,
    ("waiting", PlayDone): ignore,
    ("ringing", PlayDone): ignore,
    ("ringing", LegRinging): _rang,
    ("ringing", LegProgress): _rang,
    ("ringing", LegAnswered): _answered,
    ("ringing", LegEnded): _agent_ended,
    ("waiting", TimerFired): _timer,
    ("ringing", TimerFired): _timer,
    ("", LegDigit): ignore,
}
