"""What is true of call logic after every event. `Checked` is a simulator that insists on it."""

from __future__ import annotations

from functools import cache
from typing import TypeVar

import msgspec

from tongdai.calls import commands as c
from tongdai.calls import events as e
from tongdai.calls import facts as f
from tongdai.calls.model import Call, Cause, Hears, InRoom, LegState, Music, Silence, TenantState
from tongdai.calls.prompts import Phrase
from tongdai.calls.step import Step
from tongdai.flows import machine, schema
from tongdai.flows.ports import World
from tongdai.flows.simulator import TICK, Simulator
from tongdai.flows.verbs import VERBS, node_of
from tongdai.speech.phrases import CATALOGUES, render

T = TypeVar("T")

_encode = msgspec.msgpack.encode


@cache
def speak(key: str, args: tuple[tuple[str, str | int], ...]) -> None:
    """Raises when a phrase cannot be said in one of the languages."""
    for language in CATALOGUES:
        assert render(key, dict(args), language)


class Checked(Simulator):
    """A simulator that looks, and is looked at.

    Beside the state that lives on there is a journal, written as a process writes it: the calls that a step
    touched. Every event is applied to what a restart would rebuild from it too, and must give equal commands.
    """

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.journal: dict[str, bytes] = {}
        self.trouble: list[str] = []
        self.expects_trouble = False

    def apply(self, event: e.Event) -> Step:
        again = machine.apply(self._restarted(), event, self.now + TICK, self.world)
        step = super().apply(event)
        assert step.commands == again.commands, f"{event} does something else after a restart"
        for call_id in step.touched:
            call = self.state.calls.get(call_id)
            if call is not None:
                self.journal[call_id] = _encode(call)
            else:
                self.journal.pop(call_id, None)
        self.trouble += [
            x.fact.what for x in step.commands if isinstance(x, c.Note) and isinstance(x.fact, f.Trouble)
        ]
        for played in (x for x in step.commands if isinstance(x, c.Play)):
            assert played.prompts
            for prompt in played.prompts:
                if isinstance(prompt, Phrase):
                    speak(prompt.key, tuple(sorted(prompt.args.items())))
        self.check()
        return step

    # what tests ask

    def ringing(self, at: str) -> str:
        """The one leg that rings at a phone, trunk number or outside number."""
        (leg,) = (leg for leg in self.legs_at(at) if self.lines[leg].state is LegState.RINGING)
        return leg

    def answer_at(self, at: str) -> str:
        leg = self.ringing(at)
        self.answer(leg)
        return leg

    def connect(self, caller: str, dialled: str, at: str) -> tuple[str, str]:
        """`caller` calls and is answered at `at`; their two legs."""
        mine = self.call(caller, dialled)
        theirs = self.answer_at(at)
        assert self.talk(mine, theirs)
        return mine, theirs

    def talk(self, one: str, other: str) -> bool:
        return self.hears(one) == Hears(other) and self.hears(other) == Hears(one)

    def cause(self, leg: str) -> Cause | None:
        """Why a leg ended, None while it lives."""
        return self.lines[leg].cause

    def said(self, leg: str) -> list[str]:
        """The phrases that were said to a leg, by key; other prompts by the name of their kind."""
        return [p.key if isinstance(p, Phrase) else type(p).__name__ for p in self.lines[leg].heard]

    def saying(self, leg: str) -> list[str]:
        """What is being said to a leg now."""
        return [p.key if isinstance(p, Phrase) else type(p).__name__ for p in self.lines[leg].playing]

    def noted(self, leg: str, kind: type[T]) -> list[T]:
        """The facts of one kind in the log of the call that this leg began in."""
        return [fact for fact in self.facts(leg) if isinstance(fact, kind)]

    def carried_out(self, kind: type[T]) -> list[T]:
        return [command for command in self.commands if isinstance(command, kind)]

    # what is checked

    def _restarted(self) -> TenantState:
        calls = {call: msgspec.msgpack.decode(kept, type=Call) for call, kept in self.journal.items()}
        kept = msgspec.msgpack.decode(_encode(self.state), type=TenantState)
        state = TenantState(self.state.tenant, calls, idle_since=kept.idle_since, lockouts=kept.lockouts)
        timers = machine.restore(state, self.world)
        assert sorted(timers) == sorted((x.id, *timer) for x in calls.values() for timer in x.timers.items())
        return state

    def check(self) -> None:
        state = self.state
        assert msgspec.msgpack.decode(_encode(state), type=TenantState) == state
        assert self.journal == {call.id: _encode(call) for call in state.calls.values()}, (
            "a change was not touched"
        )
        assert state.by_leg == {leg: call.id for call in state.calls.values() for leg in call.legs}
        assert not self.trouble or self.expects_trouble, self.trouble
        for call in state.calls.values():
            self._check_call(call)
        self._check_log()
        self._check_lines()
        self._check_places()

    def _check_call(self, call: Call) -> None:
        if call.ended:
            assert not call.legs
            assert call.recording
            assert set(call.timers) == {"recording"}
            return
        assert call.subject in call.legs, f"{call} has nobody"
        if call.position is None:
            self._check_talk(call)
        else:
            assert not call.peer
            self._check_flow(call)

    def _check_talk(self, call: Call) -> None:
        subject, peer = call.legs[call.subject], call.legs[call.peer]
        assert set(call.legs) == {subject.id, peer.id}
        assert not call.timers
        assert not call.playing
        assert not call.asked
        assert not call.transferrer
        assert call.returns_to is None
        for leg, other in (subject, peer), (peer, subject):
            assert leg.state is LegState.ANSWERED
            expected = Silence() if leg.holding else Music() if other.holding else Hears(other.id)
            assert leg.hears == expected

    def _check_flow(self, call: Call) -> None:
        """Whatever may happen next, the verb knows it, and something will."""
        assert call.position is not None
        node = node_of(call, self.world)
        assert node is not None
        table, step = VERBS[type(node)].table, call.position.step
        may_come: set[type] = set()
        targets = [leg for leg in call.legs.values() if leg.state in (LegState.CALLING, LegState.RINGING)]
        if call.legs[call.subject].state is LegState.ANSWERED:
            may_come.add(e.LegDigit)
        if call.playing:
            may_come.add(e.PlayDone)
        if call.recording:
            may_come.add(e.RecordDone)
        if call.timers:
            may_come.add(e.TimerFired)
        if call.asked:
            may_come |= {e.LegDigit, e.LegEnded}
        if targets:
            may_come |= {e.LegRinging, e.LegProgress, e.LegAnswered, e.LegEnded}
        for event in may_come:
            assert (step, event) in table or ("", event) in table, f"{node} in {step!r} does not know {event}"
        for_ever = isinstance(node, schema.EchoTest | schema.MusicForEver | schema.Conference)
        assert may_come - {e.LegDigit} or for_ever, f"{call} is stuck"
        own = (call.subject, call.transferrer)
        paged = isinstance(node, schema.Page)
        asked = call.asked
        assert all(leg.id in (*own, asked) or leg in targets or paged for leg in call.legs.values())
        assert not asked or (asked not in own and call.legs[asked].state is LegState.ANSWERED)
        assert not asked or call.playing or call.timers, f"{call} is stuck"
        assert not call.transferrer or (call.transferrer in call.legs and call.returns_to is not None)

    def _check_log(self) -> None:
        for call, facts in self.log.items():
            live = self.state.calls.get(call)
            assert isinstance(facts[0], f.CallStarted), facts
            assert sum(isinstance(fact, f.CallStarted) for fact in facts) == 1
            ends = sum(isinstance(fact, f.CallEnded) for fact in facts)
            if live is not None:
                assert ends == 0, f"{call} was closed too early"
            else:
                assert ends == 1, f"{call} was never closed"
                assert isinstance(facts[-1], f.CallEnded), facts
        assert set(self.state.calls) <= set(self.log)

    def _check_lines(self) -> None:
        """The far ends and our legs know the same; nobody hears one who is gone."""
        live = {line.leg: line for line in self.lines.values() if line.live}
        assert set(live) == set(self.state.by_leg)
        for call in self.state.calls.values():
            for leg in call.legs.values():
                line = live[leg.id]
                assert (line.state, line.source) == (leg.state, leg.hears)
                assert not (isinstance(leg.hears, Hears) and leg.hears.leg not in call.legs), "hears a ghost"
                hearer = call.listener
                assert not line.play or (leg.id == hearer and line.play == call.playing)
                assert line.recording is None or line.recording.command.record == call.recording

    def _check_places(self) -> None:
        state = self.state
        for department, waiting in state.queues.items():
            assert len(set(waiting)) == len(waiting)
            assert set(waiting) == {x.id for x in state.calls.values() if self._waits_for(x) == department}
        parked = {
            x.id for x in state.calls.values() if x.position is not None and x.position.step == "parked"
        }
        assert set(state.parking.values()) == parked
        assert len(state.parking) == len(parked)
        for name, room in state.rooms.items():
            assert room.members
            for leg, call in room.members.items():
                assert state.calls[call].legs[leg].hears == (
                    InRoom(name) if len(room.members) > 1 else Music()
                )
        inside = {leg for room in state.rooms.values() for leg in room.members}
        for call_ in state.calls.values():
            for leg_ in call_.legs.values():
                assert not isinstance(leg_.hears, InRoom) or leg_.id in inside

    def _waits_for(self, call: Call) -> str | None:
        node = node_of(call, self.world) if call.position is not None and not call.ended else None
        return node.department if isinstance(node, schema.Queue) else None
