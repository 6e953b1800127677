"""What the simulator's world is made of: how phones behave, what a party notices of its leg, and presence and
mailboxes laid over the real configuration."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from tongdai.calls import commands as c
from tongdai.calls.model import Cause, LegState, Party, Silence, Source
from tongdai.calls.preferences import Preferences
from tongdai.calls.prompts import Beep, Chime, Clip, Prompt, Text
from tongdai.core.errors import TongdaiError
from tongdai.flows.ports import Department, MailboxView, Message, Person, RoomConfig, World
from tongdai.flows.schema import Flow


class SimulationError(TongdaiError):
    """A party was asked to do what it cannot, or the call logic commanded what makes no sense."""


class Behaviour(msgspec.Struct, frozen=True):
    """What a phone, a trunk or an outside number does when it is called; times are seconds after that."""

    rings: bool = True
    early_media: bool = False
    answers_after: float | None = None
    refuses: Cause | None = None
    refuses_after: float = 0.0


RINGS = Behaviour()
SILENT = Behaviour(rings=False)
BUSY = Behaviour(rings=False, refuses=Cause.BUSY)
UNREACHABLE = Behaviour(rings=False, refuses=Cause.UNAVAILABLE)


def answers(after: float = 0.0) -> Behaviour:
    """Rings and answers after this many seconds."""
    return Behaviour(answers_after=after)


def refuses(cause: Cause, after: float = 0.0) -> Behaviour:
    """Rings and refuses after this many seconds."""
    return Behaviour(refuses=cause, refuses_after=after)


def seconds_of(prompt: Prompt) -> float:
    """A guess at how long a prompt takes: text at fourteen letters a second, a phrase two seconds."""
    match prompt:
        case Text(text):
            return len(text) / 14
        case Beep() | Chime():
            return 0.4
        case Clip():
            return 5.0
        case _:
            return 2.0


class Recording(msgspec.Struct):
    """A recording in progress; times are the simulator's seconds."""

    command: c.Record
    started: float


class Line(msgspec.Struct):
    """What the party at the other end of a leg notices. `at` is the binding, trunk or number that it is.

    `source` is heard when nothing is played (`playing`); `heard` is everything that was begun to be played.
    `voice_until` is when the party stops speaking. `shown` is the caller that a called party sees.
    `transferring` is what it was told of a transfer on the way (ringing or not), `transfers` the outcomes.
    """

    leg: str
    call: str
    at: str
    inbound: bool
    state: LegState
    cause: Cause | None = None
    target: c.Target | None = None
    shown: Party | None = None
    source: Source = Silence()
    play: str = ""
    playing: tuple[Prompt, ...] = ()
    heard: list[Prompt] = []
    recording: Recording | None = None
    voice_until: float = 0.0
    transfers: list[c.TransferResult] = []
    transferring: list[bool] = []

    @property
    def live(self) -> bool:
        return self.state is not LegState.ENDED


class SimulatedWorld:
    """The configuration of a real world, with registrations and mailboxes of its own."""

    def __init__(self, base: World) -> None:
        self._base = base
        self.ring_seconds = base.ring_seconds
        self.registered: dict[str, str] = {}
        self.mailboxes: dict[str, MailboxView] = {}
        self.pins: dict[str, str] = {}
        self.preferred: dict[str, Preferences] = {}
        self._serial = 0

    # presence and mailboxes: simulated

    def bindings(self, person: str) -> Sequence[str]:
        return [binding for binding, owner in self.registered.items() if owner == person]

    def mailbox(self, mailbox: str) -> MailboxView | None:
        return self.mailboxes.get(mailbox) or self._base.mailbox(mailbox)

    def check_pin(self, mailbox: str, pin: str) -> bool:
        own = self.pins.get(mailbox)
        return pin == own if own is not None else self._base.check_pin(mailbox, pin)

    def save_message(self, command: c.SaveMessage, at: float) -> None:
        self._serial += 1
        message = Message(f"message{self._serial}", command.blob, command.caller, at, command.ms, saved=False)
        self._change(command.mailbox, lambda view: (*view.messages, message))

    def mark_message(self, command: c.MarkMessage) -> None:
        def marked(view: MailboxView) -> tuple[Message, ...]:
            others = [m for m in view.messages if not (command.deleted and m.id == command.message)]
            return tuple(msgspec.structs.replace(m, saved=m.saved or m.id == command.message) for m in others)

        self._change(command.mailbox, marked)

    def set_greeting(self, command: c.SetGreeting) -> None:
        view = self._view(command.mailbox)
        self.mailboxes[command.mailbox] = msgspec.structs.replace(view, greeting=Clip(command.blob))

    def preferences(self, person: str) -> Preferences:
        return self.preferred.get(person) or self._base.preferences(person)

    def set_preferences(self, command: c.SetPreferences) -> None:
        self.preferred[command.person] = command.preferences

    def set_pin(self, command: c.SetPin) -> None:
        self.pins[command.mailbox] = command.pin

    def _change(self, mailbox: str, messages: Callable[[MailboxView], tuple[Message, ...]]) -> None:
        view = self._view(mailbox)
        self.mailboxes[mailbox] = msgspec.structs.replace(view, messages=messages(view))

    def _view(self, mailbox: str) -> MailboxView:
        view = self.mailbox(mailbox)
        if view is None:
            raise SimulationError("no_mailbox", f"The mailbox {mailbox} does not exist.")
        return view

    # everything else: as configured

    def route(self, dialled: str, by: Party) -> Flow:
        return self._base.route(dialled, by)

    def route_number(self, number: str, by: Party) -> Flow:
        return self._base.route_number(number, by)

    def forward(self, to: str, by: Party) -> Flow | None:
        return self._base.forward(to, by)

    def voicemail(self, mailbox: str) -> Flow:
        return self._base.voicemail(mailbox)

    def route_menu(self, digits: str) -> Flow | None:
        return self._base.route_menu(digits)

    def begins_extension(self, digits: str) -> bool:
        return self._base.begins_extension(digits)

    def flow(self, ref: str) -> Flow | None:
        return self._base.flow(ref)

    def person(self, person: str) -> Person | None:
        return self._base.person(person)

    def department(self, department: str) -> Department | None:
        return self._base.department(department)

    def room(self, room: str) -> RoomConfig | None:
        return self._base.room(room)

    def spelled(self, digits: str) -> Sequence[Person]:
        return self._base.spelled(digits)
