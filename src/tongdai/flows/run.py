"""One call's flow in one step: what a verb may do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tongdai.calls import commands as c
from tongdai.calls import facts as f
from tongdai.calls.legs import Trigger, advance
from tongdai.calls.model import Call, Cause, Leg, LegState, Party, Position, Silence
from tongdai.calls.prompts import Prompt
from tongdai.calls.step import Step
from tongdai.calls.talk import connect, landed
from tongdai.flows import schema
from tongdai.flows.ports import World
from tongdai.flows.schema import Flow

MOST_MOVES = 50
"""Nodes that one event may lead through."""

_TRIES = (schema.Dial, schema.Outside, schema.Hosted, schema.Goto, schema.Refuse, schema.End)
"""Nodes at which a transfer has not come to anybody yet: the others answer by themselves."""

Handler = Callable[["Run", Any, Any], None]
"""`(run, node, event)`; the node and the event are of the types under which the handler stands in its
table.
"""

Table = Mapping[tuple[str, type], Handler]
"""What a verb does with an event in each of its steps; the step "" stands for every step."""


def ignore(run: Run, node: Any, event: Any) -> None:
    """Stands in a table where an event may come and means nothing."""


class Run:
    """A call, its flow and the world, for the verb that runs."""

    def __init__(self, step: Step, call: Call, world: World) -> None:
        self.step = step
        self.call = call
        self.world = world
        self._moves = 0

    @property
    def now(self) -> float:
        return self.step.now

    @property
    def at(self) -> Position:
        assert self.call.position is not None, "the call has left its flow"
        return self.call.position

    @property
    def subject(self) -> Leg:
        return self.call.legs[self.call.subject]

    # moving through the flow

    def enter(self, flow: Flow) -> None:
        """Go to another destination; nothing of the former flow goes on."""
        self.call.peer = ""
        self.step.note(self.call, f.FlowEntered(flow.kind, flow.label))
        self._start(flow, flow.start)

    def goto(self, node: str) -> None:
        """Go to another node of this flow."""
        flow = self.world.flow(self.at.flow)
        if flow is None:
            self.fail(f"flow {self.at.flow} is gone")
        else:
            self._start(flow, node)

    def _start(self, flow: Flow, node: str) -> None:
        from tongdai.flows.verbs import VERBS

        self._moves += 1
        if node not in flow.nodes:
            self.fail(f"flow {flow.ref} has no node {node!r}")
            return
        if self._moves > MOST_MOVES:
            self.fail(f"flow {flow.ref} goes round without waiting for anything")
            return
        self.step.stop_play(self.call)
        self.call.timers.clear()
        self.call.position = Position(flow.ref, node, since=self.now)
        self.step.touch(self.call)
        if self.call.returns_to is not None and not isinstance(flow.nodes[node], _TRIES):
            landed(self.step, self.call)
        VERBS[type(flow.nodes[node])].start(self, flow.nodes[node])

    def leave_by(self, exit_node: str, cause: Cause) -> None:
        """Take an exit; one that leads nowhere ends the call with that cause."""
        if exit_node:
            self.goto(exit_node)
        else:
            self.end(cause)

    def end(self, cause: Cause = Cause.NORMAL) -> None:
        """The flow is over and comes to nobody: so is the call, unless it was transferred here."""
        if self.call.returns_to is not None:
            self._give_back(self.call.returns_to, cause)
        else:
            self.step.end_call(self.call, cause)

    def _give_back(self, to: Party, cause: Cause) -> None:
        """To the leg of who transferred the call; when he has hung up, he is called."""
        call = self.call
        waiting = call.legs.get(call.transferrer)
        self.step.note(call, f.GivenBack(to, cause))
        call.returns_to, call.transferrer, call.transferred_by = None, "", None
        if waiting is None:
            self.enter(self.world.route(to.number, to))
            return
        self.step.do(c.TransferResult(waiting.id, ok=False, cause=cause))
        connect(self.step, call, waiting)

    def fail(self, what: str) -> None:
        """A defect of ours or of the configuration: it is logged, and the caller is not left in silence."""
        self.step.note(self.call, f.Trouble(what))
        self.end(Cause.FAILED)

    # what verbs do to the subject

    def answer(self) -> None:
        self.step.answer(self.call, self.subject)

    def say(self, *prompts: Prompt, step: str) -> None:
        """Answer if need be, play with silence after it, and be in `step`."""
        self.answer()
        self.step.hear(self.call, self.subject, Silence())
        self.at.step = step
        self.step.stop_play(self.call)
        self.step.play(self.call, prompts)

    def hush(self) -> None:
        self.step.stop_play(self.call)

    def timer(self, name: str, seconds: float) -> None:
        self.step.timer(self.call, name, seconds)

    def cancel(self, *names: str) -> None:
        self.step.cancel(self.call, *names)

    def pressed(self, digits: str, meaning: str) -> None:
        self.step.note(self.call, f.Pressed(self.call.subject, digits, meaning))

    # what verbs do to the legs they call

    def targets(self) -> list[Leg]:
        """Legs that this verb is calling."""
        others = (self.call.subject, self.call.transferrer)
        return [leg for leg in self.call.legs.values() if leg.id not in others]

    def rang(self, leg: Leg) -> None:
        if leg.state is LegState.CALLING:
            self.step.note(self.call, f.LegRang(leg.id))
            if self.call.transferrer:
                self.step.do(c.TransferProgress(self.call.transferrer, ringing=True))
        advance(leg, Trigger.RANG, self.now)
        self.step.touch(self.call)

    def answered(self, leg: Leg) -> None:
        """The leg was answered: every other leg that was called stops ringing."""
        advance(leg, Trigger.ANSWERED, self.now)
        self.step.note(self.call, f.LegAnsweredFact(leg.id))
        for other in self.targets():
            if other.id != leg.id:
                self.step.hangup(self.call, other, Cause.ELSEWHERE)

    def stop_targets(self, cause: Cause) -> None:
        for leg in self.targets():
            self.step.hangup(self.call, leg, cause)
