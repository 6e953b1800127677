"""The flows that need no drawing: what each kind of destination does. Their `ref` finds them again."""

from __future__ import annotations

import msgspec

from tongdai.calls.model import Cause
from tongdai.calls.prompts import Phrase
from tongdai.flows import schema
from tongdai.flows.schema import Flow
from tongdai.tenants.config import DepartmentConfig, PersonConfig, RoomConfig
from tongdai.tenants.department.model import DepartmentKind
from tongdai.tenants.flow.model import FlowVersion

_START = "start"
_VOICEMAIL = "voicemail"


def _single(ref: str, kind: str, label: str, node: schema.Node) -> Flow:
    return Flow(ref, kind, label, _START, {_START: node})


def person(config: PersonConfig) -> Flow:
    """Ring, then take a message."""
    dial = schema.Dial(
        (config.id,), busy=_VOICEMAIL, no_answer=_VOICEMAIL, unavailable=_VOICEMAIL, personal=True
    )
    nodes: dict[str, schema.Node] = {_START: dial, _VOICEMAIL: schema.Voicemail(config.id)}
    return Flow(f"person:{config.id}", "person", config.name, _START, nodes)


def department(config: DepartmentConfig) -> Flow:
    """A queue, or everybody rings and then the department takes a message."""
    ref = f"department:{config.id}"
    if config.kind == DepartmentKind.QUEUE:
        return _single(ref, "queue", config.name, schema.Queue(config.id))
    dial = schema.Dial(config.members, busy=_VOICEMAIL, no_answer=_VOICEMAIL, unavailable=_VOICEMAIL)
    nodes: dict[str, schema.Node] = {_START: dial, _VOICEMAIL: schema.Voicemail(config.id)}
    return Flow(ref, "department", config.name, _START, nodes)


def room(config: RoomConfig) -> Flow:
    """People of the company walk in."""
    return _single(f"room:{config.id}", "room", config.name, schema.Conference(config.id))


def room_with_pin(config: RoomConfig) -> Flow:
    """Others give the PIN."""
    node = schema.Conference(config.id, ask_pin=True)
    return _single(f"room-pin:{config.id}", "room", config.name, node)


def own_mailbox(config: PersonConfig) -> Flow:
    return _single(f"mailbox:{config.id}", "mailbox", config.name, schema.Mailbox(config.id))


def echo() -> Flow:
    return _single("echo:", "echo", "echo test", schema.EchoTest())


def by_name() -> Flow:
    return _single("directory:", "directory", "directory", schema.Directory())


def music() -> Flow:
    return _single("music:", "music", "music", schema.MusicForEver())


def voicemail(mailbox: str, label: str = "voicemail") -> Flow:
    """Take a message at once."""
    return _single(f"voicemail:{mailbox}", "voicemail", label, schema.Voicemail(mailbox))


def originate(person: str, to: str) -> Flow:
    """A call that was asked for on a screen."""
    return _single(f"originate:{person}:{to}", "originate", "click to call", schema.Originate(person, to))


def park(slot: str) -> Flow:
    return _single(f"park:{slot}", "park", slot, schema.Park(slot))


def pickup(extension: str, code: str, person: str = "", flow: str = "") -> Flow:
    """Answer what rings at a person's phones, or in the flow of that ref; `code` is what is dialled for
    it."""
    return _single(f"pickup:{extension}", "pickup", code, schema.Pickup(person, flow))


def intercom(extension: str, label: str, person: str = "", department: str = "") -> Flow:
    """Speak to a person, or to all phones of a department."""
    node = schema.Intercom(person) if person else schema.Page(department)
    return _single(f"intercom:{extension}", "intercom" if person else "page", label, node)


def prefer(setting: str, value: str) -> Flow:
    """Change how one's own calls are treated."""
    return _single(f"prefer:{setting}:{value}", "preference", "", schema.Prefer(setting, value))


def outside(number: str, trunks: tuple[str, ...], caller: str) -> Flow:
    return _single(f"outside:{number}", "outside", number, schema.Outside(number, trunks, caller))


def emergency(number: str, trunks: tuple[str, ...], caller: str) -> Flow:
    node = schema.Outside(number, trunks, caller, emergency=True)
    return _single(f"emergency:{number}", "emergency", number, node)


def hosted(number: str, caller: str) -> Flow:
    return _single(f"hosted:{number}", "hosted", number, schema.Hosted(number, caller))


def unknown(dialled: str) -> Flow:
    """A phone says better than a voice that a number does not exist: 404, without an answered call."""
    node = schema.Refuse("no_such_number", Cause.NOT_FOUND)
    return _single(f"unknown:{dialled}", "refused", dialled, node)


def not_permitted(number: str) -> Flow:
    return _refusal("forbidden", number, "country_closed", Cause.FORBIDDEN, "outside.not_permitted")


def unreachable(number: str) -> Flow:
    """An outside number for a tenant without a trunk."""
    return _refusal("unreachable", number, "no_trunk", Cause.CONGESTION, "outside.unavailable")


def _refusal(kind: str, dialled: str, why: str, cause: Cause, phrase: str) -> Flow:
    node = schema.Refuse(why, cause, (Phrase(phrase),))
    return _single(f"{kind}:{dialled}", "refused", dialled, node)


# drawn flows (`menus` makes them of a menu)


def encode(flow: Flow) -> bytes:
    """A flow as it is stored."""
    return msgspec.json.encode(msgspec.structs.replace(flow, ref=""))


def decode(stored: FlowVersion) -> Flow:
    """A stored version as a flow. Raises `msgspec.ValidationError` when it is none."""
    flow = msgspec.json.decode(stored.graph, type=Flow)
    return msgspec.structs.replace(flow, ref=f"flow:{stored.id}:{stored.version}")
