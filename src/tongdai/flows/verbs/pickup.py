"""Call pickup: somebody answers at his own phone a call that rings at another's."""

from __future__ import annotations

from collections.abc import Iterator

from tongdai.calls import facts as f
from tongdai.calls.model import Call, Cause, Leg, LegState, PartyKind
from tongdai.calls.step import Step
from tongdai.calls.talk import connect, landed
from tongdai.flows.run import Run
from tongdai.flows.schema import Pickup

_RINGS = (LegState.CALLING, LegState.RINGING)
_PURPOSES = ("target", "agent")
"""A phone that rings because its owner asked for a call on a screen is for nobody else."""


def start(run: Run, node: Pickup) -> None:
    ringing = next(_ringing(run, node), None)
    if run.subject.party.kind is not PartyKind.PERSON or ringing is None:
        run.step.note(run.call, f.Refused("nothing_rings"))
        run.end(Cause.NOT_FOUND)
    else:
        take(run.step, run.call, *ringing)


def _ringing(run: Run, node: Pickup) -> Iterator[tuple[Call, Leg]]:
    """What may be picked up, the oldest call first."""
    for call in sorted(run.step.state.calls.values(), key=lambda call: call.started):
        if node.flow and (call.position is None or call.position.flow != node.flow):
            continue
        for leg in call.legs.values():
            if rings(leg) and node.person in ("", leg.party.person):
                yield call, leg


def rings(leg: Leg) -> bool:
    """Whether it is a phone that rings for a call which somebody else may answer."""
    return leg.state in _RINGS and leg.purpose in _PURPOSES


def take(step: Step, mine: Call, theirs: Call, ringing: Leg) -> None:
    """The subject of `mine` answers `theirs`, which rings at `ringing` and perhaps at others."""
    leg = mine.legs[mine.subject]
    step.note(theirs, f.PickedUp(ringing.party, leg.party))
    step.add_leg(theirs, leg)
    step.merged(mine, into=theirs)
    landed(step, theirs)
    for other in list(theirs.legs.values()):
        if other.id not in (theirs.subject, leg.id):
            step.hangup(theirs, other, Cause.ELSEWHERE)
    for waiting in step.state.queues.values():
        if theirs.id in waiting:
            waiting.remove(theirs.id)
    step.answer(theirs, leg, match=theirs.subject)
    connect(step, theirs, leg)
