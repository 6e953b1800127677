"""The leg's state machine, as a table."""

from __future__ import annotations

from enum import StrEnum

from tongdai.calls.model import Leg, LegState


class Trigger(StrEnum):
    """`ring`, `progress`, `answer` and `end` are what we do; the others are what the far side did."""

    RING = "ring"
    PROGRESS = "progress"
    ANSWER = "answer"
    RANG = "rang"
    PROGRESSED = "progressed"
    ANSWERED = "answered"
    END = "end"


class UnexpectedEvent(Exception):
    """An event that the present state does not know: a defect of an adapter or of the logic."""


TRANSITIONS: dict[tuple[LegState, Trigger], LegState] = {
    (LegState.OFFERED, Trigger.RING): LegState.ALERTING,
    (LegState.OFFERED, Trigger.PROGRESS): LegState.ALERTING,
    (LegState.OFFERED, Trigger.ANSWER): LegState.ANSWERED,
    (LegState.OFFERED, Trigger.END): LegState.ENDED,
    (LegState.ALERTING, Trigger.RING): LegState.ALERTING,
    (LegState.ALERTING, Trigger.PROGRESS): LegState.ALERTING,
    (LegState.ALERTING, Trigger.ANSWER): LegState.ANSWERED,
    (LegState.ALERTING, Trigger.END): LegState.ENDED,
    (LegState.CALLING, Trigger.RANG): LegState.RINGING,
    (LegState.CALLING, Trigger.PROGRESSED): LegState.RINGING,
    (LegState.CALLING, Trigger.ANSWERED): LegState.ANSWERED,
    (LegState.CALLING, Trigger.END): LegState.ENDED,
    (LegState.RINGING, Trigger.RANG): LegState.RINGING,
    (LegState.RINGING, Trigger.PROGRESSED): LegState.RINGING,
    (LegState.RINGING, Trigger.ANSWERED): LegState.ANSWERED,
    (LegState.RINGING, Trigger.END): LegState.ENDED,
    (LegState.ANSWERED, Trigger.END): LegState.ENDED,
}


def advance(leg: Leg, trigger: Trigger, now: float) -> None:
    """Move the leg on. Raises UnexpectedEvent when its state does not know the trigger."""
    after = TRANSITIONS.get((leg.state, trigger))
    if after is None:
        raise UnexpectedEvent(f"leg {leg.id} is {leg.state.value} and does not know {trigger.value!r}")
    if after is not leg.state:
        leg.state, leg.since = after, now
