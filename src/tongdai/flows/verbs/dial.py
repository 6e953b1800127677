"""Ring people together on all their devices."""

from __future__ import annotations

from tongdai.calls.commands import DeviceTarget
from tongdai.calls.events import LegAnswered, LegDigit, LegEnded, LegProgress, LegRinging, TimerFired
from tongdai.calls.model import Cause, LegState, Party, PartyKind, RingTone
from tongdai.calls.talk import connect
from tongdai.flows.run import Run, Table, ignore
from tongdai.flows.schema import Dial

_BUSY = (Cause.BUSY, Cause.DECLINED)


def start(run: Run, node: Dial) -> None:
    call_people(run, node.people)
    if not run.targets():
        run.leave_by(node.unavailable, Cause.UNAVAILABLE)
        return
    run.at.step = "ringing"
    if run.subject.state is LegState.ANSWERED:
        run.step.hear(run.call, run.subject, RingTone())
    run.timer("ring", node.seconds if node.seconds is not None else run.world.ring_seconds)


def call_people(run: Run, people: tuple[str, ...]) -> None:
    """Call every device of these people; whoever calls a department is not called himself."""
    for name in people:
        person = run.world.person(name)
        if person is None or (len(people) > 1 and name == run.subject.party.person):
            continue
        party = Party(PartyKind.PERSON, person.extension, person.name, person.id)
        for binding in run.world.bindings(name):
            run.step.call_leg(run.call, DeviceTarget(binding), party, run.subject.party, "target")


def rang(run: Run, node: object, event: LegRinging | LegProgress) -> None:
    """A device rings: the caller may know. Early media of a device is not passed on; it rings like the
    others.
    """
    run.rang(run.call.legs[event.leg])
    run.step.ring(run.call, run.subject)


def answered(run: Run, node: object, event: LegAnswered) -> None:
    leg = run.call.legs[event.leg]
    run.answered(leg)
    connect(run.step, run.call, leg)


def _target_ended(run: Run, node: Dial, event: LegEnded) -> None:
    run.step.far_end(run.call, run.call.legs[event.leg], event.cause)
    if event.cause in _BUSY:
        run.at.note = "busy"
    if run.targets():
        return
    if run.at.note == "busy":
        run.leave_by(node.busy, Cause.BUSY)
    elif event.cause is Cause.NO_ANSWER:
        run.leave_by(node.no_answer, Cause.NO_ANSWER)
    else:
        run.leave_by(node.unavailable, event.cause)


def _no_answer(run: Run, node: Dial, event: TimerFired) -> None:
    run.stop_targets(Cause.NO_ANSWER)
    run.leave_by(node.no_answer, Cause.NO_ANSWER)


TABLE: Table = {
    ("ringing", LegRinging): rang,
    ("ringing", LegProgress): rang,
    ("ringing", LegAnswered): answered,
    ("ringing", LegEnded): _target_ended,
    ("ringing", TimerFired): _no_answer,
    ("ringing", LegDigit): ignore,
}
