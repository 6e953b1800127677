"""What is written in a call's log. The CDR, `explain` and every later view derive from these and nothing
else.

Facts are in no language: where one says `why`, that is a word of ours and what it is about behind a blank
(`silent 3.5`), or what somebody else said, as it is (`calllog.phrases`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from operator import attrgetter

import msgspec

from tongdai.calls.model import Cause, DiversionReason, Party


class CallStarted(msgspec.Struct, frozen=True, tag=True):
    """The first fact of every call."""

    leg: str
    party: Party
    dialled: str


class FlowEntered(msgspec.Struct, frozen=True, tag=True):
    """The call reached a destination. `kind`: person, department, switchboard, queue, directory, room,
    mailbox, echo, park, outside, emergency, hosted, refused …; `label` is what people call it."""

    kind: str
    label: str


class LegCreated(msgspec.Struct, frozen=True, tag=True):
    leg: str
    party: Party
    purpose: str


class LegRang(msgspec.Struct, frozen=True, tag=True):
    leg: str


class Rerouted(msgspec.Struct, frozen=True, tag=True):
    """The carrier `via` did not do, for this reason; the next way is tried."""

    leg: str
    via: str
    why: str


class Carried(msgspec.Struct, frozen=True, tag=True):
    """Which carrier took the call in the end."""

    leg: str
    via: str


class LegAnsweredFact(msgspec.Struct, frozen=True, tag="LegAnswered"):
    leg: str


class LegEndedFact(msgspec.Struct, frozen=True, tag="LegEnded"):
    """`by_us` tells who ended it; `reason` is what they gave as theirs (RFC 3326)."""

    leg: str
    cause: Cause
    by_us: bool
    reason: str = ""


class Connected(msgspec.Struct, frozen=True, tag=True):
    leg: str
    to: str


class Held(msgspec.Struct, frozen=True, tag=True):
    leg: str


class Resumed(msgspec.Struct, frozen=True, tag=True):
    leg: str


class Pressed(msgspec.Struct, frozen=True, tag=True):
    """Keys that decided something, and what they meant in one word. PINs are never written: `digits` is empty
    for them."""

    leg: str
    digits: str
    meaning: str


class Waiting(msgspec.Struct, frozen=True, tag=True):
    department: str
    position: int


class MessageLeft(msgspec.Struct, frozen=True, tag=True):
    mailbox: str
    label: str
    ms: int


class Transferred(msgspec.Struct, frozen=True, tag=True):
    by: str
    to: str
    attended: bool


class GivenBack(msgspec.Struct, frozen=True, tag=True):
    """A transfer came to nobody, so who had asked for it gets the call back."""

    to: Party
    cause: Cause


class Parked(msgspec.Struct, frozen=True, tag=True):
    slot: str


class Retrieved(msgspec.Struct, frozen=True, tag=True):
    slot: str
    by: Party


class PickedUp(msgspec.Struct, frozen=True, tag=True):
    """`by` answered the call that rang at `at`."""

    at: Party
    by: Party


class PassedBy(msgspec.Struct, frozen=True, tag=True):
    """This person's phones did not ring. `why`: `dnd` (he does not want to be disturbed) or `engaged` (he is
    in a call, and takes one at a time)."""

    party: Party
    why: str


class Forwarded(msgspec.Struct, frozen=True, tag=True):
    """`by` had the call go on to `to`; somebody outside, before it came here."""

    by: Party
    to: str
    reason: DiversionReason


class NotForwarded(msgspec.Struct, frozen=True, tag=True):
    """`by` would have it so, but it could not be."""

    by: Party
    to: str
    why: str


class Preferred(msgspec.Struct, frozen=True, tag=True):
    """`by` changed at his phone how his calls are treated: `what` is a preference with `.on` or `.off`."""

    by: Party
    what: str
    number: str = ""


class RoomJoined(msgspec.Struct, frozen=True, tag=True):
    room: str
    label: str
    members: int


class Merged(msgspec.Struct, frozen=True, tag=True):
    """This call went on as part of `into`; its CDR says so."""

    into: str


class Refused(msgspec.Struct, frozen=True, tag=True):
    why: str


class Trouble(msgspec.Struct, frozen=True, tag=True):
    """Something failed on our side; `what` is for the provider."""

    what: str


class Unheard(msgspec.Struct, frozen=True, tag=True):
    """In a conversation the leg could not be heard for so long: `lack` says whether its phone sent nothing
    (`packets`), or nothing but silence from its first to its last moment (`sound`)."""

    leg: str
    lack: str
    ms: int


class FellSilent(msgspec.Struct, frozen=True, tag=True):
    """In a conversation the leg is not heard now, for five seconds or more: see `Unheard`, which says
    afterwards for how long. `Heard` follows when it is."""

    leg: str
    lack: str


class Heard(msgspec.Struct, frozen=True, tag=True):
    """A leg that fell silent is heard."""

    leg: str


class SoundLost(msgspec.Struct, frozen=True, tag=True):
    """There can be no sound with the leg any more, so it ends: `why` is for the provider."""

    leg: str
    why: str


class LegMeasured(msgspec.Struct, frozen=True, tag=True, omit_defaults=True):
    """How good the sound of an ended leg was. It may come after `CallEnded`, as nothing else does. `mos` (1
    to 4.5) is how well it was heard, `heard_mos` how well it heard, by its own reports (RTCP); `lost` is the
    share (0 to 1) of its packets that never came, `heard_lost` of those sent to it; `concealed` that of its
    sound, as far as it was decoded here, for which something had to stand in. What was never measured is
    None."""

    leg: str
    mos: float | None = None
    heard_mos: float | None = None
    lost: float = 0.0
    jitter_ms: float = 0.0
    round_trip_ms: float | None = None
    concealed: float | None = None
    heard_lost: float | None = None
    heard_jitter_ms: float | None = None


class CallEnded(msgspec.Struct, frozen=True, tag=True):
    """The last fact of every call, but for `LegMeasured`."""

    cause: Cause
    by: str


Fact = (
    CallStarted
    | FlowEntered
    | LegCreated
    | LegRang
    | Rerouted
    | Carried
    | LegAnsweredFact
    | LegEndedFact
    | Connected
    | Held
    | Resumed
    | Pressed
    | Waiting
    | MessageLeft
    | Transferred
    | GivenBack
    | Parked
    | Retrieved
    | PickedUp
    | PassedBy
    | Forwarded
    | NotForwarded
    | Preferred
    | RoomJoined
    | Merged
    | Refused
    | Trouble
    | Unheard
    | FellSilent
    | Heard
    | SoundLost
    | LegMeasured
    | CallEnded
)


class LoggedFact(msgspec.Struct, frozen=True):
    """A fact as it is kept: `seq` counts from 1 within the call, `at` is wall-clock seconds since 1970."""

    call: str
    tenant: str
    seq: int
    at: float
    fact: Fact


_PERSON: dict[type[Fact], Callable[[Fact], str]] = {
    CallStarted: attrgetter("party.person"),
    LegCreated: attrgetter("party.person"),
    Retrieved: attrgetter("by.person"),
    PickedUp: attrgetter("by.person"),
}
"""Who takes part in a call by what such a fact says."""


def people_of(facts: Iterable[LoggedFact]) -> frozenset[str]:
    """Who of the company has taken part in a call, by id: they may read what became of it."""
    found = {_PERSON[type(x.fact)](x.fact) for x in facts if type(x.fact) in _PERSON}
    return frozenset(found - {""})
