"""The flow: a graph of nodes, each a verb with its settings and its exits. Published versions never
change.
"""

from __future__ import annotations

import msgspec

from tongdai.calls.prompts import Prompt


class Play(msgspec.Struct, frozen=True, tag="play", omit_defaults=True):
    """Answer, say something, go on."""

    prompts: tuple[Prompt, ...]
    then: str = ""


class Menu(msgspec.Struct, frozen=True, tag="menu", omit_defaults=True):
    """The company's greeting with choices by key. Keys work while it speaks.

    `extensions`: an extension may be dialled directly; a key that could begin one waits `interdigit` seconds
    for the next. Nothing pressed for `timeout` seconds: the menu once more (`repeats` times), then
    `otherwise`.
    """

    prompts: tuple[Prompt, ...]
    options: dict[str, str]
    otherwise: str
    extensions: bool = True
    timeout: float = 5.0
    interdigit: float = 2.0
    repeats: int = 1


class Dial(msgspec.Struct, frozen=True, tag="dial", omit_defaults=True):
    """Ring people together, on all their devices; the first to answer is connected. Who does not want to be
    disturbed is passed by. `personal`: one person, and what he prefers decides what becomes of the call.

    Exits: `busy`, `no_answer`, `unavailable` (nobody registered). An empty exit ends the call with that
    cause.
    """

    people: tuple[str, ...]
    seconds: float | None = None
    busy: str = ""
    no_answer: str = ""
    unavailable: str = ""
    personal: bool = False


class Queue(msgspec.Struct, frozen=True, tag="queue", omit_defaults=True):
    """Wait for the next free agent of a department, with music and one's position."""

    department: str
    ring_seconds: float = 15.0
    announce_seconds: float = 30.0


class Voicemail(msgspec.Struct, frozen=True, tag="voicemail", omit_defaults=True):
    """Greeting, beep, recording until `#`, hang-up, `silence` seconds or `limit` seconds."""

    mailbox: str
    silence: float = 5.0
    limit: float = 180.0


class Mailbox(msgspec.Struct, frozen=True, tag="mailbox"):
    """One's own voicemail, with the PIN."""

    mailbox: str


class Directory(msgspec.Struct, frozen=True, tag="directory", omit_defaults=True):
    """Spell a name on the keypad, choose, be connected."""

    operator: str = ""
    pause: float = 2.0


class Conference(msgspec.Struct, frozen=True, tag="conference"):
    """A room. `ask_pin`: the caller must know the room's PIN."""

    room: str
    ask_pin: bool = False


class EchoTest(msgspec.Struct, frozen=True, tag="echo"):
    """Hear oneself."""


class MusicForEver(msgspec.Struct, frozen=True, tag="music"):
    """Answer and play the hold music."""


class Park(msgspec.Struct, frozen=True, tag="park"):
    """A parking place: a transferred call is put there, who dials it takes the call back."""

    slot: str


class Pickup(msgspec.Struct, frozen=True, tag="pickup", omit_defaults=True):
    """Answer a call that rings at a person's phones, or at any phone in the flow of this ref."""

    person: str = ""
    flow: str = ""


class Intercom(msgspec.Struct, frozen=True, tag="intercom"):
    """Speak to a person whose phone answers by itself."""

    person: str


class Page(msgspec.Struct, frozen=True, tag="page"):
    """Speak to all phones of a department that are free; they answer by themselves and only hear."""

    department: str


class Prefer(msgspec.Struct, frozen=True, tag="prefer", omit_defaults=True):
    """Change how one's own calls are treated, and say so. `setting` is a field of `calls.Preferences`;
    `value` is `on`, `off` or `toggle`, or where calls go: a number, `off`, or nothing, and then it is asked
    for."""

    setting: str
    value: str


class Outside(msgspec.Struct, frozen=True, tag="outside", omit_defaults=True):
    """An outside call through a trunk. `caller` is shown (E.164). Emergency calls are tried on every
    trunk.
    """

    number: str
    trunks: tuple[str, ...]
    caller: str
    emergency: bool = False


class Hosted(msgspec.Struct, frozen=True, tag="hosted"):
    """A number hosted here, reached without the trunk, as an outside call."""

    number: str
    caller: str


class Originate(msgspec.Struct, frozen=True, tag="originate", omit_defaults=True):
    """Ring a person's devices and, when one answers, go on as if it had dialled `to`."""

    person: str
    to: str
    seconds: float = 30.0


class Goto(msgspec.Struct, frozen=True, tag="goto"):
    """Go on as if this extension had been dialled."""

    extension: str


class Enter(msgspec.Struct, frozen=True, tag="enter"):
    """Go on with the flow of this ref: with a person, department or room, whatever extension it has."""

    flow: str


class Refuse(msgspec.Struct, frozen=True, tag="refuse"):
    """Say why and end. `why` is for the log; without prompts the caller hears the refusal's cause from his
    phone.
    """

    why: str
    cause: str
    prompts: tuple[Prompt, ...] = ()


class End(msgspec.Struct, frozen=True, tag="end"):
    """Hang up."""


Node = (
    Play
    | Menu
    | Dial
    | Queue
    | Voicemail
    | Mailbox
    | Directory
    | Conference
    | EchoTest
    | MusicForEver
    | Park
    | Pickup
    | Intercom
    | Page
    | Prefer
    | Outside
    | Hosted
    | Originate
    | Goto
    | Enter
    | Refuse
    | End
)


class Flow(msgspec.Struct, frozen=True):
    """`ref` finds this very version again (`World.flow`). `kind` and `label` are what the call log says."""

    ref: str
    kind: str
    label: str
    start: str
    nodes: dict[str, Node]
