"""Change at one's own phone how one's calls are treated, with a spoken confirmation."""

from __future__ import annotations

import msgspec

from tongdai.calls import commands as c
from tongdai.calls import facts as f
from tongdai.calls.events import LegDigit, PlayDone
from tongdai.calls.model import PartyKind
from tongdai.calls.prompts import Phrase
from tongdai.flows.run import Run, Table, ignore
from tongdai.flows.schema import Prefer


def start(run: Run, node: Prefer) -> None:
    who = run.subject.party
    if who.kind is not PartyKind.PERSON or run.world.person(who.person) is None:
        run.fail(f"{who.label} has no preferences to change")
        return
    preferences = run.world.preferences(who.person)
    on = node.value == "on" or (node.value == "toggle" and not getattr(preferences, node.setting))
    changed = msgspec.structs.replace(preferences, **{node.setting: on})
    said = f"prefer.{node.setting}.{'on' if on else 'off'}"
    run.step.do(c.SetPreferences(who.person, changed))
    run.step.note(run.call, f.Preferred(who, f"{node.setting}.{'on' if on else 'off'}"))
    run.say(Phrase(said), step="confirming")


def _confirmed(run: Run, node: Prefer, event: PlayDone) -> None:
    run.end()


TABLE: Table = {("confirming", PlayDone): _confirmed, ("confirming", LegDigit): ignore}
