"""A parking place: a call transferred to it waits there with music; who dials it takes the call back."""

from __future__ import annotations

from tongdai.calls import facts as f
from tongdai.calls.events import LegDigit, PlayDone, TimerFired
from tongdai.calls.model import Music
from tongdai.calls.prompts import Phrase
from tongdai.calls.talk import connect
from tongdai.flows.run import Run, Table, ignore
from tongdai.flows.schema import Park

RECALL_SECONDS = 180.0
"""After this long, a parked call goes back to who parked it."""
DECIDE_SECONDS = 5.0
"""Who hears that a place is empty may be about to put a call there (attended transfer): so long he can."""


def start(run: Run, node: Park) -> None:
    if run.call.transferred_by is not None:
        _park(run, node)
    else:
        _retrieve(run, node)


def _park(run: Run, node: Park) -> None:
    run.step.state.parking[node.slot] = run.call.id
    run.at.step = "parked"
    run.answer()
    run.step.note(run.call, f.Parked(node.slot))
    run.step.hear(run.call, run.subject, Music())
    run.timer("recall", RECALL_SECONDS)


def _retrieve(run: Run, node: Park) -> None:
    parked = run.step.state.calls.get(run.step.state.parking.pop(node.slot, ""))
    if parked is None:
        run.say(Phrase("park.empty", {"slot": node.slot}), step="refusing")
        return
    mine, leg = run.call, run.subject
    run.step.add_leg(parked, leg)
    run.step.answer(parked, leg, match=parked.subject)
    run.step.note(parked, f.Retrieved(node.slot, leg.party))
    run.step.merged(mine, into=parked)
    connect(run.step, parked, leg)


def _recall(run: Run, node: Park, event: TimerFired) -> None:
    run.step.state.parking.pop(node.slot, None)
    parker = run.call.transferred_by
    assert parker is not None, "only transferred calls are parked"
    run.call.transferred_by = None
    run.enter(run.world.route(parker.number, parker))


def _refused(run: Run, node: Park, event: PlayDone) -> None:
    run.timer("decide", DECIDE_SECONDS)


def _undecided(run: Run, node: Park, event: TimerFired) -> None:
    run.end()


TABLE: Table = {
    ("parked", LegDigit): ignore,
    ("parked", TimerFired): _recall,
    ("refusing", PlayDone): _refused,
    ("refusing", TimerFired): _undecided,
    ("refusing", LegDigit): ignore,
}
