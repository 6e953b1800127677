"""Finds what is wrong with a flow before anybody calls it, and says what to do about it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from enum import StrEnum
from typing import Any

import msgspec

from tongdai.calls.model import Cause
from tongdai.calls.prompts import Prompt, Text
from tongdai.flows import schema
from tongdai.flows.ports import World
from tongdai.flows.schema import Flow, Node

MENU_KEYS = frozenset("0123456789*")
"""`#` ends what is being dialled."""


class Severity(StrEnum):
    ERROR = "error"  # callers would be cut off or stuck: not to be published
    WARNING = "warning"  # works, but hardly as it was meant


class Finding(msgspec.Struct, frozen=True):
    """`node` is where (empty: the flow itself), `code` is stable, `remedy` says what to do."""

    node: str
    severity: Severity
    code: str
    problem: str
    remedy: str


_Problem = tuple[Severity, str, str, str]
_E, _W = Severity.ERROR, Severity.WARNING


def lint(flow: Flow, world: World) -> list[Finding]:
    """Everything that is wrong with the flow in this world: the flow itself first, then by node."""
    findings = [Finding("", *problem) for problem in _check_flow(flow, world)]
    reachable = _reachable(flow)
    for name, node in flow.nodes.items():
        if name not in reachable:
            remedy = "Lead an exit to it, or delete it."
            findings.append(Finding(name, _W, "unreachable", f"No exit leads to {name!r}.", remedy))
        findings += [Finding(name, *problem) for problem in _check_exits(flow, node)]
        findings += [Finding(name, *problem) for problem in _CHECKS.get(type(node), _nothing)(node, world)]
    return findings


def exits(node: Node) -> dict[str, str]:
    """The exits of a node by what they are called, and where each leads; an empty one ends the call."""
    match node:
        case schema.Play():
            return {"then": node.then}
        case schema.Menu():
            return {f"key {key}": to for key, to in node.options.items()} | {"otherwise": node.otherwise}
        case schema.Dial():
            return {"busy": node.busy, "no answer": node.no_answer, "unavailable": node.unavailable}
        case _:
            return {}


def _reachable(flow: Flow) -> set[str]:
    found: set[str] = set()
    ahead = [flow.start]
    while ahead:
        name = ahead.pop()
        if name in flow.nodes and name not in found:
            found.add(name)
            ahead += exits(flow.nodes[name]).values()
    return found


# the flow and its exits


def _check_flow(flow: Flow, world: World) -> Iterator[_Problem]:
    if flow.start not in flow.nodes:
        yield (
            _E,
            "no_start",
            f"The flow begins at {flow.start!r}, which does not exist.",
            "Choose the first node.",
        )
    for name in flow.nodes:
        circle = _circle(flow, name, world)
        if circle:
            way = " → ".join((*circle, name))
            problem = f"A call goes round for ever when nobody is registered: {way}."
            yield _E, "circle", problem, "Lead one of these exits to a voicemail or to a message."
            return


def _circle(flow: Flow, name: str, world: World) -> Sequence[str]:
    """The nodes by which a call comes back to `name` without waiting for anything; empty when it does not."""
    passed: dict[tuple[str, str], str] = {}
    here, first = flow, name
    while (here.ref, name) not in passed:
        passed[here.ref, name] = name
        node = here.nodes.get(name)
        if isinstance(node, schema.Dial):
            name = node.unavailable
        elif isinstance(node, schema.Goto | schema.Enter):
            to = node
            target = world.flow(to.flow) if isinstance(to, schema.Enter) else world.route_menu(to.extension)
            if target is None:
                return ()
            here, name = target, target.start
        else:
            return ()
    return list(passed.values()) if (here.ref, name) == (flow.ref, first) else ()


def _check_exits(flow: Flow, node: Node) -> Iterator[_Problem]:
    for label, to in exits(node).items():
        if to and to not in flow.nodes:
            yield (
                _E,
                "no_node",
                f"Exit {label!r} leads to {to!r}, which does not exist.",
                "Lead it to a node.",
            )
    if isinstance(node, schema.Dial):
        dead = [label for label, to in exits(node).items() if not to]
        if dead:
            problem = f"The call is cut off when nobody can be reached ({', '.join(dead)})."
            yield _W, "dead_exit", problem, "Lead these exits to a voicemail, another person or a message."


# one function per kind of node


def _nothing(node: Any, world: World) -> Iterator[_Problem]:
    yield from ()


def _check_prompts(prompts: Sequence[Prompt]) -> Iterator[_Problem]:
    if all(isinstance(prompt, Text) and not prompt.text.strip() for prompt in prompts):
        yield _E, "says_nothing", "It has nothing to say.", "Write a text, or choose a recording."


def _check_play(node: schema.Play, world: World) -> Iterator[_Problem]:
    yield from _check_prompts(node.prompts)


def _check_menu(node: schema.Menu, world: World) -> Iterator[_Problem]:
    yield from _check_prompts(node.prompts)
    if not node.otherwise:
        problem = "Who presses nothing, or only wrong keys, is cut off."
        yield _E, "no_otherwise", problem, "Say where such a caller goes: an operator, or a voicemail."
    for key in node.options:
        if key not in MENU_KEYS:
            yield _E, "bad_key", f"Nobody can press {key!r}.", "Use one of the keys 0 to 9 and *."
    for label, seconds in (("timeout", node.timeout), ("interdigit", node.interdigit)):
        if seconds <= 0:
            yield (
                _E,
                "bad_time",
                f"The {label} of {seconds:g} s leaves no time to press a key.",
                "Give seconds.",
            )


def _check_dial(node: schema.Dial, world: World) -> Iterator[_Problem]:
    if not node.people:
        yield _E, "nobody", "It rings nobody.", "Add a person."
    for person in node.people:
        if world.person(person) is None:
            yield _E, "no_person", f"The person {person} does not exist.", "Choose another person."
    if node.seconds is not None and node.seconds <= 0:
        yield _E, "bad_time", f"It rings for {node.seconds:g} s.", "Give the seconds to ring."


def _check_queue(node: schema.Queue, world: World) -> Iterator[_Problem]:
    department = world.department(node.department)
    if department is None:
        yield _E, "no_department", f"The department {node.department} does not exist.", "Choose another one."
    elif not department.members:
        problem = f"Nobody works in {department.name}: callers wait for ever."
        yield _E, "nobody", problem, "Add people to the department."


def _check_mailbox(node: schema.Voicemail | schema.Mailbox, world: World) -> Iterator[_Problem]:
    if world.mailbox(node.mailbox) is None:
        problem = f"The mailbox {node.mailbox} does not exist."
        yield _E, "no_mailbox", problem, "Choose the mailbox of a person or a department."


def _check_directory(node: schema.Directory, world: World) -> Iterator[_Problem]:
    if node.operator:
        yield from _check_extension(node.operator, world)


def _check_goto(node: schema.Goto, world: World) -> Iterator[_Problem]:
    yield from _check_extension(node.extension, world)


def _check_enter(node: schema.Enter, world: World) -> Iterator[_Problem]:
    if world.flow(node.flow) is None:
        yield _E, "no_flow", f"There is no {node.flow}.", "Choose a person, department or room that exists."


def _check_extension(extension: str, world: World) -> Iterator[_Problem]:
    if world.route_menu(extension) is None:
        problem = f"Callers cannot be put through to {extension or 'no extension'}."
        yield _E, "no_extension", problem, "Choose an extension that exists."


def _check_conference(node: schema.Conference, world: World) -> Iterator[_Problem]:
    room = world.room(node.room)
    if room is None:
        yield _E, "no_room", f"The room {node.room} does not exist.", "Choose another room."
    elif node.ask_pin and not room.pin:
        problem = f"The room {room.name} has no PIN: whoever calls gets in."
        yield _W, "no_pin", problem, "Give the room a PIN."


def _check_outside(node: schema.Outside, world: World) -> Iterator[_Problem]:
    if not node.trunks:
        yield _E, "no_trunk", f"There is no trunk to call {node.number} through.", "Choose a trunk."


def _check_refuse(node: schema.Refuse, world: World) -> Iterator[_Problem]:
    if node.cause not in set(Cause):
        causes = ", ".join(cause.value for cause in Cause)
        yield _E, "bad_cause", f"{node.cause!r} is no cause.", f"Use one of {causes}."


_CHECKS: dict[type, Callable[[Any, World], Iterator[_Problem]]] = {
    schema.Play: _check_play,
    schema.Menu: _check_menu,
    schema.Dial: _check_dial,
    schema.Queue: _check_queue,
    schema.Voicemail: _check_mailbox,
    schema.Mailbox: _check_mailbox,
    schema.Directory: _check_directory,
    schema.Goto: _check_goto,
    schema.Enter: _check_enter,
    schema.Conference: _check_conference,
    schema.Outside: _check_outside,
    schema.Refuse: _check_refuse,
}
