"""A call that was asked for on a screen: first the phone of who asked, then whom he wants."""

from __future__ import annotations

from tongdai.calls.commands import DeviceTarget
from tongdai.calls.events import LegAnswered, LegDigit, LegEnded, LegProgress, LegRinging, TimerFired
from tongdai.calls.model import Cause, Party, PartyKind
from tongdai.flows.run import Run, Table, ignore
from tongdai.flows.schema import Originate


def start(run: Run, node: Originate) -> None:
    shown = Party(PartyKind.OUTSIDE, node.to)
    for binding in run.world.bindings(node.person):
        run.step.call_leg(run.call, DeviceTarget(binding), run.call.caller, shown, "caller")
    if not run.targets():
        run.end(Cause.UNAVAILABLE)
        return
    run.at.step = "ringing"
    run.timer("ring", node.seconds)


def _rang(run: Run, node: Originate, event: LegRinging | LegProgress) -> None:
    run.rang(run.call.legs[event.leg])


def _answered(run: Run, node: Originate, event: LegAnswered) -> None:
    leg = run.call.legs[event.leg]
    run.answered(leg)
    run.call.subject = leg.id
    run.enter(run.world.route(node.to, leg.party))


def _ended(run: Run, node: Originate, event: LegEnded) -> None:
    leg = run.call.legs[event.leg]
    run.step.far_end(run.call, leg, event.cause)
    if not run.targets():
        run.step.end_call(run.call, event.cause, by=leg.party.label)


def _no_answer(run: Run, node: Originate, event: TimerFired) -> None:
    run.stop_targets(Cause.NO_ANSWER)
    run.end(Cause.NO_ANSWER)


TABLE: Table = {
    ("ringing", LegRinging): _rang,
    ("ringing", LegProgress): _rang,
    ("ringing", LegAnswered): _answered,
    ("ringing", LegEnded): _ended,
    ("ringing", TimerFired): _no_answer,
    ("ringing", LegDigit): ignore,
}
