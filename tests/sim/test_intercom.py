"""Phones that answer by themselves: one colleague's, or all of a department."""

from __future__ import annotations

from tests.sim.company import OUTSIDE
from tests.sim.invariants import Checked

from tongdai.calls import commands as c
from tongdai.calls import facts as f
from tongdai.calls.model import Cause, Hears, Silence
from tongdai.calls.preferences import Preferences
from tongdai.calls.prompts import Beep
from tongdai.flows.simulated import answers


def called(sim: Checked) -> list[c.CreateLeg]:
    return [x for x in sim.commands if isinstance(x, c.CreateLeg)]


def test_a_colleague_is_spoken_to_at_once(sim: Checked) -> None:
    sim.behaviours["minh-1"] = answers()
    lan = sim.call("lan-1", "*80102")
    (minh,) = sim.legs_at("minh-1")
    assert [x.answers for x in called(sim)] == [True]
    assert sim.talk(lan, minh)
    sim.hangup(lan)
    assert sim.cause(minh) is Cause.NORMAL


def test_an_ordinary_call_is_not_answered_by_the_phone_itself(sim: Checked) -> None:
    sim.call("lan-1", "102")
    assert [x.answers for x in called(sim)] == [False]


def test_who_talks_or_is_not_to_be_disturbed_is_busy(sim: Checked) -> None:
    sim.connect("minh-1", "103", "hoa-1")
    first = sim.call("lan-1", "*80102")
    assert sim.cause(first) is Cause.BUSY
    assert [x.why for x in sim.noted(first, f.PassedBy)] == ["talking"]
    sim.world.preferred["anna"] = Preferences(dnd=True)
    second = sim.call("lan-1", "*80104")
    assert sim.cause(second) is Cause.BUSY
    assert sim.legs_at("anna-1") == []


def test_a_phone_that_does_not_answer_by_itself_stops_ringing(sim: Checked) -> None:
    lan = sim.call("lan-1", "*80102")
    sim.advance(9)
    assert sim.cause(lan) is Cause.NO_ANSWER
    assert sim.legs_at("minh-1") == []


def test_without_a_phone_there_is_nobody_to_speak_to(sim: Checked) -> None:
    assert sim.cause(sim.call("lan-1", "*80105")) is Cause.UNAVAILABLE


def test_a_department_is_paged_one_way(sim: Checked) -> None:
    for phone in ("lan-1", "minh-1"):
        sim.behaviours[phone] = answers()
    hoa = sim.call("hoa-1", "*80200")
    (lan,), (minh,) = sim.legs_at("lan-1"), sim.legs_at("minh-1")
    assert sim.lines[hoa].heard == [Beep()]
    sim.advance(1)
    assert sim.hears(lan) == sim.hears(minh) == Hears(hoa)
    assert sim.hears(hoa) == Silence()
    sim.hangup(lan)
    assert sim.hears(minh) == Hears(hoa), "one who hangs up leaves the others"
    sim.hangup(hoa)
    assert sim.cause(minh) is Cause.NORMAL


def test_a_page_passes_by_who_talks_and_calls_nobody_twice(sim: Checked) -> None:
    sim.behaviours["lan-1"] = answers()
    sim.register("lan", "lan-2", answers(0.1))
    sim.connect("minh-1", "103", "hoa-1")
    anna = sim.call("anna-1", "*80200")
    sim.advance(1)
    assert [x.why for x in sim.noted(anna, f.PassedBy)] == ["talking"]
    assert len(sim.legs_at("minh-1")) == 1
    assert len([*sim.legs_at("lan-1"), *sim.legs_at("lan-2")]) == 1


def test_phones_that_only_ring_are_let_go_and_the_page_goes_on(sim: Checked) -> None:
    sim.behaviours["lan-1"] = answers()
    hoa = sim.call("hoa-1", "*80200")
    sim.advance(9)
    assert sim.legs_at("minh-1") == []
    (lan,) = sim.legs_at("lan-1")
    sim.advance(301)
    assert sim.cause(lan) is sim.cause(hoa) is Cause.NORMAL, "nobody has ended it"


def test_a_page_that_nobody_hears_ends(sim: Checked) -> None:
    hoa = sim.call("hoa-1", "*80200")
    sim.advance(9)
    assert sim.cause(hoa) is Cause.NO_ANSWER
    sim.unregister("lan-1")
    sim.unregister("minh-1")
    assert sim.cause(sim.call("hoa-1", "*80200")) is Cause.UNAVAILABLE


def test_the_paging_member_is_not_paged_himself(sim: Checked) -> None:
    sim.behaviours["minh-1"] = answers()
    lan = sim.call("lan-1", "*80200")
    assert [x.target for x in called(sim)] == [c.DeviceTarget("minh-1")]
    sim.hangup(lan)


def test_nobody_is_sent_into_a_colleagues_ear(sim: Checked) -> None:
    caller = sim.call(OUTSIDE, "+842871234500")
    sim.press(caller, "0")
    anna = sim.answer_at("anna-1")
    assert sim.refer(anna, "*80102").cause is Cause.FORBIDDEN
    assert sim.refer(anna, "*80200").cause is Cause.FORBIDDEN
