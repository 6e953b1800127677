"""Who carries out what the call logic asks, and the company as the call logic knows it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from tests.sim.company import Company

from tongdai.calls import commands as c
from tongdai.calls.facts import Fact
from tongdai.calls.model import Cause, Party
from tongdai.flows.schema import Flow

BOTH = ("anphat", "binhminh")


class Staffed(Company):
    """The company, with phones registered by hand."""

    def __init__(self) -> None:
        super().__init__()
        self.registered: dict[str, tuple[str, ...]] = {}
        self.broken: set[str] = set()
        """What is dialled and makes the configuration fail."""

    def bindings(self, person: str) -> Sequence[str]:
        return self.registered.get(person, ())

    def route(self, dialled: str, by: Party) -> Flow:
        if dialled in self.broken:
            raise RuntimeError(f"{dialled} is broken")
        return super().route(dialled, by)


class Adapters:
    """Implements all that `Switch.connect` wants and writes down each call, as (method, arguments...)."""

    def __init__(self) -> None:
        self.done: list[tuple[Any, ...]] = []
        self.on: dict[str, Callable[..., None]] = {}
        """What a method does besides, by its name; a test may raise or post there."""

    def _note(self, name: str, *args: Any) -> None:
        self.done.append((name, *args))
        if name in self.on:
            self.on[name](*args)

    def names(self) -> list[str]:
        return [entry[0] for entry in self.done]

    def of(self, name: str) -> list[tuple[Any, ...]]:
        return [entry[1:] for entry in self.done if entry[0] == name]

    # legs

    def create(self, tenant: str, command: c.CreateLeg) -> None:
        self._note("create", tenant, command)

    def ring(self, leg: str) -> None:
        self._note("ring", leg)

    def progress(self, leg: str, match: str) -> None:
        self._note("progress", leg, match)

    def answer(self, leg: str, match: str) -> None:
        self._note("answer", leg, match)

    def hears(self, leg: str, other: str) -> None:
        pass

    def hangup(self, leg: str, cause: Cause, reason: str = "") -> None:
        self._note("hangup", leg, cause)

    def transfer_progress(self, leg: str, ringing: bool) -> None:
        self._note("transfer_progress", leg, ringing)

    def transfer_result(self, leg: str, ok: bool, cause: Cause) -> None:
        self._note("transfer_result", leg, ok, cause)

    # people

    def prefer(self, tenant: str, command: c.SetPreferences) -> None:
        self._note("prefer", tenant, command)

    # media

    def hear(self, tenant: str, command: c.Hear) -> None:
        self._note("hear", tenant, command)

    def play(self, tenant: str, command: c.Play) -> None:
        self._note("play", tenant, command)

    def stop_play(self, leg: str) -> None:
        self._note("stop_play", leg)

    def record(self, tenant: str, command: c.Record) -> None:
        self._note("record", tenant, command)

    def stop_record(self, leg: str) -> None:
        self._note("stop_record", leg)

    def ended(self, call: str, leg: str) -> None:
        pass

    def send_digit(self, leg: str, digit: str) -> None:
        self._note("send_digit", leg, digit)

    def chime(self, tenant: str, room: str, joined: bool) -> None:
        self._note("chime", tenant, room, joined)

    def close_room(self, tenant: str, room: str) -> None:
        self._note("close_room", tenant, room)

    # mail and log

    def carry_out(
        self,
        tenant: str,
        command: c.SaveMessage | c.DiscardRecording | c.MarkMessage | c.SetGreeting | c.SetPin,
    ) -> None:
        self._note("mail", tenant, command)

    def append(self, tenant: str, call: str, fact: Fact) -> None:
        self._note("fact", tenant, call, fact)

    def facts(self, call: str) -> list[Fact]:
        return [fact for _, of, fact in self.of("fact") if of == call]
