from __future__ import annotations

from itertools import product

import pytest

from tongdai.calls.legs import TRANSITIONS, Trigger, UnexpectedEvent, advance
from tongdai.calls.model import Leg, LegState, Party, PartyKind

OURS = {Trigger.RING, Trigger.PROGRESS, Trigger.ANSWER}
THEIRS = {Trigger.RANG, Trigger.PROGRESSED, Trigger.ANSWERED}
INBOUND = {LegState.OFFERED, LegState.ALERTING}
OUTBOUND = {LegState.CALLING, LegState.RINGING}


def leg(state: LegState) -> Leg:
    return Leg("leg", Party(PartyKind.PERSON, "101"), state, since=1.0)


@pytest.mark.parametrize(("state", "trigger"), sorted(TRANSITIONS))
def test_known_pairs_move_the_leg_and_its_clock_only_when_it_moves(state: LegState, trigger: Trigger) -> None:
    moved = leg(state)
    advance(moved, trigger, 5.0)
    assert moved.state is TRANSITIONS[state, trigger]
    assert moved.since == (1.0 if moved.state is state else 5.0)


@pytest.mark.parametrize(("state", "trigger"), sorted(set(product(LegState, Trigger)) - set(TRANSITIONS)))
def test_unknown_pairs_raise_and_change_nothing(state: LegState, trigger: Trigger) -> None:
    stays = leg(state)
    with pytest.raises(UnexpectedEvent, match=f"leg leg is {state} and does not know"):
        advance(stays, trigger, 5.0)
    assert stays == leg(state)


def test_we_answer_those_who_call_us_and_they_answer_whom_we_call() -> None:
    assert {state for state, trigger in TRANSITIONS if trigger in OURS} == INBOUND
    assert {state for state, trigger in TRANSITIONS if trigger in THEIRS} == OUTBOUND


def test_every_leg_can_end_once() -> None:
    assert {state for state, trigger in TRANSITIONS if trigger is Trigger.END} == set(LegState) - {
        LegState.ENDED
    }
    assert LegState.ENDED not in {state for state, _ in TRANSITIONS}
