"""Do not disturb and call waiting: set at one's own phone, and what callers then meet."""

from __future__ import annotations

import msgspec
from tests.sim.company import MAIN, OUTSIDE
from tests.sim.invariants import Checked

from tongdai.calls import facts as f
from tongdai.calls.model import Cause, Party, PartyKind
from tongdai.calls.preferences import Preferences
from tongdai.calls.prompts import Phrase

STRANGER = Party(PartyKind.OUTSIDE, OUTSIDE)


def set_at(sim: Checked, phone: str, code: str, said: str) -> None:
    leg = sim.call(phone, code)
    assert sim.hears(leg) == (Phrase(f"prefer.{said}"),)
    sim.advance(5)
    assert sim.cause(leg) is Cause.NORMAL, "the code's own call is over after the confirmation"


def test_who_does_not_want_to_be_disturbed_is_not_rung(sim: Checked) -> None:
    set_at(sim, "minh-1", "*78", "dnd.on")
    lan = sim.call("lan-1", "102")
    assert sim.legs_at("minh-1") == []
    assert Phrase("voicemail.greeting.person", {"name": "Minh Tran"}) in sim.lines[lan].heard
    (fact,) = sim.noted(lan, f.PassedBy)
    assert (fact.party.number, fact.why) == ("102", "dnd")
    sim.hangup(lan)
    set_at(sim, "minh-1", "*79", "dnd.off")
    assert sim.talk(sim.call("lan-1", "102"), sim.answer_at("minh-1"))


def test_it_is_the_persons_and_not_the_phones(sim: Checked) -> None:
    set_at(sim, "hoa-2", "*76", "dnd.on")
    sim.call("lan-1", "103")
    assert sim.legs_at("hoa-1") == sim.legs_at("hoa-2") == []
    set_at(sim, "hoa-1", "*76", "dnd.off")
    sim.call("anna-1", "103")
    assert sim.ringing("hoa-1")
    assert sim.ringing("hoa-2")


def test_a_caller_hears_busy_where_that_is_wanted(sim: Checked) -> None:
    sim.world.preferred["minh"] = Preferences(dnd=True, dnd_busy=True)
    assert sim.cause(sim.call("lan-1", "102")) is Cause.BUSY


def test_who_was_answered_by_the_menu_is_not_cut_off(sim: Checked) -> None:
    sim.world.preferred["minh"] = Preferences(dnd=True, dnd_busy=True)
    caller = sim.call(STRANGER, MAIN)
    sim.press(caller, "102")
    sim.advance(3)
    assert Phrase("voicemail.greeting.person", {"name": "Minh Tran"}) in sim.lines[caller].heard


def test_a_department_passes_him_by(sim: Checked) -> None:
    sim.world.preferred["minh"] = Preferences(dnd=True)
    hoa = sim.call("hoa-1", "200")
    assert sim.legs_at("minh-1") == []
    assert sim.talk(hoa, sim.answer_at("lan-1"))


def test_a_department_of_whom_nobody_wants_to_be_disturbed_takes_a_message(sim: Checked) -> None:
    sim.world.preferred |= {"minh": Preferences(dnd=True), "lan": Preferences(dnd=True)}
    hoa = sim.call("hoa-1", "200")
    assert sim.legs_at("lan-1") == sim.legs_at("minh-1") == []
    assert Phrase("voicemail.greeting.person", {"name": "Sales"}) in sim.lines[hoa].heard


def test_a_queue_waits_until_its_agent_can_be_disturbed_again(sim: Checked) -> None:
    sim.register("quang", "quang-1")
    set_at(sim, "quang-1", "*78", "dnd.on")
    lan = sim.call("lan-1", "300")
    sim.advance(60)
    assert sim.legs_at("quang-1") == []
    set_at(sim, "quang-1", "*79", "dnd.off")
    assert sim.talk(lan, sim.answer_at("quang-1"))


def test_who_does_not_want_to_be_disturbed_may_call(sim: Checked) -> None:
    sim.world.preferred["minh"] = Preferences(dnd=True)
    assert sim.talk(*sim.connect("minh-1", "101", "lan-1"))


def test_a_second_call_rings_unless_that_is_not_wanted(sim: Checked) -> None:
    sim.connect("lan-1", "102", "minh-1")
    second = sim.call("hoa-1", "102")
    assert len(sim.legs_at("minh-1")) == 2, "the phone decides"
    sim.hangup(second)
    sim.world.preferred["minh"] = Preferences(call_waiting=False)
    third = sim.call("hoa-1", "102")
    assert len(sim.legs_at("minh-1")) == 1
    assert Phrase("voicemail.greeting.person", {"name": "Minh Tran"}) in sim.lines[third].heard
    assert [fact.why for fact in sim.noted(third, f.PassedBy)] == ["engaged"]


def test_without_call_waiting_a_department_passes_by_who_talks(sim: Checked) -> None:
    set_at(sim, "minh-1", "*71", "call_waiting.off")
    minh, _ = sim.connect("minh-1", "103", "hoa-1")
    anna = sim.call("anna-1", "200")
    assert len(sim.legs_at("minh-1")) == 1
    assert sim.talk(anna, sim.answer_at("lan-1"))
    sim.hangup(minh)
    set_at(sim, "minh-1", "*70", "call_waiting.on")
    assert sim.world.preferences("minh") == Preferences()


def test_who_is_free_is_rung_without_call_waiting(sim: Checked) -> None:
    sim.world.preferred["minh"] = Preferences(call_waiting=False)
    assert sim.talk(sim.call("lan-1", "102"), sim.answer_at("minh-1"))


def test_nobody_changes_preferences_of_others_from_a_menu_or_by_transfer(sim: Checked) -> None:
    caller = sim.call(STRANGER, MAIN)
    sim.press(caller, "*78")
    sim.advance(5)
    sim.hangup(caller)
    hoa, anna = sim.connect("hoa-1", "104", "anna-1")
    before = dict(sim.world.preferred)
    sim.refer(anna, "*78")
    sim.advance(1)
    assert sim.world.preferred == before
    assert sim.talk(hoa, anna)


def test_preferences_keep_what_is_default_out_of_the_journal() -> None:
    assert msgspec.json.encode(Preferences()) == b"{}"
