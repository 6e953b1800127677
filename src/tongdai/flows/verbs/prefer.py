"""Change at one's own phone how one's calls are treated, with a spoken confirmation."""

from __future__ import annotations

import msgspec

from tongdai.calls import commands as c
from tongdai.calls import facts as f
from tongdai.calls.events import LegDigit, PlayDone, TimerFired
from tongdai.calls.model import PartyKind
from tongdai.calls.preferences import FORWARDS
from tongdai.calls.prompts import Phrase
from tongdai.flows.run import Run, Table, ignore
from tongdai.flows.schema import Prefer

CONFIRMATIONS = {
    "dnd.on": "prefer.dnd.on",
    "dnd.off": "prefer.dnd.off",
    "call_waiting.on": "prefer.call_waiting.on",
    "call_waiting.off": "prefer.call_waiting.off",
    "always.off": "prefer.always.off",
    "busy.off": "prefer.busy.off",
    "no_answer.off": "prefer.no_answer.off",
    "unreachable.off": "prefer.unreachable.off",
}
_FORWARDED = {
    "always.on": "prefer.always.on",
    "busy.on": "prefer.busy.on",
    "no_answer.on": "prefer.no_answer.on",
    "unreachable.on": "prefer.unreachable.on",
}
"""With the number."""

NUMBER_SECONDS = 8.0
TRIES = 3


def start(run: Run, node: Prefer) -> None:
    who = run.subject.party
    if who.kind is not PartyKind.PERSON or run.world.person(who.person) is None:
        run.fail(f"{who.label} has no preferences to change")
    elif node.setting not in FORWARDS:
        present = getattr(run.world.preferences(who.person), node.setting)
        on = node.value == "on" or (node.value == "toggle" and not present)
        _set(run, node.setting, on, f"{node.setting}.{'on' if on else 'off'}")
    elif node.value == "off":
        _set(run, node.setting, "", f"{node.setting}.off")
    elif node.value:
        _forward(run, node, node.value)
    else:
        run.say(Phrase("prefer.number"), step="asking")


def _set(run: Run, setting: str, value: bool | str, what: str) -> None:
    who = run.subject.party
    changed = msgspec.structs.replace(run.world.preferences(who.person), **{setting: value})
    run.step.do(c.SetPreferences(who.person, changed))
    run.step.note(run.call, f.Preferred(who, what, str(value) if isinstance(value, str) else ""))
    if isinstance(value, str) and value:
        said = Phrase(_FORWARDED[what], {"number": " ".join(value)})
    else:
        said = Phrase(CONFIRMATIONS[what])
    run.say(said, step="confirming")


def _forward(run: Run, node: Prefer, number: str) -> None:
    if run.world.forward(number, run.subject.party) is not None:
        _set(run, node.setting, number, f"{node.setting}.on")
        return
    run.at.tries += 1
    run.pressed(number, "bad_forward")
    again = [Phrase("prefer.number")] if run.at.tries < TRIES else []
    run.say(Phrase("prefer.bad_number"), *again, step="asking" if again else "confirming")


def _asked(run: Run, node: Prefer, event: PlayDone) -> None:
    run.timer("number", NUMBER_SECONDS)


def _key(run: Run, node: Prefer, event: LegDigit) -> None:
    run.hush()
    if event.digit == "#":
        _dialled(run, node)
    else:
        run.at.digits += event.digit
        run.timer("number", NUMBER_SECONDS)


def _idle(run: Run, node: Prefer, event: TimerFired) -> None:
    _dialled(run, node)


def _dialled(run: Run, node: Prefer) -> None:
    run.cancel("number")
    number, run.at.digits = run.at.digits, ""
    _forward(run, node, number)


def _confirmed(run: Run, node: Prefer, event: PlayDone) -> None:
    run.end()


TABLE: Table = {
    ("asking", PlayDone): _asked,
    ("asking", LegDigit): _key,
    ("asking", TimerFired): _idle,
    ("confirming", PlayDone): _confirmed,
    ("confirming", LegDigit): ignore,
}
