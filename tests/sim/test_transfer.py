from __future__ import annotations

import pytest
from tests.sim.company import MAIN, OUTSIDE, TRUNKS
from tests.sim.invariants import Checked

from tongdai.calls import commands as c
from tongdai.calls import facts as f
from tongdai.calls.model import Cause, Hears, InRoom, Music, RingTone, Silence
from tongdai.calls.preferences import Preferences
from tongdai.flows.simulated import BUSY, Behaviour, answers


@pytest.fixture
def two(sim: Checked) -> tuple[str, str]:
    """Lan and Minh talk."""
    return sim.connect("lan-1", "102", "minh-1")


# blind


def test_blind_transfer_by_the_called_side(sim: Checked, two: tuple[str, str]) -> None:
    lan, minh = two
    sim.hold(minh)
    assert sim.refer(minh, "104").ok
    assert sim.cause(minh) is None, "he waits to hear what becomes of it"
    assert sim.lines[minh].transferring == [False, True]
    assert sim.lines[minh].transfers == []
    assert sim.hears(lan) == RingTone()
    assert sim.hears(minh) == Silence()
    anna = sim.answer_at("anna-1")
    assert sim.lines[minh].transfers == [c.TransferResult(minh, ok=True)]
    assert sim.cause(minh) is Cause.NORMAL
    assert sim.talk(lan, anna)
    assert sim.noted(lan, f.Transferred) == [f.Transferred("102", "104", attended=False)]


@pytest.mark.parametrize("cause", [Cause.BUSY, Cause.CONGESTION, Cause.NO_ANSWER])
def test_a_transfer_that_comes_to_nobody_is_given_back(
    sim: Checked, two: tuple[str, str], cause: Cause
) -> None:
    """The customer heard a busy tone and was gone; whoever had transferred him never knew."""
    lan, minh = two
    sim.refer(minh, OUTSIDE)
    for _ in TRUNKS:
        for leg in sim.legs_at(OUTSIDE):
            sim.hangup(leg, cause)
    assert sim.lines[minh].transfers == [c.TransferResult(minh, ok=False, cause=cause)]
    assert sim.talk(lan, minh)
    assert [fact.to.number for fact in sim.noted(lan, f.GivenBack)] == ["102"]
    assert sim.refer(minh, "104").ok, "he may try somebody else"
    assert sim.talk(lan, sim.answer_at("anna-1"))


def test_who_has_hung_up_is_called_when_his_transfer_fails(sim: Checked, two: tuple[str, str]) -> None:
    """Many phones are gone as soon as the transfer is accepted."""
    lan, minh = two
    sim.refer(minh, OUTSIDE)
    sim.hangup(minh)
    assert sim.hears(lan) == RingTone()
    for _ in TRUNKS:
        for leg in sim.legs_at(OUTSIDE):
            sim.hangup(leg, Cause.UNAVAILABLE)
    assert sim.talk(lan, sim.answer_at("minh-1"))


def test_a_call_is_given_back_once(sim: Checked, two: tuple[str, str]) -> None:
    lan, minh = two
    sim.refer(minh, OUTSIDE)
    sim.hangup(minh)
    sim.world.preferred["minh"] = Preferences(always=OUTSIDE)
    for _ in range(4):
        for leg in sim.legs_at(OUTSIDE):
            sim.hangup(leg, Cause.BUSY)
    assert sim.saying(lan) == ["voicemail.greeting.person", "Beep"]


def test_the_caller_gives_up_while_a_transfer_is_on_its_way(sim: Checked, two: tuple[str, str]) -> None:
    lan, minh = two
    sim.refer(minh, "104")
    sim.hangup(lan)
    assert sim.cause(minh) is Cause.NORMAL
    assert sim.legs_at("anna-1") == []


@pytest.mark.parametrize("to", ["300", "600", "*43", "705", "9000"])
def test_what_answers_by_itself_ends_the_transfer_at_once(
    sim: Checked, two: tuple[str, str], to: str
) -> None:
    _, minh = two
    assert sim.refer(minh, to).ok
    assert sim.lines[minh].transfers == [c.TransferResult(minh, ok=True)]
    assert sim.cause(minh) is Cause.NORMAL


def test_a_transferred_call_that_is_picked_up_has_come_to_somebody(
    sim: Checked, two: tuple[str, str]
) -> None:
    lan, minh = two
    sim.refer(minh, "104")
    hoa = sim.call("hoa-1", "**104")
    assert sim.talk(lan, hoa)
    assert sim.lines[minh].transfers == [c.TransferResult(minh, ok=True)]


def test_keys_and_hold_of_who_waits_mean_nothing(sim: Checked, two: tuple[str, str]) -> None:
    lan, minh = two
    sim.refer(minh, "104")
    sim.press(minh, "5")
    sim.hold(minh)
    assert sim.refer(minh, "103").cause is Cause.NOT_ACCEPTABLE
    assert sim.talk(lan, sim.answer_at("anna-1"))


def test_blind_transfer_by_the_caller(sim: Checked, two: tuple[str, str]) -> None:
    lan, minh = two
    assert sim.refer(lan, "104").ok
    anna = sim.answer_at("anna-1")
    assert sim.talk(minh, anna)
    shown = sim.lines[anna].shown
    assert shown is not None
    assert shown.number == "102"
    sim.hangup(minh)
    assert sim.cause(anna) is Cause.NORMAL


def test_blind_transfer_to_one_who_does_not_answer_reaches_his_voicemail(
    sim: Checked, two: tuple[str, str]
) -> None:
    lan, minh = two
    sim.refer(minh, "104")
    sim.advance(20.1)
    assert sim.saying(lan) == ["voicemail.greeting.person", "Beep"]
    sim.advance(3)
    sim.speak(lan, 3)
    sim.advance(3)
    sim.hangup(lan)
    (saved,) = sim.carried_out(c.SaveMessage)
    assert (saved.mailbox, saved.caller.number) == ("box-104", "101")


def test_blind_transfer_of_an_outside_caller(sim: Checked) -> None:
    caller = sim.call(OUTSIDE, MAIN)
    sim.press(caller, "0")
    anna = sim.answer_at("anna-1")
    assert sim.refer(anna, "103").ok
    assert sim.talk(caller, sim.answer_at("hoa-2"))
    assert sim.lines[sim.legs_at("hoa-2")[0]].shown is not None


def test_blind_transfer_to_the_outside(sim: Checked, two: tuple[str, str]) -> None:
    lan, minh = two
    assert sim.refer(minh, OUTSIDE).ok
    sim.answer_at(OUTSIDE)
    assert sim.talk(lan, sim.legs_at(OUTSIDE)[0])


def test_a_transfer_that_is_refused_leaves_them_talking(sim: Checked, two: tuple[str, str]) -> None:
    lan, minh = two
    result = sim.refer(minh, "199")
    assert (result.ok, result.cause) == (False, Cause.NOT_FOUND)
    assert sim.talk(lan, minh)
    assert sim.noted(lan, f.Transferred) == []


def test_a_transfer_abroad_is_refused_and_the_hold_can_be_taken_back(
    sim: Checked, two: tuple[str, str]
) -> None:
    lan, minh = two
    sim.hold(minh)
    assert sim.refer(minh, "+15551234567").cause is Cause.FORBIDDEN
    assert sim.hears(lan) == Music()
    sim.resume(minh)
    assert sim.talk(lan, minh)


def test_an_outside_party_cannot_transfer(sim: Checked) -> None:
    lan = sim.call("lan-1", OUTSIDE)
    outside = sim.answer_at(OUTSIDE)
    assert sim.refer(outside, "102").cause is Cause.FORBIDDEN
    assert sim.talk(lan, outside)


def test_who_talks_to_nobody_cannot_transfer(sim: Checked) -> None:
    lan = sim.call("lan-1", "*43")
    assert sim.refer(lan, "102").cause is Cause.NOT_ACCEPTABLE
    assert sim.cause(lan) is None


def test_a_transferred_call_can_be_transferred_again(sim: Checked, two: tuple[str, str]) -> None:
    lan, minh = two
    sim.refer(minh, "104")
    anna = sim.answer_at("anna-1")
    sim.refer(anna, "103")
    hoa = sim.answer_at("hoa-1")
    assert sim.talk(lan, hoa)
    assert len(sim.noted(lan, f.Transferred)) == 2


def test_who_transferred_can_be_called_again_meanwhile(sim: Checked, two: tuple[str, str]) -> None:
    _, minh = two
    sim.refer(minh, "104")
    assert sim.talk(sim.call("hoa-1", "102"), sim.answer_at("minh-1"))


def test_transfer_to_the_conference_and_to_the_mailbox(sim: Checked, two: tuple[str, str]) -> None:
    """Whoever was transferred to something that speaks still listened to the one who was gone."""
    lan, minh = two
    assert sim.refer(lan, "*97").ok
    assert sim.said(minh) == ["mailbox.enter_pin"]
    sim.hangup(minh)
    lan, minh = sim.connect("lan-1", "102", "minh-1")
    assert sim.refer(minh, "600").ok
    assert sim.saying(lan) == ["conference.alone"]


def test_one_who_holds_himself_is_still_holding_after_he_was_transferred(
    sim: Checked, two: tuple[str, str]
) -> None:
    lan, minh = two
    sim.hold(lan)
    sim.refer(minh, "104")
    anna = sim.answer_at("anna-1")
    assert sim.hears(anna) == Music()
    assert sim.hears(lan) == Silence()
    sim.resume(lan)
    assert sim.talk(lan, anna)


# attended


def test_attended_transfer_after_a_consultation(sim: Checked, two: tuple[str, str]) -> None:
    lan, minh = two
    sim.hold(minh)
    consult, anna = sim.connect("minh-1", "104", "anna-1")
    sim.hold(consult)
    assert sim.refer(minh, replaces=consult).ok
    assert sim.talk(lan, anna)
    assert sim.cause(minh) is Cause.NORMAL
    assert sim.cause(consult) is not None
    assert len(sim.state.calls) == 1
    assert sim.noted(consult, f.Merged) == [f.Merged("call" + sim.lines[lan].call.removeprefix("call"))]
    assert sim.noted(lan, f.Transferred) == [f.Transferred("102", "104", attended=True)]
    sim.hangup(anna)
    assert sim.cause(lan) is Cause.NORMAL


def test_attended_transfer_by_the_original_caller(sim: Checked, two: tuple[str, str]) -> None:
    lan, minh = two
    consult, anna = sim.connect("lan-1", "104", "anna-1")
    assert sim.refer(lan, replaces=consult).ok
    assert sim.talk(minh, anna)


def test_attended_transfer_where_the_consulted_side_had_called(sim: Checked, two: tuple[str, str]) -> None:
    lan, minh = two
    anna = sim.call("anna-1", "102")
    second = sim.answer_at("minh-1")
    assert sim.refer(minh, replaces=second).ok
    assert sim.talk(lan, anna)


def test_attended_transfer_of_one_whom_the_consulted_side_holds(sim: Checked, two: tuple[str, str]) -> None:
    lan, minh = two
    consult, anna = sim.connect("minh-1", "104", "anna-1")
    sim.hold(anna)
    sim.refer(minh, replaces=consult)
    assert sim.hears(lan) == Music()
    sim.resume(anna)
    assert sim.talk(lan, anna)


def test_semi_attended_transfer_while_it_still_rings(sim: Checked, two: tuple[str, str]) -> None:
    """The transferred caller heard nothing while it rang."""
    lan, minh = two
    sim.hold(minh)
    consult = sim.call("minh-1", "104")
    assert sim.refer(minh, replaces=consult).ok
    assert sim.hears(lan) == RingTone()
    anna = sim.answer_at("anna-1")
    assert sim.talk(lan, anna)


def test_semi_attended_transfer_to_one_who_does_not_answer(sim: Checked, two: tuple[str, str]) -> None:
    lan, minh = two
    consult = sim.call("minh-1", "104")
    sim.advance(10)
    sim.refer(minh, replaces=consult)
    sim.advance(10.1)
    assert sim.saying(lan) == ["voicemail.greeting.person", "Beep"]


def test_semi_attended_transfer_into_early_media(sim: Checked, two: tuple[str, str]) -> None:
    """The outside went on hearing the leg that had gone."""
    lan, minh = two
    sim.behaviours[OUTSIDE] = Behaviour(early_media=True)
    consult = sim.call("minh-1", OUTSIDE)
    (outside,) = sim.legs_at(OUTSIDE)
    assert sim.hears(consult) == Hears(outside)
    sim.refer(minh, replaces=consult)
    assert sim.talk(lan, outside)
    sim.answer(outside)
    assert sim.talk(lan, outside)


def test_semi_attended_transfer_when_the_target_is_busy_next(sim: Checked, two: tuple[str, str]) -> None:
    lan, minh = two
    consult = sim.call("minh-1", "104")
    sim.refer(minh, replaces=consult)
    sim.hangup(sim.ringing("anna-1"))
    assert sim.saying(lan) == ["voicemail.greeting.person", "Beep"]


def test_attended_transfer_into_a_menu_goes_on_there(sim: Checked, two: tuple[str, str]) -> None:
    lan, minh = two
    consult = sim.call("minh-1", "100")
    sim.refer(minh, replaces=consult)
    assert sim.hears(lan) == Silence()
    sim.press(lan, "0")
    assert sim.talk(lan, sim.answer_at("anna-1"))


def test_attended_transfer_into_a_queue_keeps_the_place(sim: Checked, two: tuple[str, str]) -> None:
    lan, minh = two
    consult = sim.call("minh-1", "300")
    sim.call("hoa-1", "300")
    sim.advance(5)
    sim.refer(minh, replaces=consult)
    assert sim.hears(lan) == Music()
    assert sim.state.queues["support"][0] == sim.call_of(lan).id
    sim.register("quang", "quang-1")
    assert sim.talk(lan, sim.answer_at("quang-1"))


def test_attended_transfer_into_the_conference(sim: Checked, two: tuple[str, str]) -> None:
    lan, minh = two
    hoa = sim.call("hoa-1", "600")
    consult = sim.call("minh-1", "600")
    sim.refer(minh, replaces=consult)
    sim.advance(3)
    assert sim.hears(lan) == InRoom("room")
    assert sim.hears(hoa) == InRoom("room")
    sim.hangup(lan)
    sim.advance(1)  # the tone that somebody has left
    assert sim.hears(hoa) == Music()


def test_attended_transfer_into_a_voicemail_begins_the_message_anew(
    sim: Checked, two: tuple[str, str]
) -> None:
    """The caller was told that the message was saved, which the one who transferred him had left."""
    lan, minh = two
    sim.unregister("anna-1")
    consult = sim.call("minh-1", "104")
    sim.advance(4)
    assert sim.lines[consult].recording is not None
    sim.speak(consult, 20)
    sim.advance(3)
    sim.refer(minh, replaces=consult)
    assert sim.carried_out(c.SaveMessage) == []
    assert len(sim.carried_out(c.DiscardRecording)) == 1
    assert sim.saying(lan) == ["voicemail.greeting.person", "Beep"]
    sim.advance(3)
    sim.speak(lan, 3)
    sim.advance(9)
    (saved,) = sim.carried_out(c.SaveMessage)
    assert saved.caller.number == "101"


def test_attended_transfer_into_an_empty_parking_place_parks(sim: Checked, two: tuple[str, str]) -> None:
    """The transferred caller took the place of one who was told that the place is empty, and was hung up."""
    lan, minh = two
    sim.hold(minh)
    consult = sim.call("minh-1", "701")
    sim.advance(4)
    assert sim.cause(consult) is None, "there was no time to decide"
    assert sim.refer(minh, replaces=consult).ok
    assert sim.hears(lan) == Music()
    assert sim.state.parking == {"701": sim.call_of(lan).id}
    assert sim.noted(lan, f.Transferred) == [f.Transferred("102", "701", attended=True)]
    assert sim.cause(consult) is Cause.NORMAL
    sim.advance(180.1)
    assert sim.ringing("minh-1"), "it returns to who parked it"


def test_attended_transfer_into_a_place_that_was_taken_meanwhile_is_refused(
    sim: Checked, two: tuple[str, str]
) -> None:
    lan, minh = two
    consult = sim.call("minh-1", "701")
    hoa, anna = sim.connect("hoa-1", "104", "anna-1")
    assert sim.refer(anna, "701").ok
    assert sim.refer(minh, replaces=consult).cause is Cause.BUSY
    assert sim.talk(lan, minh)
    assert sim.hears(hoa) == Music()


def test_attended_transfer_to_a_refusal_is_refused(sim: Checked, two: tuple[str, str]) -> None:
    """The transferred caller heard the end of the refusal, and was hung up."""
    lan, minh = two
    consult = sim.call("minh-1", "+15551234567")
    assert sim.saying(consult) == ["outside.not_permitted"]
    assert sim.refer(minh, replaces=consult).cause is Cause.FORBIDDEN
    assert sim.talk(lan, minh)


def test_a_leg_of_somebody_else_cannot_be_replaced(sim: Checked, two: tuple[str, str]) -> None:
    lan, minh = two
    other, _ = sim.connect("hoa-1", "104", "anna-1")
    assert sim.refer(minh, replaces=other).cause is Cause.NOT_FOUND
    assert sim.refer(minh, replaces="no-such-leg").cause is Cause.NOT_FOUND
    assert sim.refer(minh, replaces=minh).cause is Cause.NOT_FOUND
    assert sim.talk(lan, minh)


def test_a_leg_that_only_rings_at_ones_own_phone_cannot_be_replaced(
    sim: Checked, two: tuple[str, str]
) -> None:
    """The transferred party was nowhere then, and the call could not end."""
    lan, minh = two
    hoa = sim.call("hoa-1", "102")
    waiting = sim.ringing("minh-1")
    assert sim.refer(minh, replaces=waiting).cause is Cause.NOT_FOUND
    assert sim.talk(lan, minh)
    assert sim.talk(hoa, sim.answer_at("minh-1")) is True


# INVITE with Replaces


def test_another_phone_takes_the_place_of_a_leg(sim: Checked, two: tuple[str, str]) -> None:
    lan, minh = two
    anna = sim.call("anna-1", "102", replaces=minh)
    assert sim.talk(lan, anna)
    assert sim.cause(minh) is Cause.ELSEWHERE
    assert sim.noted(anna, f.Merged) == [f.Merged(sim.lines[lan].call)]


def test_another_phone_takes_the_place_of_one_that_waits_for_its_transfer(
    sim: Checked, two: tuple[str, str]
) -> None:
    """A page that was loaded anew meanwhile: its leg belonged to nobody, and who was transferred missed what
    was just being said to him."""
    lan, minh = two
    sim.refer(minh, OUTSIDE)
    again = sim.call("minh-1", "", replaces=minh)
    assert sim.cause(minh) is Cause.ELSEWHERE
    assert (sim.hears(lan), sim.hears(again)) == (RingTone(), Silence())
    for _ in TRUNKS:
        for leg in sim.legs_at(OUTSIDE):
            sim.hangup(leg, Cause.BUSY)
    assert sim.talk(lan, again)
    sim.hangup(again)
    assert sim.cause(lan) is Cause.NORMAL


def test_replaces_of_a_leg_that_is_gone_is_refused(sim: Checked, two: tuple[str, str]) -> None:
    _, minh = two
    sim.hangup(minh)
    assert sim.cause(sim.call("anna-1", "102", replaces=minh)) is Cause.NOT_FOUND


def test_replaces_of_a_leg_that_was_not_answered_is_refused(sim: Checked) -> None:
    lan = sim.call("lan-1", "102")
    assert sim.cause(sim.call("anna-1", "102", replaces=lan)) is Cause.NOT_FOUND
    assert sim.ringing("minh-1")


def test_replaces_in_a_menu_goes_on_there(sim: Checked) -> None:
    lan = sim.call("lan-1", "100")
    hoa = sim.call("hoa-1", "100", replaces=lan)
    sim.advance(9)
    sim.press(hoa, "0")
    assert sim.talk(hoa, sim.answer_at("anna-1"))


def test_replaces_of_a_held_leg(sim: Checked, two: tuple[str, str]) -> None:
    lan, minh = two
    sim.hold(minh)
    assert sim.hears(lan) == Music()
    hoa = sim.call("hoa-1", "102", replaces=minh)
    assert sim.talk(lan, hoa)


def test_a_parked_party_can_still_transfer_himself_away(sim: Checked) -> None:
    """Nobody had transferred the merged call, and its recall stopped the process."""
    lan, minh = sim.connect("lan-1", "102", "minh-1")
    sim.refer(minh, "701")
    hoa = sim.call("hoa-1", "101")
    second = sim.answer_at("lan-1")
    sim.refer(second, replaces=lan)
    assert sim.hears(hoa) == Music()
    assert sim.state.parking == {"701": sim.call_of(hoa).id}
    sim.advance(181)
    assert sim.ringing("minh-1")


@pytest.mark.parametrize("behaviour", [BUSY, answers(3)])
def test_a_blind_transfer_to_whom_one_just_was(
    sim: Checked, two: tuple[str, str], behaviour: Behaviour
) -> None:
    lan, minh = two
    sim.behaviours["minh-1"] = behaviour
    sim.refer(minh, "102")
    sim.advance(5)
    assert sim.cause(lan) is None


def test_a_caller_from_outside_cannot_take_anybodys_place(sim: Checked, two: tuple[str, str]) -> None:
    """A trunk's INVITE with Replaces named a dialog of the company and was put through."""
    lan, minh = two
    stranger = sim.call(OUTSIDE, MAIN, replaces=minh)
    assert sim.cause(stranger) is Cause.FORBIDDEN
    assert sim.talk(lan, minh)
