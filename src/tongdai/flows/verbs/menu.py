"""The switchboard's menu: choices by key and extensions dialled directly, while the greeting speaks or after
it.
"""

from __future__ import annotations

from tongdai.calls.events import LegDigit, PlayDone, TimerFired
from tongdai.calls.prompts import Phrase
from tongdai.flows.run import Run, Table, ignore
from tongdai.flows.schema import Menu

INVALID_TRIES = 3
"""Wrong choices after which a caller is taken to where one goes who presses nothing."""


def start(run: Run, node: Menu) -> None:
    run.say(*node.prompts, step="greeting")


def _said(run: Run, node: Menu, event: PlayDone) -> None:
    run.at.step = "waiting"
    run.timer("nothing", node.timeout)


def _key(run: Run, node: Menu, event: LegDigit) -> None:
    run.hush()
    run.cancel("nothing", "next")
    if event.digit == "#":
        _decide(run, node)
        return
    at = run.at
    at.step = "collecting"
    at.digits += event.digit
    if node.extensions and _more_may_come(run, node):
        run.timer("next", node.interdigit)
    else:
        _decide(run, node)


def _more_may_come(run: Run, node: Menu) -> bool:
    """An extension may follow; or one that does not exist, whose last keys must not be taken for a choice."""
    digits = run.at.digits
    unknown = digits not in node.options and run.world.route_menu(digits) is None
    return run.world.begins_extension(digits) or (len(digits) > 1 and unknown)


def _decide(run: Run, node: Menu) -> None:
    digits = run.at.digits
    run.at.digits = ""
    option = node.options.get(digits)
    if option is not None:
        run.pressed(digits, "menu")
        run.goto(option)
        return
    flow = run.world.route_menu(digits) if node.extensions and digits else None
    if flow is not None:
        run.pressed(digits, "extension")
        run.enter(flow)
        return
    run.pressed(digits, "unknown")
    run.at.index += 1
    if run.at.index >= INVALID_TRIES:
        run.goto(node.otherwise)
    else:
        run.say(Phrase("menu.invalid"), *node.prompts, step="greeting")


def _timer(run: Run, node: Menu, event: TimerFired) -> None:
    if event.timer == "next":
        _decide(run, node)
    elif run.at.tries < node.repeats:
        run.at.tries += 1
        run.say(*node.prompts, step="greeting")
    else:
        run.pressed("", "nothing")
        run.goto(node.otherwise)


TABLE: Table = {
    ("greeting", LegDigit): _key,
    ("waiting", LegDigit): _key,
    ("collecting", LegDigit): _key,
    ("greeting", PlayDone): _said,
    ("collecting", PlayDone): ignore,
    ("waiting", TimerFired): _timer,
    ("collecting", TimerFired): _timer,
}
