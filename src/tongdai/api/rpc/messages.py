"""What web may ask of control, and what control answers and tells. Times are wall-clock seconds since
1970."""

from __future__ import annotations

import msgspec

from tongdai.calls.facts import LoggedFact
from tongdai.calls.model import Party
from tongdai.calls.preferences import Preferences
from tongdai.core.errors import TongdaiError
from tongdai.core.tenancy import TenantId
from tongdai.flows.ports import Message
from tongdai.tenants.config import ProviderConfig

# asked


class Serve(msgspec.Struct, frozen=True, tag=True):
    """Serve this configuration of one tenant (none: it goes) from the next call on. It is committed once this
    is answered."""

    tenant: TenantId
    part: ProviderConfig


class ListCalls(msgspec.Struct, frozen=True, tag=True):
    tenant: str


class Originate(msgspec.Struct, frozen=True, tag=True):
    """Ring this person's devices and, when one answers, connect them to `to`, as if they had dialled it."""

    tenant: str
    call: str
    person: str
    to: str


class HangUp(msgspec.Struct, frozen=True, tag=True):
    tenant: str
    call: str


class Hold(msgspec.Struct, frozen=True, tag=True):
    """`leg` puts its peer on hold, or takes it back."""

    tenant: str
    call: str
    leg: str
    on: bool


class Transfer(msgspec.Struct, frozen=True, tag=True):
    """The leg `leg` (empty: whoever is at the other end of `by`, else the one the call is about) goes to
    `to`, in the name of `by`, a person. An empty `to` is the first free parking place. With `mailbox`, `to`
    is the id of a person or department whose voicemail takes the call."""

    tenant: str
    call: str
    to: str
    by: str
    leg: str = ""
    mailbox: bool = False


class ListPresence(msgspec.Struct, frozen=True, tag=True):
    tenant: str


class ReadMailbox(msgspec.Struct, frozen=True, tag=True):
    tenant: str
    mailbox: str


class ChangeMessage(msgspec.Struct, frozen=True, tag=True):
    """Keep a message (it was heard), or delete it."""

    tenant: str
    mailbox: str
    message: str
    deleted: bool = False


class ChangeGreeting(msgspec.Struct, frozen=True, tag=True):
    """An empty `blob` has the greeting spoken again."""

    tenant: str
    mailbox: str
    blob: str


class ChangePin(msgspec.Struct, frozen=True, tag=True):
    tenant: str
    mailbox: str
    pin: str


class ReadPreferences(msgspec.Struct, frozen=True, tag=True):
    tenant: str
    person: str


class ChangePreferences(msgspec.Struct, frozen=True, tag=True):
    """`changes` are fields of `Preferences`; the others stay as they are. With `former` they are made only if
    that is how they are (`CHANGED_MEANWHILE`): a phone may be changing them, too."""

    tenant: str
    person: str
    changes: dict[str, bool | str | float]
    former: Preferences | None = None


class ReadFacts(msgspec.Struct, frozen=True, tag=True):
    """What is known of a call whose record is not stored yet; of others there are none."""

    tenant: str
    call: str


class ReadMetrics(msgspec.Struct, frozen=True, tag=True):
    pass


class ReadTrunks(msgspec.Struct, frozen=True, tag=True):
    """How the carriers fare: the provider's to ask."""


class Follow(msgspec.Struct, frozen=True, tag=True):
    """Tell everything that happens from now on, and before that what happened behind `after` in the feed of
    this name (if it is still this one)."""

    feed: str
    after: int


Request = (
    Serve
    | ListCalls
    | Originate
    | HangUp
    | Hold
    | Transfer
    | ListPresence
    | ReadMailbox
    | ChangeMessage
    | ChangeGreeting
    | ChangePin
    | ReadPreferences
    | ChangePreferences
    | ReadFacts
    | ReadMetrics
    | ReadTrunks
    | Follow
)

# answered


class Done(msgspec.Struct, frozen=True, tag=True):
    """`detail` is the id of what came of it, where something did."""

    detail: str = ""


CHANGED_MEANWHILE = "changed_meanwhile"


class Refused(msgspec.Struct, frozen=True, tag=True):
    """It cannot be done. `gone`: what it was about does not exist in this tenant."""

    code: str
    message: str
    remedy: str
    gone: bool = False


class LiveLeg(msgspec.Struct, frozen=True):
    id: str
    party: Party
    state: str
    inbound: bool
    holding: bool
    since: float
    call_id: str = ""
    """Of its SIP dialog."""
    silent: bool = False
    """Whether it is not heard, though it talks with somebody."""


class LiveCall(msgspec.Struct, frozen=True):
    """`state`: ringing, talking, held, waiting (in a queue), parked, conference, service (a menu, a mailbox
    …). `place` is where it is, as people call it; `subject` the leg that the call is about."""

    id: str
    tenant: str
    started: float
    caller: Party
    dialled: str
    state: str
    place: str
    subject: str
    peer: str
    legs: tuple[LiveLeg, ...]

    @property
    def people(self) -> frozenset[str]:
        return frozenset(x.party.person for x in self.legs if x.party.person) | (
            {self.caller.person} if self.caller.person else frozenset()
        )


class Calls(msgspec.Struct, frozen=True, tag=True):
    calls: tuple[LiveCall, ...]


class PersonPresence(msgspec.Struct, frozen=True):
    """`state`: offline (no device registered), available, ringing, talking. `devices` are ids. `dnd`: does
    not want to be disturbed."""

    person: str
    state: str
    devices: tuple[str, ...]
    dnd: bool = False


class Presence(msgspec.Struct, frozen=True, tag=True):
    people: tuple[PersonPresence, ...]


class Mailbox(msgspec.Struct, frozen=True, tag=True):
    """`greeting_blob` is empty while the greeting is spoken."""

    id: str
    label: str
    greeting_blob: str
    has_pin: bool
    messages: tuple[Message, ...]


class PersonPreferences(msgspec.Struct, frozen=True, tag=True):
    preferences: Preferences


class Facts(msgspec.Struct, frozen=True, tag=True):
    facts: tuple[LoggedFact, ...]


class Metrics(msgspec.Struct, frozen=True, tag=True):
    values: dict[str, float]


class TrunkGateway(msgspec.Struct, frozen=True):
    """`since` is 0 when it was always so; `registered` is None where nobody registers; `calls` and `channels`
    (0: no limit) are the trunk's."""

    trunk: str
    name: str
    gateway: str
    up: bool
    since: float
    registered: bool | None
    why: str
    calls: int
    channels: int


class TrunkStates(msgspec.Struct, frozen=True, tag=True):
    gateways: tuple[TrunkGateway, ...]


Answer = Done | Refused | Calls | Presence | Mailbox | PersonPreferences | Facts | Metrics | TrunkStates

# told


class CallFact(msgspec.Struct, frozen=True, tag=True):
    fact: LoggedFact


class Registered(msgspec.Struct, frozen=True, tag=True):
    """A person's devices came or went."""

    tenant: str
    person: str


class MailboxChanged(msgspec.Struct, frozen=True, tag=True):
    tenant: str
    mailbox: str


class CallStored(msgspec.Struct, frozen=True, tag=True):
    """The record of a call that has ended is in the database; `people` (ids) took part in it."""

    tenant: str
    call: str
    people: frozenset[str]


News = CallFact | Registered | MailboxChanged | CallStored


class Told(msgspec.Struct, frozen=True):
    """News `seq` of the feed `feed`; each control process has a feed of its own, which counts from 1."""

    feed: str
    seq: int
    at: float
    news: News


class Asked(msgspec.Struct, frozen=True, array_like=True):
    number: int
    request: Request


class Said(msgspec.Struct, frozen=True, array_like=True):
    """An answer to the request of this number, or (0) something that happened."""

    number: int
    answer: Answer | None = None
    told: Told | None = None


HEADER = 4
MOST_BYTES = 256 << 20


class ControlSilent(TongdaiError):
    """Control did not answer in time, or is not there."""

    def __init__(self) -> None:
        super().__init__(
            "control_silent",
            "The process that serves calls did not answer, so nothing was changed.",
            "Try again in a few seconds; it is being restarted if it ended.",
        )


class Declined(TongdaiError):
    """Control refused. `gone`: what it was about does not exist in this tenant."""

    def __init__(self, refused: Refused) -> None:
        super().__init__(refused.code, refused.message, refused.remedy)
        self.gone = refused.gone
