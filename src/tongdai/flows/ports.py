"""What the interpreter needs of the world, read from memory and never awaited. Adapters above implement
it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import msgspec

from tongdai.calls.model import Party
from tongdai.calls.preferences import Preferences
from tongdai.calls.prompts import Prompt
from tongdai.flows.schema import Flow


class Person(msgspec.Struct, frozen=True):
    id: str
    name: str
    extension: str
    mailbox: str


class Department(msgspec.Struct, frozen=True):
    """`members` are person ids, in the order in which they are tried."""

    id: str
    name: str
    extension: str
    members: tuple[str, ...]
    mailbox: str


class RoomConfig(msgspec.Struct, frozen=True):
    id: str
    name: str
    extension: str
    pin: str
    tones: bool = True


class Message(msgspec.Struct, frozen=True):
    """`at` is wall-clock seconds, `blob` the sound."""

    id: str
    blob: str
    caller: Party
    at: float
    ms: int
    saved: bool


class MailboxView(msgspec.Struct, frozen=True):
    """A mailbox as it is now, oldest message first. `greeting` is empty until its owner (or the
    administrator) gave one.
    """

    id: str
    label: str
    greeting: Prompt
    messages: tuple[Message, ...]


class World(Protocol):
    """One tenant's configuration and presence, as of now. Every method answers from memory."""

    ring_seconds: float

    def route(self, dialled: str, by: Party) -> Flow:
        """Where a call of `by` to what was dialled goes. Never fails: what cannot be reached is a flow that
        refuses. Emergency numbers come before every other rule."""

    def route_number(self, number: str, by: Party) -> Flow:
        """Where a call from outside to one of the tenant's numbers (E.164) goes."""

    def forward(self, to: str, by: Party) -> Flow | None:
        """Where calls go that `by` wants to go on to `to`: an extension or an outside number that he may
        call. None for everything else, such as feature codes, emergency numbers and himself."""

    def voicemail(self, mailbox: str) -> Flow:
        """The flow that takes a message at once."""

    def route_menu(self, digits: str) -> Flow | None:
        """The extension that a caller in a menu may dial directly, or None."""

    def begins_extension(self, digits: str) -> bool:
        """Whether more keys after `digits` could make an extension that a caller in a menu may dial."""

    def flow(self, ref: str) -> Flow | None:
        """The flow (this very version) that a call in progress is in, or None when it is gone."""

    def person(self, person: str) -> Person | None: ...

    def department(self, department: str) -> Department | None: ...

    def room(self, room: str) -> RoomConfig | None: ...

    def mailbox(self, mailbox: str) -> MailboxView | None: ...

    def check_pin(self, mailbox: str, pin: str) -> bool: ...

    def bindings(self, person: str) -> Sequence[str]:
        """Ids of the contacts that ring for the person, none when nothing is registered."""

    def preferences(self, person: str) -> Preferences:
        """How the person's calls are treated; as nobody has changed anything, for who is not known."""

    def spelled(self, digits: str) -> Sequence[Person]:
        """People whose first or last name begins with these keys (2=abc …), accents removed, sorted by
        name.
        """
