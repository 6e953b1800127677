"""Whether those who talk can be heard: what the call's log says of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tongdai.calls import facts as f
from tongdai.calls.model import Call, InRoom, Leg, LegState

if TYPE_CHECKING:
    from tongdai.calls.step import Step

SPOKE_AT_ONCE = 2.0
"""A leg that was silent from this many seconds after it was answered was never heard."""


def missing(step: Step, call: Call, leg: Leg, lack: str, ms: int) -> None:
    """Something is missing of the leg's sound. One that holds the call need not send any."""
    if not leg.holding:
        leg.lack, leg.unheard_since = lack, step.now - ms / 1000
        step.touch(call)
        if silent(call, leg):
            step.note(call, f.FellSilent(leg.id, lack))


def heard(step: Step, call: Call, leg: Leg) -> None:
    """Nothing is missing any more. That somebody only listened for a while is nothing to tell."""
    if silent(call, leg):
        step.note(call, f.Heard(leg.id))
        if leg.lack == "packets":
            _note(step, call, leg)
    if leg.lack:
        leg.lack = ""
        step.touch(call)


def gone(step: Step, call: Call, leg: Leg) -> None:
    """The leg ends, or puts the call on hold."""
    if silent(call, leg):
        _note(step, call, leg)
    leg.lack = ""


def silent(call: Call, leg: Leg) -> bool:
    """Whether those who talk with the leg miss its sound: it sends nothing, or was silent from the beginning.
    Who only listens for a while is not missed."""
    if not leg.lack or leg.state is not LegState.ANSWERED:
        return False
    never_heard = leg.unheard_since <= leg.since + SPOKE_AT_ONCE
    talks = bool(call.peer) and leg.id in (call.subject, call.peer)
    return (leg.lack == "packets" or never_heard) and (talks or isinstance(leg.hears, InRoom))


def _note(step: Step, call: Call, leg: Leg) -> None:
    step.note(call, f.Unheard(leg.id, leg.lack, round((step.now - leg.unheard_since) * 1000)))
