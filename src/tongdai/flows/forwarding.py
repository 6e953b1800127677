"""Somebody's calls go on to where he wants them. A circle ends: who has forwarded a call once does not do so
again, and nobody does so for one that was forwarded too often, also before it came here."""

from __future__ import annotations

from tongdai.calls import facts as f
from tongdai.calls.model import Cause, Diversion, DiversionReason, Party, PartyKind
from tongdai.flows.ports import Person
from tongdai.flows.run import Run

MOST_DIVERSIONS = 5
"""As in the telephone network (ITU-T Q.732)."""


def forward(run: Run, person: Person, to: str, reason: DiversionReason) -> bool:
    """Let the call go on to `to`, in the person's name. False when that is nowhere: he wants nothing, or it
    cannot be."""
    if not to:
        return False
    call, by = run.call, Party(PartyKind.PERSON, person.extension, person.name, person.id)
    flow = run.world.forward(to, by)
    again = any(diversion.by.person == person.id for diversion in call.diversions)
    if flow is None:
        run.step.note(call, f.NotForwarded(by, to, "uncallable"))
    elif again or call.hops + len(call.diversions) >= MOST_DIVERSIONS:
        run.step.note(call, f.NotForwarded(by, to, "circle"))
    else:
        call.diversions.append(Diversion(by, reason))
        run.step.note(call, f.Forwarded(by, to, reason))
        run.stop_targets(Cause.ELSEWHERE)
        run.enter(flow)
        return True
    return False
