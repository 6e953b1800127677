"""Calls go on to where somebody wants them: always, when busy, without an answer, without a phone."""

from __future__ import annotations

from typing import Any

import pytest
from tests.sim.company import MAIN, OUTSIDE
from tests.sim.invariants import Checked

from tongdai.calls import commands as c
from tongdai.calls import events as e
from tongdai.calls import facts as f
from tongdai.calls.model import Cause, Diversion, DiversionReason, Hears, LegState, Party, PartyKind, RingTone
from tongdai.calls.preferences import Preferences
from tongdai.calls.prompts import Phrase

STRANGER = Party(PartyKind.OUTSIDE, OUTSIDE)
MOBILE = "+84987654321"
WHY = DiversionReason


def forwards(sim: Checked, person: str, **changes: Any) -> None:
    sim.world.preferred[person] = Preferences(**changes)


def created(sim: Checked) -> c.CreateLeg:
    """The last leg that was called."""
    return [x for x in sim.commands if isinstance(x, c.CreateLeg)][-1]


def reached_voicemail(sim: Checked, leg: str, name: str) -> bool:
    return Phrase("voicemail.greeting.person", {"name": name}) in sim.lines[leg].heard


def test_all_calls_go_to_a_colleague(sim: Checked) -> None:
    forwards(sim, "minh", always="103")
    lan = sim.call("lan-1", "102")
    assert sim.legs_at("minh-1") == []
    hoa = sim.ringing("hoa-1")
    assert created(sim).caller.number == "101", "the caller is shown, not who forwards"
    assert [(x.by.number, x.reason) for x in created(sim).diversions] == [("102", WHY.ALWAYS)]
    sim.answer(hoa)
    assert sim.talk(lan, hoa)
    assert sim.noted(lan, f.Forwarded) == [
        f.Forwarded(Party(PartyKind.PERSON, "102", "Minh Tran", "minh"), "103", WHY.ALWAYS)
    ]


def test_all_calls_go_to_a_mobile(sim: Checked) -> None:
    forwards(sim, "minh", always="0987654321")
    caller = sim.call(STRANGER, MAIN)
    sim.press(caller, "102")
    sim.advance(3)
    mobile = sim.ringing(MOBILE)
    assert isinstance(created(sim).target, c.TrunkTarget)
    assert created(sim).behind == STRANGER
    assert created(sim).caller.number == MAIN, "whose number is shown is the trunk's rule"
    sim.answer(mobile)
    assert sim.talk(caller, mobile)


def test_nobody_who_called_is_lost_when_the_mobile_is(sim: Checked) -> None:
    forwards(sim, "minh", always="0987654321")
    lan = sim.call("lan-1", "102")
    sim.hangup(sim.ringing(MOBILE), Cause.BUSY)
    assert reached_voicemail(sim, lan, "Minh Tran")


def test_a_busy_phone_sends_on_and_so_does_one_that_is_not_to_be_disturbed(sim: Checked) -> None:
    forwards(sim, "minh", busy="103")
    sim.call("lan-1", "102")
    sim.hangup(sim.ringing("minh-1"), Cause.BUSY)
    assert [x.reason for x in created(sim).diversions] == [WHY.BUSY]
    forwards(sim, "minh", busy="103", dnd=True, dnd_busy=True)
    sim.call("anna-1", "102")
    assert [x.reason for x in created(sim).diversions] == [WHY.DND]


def test_who_takes_one_call_at_a_time_sends_the_second_on(sim: Checked) -> None:
    sim.connect("lan-1", "102", "minh-1")
    forwards(sim, "minh", busy="104", call_waiting=False)
    hoa = sim.call("hoa-1", "102")
    assert sim.talk(hoa, sim.answer_at("anna-1"))


def test_what_is_not_answered_goes_on_after_his_own_time(sim: Checked) -> None:
    forwards(sim, "minh", no_answer="103", no_answer_seconds=8.0)
    lan = sim.call("lan-1", "102")
    sim.advance(7)
    minh = sim.ringing("minh-1")
    sim.advance(2)
    assert sim.cause(minh) is not None
    assert sim.talk(lan, sim.answer_at("hoa-1"))


def test_his_time_means_nothing_without_a_number(sim: Checked) -> None:
    forwards(sim, "minh", no_answer_seconds=8.0)
    lan = sim.call("lan-1", "102")
    sim.advance(10)
    assert sim.ringing("minh-1")
    sim.advance(12)
    assert reached_voicemail(sim, lan, "Minh Tran")


def test_without_a_phone_calls_go_elsewhere(sim: Checked) -> None:
    forwards(sim, "quang", unreachable="101")
    hoa = sim.call("hoa-1", "105")
    assert sim.talk(hoa, sim.answer_at("lan-1"))


def test_a_circle_ends_in_the_voicemail(sim: Checked) -> None:
    forwards(sim, "minh", always="103")
    forwards(sim, "hoa", always="102")
    lan = sim.call("lan-1", "102")
    assert sim.ringing("minh-1"), "who has forwarded it once is called"
    assert [fact.why for fact in sim.noted(lan, f.NotForwarded)] == ["circle"]
    sim.advance(25)
    assert reached_voicemail(sim, lan, "Minh Tran")


def test_a_chain_ends(sim: Checked) -> None:
    """As long as the telephone network allows it, and what was before our house counts."""
    forwards(sim, "minh", always="103")
    for hops, forwarded in ((4, True), (5, False)):
        leg = sim.call("lan-1", "102", hops=hops)
        assert bool(sim.legs_at("hoa-1")) is forwarded, hops
        assert bool(sim.legs_at("minh-1")) is not forwarded
        sim.hangup(leg)


def test_a_call_that_has_gone_too_far_goes_no_further(sim: Checked) -> None:
    leg = sim.call("lan-1", OUTSIDE, max_forwards=17)
    assert created(sim).max_forwards == 16
    sim.hangup(leg)


def test_who_forwarded_it_before_it_came_is_told(sim: Checked) -> None:
    by = Diversion(Party(PartyKind.OUTSIDE, MOBILE), WHY.BUSY)
    leg = sim.call(STRANGER, MAIN, diverted=by)
    assert sim.noted(leg, f.Forwarded) == [f.Forwarded(by.by, MAIN, WHY.BUSY)]


def test_a_department_does_not_follow_its_members_forwarding(sim: Checked) -> None:
    forwards(sim, "minh", always="103")
    sim.call("anna-1", "200")
    assert sim.ringing("minh-1")
    assert sim.legs_at("hoa-1") == []


@pytest.mark.parametrize("to", ["112", "*97", "**103", "102", "+12125550123", "nobody"])
def test_where_calls_may_not_go_they_do_not(sim: Checked, to: str) -> None:
    forwards(sim, "minh", always=to)
    lan = sim.call("lan-1", "102")
    assert sim.ringing("minh-1")
    assert [fact.why for fact in sim.noted(lan, f.NotForwarded)] == ["uncallable"]


def test_a_phone_sends_its_call_on_itself(sim: Checked) -> None:
    """302 of a phone with a key of its own for that."""
    lan = sim.call("lan-1", "103")
    phones = [sim.ringing("hoa-1"), sim.ringing("hoa-2")]
    sim._gone(sim.lines[phones[0]], Cause.DECLINED)
    sim._now(e.LegEnded(phones[0], Cause.DECLINED, to="104"))
    assert sim.cause(phones[1]) is Cause.ELSEWHERE
    assert [x.reason for x in created(sim).diversions] == [WHY.PHONE]
    assert sim.talk(lan, sim.answer_at("anna-1"))


def test_it_is_set_at_a_phone_with_the_number_or_asked_for_it(sim: Checked) -> None:
    leg = sim.call("minh-1", "*72103")
    assert sim.hears(leg) == (Phrase("prefer.always.on", {"number": "1 0 3"}),)
    assert sim.world.preferences("minh").always == "103"
    leg = sim.call("minh-1", "*73")
    assert sim.hears(leg) == (Phrase("prefer.always.off"),)
    assert sim.world.preferences("minh") == Preferences()
    leg = sim.call("minh-1", "*90")
    assert sim.hears(leg) == (Phrase("prefer.number"),)
    sim.press(leg, "0987654321#")
    assert sim.hears(leg) == (Phrase("prefer.busy.on", {"number": "0 9 8 7 6 5 4 3 2 1"}),)
    assert sim.world.preferences("minh") == Preferences(busy="0987654321")
    sim.advance(5)
    assert sim.cause(leg) is Cause.NORMAL


def test_a_number_that_cannot_be_is_asked_for_again(sim: Checked) -> None:
    leg = sim.call("minh-1", "*62112")
    assert sim.hears(leg) == (Phrase("prefer.bad_number"), Phrase("prefer.number"))
    sim.press(leg, "101")
    sim.advance(9)
    assert sim.world.preferences("minh").unreachable == "101", "a pause is as good as the hash key"


def test_who_can_think_of_none_is_sent_away(sim: Checked) -> None:
    leg = sim.call("minh-1", "*52")
    sim.advance(60)
    assert sim.cause(leg) is Cause.NORMAL
    assert sim.world.preferences("minh") == Preferences()


def test_a_transferred_call_begins_anew(sim: Checked) -> None:
    forwards(sim, "minh", always="103")
    lan = sim.call("lan-1", "102")
    hoa = sim.answer_at("hoa-1")
    sim.refer(hoa, "104")
    assert created(sim).diversions == ()
    assert sim.talk(lan, sim.answer_at("anna-1"))


# who answers at an outside number must say so


def asked(sim: Checked, **more: Any) -> tuple[str, str]:
    """A caller whose call was forwarded to a mobile that has just been answered: both legs."""
    forwards(sim, "minh", always="0987654321", confirm=True, **more)
    lan = sim.call("lan-1", "102")
    mobile = sim.ringing(MOBILE)
    sim.answer(mobile)
    assert sim.saying(mobile) == ["outside.accept"]
    assert not sim.talk(lan, mobile)
    return lan, mobile


def test_who_answers_at_a_mobile_takes_the_call_by_a_key(sim: Checked) -> None:
    lan, mobile = asked(sim)
    assert sim.lines[lan].state is LegState.ALERTING, "the caller hears it ring"
    sim.press(mobile, "1")
    assert sim.talk(lan, mobile)
    assert sim.saying(mobile) == []
    assert sim.noted(lan, f.Pressed) == [f.Pressed(mobile, "1", "accepted")]


def test_a_mobiles_own_voicemail_does_not_swallow_a_call(sim: Checked) -> None:
    """Its greeting answered, recorded our question, and whoever had called spoke to a mailbox that nobody of
    the company looks into."""
    lan, mobile = asked(sim)
    sim.advance(40)
    assert sim.cause(mobile) is Cause.NORMAL
    assert sim.said(mobile) == ["outside.accept"] * 4
    assert reached_voicemail(sim, lan, "Minh Tran")
    assert sim.noted(lan, f.Connected) == []


def test_other_keys_take_no_call_and_neither_does_the_caller(sim: Checked) -> None:
    lan, mobile = asked(sim)
    sim.press(mobile, "25*#")
    sim.press(lan, "1")
    assert not sim.talk(lan, mobile)
    sim.advance(5)
    sim.press(mobile, "1")
    assert sim.talk(lan, mobile)


def test_a_mobile_that_hangs_up_without_a_key_has_not_taken_the_call(sim: Checked) -> None:
    lan, mobile = asked(sim)
    sim.hangup(mobile)
    assert reached_voicemail(sim, lan, "Minh Tran")


def test_a_caller_who_hangs_up_meanwhile_ends_it(sim: Checked) -> None:
    lan, mobile = asked(sim)
    sim.hangup(lan)
    assert sim.cause(mobile) is not None
    assert sim.state.calls == {}


def test_a_caller_from_outside_who_was_answered_hears_it_ring_meanwhile(sim: Checked) -> None:
    """Early media of the mobile first: what its network says is not heard after it was answered."""
    forwards(sim, "minh", always="0987654321", confirm=True)
    caller = sim.call(STRANGER, MAIN)
    sim.press(caller, "102")
    sim.advance(3)
    mobile = sim.ringing(MOBILE)
    sim.early_media(mobile)
    assert sim.hears(caller) == Hears(mobile)
    sim.answer(mobile)
    assert sim.hears(caller) == RingTone()
    sim.press(mobile, "1")
    assert sim.talk(caller, mobile)


def test_a_call_may_be_transferred_while_the_mobile_is_asked(sim: Checked) -> None:
    """Anna asks at Minh's mobile, and hands her caller over before it has said 1."""
    forwards(sim, "minh", always="0987654321", confirm=True)
    hoa, anna = sim.connect("hoa-1", "104", "anna-1")
    sim.hold(anna)
    other = sim.call("anna-1", "102")
    mobile = sim.ringing(MOBILE)
    sim.answer(mobile)
    sim.refer(anna, replaces=other)
    if sim.cause(mobile) is None:
        sim.press(mobile, "1")
        assert sim.talk(hoa, mobile)


def test_nobody_is_asked_who_was_dialled_or_is_a_colleague(sim: Checked) -> None:
    forwards(sim, "lan", confirm=True)
    lan = sim.call("lan-1", MOBILE)
    mobile = sim.ringing(MOBILE)
    sim.answer(mobile)
    assert sim.talk(lan, mobile)
    forwards(sim, "minh", always="103", confirm=True)
    anna = sim.call("anna-1", "102")
    assert sim.talk(anna, sim.answer_at("hoa-1"))
