"""Say something and go on; refuse; go to an extension, or to a person; hang up."""

from __future__ import annotations

from tongdai.calls import facts as f
from tongdai.calls.events import LegDigit, PlayDone
from tongdai.calls.model import Cause
from tongdai.flows.run import Run, Table, ignore
from tongdai.flows.schema import End, Enter, Goto, Play, Refuse


def start(run: Run, node: Play) -> None:
    run.say(*node.prompts, step="playing")


def _said(run: Run, node: Play, event: PlayDone) -> None:
    run.leave_by(node.then, Cause.NORMAL)


def start_refuse(run: Run, node: Refuse) -> None:
    run.step.note(run.call, f.Refused(node.why))
    if node.prompts:
        run.say(*node.prompts, step="playing")
    else:
        run.end(Cause(node.cause))


def _refused(run: Run, node: Refuse, event: PlayDone) -> None:
    run.end(Cause(node.cause))


def start_goto(run: Run, node: Goto) -> None:
    flow = run.world.route_menu(node.extension)
    if flow is None:
        run.fail(f"the flow leads to extension {node.extension}, which does not exist")
    else:
        run.enter(flow)


def start_enter(run: Run, node: Enter) -> None:
    flow = run.world.flow(node.flow)
    if flow is None:
        run.fail(f"the flow leads to {node.flow}, which does not exist")
    else:
        run.enter(flow)


def start_end(run: Run, node: End) -> None:
    run.end()


TABLE: Table = {("playing", PlayDone): _said, ("playing", LegDigit): ignore}
REFUSE_TABLE: Table = {("playing", PlayDone): _refused, ("playing", LegDigit): ignore}
