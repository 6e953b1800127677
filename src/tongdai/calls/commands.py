"""What call logic asks of the world. Adapters carry commands out in order and never answer except by
events.
"""

from __future__ import annotations

import msgspec

from tongdai.calls.facts import Fact
from tongdai.calls.model import Cause, Diversion, Party, Source
from tongdai.calls.preferences import Preferences
from tongdai.calls.prompts import Prompt


class DeviceTarget(msgspec.Struct, frozen=True, tag="device"):
    """One registered contact of a person's device."""

    binding: str


class TrunkTarget(msgspec.Struct, frozen=True, tag="trunk"):
    """An outside number (E.164, or an emergency number as dialled) through a trunk. `again`: another trunk
    did not do."""

    trunk: str
    number: str
    emergency: bool = False
    again: bool = False


class HostedTarget(msgspec.Struct, frozen=True, tag="hosted"):
    """A number that is hosted here: reached without a trunk, as an outside call."""

    number: str


Target = DeviceTarget | TrunkTarget | HostedTarget


class CreateLeg(msgspec.Struct, frozen=True, tag=True):
    """Call somebody. `caller` is what the called side is shown; `match` names the leg whose codec to
    prefer. `behind` is who called from outside, when the call goes out again in another's name;
    `transferred_by` who sent the call there. `diversions`, `hops` and `max_forwards` as in `model.Call`.
    """

    call: str
    leg: str
    target: Target
    caller: Party
    match: str = ""
    behind: Party | None = None
    transferred_by: Party | None = None
    diversions: tuple[Diversion, ...] = ()
    hops: int = 0
    max_forwards: int = 69
    answers: bool = False
    """Its phone shall answer by itself."""


class Ring(msgspec.Struct, frozen=True, tag=True):
    leg: str


class Progress(msgspec.Struct, frozen=True, tag=True):
    """Send early media to an inbound leg (183 with SDP)."""

    leg: str
    match: str = ""


class Answer(msgspec.Struct, frozen=True, tag=True):
    leg: str
    match: str = ""


class Hangup(msgspec.Struct, frozen=True, tag=True):
    """End or refuse a leg, in whatever state it is. Nothing more is reported of it, except `RecordDone`."""

    leg: str
    cause: Cause = Cause.NORMAL
    reason: str = ""
    """What another leg gave as its reason, as in a Reason header (RFC 3326)."""


class Hear(msgspec.Struct, frozen=True, tag=True):
    leg: str
    source: Source


class Play(msgspec.Struct, frozen=True, tag=True):
    leg: str
    play: str
    prompts: tuple[Prompt, ...]


class StopPlay(msgspec.Struct, frozen=True, tag=True):
    leg: str


STOP_DIGITS = "#"


class Record(msgspec.Struct, frozen=True, tag=True):
    """`silence_ms` of silence, `max_ms`, or a digit of `stop_digits` end it."""

    leg: str
    record: str
    max_ms: int
    silence_ms: int
    stop_digits: str = STOP_DIGITS


class StopRecord(msgspec.Struct, frozen=True, tag=True):
    leg: str


class SetTimer(msgspec.Struct, frozen=True, tag=True):
    call: str
    timer: str
    at: float


class TransferProgress(msgspec.Struct, frozen=True, tag=True):
    """The transfer that was requested is under way, or (`ringing`) the target rings; its result follows."""

    leg: str
    ringing: bool = False


class TransferResult(msgspec.Struct, frozen=True, tag=True):
    """What became of `TransferRequested`. On success the leg is hung up afterwards by a `Hangup` of its own;
    on failure its conversation goes on."""

    leg: str
    ok: bool
    cause: Cause = Cause.NORMAL


class SendDigit(msgspec.Struct, frozen=True, tag=True):
    """The leg's phone hears this key being pressed."""

    leg: str
    digit: str


class RoomChime(msgspec.Struct, frozen=True, tag=True):
    """Everybody in the room hears that somebody came or left."""

    room: str
    joined: bool


class CloseRoom(msgspec.Struct, frozen=True, tag=True):
    room: str


class SaveMessage(msgspec.Struct, frozen=True, tag=True):
    """A voicemail message for a mailbox; the blob is kept under it."""

    mailbox: str
    blob: str
    caller: Party
    ms: int
    call: str


class DiscardRecording(msgspec.Struct, frozen=True, tag=True):
    blob: str


class MarkMessage(msgspec.Struct, frozen=True, tag=True):
    """`saved`: the message was heard and kept; `deleted`: it goes."""

    mailbox: str
    message: str
    deleted: bool = False


class SetGreeting(msgspec.Struct, frozen=True, tag=True):
    mailbox: str
    blob: str


class SetPin(msgspec.Struct, frozen=True, tag=True):
    mailbox: str
    pin: str


class SetPreferences(msgspec.Struct, frozen=True, tag=True):
    """A person's calls are treated so from now on."""

    person: str
    preferences: Preferences


class Note(msgspec.Struct, frozen=True, tag=True):
    """A fact for the call's log."""

    call: str
    fact: Fact


Command = (
    CreateLeg
    | Ring
    | Progress
    | Answer
    | Hangup
    | Hear
    | Play
    | StopPlay
    | Record
    | StopRecord
    | SetTimer
    | TransferProgress
    | TransferResult
    | SendDigit
    | RoomChime
    | CloseRoom
    | SaveMessage
    | DiscardRecording
    | MarkMessage
    | SetGreeting
    | SetPin
    | SetPreferences
    | Note
)
