"""Ring people together on all their devices."""

from __future__ import annotations

from tongdai.calls import facts as f
from tongdai.calls.commands import DeviceTarget
from tongdai.calls.events import LegAnswered, LegDigit, LegEnded, LegProgress, LegRinging, TimerFired
from tongdai.calls.model import Cause, DiversionReason, LegState, Party, PartyKind, RingTone
from tongdai.calls.talk import connect
from tongdai.flows.forwarding import forward
from tongdai.flows.run import Run, Table, ignore
from tongdai.flows.schema import Dial

_BUSY = (Cause.BUSY, Cause.DECLINED)


def start(run: Run, node: Dial) -> None:
    if _forwarded(run, node, DiversionReason.ALWAYS):
        return
    if _call_people(run, node):
        _busy(run, node)
        return
    if not run.targets():
        _unavailable(run, node, Cause.UNAVAILABLE)
        return
    run.at.step = "ringing"
    if run.subject.state is LegState.ANSWERED:
        run.step.hear(run.call, run.subject, RingTone())
    run.timer("ring", _seconds(run, node))


def _seconds(run: Run, node: Dial) -> float:
    """How long they ring."""
    if node.personal and node.seconds is None:
        preferences = run.world.preferences(node.people[0])
        if preferences.no_answer and preferences.no_answer_seconds:
            return preferences.no_answer_seconds
    return node.seconds if node.seconds is not None else run.world.ring_seconds


def _forwarded(run: Run, node: Dial, reason: DiversionReason) -> bool:
    """Whether the call goes on elsewhere, as the person wants for this case."""
    person = run.world.person(node.people[0]) if node.personal else None
    if person is None:
        return False
    case = DiversionReason.BUSY if reason is DiversionReason.DND else reason
    return forward(run, person, run.world.preferences(person.id).forward(case), reason)


def _call_people(run: Run, node: Dial) -> bool:
    """Call every device of these people; whoever calls a department is not called himself. True when nobody
    is called because all whose phones could ring do not want it."""
    passed = False
    for name in node.people:
        person = run.world.person(name)
        if person is None or (len(node.people) > 1 and name == run.subject.party.person):
            continue
        party = Party(PartyKind.PERSON, person.extension, person.name, person.id)
        bindings = run.world.bindings(name)
        why = _unwilling(run, name)
        if why and (bindings or node.personal):
            run.step.note(run.call, f.PassedBy(party, why))
            passed = True
            continue
        for binding in bindings:
            run.step.call_leg(run.call, DeviceTarget(binding), party, run.subject.party, "target")
    return passed and not run.targets()


def _unwilling(run: Run, person: str) -> str:
    """Why a person's phones shall not ring (`facts.PassedBy`), empty when they may."""
    preferences = run.world.preferences(person)
    if preferences.dnd:
        return "dnd"
    return "engaged" if not preferences.call_waiting and run.step.engaged(person, run.call) else ""


def _busy(run: Run, node: Dial) -> None:
    """Who could be called is busy, or wants to be taken for it. A caller who was answered before, by a menu,
    would be cut off without a word: he is taken where others leave a message."""
    preferences = run.world.preferences(node.people[0])
    if _forwarded(run, node, DiversionReason.DND if preferences.dnd else DiversionReason.BUSY):
        return
    hears_busy = node.personal and preferences.dnd and preferences.dnd_busy
    if hears_busy and run.subject.state is not LegState.ANSWERED:
        run.end(Cause.BUSY)
    else:
        run.leave_by(node.busy, Cause.BUSY)


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


def _unavailable(run: Run, node: Dial, cause: Cause) -> None:
    if not _forwarded(run, node, DiversionReason.UNREACHABLE):
        run.leave_by(node.unavailable, cause)


def _unanswered(run: Run, node: Dial) -> None:
    if not _forwarded(run, node, DiversionReason.NO_ANSWER):
        run.leave_by(node.no_answer, Cause.NO_ANSWER)


def _target_ended(run: Run, node: Dial, event: LegEnded) -> None:
    run.step.far_end(run.call, run.call.legs[event.leg], event.cause)
    if event.to and node.personal and _sent_on(run, node, event.to):
        return
    if event.to or event.cause in _BUSY:
        run.at.note = "busy"
    if run.targets():
        return
    if run.at.note == "busy":
        _busy(run, node)
    elif event.cause is Cause.NO_ANSWER:
        _unanswered(run, node)
    else:
        _unavailable(run, node, event.cause)


def _sent_on(run: Run, node: Dial, to: str) -> bool:
    """Whether the call goes where one of the person's phones sends it; the others stop ringing then."""
    person = run.world.person(node.people[0])
    return person is not None and forward(run, person, to, DiversionReason.PHONE)


def _no_answer(run: Run, node: Dial, event: TimerFired) -> None:
    run.stop_targets(Cause.NO_ANSWER)
    _unanswered(run, node)


TABLE: Table = {
    ("ringing", LegRinging): rang,
    ("ringing", LegProgress): rang,
    ("ringing", LegAnswered): answered,
    ("ringing", LegEnded): _target_ended,
    ("ringing", TimerFired): _no_answer,
    ("ringing", LegDigit): ignore,
}
