"""Tries flows without a network, sound or waiting: the call logic in a made-up world with a clock of its own.

The logic is the one that runs live calls (`flows.machine`); only what carries its commands out is pretended.
Nothing happens by itself: parties act through methods, and time passes in `advance`.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from typing import Any

from tongdai.calls import commands as c
from tongdai.calls import events as e
from tongdai.calls.facts import Fact
from tongdai.calls.model import Call, Cause, LegState, Party, PartyKind, Source, TenantState
from tongdai.calls.prompts import Prompt
from tongdai.calls.step import Step
from tongdai.flows import machine
from tongdai.flows.ports import World
from tongdai.flows.simulated import (
    RINGS,
    UNREACHABLE,
    Behaviour,
    Line,
    Recording,
    SimulatedWorld,
    SimulationError,
    seconds_of,
)

TICK = 0.001
"""Seconds between two events: no two things happen at the same time."""

_UNANSWERED = (LegState.OFFERED, LegState.ALERTING)


class Simulator:
    """One tenant's calls in a simulated world. Times are seconds from 0."""

    def __init__(
        self, world: World, *, tenant: str = "simulated", duration: Callable[[Prompt], float] = seconds_of
    ) -> None:
        """`world` gives the configuration; registrations and changes of mailboxes are the simulator's own."""
        self.world = SimulatedWorld(world)
        self.state = TenantState(tenant)
        self.now = 0.0
        self.lines: dict[str, Line] = {}
        self.log: dict[str, list[Fact]] = {}
        self.commands: list[c.Command] = []
        self.behaviours: dict[str, Behaviour] = {}
        self._duration = duration
        self._agenda: list[tuple[float, int, Callable[[], None]]] = []
        self._serial = 0
        self._carry: dict[type, Callable[[Any], None]] = {
            c.CreateLeg: self._create,
            c.Ring: self._ring,
            c.Progress: self._ring,
            c.Answer: self._answer,
            c.Hangup: self._hung_up,
            c.Hear: self._hear,
            c.Play: self._play,
            c.StopPlay: self._stop_play,
            c.Record: self._record,
            c.StopRecord: lambda x: self._recorded(self._live(x.leg), "stopped"),
            c.SetTimer: self._set_timer,
            c.TransferProgress: self._transferring,
            c.TransferResult: lambda x: self._live(x.leg).transfers.append(x),
            c.SendDigit: lambda x: None,
            c.RoomChime: lambda x: None,
            c.CloseRoom: lambda x: None,
            c.SaveMessage: lambda x: self.world.save_message(x, self.now),
            c.DiscardRecording: lambda x: None,
            c.MarkMessage: self.world.mark_message,
            c.SetGreeting: self.world.set_greeting,
            c.SetPin: self.world.set_pin,
            c.SetPreferences: self.world.set_preferences,
            c.Note: lambda x: self.log.setdefault(x.call, []).append(x.fact),
        }

    # time

    def advance(self, seconds: float) -> None:
        """Let time pass; everything that is due in it happens, in order."""
        until = self.now + seconds
        while self._agenda and self._agenda[0][0] <= until:
            at, _, happen = heapq.heappop(self._agenda)
            self.now = max(self.now, at)
            happen()
        self.now = max(self.now, until)

    def deadline(self) -> float | None:
        """When something happens by itself next, None when nothing is due."""
        return self._agenda[0][0] if self._agenda else None

    def apply(self, event: e.Event) -> Step:
        """Give one event to the call logic and carry out what it commands."""
        self.now += TICK
        step = machine.apply(self.state, event, self.now, self.world)
        for command in step.commands:
            self.commands.append(command)
            self._carry[type(command)](command)
        return step

    def _later(self, seconds: float, happen: Callable[[], None]) -> None:
        self._serial += 1
        heapq.heappush(self._agenda, (self.now + seconds, self._serial, happen))

    def _now(self, event: e.Event) -> None:
        """An event, and everything that follows from it without time passing."""
        self.apply(event)
        self.advance(0)

    # presence

    def register(self, person: str, binding: str, behaviour: Behaviour = RINGS) -> None:
        """A phone of a person registers, and behaves so when it is called."""
        if self.world.person(person) is None:
            raise SimulationError("no_person", f"There is no person {person}.")
        self.world.registered[binding] = person
        self.behaviours[binding] = behaviour
        self._now(e.PersonReachable(person))

    def unregister(self, binding: str) -> None:
        self.world.registered.pop(binding, None)

    # what parties do; each names its leg

    def call(self, caller: str | Party, dialled: str, *, replaces: str = "", **came: Any) -> str:
        """A call by a registered phone (its binding) or from the outside (a party, or a number as `+84…`).
        `came` are further fields of `LegOffered`.

        Returns the caller's leg.
        """
        self._serial += 1
        leg, call = f"leg{self._serial}", f"call{self._serial}"
        party, at = self._party(caller)
        self.lines[leg] = Line(leg, call, at, inbound=True, state=LegState.OFFERED)
        self._now(e.LegOffered(call, leg, party, dialled, replaces, **came))
        return leg

    def _party(self, caller: str | Party) -> tuple[Party, str]:
        if isinstance(caller, Party):
            return caller, caller.device or caller.number
        person = self.world.person(self.world.registered.get(caller, ""))
        if person is not None:
            return Party(PartyKind.PERSON, person.extension, person.name, person.id, caller), caller
        if caller.startswith("+"):
            return Party(PartyKind.OUTSIDE, caller), caller
        raise SimulationError("not_registered", f"No phone is registered as {caller}.", "Register it first.")

    def press(self, leg: str, digits: str, *, signalled: bool = False) -> None:
        for digit in digits:
            line = self._live(leg)
            self._now(e.LegDigit(leg, digit, signalled))
            if signalled:
                continue
            if line.recording is not None and digit in line.recording.command.stop_digits:
                self._recorded(line, "digit")
                self.advance(0)

    def speak(self, leg: str, seconds: float) -> None:
        """Speak for so long from now on; who is recorded is not silent meanwhile."""
        self._live(leg).voice_until = self.now + seconds

    def hangup(self, leg: str, cause: Cause | None = None, why: str = "", reason: str = "") -> None:
        """End or refuse a leg. The cause fits what the leg is doing unless it is given; `why` is what became
        of its sound, `reason` what the other side says of it."""
        line = self._live(leg)
        if cause is None:
            cause = {LegState.ANSWERED: Cause.NORMAL, LegState.RINGING: Cause.DECLINED}.get(
                line.state, Cause.CANCELLED if line.inbound else Cause.UNAVAILABLE
            )
        self._gone(line, cause)
        self._now(e.LegEnded(leg, cause, why, reason))

    def hold(self, leg: str) -> None:
        self._live(leg)
        self._now(e.LegHeld(leg))

    def resume(self, leg: str) -> None:
        self._live(leg)
        self._now(e.LegResumed(leg))

    def ring(self, leg: str) -> None:
        """A called phone or outside number begins to ring."""
        self._called(leg).state = LegState.RINGING
        self._now(e.LegRinging(leg))

    def early_media(self, leg: str) -> None:
        """A called outside number already sends sound."""
        self._called(leg).state = LegState.RINGING
        self._now(e.LegProgress(leg))

    def answer(self, leg: str) -> None:
        """A called phone or outside number answers."""
        self._called(leg).state = LegState.ANSWERED
        self._now(e.LegAnswered(leg))

    def _transferring(self, x: c.TransferProgress) -> None:
        self._live(x.leg).transferring.append(x.ringing)

    def refer(self, leg: str, to: str = "", *, replaces: str = "") -> c.TransferResult:
        """Transfer whom this leg talks to; `replaces` is the phone's other leg (attended). It is well so far
        while the outcome is open (`Line.transferring`)."""
        line = self._live(leg)
        outcomes, told = len(line.transfers), len(line.transferring)
        self._now(e.TransferRequested(leg, to, replaces))
        if len(line.transfers) > outcomes:
            return line.transfers[-1]
        if len(line.transferring) > told:
            return c.TransferResult(leg, ok=True)
        raise SimulationError("no_answer", f"The transfer by {leg} was never answered.")

    def end_all(self, cause: Cause = Cause.SHUTDOWN) -> None:
        """End every call, as a process that shuts down does."""
        for call in list(self.state.calls):
            self._now(e.HangupRequested(call, cause))

    # looking

    def call_of(self, leg: str) -> Call:
        """The live call of a leg."""
        call = self.state.call_of(leg)
        if call is None:
            raise SimulationError("no_call", f"The leg {leg} is in no call.")
        return call

    def facts(self, leg: str) -> list[Fact]:
        """The log of the call that this leg began in, so far."""
        return self.log[self.lines[leg].call]

    def hears(self, leg: str) -> tuple[Prompt, ...] | Source:
        """What this leg hears now: what is being played, else its source."""
        line = self.lines[leg]
        return line.playing or line.source

    def legs_at(self, at: str) -> list[str]:
        """The live legs of a phone (binding), trunk or outside number."""
        return [line.leg for line in self.lines.values() if line.at == at and line.live]

    def _live(self, leg: str) -> Line:
        line = self.lines.get(leg)
        if line is None or not line.live:
            raise SimulationError("no_leg", f"The leg {leg} is over or never was.")
        return line

    def _called(self, leg: str) -> Line:
        line = self._live(leg)
        if line.state not in (LegState.CALLING, LegState.RINGING):
            raise SimulationError("not_called", f"The leg {leg} is not being called.")
        return line

    # carrying out commands

    def _create(self, x: c.CreateLeg) -> None:
        at, behaviour = self._reached(x.target)
        self.lines[x.leg] = line = Line(
            x.leg, x.call, at, inbound=False, state=LegState.CALLING, target=x.target, shown=x.caller
        )

        def if_called(act: Callable[[], None]) -> Callable[[], None]:
            return lambda: act() if line.state in (LegState.CALLING, LegState.RINGING) else None

        if behaviour.early_media:
            self._later(0, if_called(lambda: self.early_media(x.leg)))
        elif behaviour.rings:
            self._later(0, if_called(lambda: self.ring(x.leg)))
        if behaviour.answers_after is not None:
            self._later(behaviour.answers_after, if_called(lambda: self.answer(x.leg)))
        if behaviour.refuses is not None:
            self._later(behaviour.refuses_after, if_called(lambda: self.hangup(x.leg, behaviour.refuses)))

    def _reached(self, target: c.Target) -> tuple[str, Behaviour]:
        """Who is called, and what they do; a trunk's own behaviour comes before the number's."""
        if isinstance(target, c.DeviceTarget):
            known = target.binding in self.world.registered
            return target.binding, self.behaviours.get(target.binding, RINGS) if known else UNREACHABLE
        own = self.behaviours.get(target.trunk) if isinstance(target, c.TrunkTarget) else None
        return target.number, own or self.behaviours.get(target.number, RINGS)

    def _ring(self, x: c.Ring | c.Progress) -> None:
        self._unanswered(x.leg).state = LegState.ALERTING

    def _answer(self, x: c.Answer) -> None:
        self._unanswered(x.leg).state = LegState.ANSWERED

    def _unanswered(self, leg: str) -> Line:
        line = self._live(leg)
        if line.state not in _UNANSWERED:
            raise SimulationError("not_offered", f"The leg {leg} waits for no answer.")
        return line

    def _hung_up(self, x: c.Hangup) -> None:
        self._gone(self._live(x.leg), x.cause)

    def _gone(self, line: Line, cause: Cause) -> None:
        line.state, line.cause = LegState.ENDED, cause
        line.play, line.playing = "", ()
        if line.recording is not None:
            self._recorded(line, "closed")

    def _hear(self, x: c.Hear) -> None:
        self._live(x.leg).source = x.source

    def _play(self, x: c.Play) -> None:
        line = self._answered(x.leg)
        line.play, line.playing = x.play, x.prompts
        line.heard.extend(x.prompts)

        def done() -> None:
            if line.play == x.play:
                line.play, line.playing = "", ()
                self._now(e.PlayDone(x.leg, x.play))

        self._later(sum(map(self._duration, x.prompts)), done)

    def _stop_play(self, x: c.StopPlay) -> None:
        line = self._live(x.leg)
        line.play, line.playing = "", ()

    def _answered(self, leg: str) -> Line:
        line = self._live(leg)
        if line.state is not LegState.ANSWERED:
            raise SimulationError("not_answered", f"The leg {leg} was not answered yet.")
        return line

    def _record(self, x: c.Record) -> None:
        line = self._answered(x.leg)
        line.recording = recording = Recording(x, self.now)
        self._watch(line, recording)

    def _watch(self, line: Line, recording: Recording) -> None:
        """End the recording when its time has come, or look again then."""
        if line.recording is not recording:
            return
        limit = recording.started + recording.command.max_ms / 1000
        silent = max(recording.started, line.voice_until) + recording.command.silence_ms / 1000
        if self.now >= min(limit, silent):
            self._recorded(line, "limit" if limit <= silent else "silence")
        else:
            self._later(min(limit, silent) - self.now, lambda: self._watch(line, recording))

    def _recorded(self, line: Line, reason: str) -> None:
        recording, line.recording = line.recording, None
        if recording is None:
            return
        length = self.now - recording.started
        voiced = min(max(line.voice_until - recording.started, 0.0), length)
        record = recording.command.record
        event = e.RecordDone(
            line.leg, record, f"blob/{record}", round(length * 1000), round(voiced * 1000), reason
        )
        self._later(0, lambda: self._now(event))

    def _set_timer(self, x: c.SetTimer) -> None:
        self._later(x.at - self.now, lambda: self._now(e.TimerFired(x.call, x.timer, x.at)))
