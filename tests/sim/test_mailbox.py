from __future__ import annotations

import pytest
from tests.sim.company import OUTSIDE, party
from tests.sim.invariants import Checked

from tongdai.calls import commands as c
from tongdai.calls import facts as f
from tongdai.calls.model import Cause, Party, PartyKind
from tongdai.calls.prompts import Clip, Phrase

PIN = "4101"
BOX = "box-101"


@pytest.fixture
def sim_with_mail(sim: Checked) -> Checked:
    for number, caller in enumerate((party("minh"), Party(PartyKind.OUTSIDE, OUTSIDE)), start=1):
        sim.world.save_message(c.SaveMessage(BOX, f"blob/{number}", caller, 4000, "call"), at=float(number))
    return sim


def opened(sim: Checked, phone: str = "lan-1", pin: str = PIN) -> str:
    leg = sim.call(phone, "*97")
    assert sim.saying(leg) == ["mailbox.enter_pin"]
    sim.press(leg, pin + "#")
    return leg


def clips(sim: Checked, leg: str) -> list[str]:
    return [p.blob for p in sim.lines[leg].playing if isinstance(p, Clip)]


def states(sim: Checked) -> list[tuple[str, bool]]:
    view = sim.world.mailbox(BOX)
    assert view is not None
    return [(m.blob, m.saved) for m in view.messages]


def test_the_pin_opens_and_tells_how_many_messages_there_are(sim_with_mail: Checked) -> None:
    sim = sim_with_mail
    lan = opened(sim)
    assert sim.lines[lan].playing[0] == Phrase("mailbox.count", {"new": 2, "saved": 0})
    assert clips(sim, lan) == ["blob/1"]
    assert [p.digits for p in sim.noted(lan, f.Pressed)] == [""]


def test_an_empty_mailbox_says_so(sim: Checked) -> None:
    lan = opened(sim)
    assert sim.saying(lan) == ["mailbox.count", "mailbox.no_more"]
    sim.press(lan, "1")
    assert sim.saying(lan) == ["mailbox.count", "mailbox.no_more"]


def test_again_next_and_the_end(sim_with_mail: Checked) -> None:
    sim = sim_with_mail
    lan = opened(sim)
    sim.press(lan, "1")
    assert clips(sim, lan) == ["blob/1"]
    sim.press(lan, "2")
    assert clips(sim, lan) == ["blob/2"]
    sim.press(lan, "2")
    assert sim.saying(lan) == ["mailbox.no_more"]
    sim.press(lan, "22")
    assert sim.saying(lan) == ["mailbox.no_more"]
    assert states(sim) == [("blob/1", False), ("blob/2", False)]


def test_save_and_delete(sim_with_mail: Checked) -> None:
    sim = sim_with_mail
    lan = opened(sim)
    sim.press(lan, "4")
    assert sim.saying(lan)[0] == "mailbox.saved"
    assert clips(sim, lan) == ["blob/2"]
    sim.press(lan, "3")
    assert sim.saying(lan) == ["mailbox.deleted", "mailbox.no_more"]
    sim.press(lan, "34")
    assert states(sim) == [("blob/1", True)]
    sim.hangup(lan)
    assert sim.lines[opened(sim)].playing[0] == Phrase("mailbox.count", {"new": 0, "saved": 1})


def test_the_first_new_message_comes_before_the_saved_ones(sim_with_mail: Checked) -> None:
    sim = sim_with_mail
    sim.world.mark_message(c.MarkMessage(BOX, "message1"))
    lan = opened(sim)
    assert clips(sim, lan) == ["blob/2"]
    sim.press(lan, "2")
    assert clips(sim, lan) == ["blob/1"]


def test_a_message_deleted_meanwhile_is_passed_over(sim_with_mail: Checked) -> None:
    sim = sim_with_mail
    lan = opened(sim)
    sim.world.mark_message(c.MarkMessage(BOX, "message2", deleted=True))
    sim.press(lan, "2")
    assert sim.saying(lan) == ["mailbox.no_more"]


def test_an_unknown_key_says_the_choices(sim_with_mail: Checked) -> None:
    lan = opened(sim_with_mail)
    sim_with_mail.press(lan, "7")
    assert sim_with_mail.saying(lan) == ["mailbox.menu"]


def test_who_does_nothing_is_let_go(sim: Checked) -> None:
    lan = opened(sim)
    sim.advance(4 + 15 + 3)
    assert sim.said(lan)[-1] == "goodbye"
    assert sim.cause(lan) is Cause.NORMAL


def test_three_wrong_pins_end_the_call(sim: Checked) -> None:
    lan = opened(sim, pin="0000")
    assert sim.saying(lan) == ["mailbox.wrong_pin", "mailbox.enter_pin"]
    sim.press(lan, "1111#")
    sim.press(lan, "2222#")
    assert sim.saying(lan) == ["mailbox.wrong_pin", "goodbye"]
    sim.press(lan, PIN + "#")
    sim.advance(5)
    assert sim.cause(lan) is Cause.NORMAL
    assert all(p.digits == "" for p in sim.noted(lan, f.Pressed))


def test_five_wrong_pins_lock_the_mailbox_even_for_the_right_one(sim: Checked) -> None:
    for _ in range(5):
        sim.hangup(opened(sim, pin="0000"))
    lan = sim.call("lan-1", "*97")
    assert sim.saying(lan) == ["mailbox.locked"]
    sim.advance(3)
    assert sim.cause(lan) is Cause.NORMAL
    assert sim.saying(sim.call("minh-1", "*97")) == ["mailbox.enter_pin"]
    sim.advance(300)
    assert sim.saying(opened(sim)) == ["mailbox.count", "mailbox.no_more"]


def test_calls_that_were_open_before_the_lock_cannot_guess_on(sim: Checked) -> None:
    calls = [sim.call("lan-1", "*97") for _ in range(4)]
    for lan in calls[:3]:
        sim.press(lan, "0000#0000#")
    sim.press(calls[3], PIN + "#")
    assert "mailbox.count" not in sim.said(calls[3])


def test_the_right_pin_forgets_the_wrong_ones(sim: Checked) -> None:
    lan = opened(sim, pin="0000")
    sim.press(lan, PIN + "#")
    assert sim.saying(lan) == ["mailbox.count", "mailbox.no_more"]
    assert sim.state.lockouts == {}


def test_no_pin_at_all_says_goodbye(sim: Checked) -> None:
    lan = sim.call("lan-1", "*97")
    sim.advance(2 + 10 + 3)
    assert sim.said(lan) == ["mailbox.enter_pin", "goodbye"]
    assert sim.cause(lan) is Cause.NORMAL


def test_a_pin_without_hash_counts_after_a_pause(sim: Checked) -> None:
    lan = sim.call("lan-1", "*97")
    sim.press(lan, PIN)
    sim.advance(10.1)
    assert sim.saying(lan) == ["mailbox.count", "mailbox.no_more"]


def test_record_a_greeting_of_ones_own(sim: Checked) -> None:
    lan = opened(sim)
    sim.press(lan, "0")
    assert sim.saying(lan) == ["mailbox.options"]
    sim.press(lan, "1")
    assert sim.saying(lan) == ["mailbox.record_greeting", "Beep"]
    sim.advance(2.5)
    sim.speak(lan, 3)
    sim.advance(3)
    sim.press(lan, "#")
    (set_,) = sim.carried_out(c.SetGreeting)
    assert sim.saying(lan) == ["mailbox.greeting_saved", "Clip", "mailbox.options"]
    sim.hangup(lan)
    sim.unregister("lan-1")
    assert sim.lines[sim.call("minh-1", "101")].playing[0] == Clip(set_.blob)


def test_the_hash_that_ended_the_greeting_may_be_reported_after_it(sim: Checked) -> None:
    """The engine reports the key and the recording in either order; the key cut off what was said next."""
    lan = opened(sim)
    sim.press(lan, "01")
    sim.advance(2.5)
    sim.speak(lan, 3)
    sim.advance(9)
    assert sim.saying(lan) == ["mailbox.greeting_saved", "Clip", "mailbox.options"]
    sim.press(lan, "#")
    assert sim.saying(lan) == ["mailbox.greeting_saved", "Clip", "mailbox.options"]


def test_a_greeting_of_silence_is_not_kept(sim: Checked) -> None:
    lan = opened(sim)
    sim.press(lan, "01")
    sim.advance(2.5 + 5.1)
    assert sim.carried_out(c.SetGreeting) == []
    assert len(sim.carried_out(c.DiscardRecording)) == 1
    assert sim.saying(lan) == ["mailbox.greeting_silent", "mailbox.options"]


def test_who_hangs_up_while_recording_a_greeting_keeps_the_old_one(sim: Checked) -> None:
    lan = opened(sim)
    sim.press(lan, "01")
    sim.advance(2.5)
    sim.speak(lan, 3)
    sim.advance(1)
    sim.hangup(lan)
    assert sim.carried_out(c.SetGreeting) == []
    assert len(sim.carried_out(c.DiscardRecording)) == 1
    assert sim.state.calls == {}


def test_change_the_pin(sim: Checked) -> None:
    lan = opened(sim)
    sim.press(lan, "02")
    assert sim.saying(lan) == ["mailbox.new_pin"]
    sim.press(lan, "8642#")
    assert sim.saying(lan) == ["mailbox.pin_changed", "mailbox.options"]
    assert [p.digits for p in sim.noted(lan, f.Pressed)] == ["", ""]
    sim.hangup(lan)
    assert sim.saying(opened(sim, pin=PIN)) == ["mailbox.wrong_pin", "mailbox.enter_pin"]
    assert sim.saying(opened(sim, pin="8642")) == ["mailbox.count", "mailbox.no_more"]


@pytest.mark.parametrize("new", ["123", "12345678901", "1111", "12*4", ""])
def test_a_pin_that_is_too_simple_is_refused(sim: Checked, new: str) -> None:
    lan = opened(sim)
    sim.press(lan, f"02{new}#")
    assert sim.saying(lan) == ["mailbox.pin_bad", "mailbox.new_pin"]
    assert sim.carried_out(c.SetPin) == []


def test_star_goes_back_from_the_options(sim_with_mail: Checked) -> None:
    lan = opened(sim_with_mail)
    sim_with_mail.press(lan, "0*")
    assert clips(sim_with_mail, lan) == ["blob/1"]
