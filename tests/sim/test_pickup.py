"""Somebody answers at his own phone what rings at another's."""

from __future__ import annotations

from tests.sim.company import OUTSIDE
from tests.sim.invariants import Checked

from tongdai.calls import facts as f
from tongdai.calls.model import Cause, Party, PartyKind

STRANGER = Party(PartyKind.OUTSIDE, OUTSIDE)


def test_a_colleague_picks_up_what_rings_at_a_desk(sim: Checked) -> None:
    lan = sim.call("lan-1", "102")
    minh = sim.ringing("minh-1")
    anna = sim.call("anna-1", "**102")
    assert sim.talk(lan, anna)
    assert sim.cause(minh) is Cause.ELSEWHERE
    (fact,) = sim.noted(lan, f.PickedUp)
    assert (fact.at.number, fact.by.number) == ("102", "104")
    sim.advance(300)
    assert sim.talk(lan, anna), "the time to ring is over without an effect"


def test_every_phone_that_rings_stops(sim: Checked) -> None:
    lan = sim.call("lan-1", "103")
    phones = [sim.ringing("hoa-1"), sim.ringing("hoa-2")]
    anna = sim.call("anna-1", "**103")
    assert sim.talk(lan, anna)
    assert [sim.cause(phone) for phone in phones] == [Cause.ELSEWHERE] * 2


def test_a_departments_call_is_picked_up_by_its_extension(sim: Checked) -> None:
    hoa = sim.call("hoa-1", "200")
    anna = sim.call("anna-1", "**200")
    assert sim.talk(hoa, anna)
    assert sim.legs_at("lan-1") == sim.legs_at("minh-1") == []


def test_a_departments_extension_does_not_pick_up_a_members_own_call(sim: Checked) -> None:
    hoa = sim.call("hoa-1", "102")
    anna = sim.call("anna-1", "**200")
    assert sim.cause(anna) is Cause.NOT_FOUND
    assert sim.talk(hoa, sim.answer_at("minh-1"))


def test_a_call_of_a_queue_leaves_the_queue(sim: Checked) -> None:
    sim.register("quang", "quang-1")
    lan = sim.call("lan-1", "300")
    sim.advance(5)
    quang = sim.ringing("quang-1")
    anna = sim.call("anna-1", "**300")
    assert sim.talk(lan, anna)
    assert sim.cause(quang) is Cause.ELSEWHERE
    assert sim.state.queues["support"] == []


def test_the_call_that_has_rung_longest_is_first(sim: Checked) -> None:
    lan = sim.call("lan-1", "102")
    sim.advance(1)
    hoa = sim.call("hoa-1", "102")
    anna = sim.call("anna-1", "**102")
    assert sim.talk(lan, anna)
    assert sim.cause(hoa) is None


def test_where_nothing_rings_there_is_nothing_to_pick_up(sim: Checked) -> None:
    anna = sim.call("anna-1", "**102")
    assert sim.cause(anna) is Cause.NOT_FOUND
    assert sim.noted(anna, f.Refused) == [f.Refused("nothing_rings")]


def test_a_conversation_is_not_rung(sim: Checked) -> None:
    lan, minh = sim.connect("lan-1", "102", "minh-1")
    anna = sim.call("anna-1", "**102")
    assert sim.cause(anna) is Cause.NOT_FOUND
    assert sim.talk(lan, minh)


def test_nobody_is_sent_to_pick_up(sim: Checked) -> None:
    hoa, anna = sim.connect("hoa-1", "104", "anna-1")
    sim.call("lan-1", "102")
    assert sim.refer(anna, "**102").cause is Cause.FORBIDDEN
    assert sim.talk(hoa, anna)
    assert sim.ringing("minh-1")


def test_a_pickup_key_names_the_ringing_leg(sim: Checked) -> None:
    lan = sim.call("lan-1", "102")
    minh = sim.ringing("minh-1")
    anna = sim.call("anna-1", "102", replaces=minh)
    assert sim.talk(lan, anna)
    assert sim.cause(minh) is Cause.ELSEWHERE


def test_a_stranger_who_knows_a_ringing_leg_gets_nothing(sim: Checked) -> None:
    sim.call("lan-1", "102")
    minh = sim.ringing("minh-1")
    stranger = sim.call(STRANGER, "+842871234500", replaces=minh)
    assert sim.cause(stranger) is Cause.FORBIDDEN
    assert sim.ringing("minh-1") == minh


def test_the_caller_gives_up_as_the_call_is_picked_up(sim: Checked) -> None:
    lan = sim.call("lan-1", "102")
    sim.hangup(lan)
    assert sim.cause(sim.call("anna-1", "**102")) is Cause.NOT_FOUND
