from __future__ import annotations

import pytest
from tests.sim.company import MAIN, MENU, OUTSIDE, Company
from tests.sim.invariants import Checked

from tongdai.calls import commands as c
from tongdai.calls import facts as f
from tongdai.calls.model import Cause, RingTone, Silence
from tongdai.flows import schema
from tongdai.flows.schema import Flow
from tongdai.flows.simulated import seconds_of

GREETING_SECONDS = seconds_of(MENU["menu"].prompts[0])  # type: ignore[union-attr]


@pytest.fixture
def caller(sim: Checked) -> str:
    return sim.call(OUTSIDE, MAIN)


def test_the_greeting_is_the_companys_own(sim: Checked, caller: str) -> None:
    assert sim.said(caller) == ["Text"]
    assert sim.noted(caller, f.FlowEntered) == [f.FlowEntered("switchboard", "Main menu")]


def test_the_operator_is_reached_by_0_during_the_greeting(sim: Checked, caller: str) -> None:
    sim.advance(1)
    sim.press(caller, "0")
    assert sim.hears(caller) == RingTone()
    anna = sim.answer_at("anna-1")
    assert sim.talk(caller, anna)


def test_a_key_that_could_begin_an_extension_waits_two_seconds(sim: Checked, caller: str) -> None:
    sim.press(caller, "1")
    assert sim.saying(caller) == []
    sim.advance(1.9)
    assert sim.legs_at("lan-1") == []
    sim.advance(0.2)
    assert sim.ringing("lan-1")
    assert sim.ringing("minh-1")
    assert sim.noted(caller, f.Pressed) == [f.Pressed(caller, "1", "menu")]


def test_a_key_that_begins_no_extension_acts_at_once(sim: Checked, caller: str) -> None:
    sim.press(caller, "9")
    assert sim.saying(caller) == ["directory.prompt"]


def test_hash_ends_the_wait(sim: Checked, caller: str) -> None:
    sim.press(caller, "1#")
    assert sim.ringing("lan-1")


def test_an_extension_is_dialled_directly(sim: Checked, caller: str) -> None:
    sim.press(caller, "1")
    sim.advance(1.5)
    sim.press(caller, "0")
    sim.advance(1.5)
    sim.press(caller, "2")
    minh = sim.answer_at("minh-1")
    assert sim.talk(caller, minh)
    assert sim.noted(caller, f.Pressed) == [f.Pressed(caller, "102", "extension")]


def test_an_extension_given_up_half_way_is_invalid(sim: Checked, caller: str) -> None:
    sim.press(caller, "10")
    sim.advance(2.1)
    assert sim.saying(caller) == ["menu.invalid", "Text"]


def test_an_extension_that_does_not_exist_is_invalid(sim: Checked, caller: str) -> None:
    """Its last key was taken for a choice of the menu."""
    sim.press(caller, "199")
    sim.advance(2.1)
    assert sim.saying(caller) == ["menu.invalid", "Text"]
    assert sim.noted(caller, f.Pressed) == [f.Pressed(caller, "199", "unknown")]


def test_parking_places_cannot_be_dialled_from_outside(sim: Checked, caller: str) -> None:
    sim.press(caller, "7")
    assert sim.saying(caller) == ["menu.invalid", "Text"]


def test_nothing_pressed_says_the_menu_once_more_then_the_operator(sim: Checked, caller: str) -> None:
    sim.advance(GREETING_SECONDS + 4.9)
    assert sim.said(caller) == ["Text"]
    sim.advance(0.2)
    assert sim.said(caller) == ["Text", "Text"]
    sim.advance(GREETING_SECONDS + 5.1)
    assert sim.ringing("anna-1")


def test_three_wrong_choices_lead_to_the_operator(sim: Checked, caller: str) -> None:
    for _ in range(3):
        sim.press(caller, "8")
    assert sim.ringing("anna-1")


def test_the_operator_who_is_away_has_a_voicemail(sim: Checked, caller: str) -> None:
    sim.unregister("anna-1")
    sim.press(caller, "0")
    assert sim.saying(caller) == ["voicemail.greeting.person", "Beep"]
    assert sim.hears(caller) != RingTone()


def test_a_caller_who_leaves_the_menu_is_forgotten(sim: Checked, caller: str) -> None:
    sim.press(caller, "1")
    sim.hangup(caller)
    sim.advance(60)
    assert sim.state.calls == {}
    assert sim.carried_out(c.CreateLeg) == []


def test_a_colleague_hears_the_same_menu(sim: Checked) -> None:
    hoa = sim.call("hoa-1", "100")
    sim.press(hoa, "0")
    assert sim.talk(hoa, sim.answer_at("anna-1"))


def test_a_number_that_nobody_has_is_refused(sim: Checked) -> None:
    assert sim.cause(sim.call(OUTSIDE, "+842871239999")) is Cause.NOT_FOUND


def test_a_published_version_stays_with_the_calls_that_are_in_it(
    company: Company, sim: Checked, caller: str
) -> None:
    company.put("", Flow("switchboard-2", "switchboard", "Main menu", "bye", {"bye": schema.End()}), MAIN)
    sim.press(caller, "0")
    assert sim.ringing("anna-1")
    assert sim.cause(sim.call(OUTSIDE, MAIN)) is Cause.NORMAL


def test_a_flow_that_is_gone_ends_the_call_with_trouble(company: Company, sim: Checked, caller: str) -> None:
    sim.expects_trouble = True
    sim.advance(GREETING_SECONDS + 0.1)
    nodes = {"menu": MENU["menu"]}
    company.flows["switchboard"] = Flow("switchboard", "switchboard", "Main menu", "menu", nodes)
    sim.press(caller, "0")
    assert sim.cause(caller) is Cause.FAILED
    assert sim.noted(caller, f.Trouble) == [f.Trouble("flow switchboard has no node 'operator'")]


def test_play_goes_on_and_hears_silence_underneath(company: Company, sim: Checked) -> None:
    """Who came from a ringing phone heard the ringing again between the prompts."""
    nodes: dict[str, schema.Node] = {
        "ring": schema.Dial(("minh",), busy="sorry", no_answer="sorry", unavailable="sorry"),
        "sorry": schema.Play((MENU["menu"].prompts[0],), then="box"),  # type: ignore[union-attr]
        "box": schema.Mailbox("box-102"),
    }
    company.put("109", Flow("play", "person", "Play", "ring", nodes))
    caller = sim.call(OUTSIDE, MAIN)
    sim.press(caller, "109")
    assert sim.hears(caller) == RingTone()
    sim.hangup(sim.ringing("minh-1"))
    assert sim.lines[caller].source == Silence()
    sim.advance(GREETING_SECONDS + 3)
    assert sim.said(caller)[-1] == "mailbox.enter_pin"
    assert sim.hears(caller) == Silence()


@pytest.mark.parametrize(
    "nodes",
    [
        {"a": schema.Dial(("quang",), unavailable="b"), "b": schema.Dial(("mai",), unavailable="a")},
        {"a": schema.Goto("109")},
    ],
)
def test_a_flow_that_goes_round_ends_the_call_with_trouble(
    company: Company, sim: Checked, nodes: dict[str, schema.Node]
) -> None:
    """Two people who lead to each other when they are away stopped the whole process."""
    company.put("109", Flow("round", "person", "Round", "a", nodes))
    sim.expects_trouble = True
    lan = sim.call("lan-1", "109")
    assert sim.cause(lan) is Cause.FAILED
    assert sim.noted(lan, f.Trouble)


def test_a_key_leads_to_a_person_whatever_extension_he_has(company: Company, sim: Checked) -> None:
    """The menu led to extension 104: when it was given to somebody else, so were the callers."""
    menu = schema.Menu((MENU["menu"].prompts[0],), {"0": "anna"}, "anna")  # type: ignore[union-attr]
    nodes: dict[str, schema.Node] = {"menu": menu, "anna": schema.Enter("ext-104")}
    company.put("", Flow("by-id", "switchboard", "Main menu", "menu", nodes), MAIN)
    company.by_extension.pop("104")
    caller = sim.call(OUTSIDE, MAIN)
    sim.press(caller, "0")
    assert sim.ringing("anna-1")


def test_a_key_that_leads_nowhere_is_trouble(company: Company, sim: Checked) -> None:
    sim.expects_trouble = True
    nodes: dict[str, schema.Node] = {"a": schema.Enter("person:gone")}
    company.put("109", Flow("nowhere", "person", "Nothing", "a", nodes))
    assert sim.cause(sim.call("lan-1", "109")) is Cause.FAILED


def test_a_flow_without_its_start_ends_the_call_with_trouble(company: Company, sim: Checked) -> None:
    company.put("109", Flow("no-start", "person", "Nothing", "a", {}))
    sim.expects_trouble = True
    assert sim.cause(sim.call("lan-1", "109")) is Cause.FAILED
