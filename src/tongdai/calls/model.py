"""The live state of one tenant: calls, their legs, and what spans calls (parking, rooms, queues).

All of it serialises with msgspec; the journal stores it and a process that takes over continues from it.
Times are monotonic seconds.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from tongdai.calls.prompts import Prompt


class LegState(StrEnum):
    """See `calls.legs` for the table of transitions."""

    OFFERED = "offered"  # it called us; nothing was answered yet
    ALERTING = "alerting"  # it called us; it was told that somebody rings
    CALLING = "calling"  # we call it; nothing came back yet
    RINGING = "ringing"  # we call it; it rings
    ANSWERED = "answered"
    ENDED = "ended"


class Cause(StrEnum):
    """Why a leg ended, independent of SIP (the adapters map both ways)."""

    NORMAL = "normal"
    CANCELLED = "cancelled"
    ELSEWHERE = "elsewhere"  # another device answered
    BUSY = "busy"
    DECLINED = "declined"
    NO_ANSWER = "no_answer"
    UNAVAILABLE = "unavailable"  # not registered, unreachable
    NOT_FOUND = "not_found"
    FORBIDDEN = "forbidden"
    CONGESTION = "congestion"  # no ports, overload, carrier full
    LIMITED = "limited"  # every line that may be used is in use
    NOT_ACCEPTABLE = "not_acceptable"  # no common codec
    FAILED = "failed"
    SHUTDOWN = "shutdown"


class PartyKind(StrEnum):
    PERSON = "person"
    OUTSIDE = "outside"


class Party(msgspec.Struct, frozen=True, omit_defaults=True):
    """Who is at the other end of a leg. `number` is an extension for a person, E.164 for the outside."""

    kind: PartyKind
    number: str
    name: str = ""
    person: str = ""
    device: str = ""
    private: bool = False
    """Whom they call shall not see who they are (RFC 3323); the call log does, and a carrier in
    confidence."""

    @property
    def seen(self) -> Party:
        """What others may see of them."""
        return Party(PartyKind.OUTSIDE, "") if self.private else self

    @property
    def label(self) -> str:
        return self.number or self.name or "unknown"


class DiversionReason(StrEnum):
    """Why a call was forwarded."""

    ALWAYS = "always"
    DND = "dnd"
    BUSY = "busy"
    NO_ANSWER = "no_answer"
    UNREACHABLE = "unreachable"
    PHONE = "phone"  # his phone sent it on


class Diversion(msgspec.Struct, frozen=True):
    """Somebody forwarded the call."""

    by: Party
    reason: DiversionReason


class Silence(msgspec.Struct, frozen=True, tag="silence"):
    pass


class Hears(msgspec.Struct, frozen=True, tag="leg"):
    leg: str


class Music(msgspec.Struct, frozen=True, tag="music"):
    """Hold music of the tenant."""


class InRoom(msgspec.Struct, frozen=True, tag="room"):
    room: str


class Echo(msgspec.Struct, frozen=True, tag="echo"):
    pass


class RingTone(msgspec.Struct, frozen=True, tag="ringback"):
    pass


Source = Silence | Hears | Music | InRoom | Echo | RingTone
"""What a leg hears when nothing is played to it."""


class Leg(msgspec.Struct, omit_defaults=True):
    """One party's side of a call. `holding` is true while this party has put the call on hold. `lack` is what
    is missing of its sound (see `facts.Unheard`), since `unheard_since`."""

    id: str
    party: Party
    state: LegState
    inbound: bool = True
    holding: bool = False
    since: float = 0.0
    hears: Source = Silence()
    purpose: str = "caller"
    lack: str = ""
    unheard_since: float = 0.0


class Position(msgspec.Struct, omit_defaults=True):
    """Where a call is in its flow, and the memory of the verb that runs: every verb is a small machine whose
    state is `step`, with the keys pressed so far, how often it tried, and what it goes through (`items`, at
    `index`). `since` is when the call came to this node: queues are rebuilt in that order."""

    flow: str
    node: str
    step: str = ""
    digits: str = ""
    tries: int = 0
    items: list[str] = []
    index: int = 0
    note: str = ""
    since: float = 0.0


class Call(msgspec.Struct, omit_defaults=True):
    """The whole conversation, one id through every transfer.

    `subject` is the leg for whom the flow runs, `caller` who that is (known also when the leg is gone);
    `peer` is whom it talks to, if anybody. Other legs are being called. A call that has `ended` (`cause`,
    `ended_by`) lives on without legs until the end of its recording is reported. While a blind
    transfer has not come to anybody yet, `returns_to` is who gets the call back if it fails, and
    `transferrer` his leg, if he waits for the outcome. `diversions`: who forwarded it here, after `hops`
    others before it came; `max_forwards` as it came (RFC 3261 §8.1.1.6). `saying` is what is `playing`.
    `asked`: the leg that is called and asked whether it takes the call."""

    id: str
    tenant: str
    subject: str
    caller: Party
    started: float
    dialled: str = ""
    legs: dict[str, Leg] = {}
    peer: str = ""
    position: Position | None = None
    timers: dict[str, float] = {}
    playing: str = ""
    saying: list[Prompt] = []
    asked: str = ""
    recording: str = ""
    serial: int = 0
    transferred_by: Party | None = None
    returns_to: Party | None = None
    transferrer: str = ""
    diversions: list[Diversion] = []
    hops: int = 0
    max_forwards: int = 70
    ended: bool = False
    cause: Cause = Cause.NORMAL
    ended_by: str = ""

    def next_id(self, kind: str) -> str:
        """An id that is new within this call and the same in every replay: `call.kind7`."""
        self.serial += 1
        return f"{self.id}.{kind}{self.serial}"

    @property
    def listener(self) -> str:
        """The leg that what is played is for, and whose keys are the flow's."""
        return self.asked or self.subject

    def other(self, leg: str) -> Leg | None:
        """Whom `leg` talks to, when it is one of the two who talk."""
        if leg == self.subject:
            return self.legs.get(self.peer)
        if leg == self.peer:
            return self.legs.get(self.subject)
        return None


class Room(msgspec.Struct):
    """A conference in progress: its members' legs, in order of arrival, each with its call. `tones`: they
    hear who comes and goes."""

    members: dict[str, str] = {}
    tones: bool = True


class Lockout(msgspec.Struct):
    """Wrong PINs at one mailbox or room: how many, and until when further tries are refused."""

    failures: int = 0
    until: float = 0.0


class TenantState(msgspec.Struct):
    """Everything live of one tenant. Its one writer is the node that owns the tenant."""

    tenant: str
    calls: dict[str, Call] = {}
    by_leg: dict[str, str] = {}
    parking: dict[str, str] = {}
    rooms: dict[str, Room] = {}
    queues: dict[str, list[str]] = {}
    idle_since: dict[str, float] = {}
    lockouts: dict[str, Lockout] = {}

    def call_of(self, leg: str) -> Call | None:
        return self.calls.get(self.by_leg.get(leg, ""))
