"""The loop around the call logic: one event at a time and per tenant, commands to the adapters, state to the
journal.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable, Container, Mapping
from typing import Any

import msgspec

from tongdai.calls import commands as c
from tongdai.calls import events as e
from tongdai.calls.facts import LegEndedFact
from tongdai.calls.model import Call, Cause, Hears, Lockout, TenantState
from tongdai.calls.step import await_recording
from tongdai.core.log import get_logger, log_context
from tongdai.core.memory import end_without_memory
from tongdai.core.tenancy import TenantId
from tongdai.flows import machine
from tongdai.flows.ports import World
from tongdai.journal.port import Journal
from tongdai.journal.reading import decoded
from tongdai.switch.ports import Legs, Log, Mail, Media, People

log = get_logger(__name__)

_CALL = "call/"
_LOCKOUTS = "lockouts/"
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Call).decode
_decode_lockouts = msgspec.msgpack.Decoder(dict[str, Lockout]).decode


class Switch:
    """Holds the live state of every tenant of this node. Not thread-safe; everything happens on the
    signalling loop.
    """

    def __init__(
        self,
        worlds: Mapping[str, World],
        *,
        clock: Callable[[], float],
        journal: Journal,
        on_change: Callable[[str], None],
    ) -> None:
        """`worlds` may be changed by its owner: each event meets its tenant's present one. `clock` gives
        monotonic seconds. `on_change(tenant)` is called when calls of a tenant changed: there is something to
        journal and perhaps a new timer, so the owner schedules `journal` and looks at `deadline`."""
        self._worlds = worlds
        self._clock = clock
        self._journal = journal
        self._on_change = on_change
        self._states = {tenant: TenantState(tenant) for tenant in worlds}
        self._queue: deque[tuple[str, e.Event]] = deque()
        self._running = False
        self._timers: list[tuple[float, str, str, str]] = []
        self._dirty: dict[tuple[str, str], None] = {}
        self._carry: dict[type, Callable[[str, Any], None]] = {}

    def connect(self, legs: Legs, media: Media, mail: Mail, people: People, call_log: Log) -> None:
        """Say who carries out commands; once, before the first event."""
        self._carry = {
            c.CreateLeg: legs.create,
            c.Ring: lambda tenant, x: legs.ring(x.leg),
            c.Progress: lambda tenant, x: legs.progress(x.leg, x.match),
            c.Answer: lambda tenant, x: legs.answer(x.leg, x.match),
            c.Hangup: lambda tenant, x: legs.hangup(x.leg, x.cause, x.reason),
            c.TransferProgress: lambda tenant, x: legs.transfer_progress(x.leg, x.ringing),
            c.TransferResult: lambda tenant, x: legs.transfer_result(x.leg, x.ok, x.cause),
            c.Hear: self._hear,
            c.Play: media.play,
            c.StopPlay: lambda tenant, x: media.stop_play(x.leg),
            c.Record: media.record,
            c.StopRecord: lambda tenant, x: media.stop_record(x.leg),
            c.SendDigit: lambda tenant, x: media.send_digit(x.leg, x.digit),
            c.RoomChime: lambda tenant, x: media.chime(tenant, x.room, x.joined),
            c.CloseRoom: lambda tenant, x: media.close_room(tenant, x.room),
            c.SaveMessage: mail.carry_out,
            c.DiscardRecording: mail.carry_out,
            c.MarkMessage: mail.carry_out,
            c.SetGreeting: mail.carry_out,
            c.SetPin: mail.carry_out,
            c.SetPreferences: people.prefer,
            c.SetTimer: self._set_timer,
            c.Note: self._note,
        }
        self._media, self._legs, self._log = media, legs, call_log

    def _hear(self, tenant: str, command: c.Hear) -> None:
        self._media.hear(tenant, command)
        self._legs.hears(command.leg, command.source.leg if isinstance(command.source, Hears) else "")

    def _note(self, tenant: str, command: c.Note) -> None:
        self._log.append(tenant, command.call, command.fact)
        if isinstance(command.fact, LegEndedFact):
            self._media.ended(command.call, command.fact.leg)

    # events

    def post(self, tenant: str, event: e.Event) -> None:
        """Apply an event now, or after the one that is being applied."""
        self._queue.append((tenant, event))
        if self._running:
            return
        self._running = True
        try:
            while self._queue:
                self._apply(*self._queue.popleft())
        finally:
            self._running = False

    def _apply(self, tenant: str, event: e.Event) -> None:
        state = self._states.get(tenant)
        if state is None and tenant in self._worlds:  # it came while we run
            state = self._states[tenant] = TenantState(tenant)
        if state is None:  # what a former process knew of a tenant that is gone
            log.error("an event of an unknown tenant", tenant=tenant, call_event=type(event).__name__)
            return
        with log_context(tenant=TenantId(tenant)):
            try:
                step = machine.apply(state, event, self._clock(), self._worlds[tenant])
            except Exception as error:
                end_without_memory(error)
                log.exception("the call logic failed", call_event=type(event).__name__)
                self._rescue(tenant, event)
                return
            for call in step.touched:
                self._dirty[tenant, call] = None
            for command in step.commands:
                try:
                    self._carry[type(command)](tenant, command)
                except Exception as error:
                    end_without_memory(error)
                    log.exception("a command failed", command=type(command).__name__)
        if step.touched:
            self._on_change(tenant)

    def _rescue(self, tenant: str, event: e.Event) -> None:
        """The logic broke in the middle of a call: that call ends, the others go on."""
        leg = getattr(event, "leg", "")
        state = self._states[tenant]
        call = state.calls.get(state.by_leg.get(leg, getattr(event, "call", "")))
        if call is not None and not isinstance(event, e.HangupRequested):
            call.position = None
            self._queue.append((tenant, e.HangupRequested(call.id, Cause.FAILED)))

    # time

    def _set_timer(self, tenant: str, command: c.SetTimer) -> None:
        heapq.heappush(self._timers, (command.at, tenant, command.call, command.timer))

    def deadline(self) -> float | None:
        """When `on_timers` is wanted, in the clock's seconds."""
        return self._timers[0][0] if self._timers else None

    def on_timers(self, now: float) -> None:
        """Fire what is due. A timer that its call has forgotten means nothing to the logic."""
        while self._timers and self._timers[0][0] <= now:
            at, tenant, call, timer = heapq.heappop(self._timers)
            live = self._states[tenant].calls.get(call)
            if live is not None and live.timers.get(timer) == at:
                self.post(tenant, e.TimerFired(call, timer, at))

    # the journal

    def journal(self) -> None:
        """Write what changed since the last time; the caller commits."""
        for tenant, call_id in self._dirty:
            call = self._states[tenant].calls.get(call_id)
            key = f"{_CALL}{tenant}/{call_id}"
            if call is None:
                self._journal.delete(key)
            else:
                self._journal.put(key, _encode(call))
        for tenant in {tenant for tenant, _ in self._dirty}:
            self._journal_lockouts(tenant)
        self._dirty.clear()

    def _journal_lockouts(self, tenant: str) -> None:
        """Who guesses PINs gains nothing by a restart."""
        lockouts = self._states[tenant].lockouts
        if lockouts:
            self._journal.put(_LOCKOUTS + tenant, _encode(lockouts))
        else:
            self._journal.delete(_LOCKOUTS + tenant)

    def restore(self, entries: Mapping[str, bytes], *, same_boot: bool = False) -> dict[str, list[str]]:
        """Take over the calls of a process that is gone; before the first event. `same_boot`: it ran since
        the machine's last start, so its monotonic times are ours. Returns their legs by tenant.
        """
        self._restore_lockouts(entries, same_boot)
        for key, call in decoded(self._journal, entries, _CALL, _decode):
            state = self._states.get(call.tenant)
            if state is None:
                self._journal.delete(key)
                continue
            state.calls[call.id] = call
            if call.ended:  # the time in which nobody was there to be told does not count
                await_recording(call, self._clock())
        legs: dict[str, list[str]] = {}
        for tenant, state in self._states.items():
            if state.calls:
                for call_id, timer, at in machine.restore(state, self._worlds[tenant]):
                    heapq.heappush(self._timers, (at, tenant, call_id, timer))
                legs[tenant] = list(state.by_leg)
        return legs

    def _restore_lockouts(self, entries: Mapping[str, bytes], same_boot: bool) -> None:
        for tenant, state in self._states.items():
            value = entries.get(_LOCKOUTS + tenant)
            if value is None:
                continue
            try:
                lockouts = _decode_lockouts(value)
            except msgspec.DecodeError as error:
                log.error("journaled lockouts cannot be read; dropped", tenant=tenant, error=str(error))
                continue
            if not same_boot:  # how long they last is known by a clock that is gone
                lockouts = {name: Lockout(lockout.failures) for name, lockout in lockouts.items()}
            state.lockouts = lockouts

    # looking

    def calls(self) -> list[Call]:
        """Every call in progress."""
        return [call for state in self._states.values() for call in state.calls.values()]

    def state(self, tenant: str) -> TenantState:
        """The live state of a tenant, to look at."""
        return self._states.get(tenant) or TenantState(tenant)

    def end_all(self, cause: Cause, tenants: Container[str] | None = None) -> None:
        """End every call (shutting down), or those of tenants that are gone."""
        for call in self.calls():
            if tenants is None or call.tenant in tenants:
                self.post(call.tenant, e.HangupRequested(call.id, cause))
