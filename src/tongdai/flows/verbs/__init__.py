"""The verbs: one file each, a `start` and a table of what it does with each event in each of its steps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from tongdai.calls.events import Event
from tongdai.calls.legs import UnexpectedEvent
from tongdai.calls.model import Call
from tongdai.calls.step import Step
from tongdai.flows import schema
from tongdai.flows.ports import World
from tongdai.flows.run import Run, Table
from tongdai.flows.verbs import (
    conference,
    dial,
    directory,
    hear,
    intercom,
    mailbox,
    menu,
    originate,
    outside,
    park,
    pickup,
    play,
    prefer,
    queue,
    voicemail,
)


class Verb(NamedTuple):
    start: Callable[[Run, Any], None]
    table: Table


VERBS: dict[type, Verb] = {
    schema.Play: Verb(play.start, play.TABLE),
    schema.Refuse: Verb(play.start_refuse, play.REFUSE_TABLE),
    schema.Goto: Verb(play.start_goto, {}),
    schema.Enter: Verb(play.start_enter, {}),
    schema.End: Verb(play.start_end, {}),
    schema.Menu: Verb(menu.start, menu.TABLE),
    schema.Dial: Verb(dial.start, dial.TABLE),
    schema.Queue: Verb(queue.start, queue.TABLE),
    schema.Voicemail: Verb(voicemail.start, voicemail.TABLE),
    schema.Mailbox: Verb(mailbox.start, mailbox.TABLE),
    schema.Directory: Verb(directory.start, directory.TABLE),
    schema.Conference: Verb(conference.start, conference.TABLE),
    schema.EchoTest: Verb(hear.start_echo, hear.TABLE),
    schema.MusicForEver: Verb(hear.start_music, hear.TABLE),
    schema.Park: Verb(park.start, park.TABLE),
    schema.Pickup: Verb(pickup.start, {}),
    schema.Intercom: Verb(intercom.start, intercom.TABLE),
    schema.Page: Verb(intercom.start_page, intercom.PAGE_TABLE),
    schema.Prefer: Verb(prefer.start, prefer.TABLE),
    schema.Outside: Verb(outside.start, outside.TABLE),
    schema.Hosted: Verb(outside.start, outside.TABLE),
    schema.Originate: Verb(originate.start, originate.TABLE),
}


def node_of(call: Call, world: World) -> schema.Node | None:
    """The node at which a call in a flow is, None when its flow is gone."""
    assert call.position is not None
    flow = world.flow(call.position.flow)
    return flow.nodes.get(call.position.node) if flow is not None else None


def to_verb(step: Step, call: Call, event: Event, world: World) -> None:
    """Give an event to the verb that runs. Raises UnexpectedEvent when it does not know it in its step."""
    if call.position is None:
        raise UnexpectedEvent(f"{type(event).__name__} came to a call that has no flow")
    run = Run(step, call, world)
    node = node_of(call, world)
    if node is None:
        run.fail(f"flow {call.position.flow} is gone")
        return
    table = VERBS[type(node)].table
    handler = table.get((call.position.step, type(event))) or table.get(("", type(event)))
    if handler is None:
        where = f"{type(node).__name__} in step {call.position.step!r}"
        raise UnexpectedEvent(f"{where} does not know {type(event).__name__}")
    step.touch(call)
    handler(run, node, event)
