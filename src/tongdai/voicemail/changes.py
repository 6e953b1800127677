"""What may change in a mailbox. A change is journaled, applied in memory, stored, and then forgotten; each
may be applied and stored twice without harm."""

from __future__ import annotations

import msgspec

from tongdai.calls.model import Party


class MessageSaved(msgspec.Struct, frozen=True, tag=True):
    """A new message. `at` is wall-clock seconds, `ms` its length."""

    tenant: str
    mailbox: str
    message: str
    blob: str
    caller: Party
    at: float
    ms: int
    call: str


class MessageKept(msgspec.Struct, frozen=True, tag=True):
    """A message was heard and stays."""

    tenant: str
    mailbox: str
    message: str


class MessageDeleted(msgspec.Struct, frozen=True, tag=True):
    """A message and its sound go."""

    tenant: str
    mailbox: str
    message: str
    blob: str


class GreetingSet(msgspec.Struct, frozen=True, tag=True):
    """A greeting was recorded; the one before it goes."""

    tenant: str
    mailbox: str
    blob: str
    replaced: str


class PinSet(msgspec.Struct, frozen=True, tag=True):
    tenant: str
    mailbox: str
    pin_hash: str


class RecordingDiscarded(msgspec.Struct, frozen=True, tag=True):
    """A recording that nobody wants."""

    tenant: str
    blob: str


Change = MessageSaved | MessageKept | MessageDeleted | GreetingSet | PinSet | RecordingDiscarded

encode = msgspec.msgpack.Encoder().encode
decode = msgspec.msgpack.Decoder(Change).decode
