"""The company's directory by name: spell on the keypad, hear the matches, press the number of one."""

from __future__ import annotations

from tongdai.calls.events import LegDigit, PlayDone, TimerFired
from tongdai.calls.prompts import Phrase
from tongdai.flows.run import Run, Table, ignore
from tongdai.flows.schema import Directory

MOST_CHOICES = 9
TRIES = 3
IDLE_SECONDS = 8.0


def start(run: Run, node: Directory) -> None:
    run.say(Phrase("directory.prompt"), step="spelling")


def _letter(run: Run, node: Directory, event: LegDigit) -> None:
    run.hush()
    run.cancel("idle")
    if event.digit == "#":
        _look_up(run, node)
    elif event.digit in "23456789":
        run.at.digits += event.digit
        run.timer("pause", node.pause)
    elif event.digit == "0" and node.operator:
        _to_operator(run, node)
    else:
        run.at.digits = ""
        run.cancel("pause")
        run.say(Phrase("directory.prompt"), step="spelling")


def _prompted(run: Run, node: Directory, event: PlayDone) -> None:
    run.timer("idle", IDLE_SECONDS)


def _spelling_timer(run: Run, node: Directory, event: TimerFired) -> None:
    if event.timer == "pause" or run.at.digits:
        _look_up(run, node)
    else:
        _again(run, node, "directory.again")


def _look_up(run: Run, node: Directory) -> None:
    spelled, run.at.digits = run.at.digits, ""
    run.cancel("pause", "idle")
    matches = run.world.spelled(spelled)[:MOST_CHOICES] if spelled else []
    if not matches:
        run.pressed(spelled, "no_such_name")
        _again(run, node, "directory.none")
        return
    run.pressed(spelled, "name_spelled")
    run.at.items = [person.extension for person in matches]
    choices = [
        Phrase("directory.choice", {"digit": number, "name": person.name})
        for number, person in enumerate(matches, start=1)
    ]
    run.say(*choices, step="choosing")


def _again(run: Run, node: Directory, phrase: str) -> None:
    run.at.tries += 1
    if run.at.tries < TRIES:
        run.say(Phrase(phrase), Phrase("directory.prompt"), step="spelling")
    else:
        _to_operator(run, node)


def _to_operator(run: Run, node: Directory) -> None:
    flow = run.world.route_menu(node.operator) if node.operator else None
    if flow is not None:
        run.enter(flow)
    else:
        run.say(Phrase("goodbye"), step="leaving")


def _choice(run: Run, node: Directory, event: LegDigit) -> None:
    run.hush()
    run.cancel("idle")
    number = int(event.digit) if event.digit.isdigit() else 0
    if 1 <= number <= len(run.at.items):
        flow = run.world.route_menu(run.at.items[number - 1])
        if flow is not None:
            run.pressed(event.digit, "name_chosen")
            run.enter(flow)
            return
    run.at.items = []
    run.say(Phrase("directory.prompt"), step="spelling")


def _not_chosen(run: Run, node: Directory, event: TimerFired) -> None:
    run.at.items = []
    _again(run, node, "directory.again")


def _leave(run: Run, node: Directory, event: PlayDone) -> None:
    run.end()


TABLE: Table = {
    ("spelling", LegDigit): _letter,
    ("spelling", PlayDone): _prompted,
    ("spelling", TimerFired): _spelling_timer,
    ("choosing", LegDigit): _choice,
    ("choosing", PlayDone): _prompted,
    ("choosing", TimerFired): _not_chosen,
    ("leaving", PlayDone): _leave,
    ("leaving", LegDigit): ignore,
}
