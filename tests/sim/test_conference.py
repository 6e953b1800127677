from __future__ import annotations

import msgspec
import pytest
from tests.sim.company import CONFERENCE, CONFERENCE_PIN, OUTSIDE, ROOM, Company
from tests.sim.invariants import Checked

from tongdai.calls import commands as c
from tongdai.calls import facts as f
from tongdai.calls.model import Cause, InRoom, Music, Party, PartyKind
from tongdai.calls.prompts import Chime
from tongdai.flows.simulated import BUSY, refuses

IN = InRoom("room")


def test_alone_there_is_music_and_with_two_there_is_the_room(sim: Checked) -> None:
    lan = sim.call("lan-1", "600")
    assert sim.saying(lan) == ["conference.alone"]
    sim.advance(3)
    assert sim.hears(lan) == Music()
    minh = sim.call("minh-1", "600")
    assert sim.hears(lan) == sim.hears(minh) == IN
    assert sim.carried_out(c.RoomChime) == [c.RoomChime("room", joined=True)]
    assert [fact.members for fact in sim.noted(minh, f.RoomJoined)] == [2]


def test_a_third_joins_and_others_leave_one_by_one(sim: Checked) -> None:
    lan, minh, hoa = (sim.call(phone, "600") for phone in ("lan-1", "minh-1", "hoa-1"))
    sim.advance(3)
    assert sim.hears(lan) == sim.hears(minh) == sim.hears(hoa) == IN
    sim.hangup(lan)
    assert sim.hears(minh) == sim.hears(hoa) == IN
    sim.hangup(hoa)
    sim.advance(1)
    assert sim.hears(minh) == Music()
    sim.hangup(minh)
    assert sim.carried_out(c.CloseRoom) == [c.CloseRoom("room")]
    assert sim.state.rooms == {}


def test_who_is_in_a_room_hears_who_comes_and_goes(sim: Checked) -> None:
    """The first two met in silence: the tone was played into a room that nobody heard yet, or any more."""
    lan, minh, hoa = (sim.call(phone, "600") for phone in ("lan-1", "minh-1", "hoa-1"))
    chimes = [x for x in sim.commands if isinstance(x, c.RoomChime) or x == c.Hear(lan, IN)]
    assert chimes == [c.Hear(lan, IN), *[c.RoomChime("room", joined=True)] * 2]
    sim.hangup(hoa)
    assert sim.carried_out(c.RoomChime)[2:] == [c.RoomChime("room", joined=False)]
    sim.hangup(minh)
    assert sim.hears(lan) == (Chime(joined=False),)
    sim.advance(1)
    assert sim.hears(lan) == Music()
    sim.hangup(lan)
    assert len(sim.carried_out(c.RoomChime)) == 3  # nobody is left to hear of it


def test_a_room_without_tones_is_quiet(sim: Checked, company: Company) -> None:
    company.rooms["room"] = msgspec.structs.replace(ROOM, tones=False)
    legs = [sim.call(phone, "600") for phone in ("lan-1", "minh-1", "hoa-1")]
    for leg in legs:
        sim.hangup(leg)
    assert sim.carried_out(c.RoomChime) == []
    assert all(not isinstance(prompt, Chime) for play in sim.carried_out(c.Play) for prompt in play.prompts)


def test_an_outsider_needs_the_pin(sim: Checked) -> None:
    lan = sim.call("lan-1", "600")
    guest = sim.call(OUTSIDE, CONFERENCE)
    assert sim.saying(guest) == ["conference.pin"]
    sim.press(guest, CONFERENCE_PIN + "#")
    assert sim.hears(guest) == IN
    sim.advance(3)
    assert sim.hears(lan) == IN
    assert all(fact.digits == "" for fact in sim.noted(guest, f.Pressed))


def test_the_pin_counts_without_hash_after_a_pause(sim: Checked) -> None:
    guest = sim.call(OUTSIDE, CONFERENCE)
    sim.press(guest, CONFERENCE_PIN)
    sim.advance(8.1)
    assert sim.saying(guest) == ["conference.alone"]


def test_three_wrong_pins_end_the_call(sim: Checked) -> None:
    guest = sim.call(OUTSIDE, CONFERENCE)
    sim.press(guest, "1111#")
    assert sim.saying(guest) == ["conference.wrong_pin", "conference.pin"]
    sim.press(guest, "2222#3333#")
    assert sim.saying(guest) == ["conference.wrong_pin", "goodbye"]
    sim.advance(5)
    assert sim.cause(guest) is Cause.NORMAL


def test_no_pin_at_all_ends_the_call_but_locks_nobody_out(sim: Checked) -> None:
    guest = sim.call(OUTSIDE, CONFERENCE)
    sim.advance(60)
    assert sim.cause(guest) is Cause.NORMAL
    assert sim.state.lockouts == {}


def guess(sim: Checked, caller: str, times: int) -> None:
    for _ in range(times):
        guest = sim.call(caller, CONFERENCE)
        sim.press(guest, "0000#")
        sim.hangup(guest)


def test_five_wrong_pins_lock_that_caller_out_for_five_minutes_even_with_the_right_one(sim: Checked) -> None:
    guess(sim, OUTSIDE, 5)
    guest = sim.call(OUTSIDE, CONFERENCE)
    assert sim.saying(guest) == ["conference.wrong_pin"]
    sim.advance(3)
    assert sim.cause(guest) is Cause.NORMAL
    other = sim.call("+84987654321", CONFERENCE)
    sim.press(other, CONFERENCE_PIN + "#")
    assert sim.saying(other) == ["conference.alone"]
    sim.advance(300)
    guest = sim.call(OUTSIDE, CONFERENCE)
    sim.press(guest, CONFERENCE_PIN + "#")
    assert sim.lines[guest].source == IN


def test_calls_that_were_open_before_the_lock_cannot_guess_on(sim: Checked) -> None:
    """A guesser opened a hundred calls first and had three guesses in each."""
    guests = [sim.call(OUTSIDE, CONFERENCE) for _ in range(4)]
    for guest in guests[:3]:
        sim.press(guest, "0000#0000#")
    sim.press(guests[3], CONFERENCE_PIN + "#")
    assert sim.saying(guests[3]) == ["conference.wrong_pin", "goodbye"]


@pytest.fixture
def host(sim: Checked) -> str:
    lan = sim.call("lan-1", "600")
    sim.advance(3)
    return lan


def test_a_third_party_is_dialled_in_and_stays_when_the_host_leaves(sim: Checked, host: str) -> None:
    minh = sim.call("minh-1", "600")
    sim.press(host, "*")
    assert sim.saying(host) == ["conference.invite"]
    sim.press(host, "0912345678#")
    guest = sim.answer_at(OUTSIDE)
    shown = sim.lines[guest].shown
    assert shown is not None
    assert shown.number == "+842871234500"
    assert sim.hears(guest) == sim.hears(host) == sim.hears(minh) == IN
    sim.hangup(host)
    assert sim.hears(guest) == sim.hears(minh) == IN
    sim.hangup(minh)
    assert sim.lines[guest].source == Music()
    sim.hangup(guest)
    assert sim.state.calls == {}


def test_a_colleague_is_dialled_in_on_all_his_phones(sim: Checked, host: str) -> None:
    sim.press(host, "*103#")
    loser = sim.ringing("hoa-1")
    guest = sim.answer_at("hoa-2")
    assert sim.cause(loser) is Cause.ELSEWHERE
    assert sim.hears(guest) == IN
    first = sim.log[sim.lines[guest].call][0]
    assert isinstance(first, f.CallStarted)
    assert first.party == Party(PartyKind.PERSON, "101", "Lan Nguyen", "lan", "lan-1")


def test_the_first_phone_of_a_guest_refuses_and_the_second_answers(sim: Checked, host: str) -> None:
    sim.behaviours["hoa-1"] = BUSY
    sim.press(host, "*103#")
    assert sim.hears(sim.answer_at("hoa-2")) == IN


def test_a_guest_who_refuses_is_reported_to_the_host(sim: Checked, host: str) -> None:
    sim.behaviours[OUTSIDE] = refuses(Cause.BUSY, 2)
    sim.press(host, "*" + OUTSIDE.replace("+84", "0") + "#")
    sim.advance(2.1)
    assert sim.saying(host) == ["conference.invite_failed"]
    assert len(sim.state.calls) == 1


def test_a_guest_who_does_not_answer_is_given_up_after_a_minute(sim: Checked, host: str) -> None:
    sim.press(host, "*0912345678#")
    sim.advance(60.1)
    assert sim.legs_at(OUTSIDE) == []
    assert sim.saying(host) == ["conference.invite_failed"]


def test_a_guest_can_still_come_when_the_host_has_left(sim: Checked, host: str) -> None:
    sim.press(host, "*0912345678#")
    sim.hangup(host)
    guest = sim.answer_at(OUTSIDE)
    assert sim.saying(guest) == ["conference.alone"]


def test_a_guest_who_refuses_after_the_host_has_left_is_no_ones_news(sim: Checked, host: str) -> None:
    sim.press(host, "*0912345678#")
    sim.hangup(host)
    sim.hangup(sim.ringing(OUTSIDE))
    assert sim.state.calls == {}


def test_numbers_that_cannot_be_dialled_in_are_refused(sim: Checked, host: str) -> None:
    for number in ("199", "300", "600", "106"):
        sim.press(host, f"*{number}#")
        assert sim.saying(host) == ["conference.invite_failed"], number
    assert len(sim.state.calls) == 1


def test_a_number_ends_after_a_pause_too(sim: Checked, host: str) -> None:
    sim.press(host, "*102")
    sim.advance(8.1)
    assert sim.ringing("minh-1")


def test_star_again_or_nothing_gives_up_the_invitation(sim: Checked, host: str) -> None:
    sim.press(host, "*10*")
    sim.press(host, "*#")
    sim.press(host, "*")
    sim.advance(8.1)
    assert sim.carried_out(c.CreateLeg) == []
    assert sim.call_of(host).position is not None


def test_outsiders_cannot_dial_anybody_in(sim: Checked, host: str) -> None:
    guest = sim.call(OUTSIDE, CONFERENCE)
    sim.press(guest, CONFERENCE_PIN + "#*102#")
    assert sim.legs_at("minh-1") == []


def test_a_member_who_holds_stays_in_the_room(sim: Checked, host: str) -> None:
    minh = sim.call("minh-1", "600")
    sim.hold(host)
    assert sim.hears(minh) == IN
    sim.resume(host)
    assert sim.hears(host) == IN


def test_a_member_whose_place_is_taken(sim: Checked, host: str) -> None:
    minh = sim.call("minh-1", "600")
    hoa = sim.call("hoa-1", "600", replaces=host)
    assert sim.hears(hoa) == sim.hears(minh) == IN
    sim.hangup(minh)
    sim.advance(1)
    assert sim.hears(hoa) == Music()


def test_all_rooms_empty_on_shutdown(sim: Checked, host: str) -> None:
    sim.call("minh-1", "600")
    sim.press(host, "*0912345678#")
    sim.end_all()
    assert sim.state.calls == {}
    assert sim.state.rooms == {}
    assert sim.legs_at(OUTSIDE) == []
