"""Menus: the plain shape of a switchboard over the flow that is stored. A flow that has more to it than such
a shape can say is refused, so that nothing of it is lost."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum

import msgspec

from tongdai.calls.prompts import Phrase, Prompt
from tongdai.core.errors import TongdaiError
from tongdai.flows import schema
from tongdai.flows.schema import Flow

MAIN = "main"
"""The name of the first menu."""

_START = "start"
_SUBMENU = "menu."
_LABEL = "menu.option"


class Kind(StrEnum):
    """Where a key leads; `id` of the target is what is named here."""

    PERSON = "person"
    DEPARTMENT = "department"
    ROOM = "room"
    """With its PIN."""
    EXTENSION = "extension"
    """The extension: whoever has it then."""
    VOICEMAIL = "voicemail"
    """A person or department."""
    DIRECTORY = "directory"
    """The extension of who helps those that find nobody; may be empty."""
    MENU = "menu"
    """The name of another menu of this one, or `main`."""
    REPEAT = "repeat"
    HANG_UP = "hang_up"


class Target(msgspec.Struct, frozen=True):
    kind: Kind
    id: str = ""


class Key(msgspec.Struct, frozen=True):
    """With a label callers are told: “for … press …”."""

    key: str
    to: Target
    label: str = ""


class Choices(msgspec.Struct, frozen=True, kw_only=True):
    """One menu: what is said, and where each key leads. Times are seconds (`schema.Menu`)."""

    greeting: Prompt | None
    keys: tuple[Key, ...]
    otherwise: Target
    extensions: bool = True
    timeout: float = 5.0
    interdigit: float = 2.0
    repeats: int = 1


class Menu(msgspec.Struct, frozen=True):
    """A switchboard: the menu callers come to, and those behind its keys by name."""

    name: str
    main: Choices
    submenus: dict[str, Choices] = {}


class NotSimple(TongdaiError):
    """The flow has what a menu cannot say."""

    def __init__(self, flow: Flow, what: str) -> None:
        super().__init__(
            "not_a_simple_menu",
            f"The flow “{flow.label}” {what}, which cannot be shown as a menu.",
            "Leave it as it is, or make a new menu and let the number lead there.",
        )


# as a flow

_PREFIX = {Kind.PERSON: "person:", Kind.DEPARTMENT: "department:", Kind.ROOM: "room-pin:"}
"""How `directory.flows` names what callers from outside reach."""


def flow_of(menu: Menu) -> Flow:
    """The flow that does what the menu says. Its `ref` is given when a stored version of it is read."""
    nodes: dict[str, schema.Node] = {}
    for name, choices in {MAIN: menu.main, **menu.submenus}.items():
        here = _node(name)
        options = {x.key: _lead(nodes, here, x.key, x.to) for x in choices.keys}
        said = [Phrase(_LABEL, {"label": x.label, "digit": x.key}) for x in choices.keys if x.label]
        greeting = () if choices.greeting is None else (choices.greeting,)
        nodes[here] = schema.Menu(
            (*greeting, *said),
            options,
            _lead(nodes, here, "otherwise", choices.otherwise),
            choices.extensions,
            choices.timeout,
            choices.interdigit,
            choices.repeats,
        )
    return Flow("", "switchboard", menu.name, _START, nodes)


def _node(name: str) -> str:
    return _START if name == MAIN else _SUBMENU + name


def _lead(nodes: dict[str, schema.Node], here: str, exit_: str, to: Target) -> str:
    """The name of the node that goes there, which is made if need be."""
    if to.kind is Kind.REPEAT:
        return here
    if to.kind is Kind.MENU:
        return _node(to.id)
    name = f"{here}.{exit_}"
    nodes[name] = _leaf(to)
    return name


def _leaf(to: Target) -> schema.Node:
    match to.kind:
        case Kind.PERSON | Kind.DEPARTMENT | Kind.ROOM:
            return schema.Enter(_PREFIX[to.kind] + to.id)
        case Kind.EXTENSION:
            return schema.Goto(to.id)
        case Kind.VOICEMAIL:
            return schema.Voicemail(to.id)
        case Kind.DIRECTORY:
            return schema.Directory(to.id)
        case _:
            return schema.End()


# of a flow


def menu_of(flow: Flow) -> Menu:
    """The menu that a flow is. Raises `NotSimple`."""
    names = {name: _name(name) for name, node in flow.nodes.items() if isinstance(node, schema.Menu)}
    if flow.start not in names:
        raise NotSimple(flow, "begins with something else than a menu")
    names[flow.start] = MAIN
    menus = {names[node]: _choices(flow, node, names) for node in names}
    led = {to for node in names for to in _exits(flow, node)} | {flow.start}
    for name in flow.nodes.keys() - led:
        raise NotSimple(flow, f"has a part ({name}) to which no key leads")
    return Menu(flow.label, menus.pop(MAIN), menus)


def _name(node: str) -> str:
    return node.removeprefix(_SUBMENU)


def _exits(flow: Flow, node: str) -> Iterator[str]:
    menu = flow.nodes[node]
    assert isinstance(menu, schema.Menu)
    yield from menu.options.values()
    yield menu.otherwise


def _choices(flow: Flow, here: str, names: dict[str, str]) -> Choices:
    node = flow.nodes[here]
    assert isinstance(node, schema.Menu)
    said = [x for x in node.prompts if isinstance(x, Phrase) and x.key == _LABEL]
    others = [x for x in node.prompts if not (isinstance(x, Phrase) and x.key == _LABEL)]
    labels = {str(x.args.get("digit", "")): str(x.args.get("label", "")) for x in said}
    if len(others) > 1 or [*others, *said] != list(node.prompts):
        raise NotSimple(flow, "says several things before the keys are told")
    if labels.keys() - node.options.keys() or len(labels) < len(said):
        raise NotSimple(flow, "tells of keys that it does not have")
    order = [*labels, *(key for key in node.options if key not in labels)]
    return Choices(
        greeting=others[0] if others else None,
        keys=tuple(
            Key(key, _target(flow, here, node.options[key], names), labels.get(key, "")) for key in order
        ),
        otherwise=_target(flow, here, node.otherwise, names),
        extensions=node.extensions,
        timeout=node.timeout,
        interdigit=node.interdigit,
        repeats=node.repeats,
    )


def _target(flow: Flow, here: str, to: str, names: dict[str, str]) -> Target:
    if to == here:
        return Target(Kind.REPEAT)
    if to in names:
        return Target(Kind.MENU, names[to])
    node = flow.nodes.get(to)
    target = _read(node)
    if target is None or _leaf(target) != node:
        raise NotSimple(flow, f"leads to a part ({to}) of another kind")
    return target


def _read(node: schema.Node | None) -> Target | None:
    match node:
        case schema.Enter(flow=ref):
            found = (kind for kind, prefix in _PREFIX.items() if ref.startswith(prefix))
            kind = next(found, None)
            return Target(kind, ref.removeprefix(_PREFIX[kind])) if kind is not None else None
        case schema.Goto(extension=extension):
            return Target(Kind.EXTENSION, extension)
        case schema.Voicemail(mailbox=mailbox):
            return Target(Kind.VOICEMAIL, mailbox)
        case schema.Directory(operator=operator):
            return Target(Kind.DIRECTORY, operator)
        case schema.End():
            return Target(Kind.HANG_UP)
        case _:
            return None
