"""Who carries out the commands of the call logic. The adapters implement these; none of them is awaited."""

from __future__ import annotations

from typing import Protocol

from tongdai.calls import commands as c
from tongdai.calls.facts import Fact
from tongdai.calls.model import Cause


class Legs(Protocol):
    """Signalling. After `hangup` nothing more is reported of a leg."""

    def create(self, tenant: str, command: c.CreateLeg) -> None: ...

    def ring(self, leg: str) -> None: ...

    def progress(self, leg: str, match: str) -> None: ...

    def answer(self, leg: str, match: str) -> None: ...

    def hears(self, leg: str, other: str) -> None:
        """`leg` hears another one, or none of them (empty)."""

    def hangup(self, leg: str, cause: Cause, reason: str = "") -> None: ...

    def transfer_progress(self, leg: str, ringing: bool) -> None: ...

    def transfer_result(self, leg: str, ok: bool, cause: Cause) -> None: ...


class Media(Protocol):
    """Sound of legs that exist, and `ended`: in which call one that is being closed did."""

    def ended(self, call: str, leg: str) -> None: ...

    def hear(self, tenant: str, command: c.Hear) -> None: ...

    def play(self, tenant: str, command: c.Play) -> None: ...

    def stop_play(self, leg: str) -> None: ...

    def record(self, tenant: str, command: c.Record) -> None: ...

    def stop_record(self, leg: str) -> None: ...

    def send_digit(self, leg: str, digit: str) -> None: ...

    def chime(self, tenant: str, room: str, joined: bool) -> None: ...

    def close_room(self, tenant: str, room: str) -> None: ...


class Mail(Protocol):
    """Mailboxes."""

    def carry_out(
        self,
        tenant: str,
        command: c.SaveMessage | c.DiscardRecording | c.MarkMessage | c.SetGreeting | c.SetPin,
    ) -> None: ...


class People(Protocol):
    """What people prefer."""

    def prefer(self, tenant: str, command: c.SetPreferences) -> None: ...


class Log(Protocol):
    """The calls' log. `append` gives every fact its number and its wall-clock time."""

    def append(self, tenant: str, call: str, fact: Fact) -> None: ...
