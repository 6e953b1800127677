from __future__ import annotations

import pytest
from tests.sim.company import CLINIC, MAIN, OUTSIDE, TRUNKS, Company
from tests.sim.invariants import Checked

from tongdai.calls import commands as c
from tongdai.calls import facts as f
from tongdai.calls.model import Cause, Hears, LegState, RingTone
from tongdai.calls.prompts import Text
from tongdai.flows import schema
from tongdai.flows.schema import Flow
from tongdai.flows.simulated import BUSY, SILENT, Behaviour, refuses


def trunks(sim: Checked) -> list[str]:
    return [x.target.trunk for x in sim.carried_out(c.CreateLeg) if isinstance(x.target, c.TrunkTarget)]


def test_a_call_out_shows_the_companys_number_in_e164(sim: Checked) -> None:
    lan = sim.call("lan-1", "0912345678")
    outside = sim.answer_at(OUTSIDE)
    assert sim.talk(lan, outside)
    line = sim.lines[outside]
    assert line.target == c.TrunkTarget("trunk-a", OUTSIDE)
    assert line.shown is not None
    assert line.shown.number == MAIN


@pytest.mark.parametrize("cause", [Cause.CONGESTION, Cause.UNAVAILABLE, Cause.FAILED])
def test_a_trunk_that_fails_gives_way_to_the_next(sim: Checked, cause: Cause) -> None:
    sim.behaviours["trunk-a"] = Behaviour(rings=False, refuses=cause)
    lan = sim.call("lan-1", OUTSIDE)
    assert trunks(sim) == ["trunk-a", "trunk-b"]
    assert sim.talk(lan, sim.answer_at(OUTSIDE))


@pytest.mark.parametrize("cause", [Cause.BUSY, Cause.DECLINED, Cause.NOT_FOUND, Cause.FORBIDDEN])
def test_a_called_party_who_refuses_is_not_tried_again(sim: Checked, cause: Cause) -> None:
    sim.behaviours[OUTSIDE] = refuses(cause, 1)
    lan = sim.call("lan-1", OUTSIDE)
    sim.advance(1.1)
    assert trunks(sim) == ["trunk-a"]
    assert sim.cause(lan) is cause


def test_when_no_trunk_is_left_the_caller_learns_the_cause(sim: Checked) -> None:
    sim.behaviours["trunk-a"] = sim.behaviours["trunk-b"] = Behaviour(rings=False, refuses=Cause.CONGESTION)
    assert sim.cause(sim.call("lan-1", OUTSIDE)) is Cause.CONGESTION


def test_a_trunk_that_fails_while_it_rings_gives_way_to_the_next(sim: Checked) -> None:
    sim.behaviours["trunk-a"] = refuses(Cause.CONGESTION, 2)
    lan = sim.call("lan-1", OUTSIDE)
    assert sim.lines[lan].state is LegState.ALERTING
    sim.advance(2.1)
    assert sim.talk(lan, sim.answer_at(OUTSIDE))


def test_early_media_is_heard_both_ways_before_the_answer(sim: Checked) -> None:
    sim.behaviours[OUTSIDE] = Behaviour(early_media=True)
    lan = sim.call("lan-1", OUTSIDE)
    (outside,) = sim.legs_at(OUTSIDE)
    assert sim.carried_out(c.Progress) == [c.Progress(lan, match=outside)]
    assert sim.lines[lan].state is LegState.ALERTING
    assert sim.hears(lan) == Hears(outside)
    sim.answer(outside)
    assert sim.talk(lan, outside)


def test_an_announcement_before_a_failure_is_not_heard_after_it(sim: Checked) -> None:
    """The caller went on hearing the leg of the first trunk while the second rang."""
    sim.behaviours["trunk-a"] = Behaviour(early_media=True, refuses=Cause.CONGESTION, refuses_after=3)
    lan = sim.call("lan-1", OUTSIDE)
    sim.advance(3.1)
    assert not isinstance(sim.hears(lan), Hears)
    assert sim.talk(lan, sim.answer_at(OUTSIDE))


def test_that_every_line_is_in_use_is_said(sim: Checked) -> None:
    sim.behaviours["trunk-a"] = sim.behaviours["trunk-b"] = Behaviour(rings=False, refuses=Cause.LIMITED)
    lan = sim.call("lan-1", OUTSIDE)
    assert trunks(sim) == ["trunk-a", "trunk-b"]
    assert sim.saying(lan) == ["outside.limited"]
    sim.advance(10)
    assert sim.cause(lan) is Cause.NORMAL


def test_only_who_called_from_outside_stands_behind_a_call_out(sim: Checked) -> None:
    sim.call("lan-1", OUTSIDE)
    assert [x.behind for x in sim.carried_out(c.CreateLeg)] == [None]


def test_the_caller_cancels(sim: Checked) -> None:
    lan = sim.call("lan-1", OUTSIDE)
    outside = sim.ringing(OUTSIDE)
    sim.hangup(lan)
    assert sim.cause(outside) is Cause.CANCELLED


def test_nobody_answers_for_two_minutes(sim: Checked) -> None:
    sim.behaviours[OUTSIDE] = SILENT
    lan = sim.call("lan-1", OUTSIDE)
    sim.advance(120.1)
    assert sim.cause(lan) is Cause.NO_ANSWER
    assert sim.legs_at(OUTSIDE) == []


def test_other_countries_are_announced_as_not_permitted(sim: Checked) -> None:
    lan = sim.call("lan-1", "+15551234567")
    assert sim.saying(lan) == ["outside.not_permitted"]
    sim.press(lan, "1")
    sim.advance(2.1)
    assert sim.cause(lan) is Cause.FORBIDDEN
    assert sim.noted(lan, f.Refused) == [f.Refused("country")]
    assert trunks(sim) == []


def test_a_number_hosted_here_needs_no_trunk(sim: Checked) -> None:
    lan = sim.call("lan-1", CLINIC)
    clinic = sim.answer_at(CLINIC)
    assert sim.talk(lan, clinic)
    assert sim.lines[clinic].target == c.HostedTarget(CLINIC)
    shown = sim.lines[clinic].shown
    assert shown is not None
    assert shown.number == MAIN


def test_a_hosted_number_that_is_busy(sim: Checked) -> None:
    sim.behaviours[CLINIC] = BUSY
    assert sim.cause(sim.call("lan-1", CLINIC)) is Cause.BUSY


def test_somebody_already_answered_is_told_when_the_outside_fails(company: Company, sim: Checked) -> None:
    say = schema.Play((Text("One moment, please."),), then="call")
    nodes: dict[str, schema.Node] = {"say": say, "call": schema.Outside(OUTSIDE, TRUNKS, MAIN)}
    company.put("199", Flow("said-first", "menu", "Branch", "say", nodes))
    lan = sim.call("lan-1", "199")
    sim.advance(3)
    assert sim.hears(lan) == RingTone()
    sim.hangup(sim.ringing(OUTSIDE), Cause.BUSY)
    assert sim.saying(lan) == ["outside.unavailable"]
    sim.press(lan, "1")
    sim.advance(2.1)
    assert sim.cause(lan) is Cause.NORMAL


@pytest.mark.parametrize("number", ["112", "113", "114", "115"])
def test_emergency_is_marked_and_tried_on_every_trunk_whatever_the_first_says(
    sim: Checked, number: str
) -> None:
    sim.behaviours["trunk-a"] = Behaviour(rings=False, refuses=Cause.FORBIDDEN)
    lan = sim.call("lan-1", number)
    assert trunks(sim) == ["trunk-a", "trunk-b"]
    called = sim.answer_at(number)
    assert sim.lines[called].target == c.TrunkTarget("trunk-b", number, emergency=True, again=True)
    assert sim.talk(lan, called)


def test_an_outside_caller_reaches_a_person_through_an_extension_and_back(sim: Checked) -> None:
    caller = sim.call(OUTSIDE, MAIN)
    sim.press(caller, "101")
    lan = sim.answer_at("lan-1")
    shown = sim.lines[lan].shown
    assert shown is not None
    assert shown.number == OUTSIDE
    sim.hangup(lan)
    assert sim.cause(caller) is Cause.NORMAL


def test_keys_while_it_rings_mean_nothing(sim: Checked) -> None:
    lan, minh = sim.connect("lan-1", "102", "minh-1")
    sim.refer(minh, OUTSIDE)
    sim.press(lan, "12#")
    assert sim.talk(lan, sim.answer_at(OUTSIDE))
