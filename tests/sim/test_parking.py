from __future__ import annotations

import pytest
from tests.sim.invariants import Checked

from tongdai.calls import facts as f
from tongdai.calls.model import Cause, Music, RingTone


@pytest.fixture
def parked(sim: Checked) -> str:
    """Lan's call, parked by Minh in 701."""
    lan, minh = sim.connect("lan-1", "102", "minh-1")
    assert sim.refer(minh, "701").ok
    assert sim.cause(minh) is Cause.NORMAL
    return lan


def test_the_parked_hears_music_and_another_takes_the_call_back(sim: Checked, parked: str) -> None:
    assert sim.hears(parked) == Music()
    sim.advance(60)
    hoa = sim.call("hoa-1", "701")
    assert sim.talk(parked, hoa)
    assert sim.state.parking == {}
    assert sim.noted(parked, f.Parked) == [f.Parked("701")]
    assert [fact.by.number for fact in sim.noted(parked, f.Retrieved)] == ["103"]
    sim.advance(300)
    assert sim.talk(parked, hoa)


def test_who_takes_a_call_back_prefers_its_codec(sim: Checked, parked: str) -> None:
    from tongdai.calls import commands as c

    hoa = sim.call("hoa-1", "701")
    assert [x for x in sim.carried_out(c.Answer) if x.leg == hoa] == [c.Answer(hoa, match=parked)]


def test_an_empty_place_says_so(sim: Checked) -> None:
    hoa = sim.call("hoa-1", "705")
    assert sim.saying(hoa) == ["park.empty"]
    sim.advance(8)
    assert sim.cause(hoa) is Cause.NORMAL


def test_an_occupied_place_refuses_and_the_conversation_goes_on(sim: Checked, parked: str) -> None:
    hoa, anna = sim.connect("hoa-1", "104", "anna-1")
    result = sim.refer(hoa, "701")
    assert (result.ok, result.cause) == (False, Cause.BUSY)
    assert sim.talk(hoa, anna)
    assert sim.refer(hoa, "702").ok
    assert set(sim.state.parking) == {"701", "702"}


def test_nobody_comes_so_the_call_returns_to_who_parked_it(sim: Checked, parked: str) -> None:
    sim.advance(180.1)
    assert sim.hears(parked) == RingTone()
    assert sim.state.parking == {}
    minh = sim.answer_at("minh-1")
    assert sim.talk(parked, minh)


def test_a_recall_that_is_not_answered_reaches_the_voicemail(sim: Checked, parked: str) -> None:
    sim.advance(180.1)
    sim.advance(20.1)
    assert sim.saying(parked) == ["voicemail.greeting.person", "Beep"]


def test_a_parked_caller_who_hangs_up_frees_the_place(sim: Checked, parked: str) -> None:
    sim.press(parked, "1")
    sim.hangup(parked)
    assert sim.state.parking == {}
    assert sim.saying(sim.call("hoa-1", "701")) == ["park.empty"]


def test_a_call_taken_back_can_be_parked_again(sim: Checked, parked: str) -> None:
    hoa = sim.call("hoa-1", "701")
    assert sim.refer(hoa, "701").ok
    assert sim.hears(parked) == Music()
    sim.advance(180.1)
    assert sim.ringing("hoa-1")


def test_a_parked_party_who_is_replaced_stays_parked(sim: Checked, parked: str) -> None:
    anna = sim.call("anna-1", "101", replaces=parked)
    assert sim.hears(anna) == Music()
    assert sim.talk(anna, sim.call("hoa-1", "701"))
