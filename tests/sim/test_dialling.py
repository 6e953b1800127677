from __future__ import annotations

from tests.sim.company import OUTSIDE
from tests.sim.invariants import Checked

from tongdai.calls import commands as c
from tongdai.calls import facts as f
from tongdai.calls.model import Cause, LegState
from tongdai.flows.simulated import BUSY, SILENT, UNREACHABLE, Behaviour, answers, refuses


def test_person_rings_answers_and_hangs_up(sim: Checked) -> None:
    lan = sim.call("lan-1", "102")
    assert sim.lines[lan].state is LegState.ALERTING
    sim.advance(4)
    minh = sim.answer_at("minh-1")
    assert sim.talk(lan, minh)
    sim.advance(130)
    sim.hangup(minh)
    assert sim.cause(lan) is Cause.NORMAL
    assert [type(fact).__name__ for fact in sim.facts(lan)] == [
        "CallStarted",
        "FlowEntered",
        "LegCreated",
        "LegRang",
        "LegAnsweredFact",
        "LegAnsweredFact",
        "Connected",
        "LegEndedFact",
        "LegEndedFact",
        "CallEnded",
    ]
    assert sim.facts(lan)[-1] == f.CallEnded(Cause.NORMAL, by="102")


def test_who_is_hung_up_on_hears_the_reason_of_who_hung_up(sim: Checked) -> None:
    lan = sim.call("lan-1", "102")
    minh = sim.answer_at("minh-1")
    busy = 'Q.850;cause=16;text="Normal call clearing"'
    sim.hangup(minh, reason=busy)
    hangups = [x for x in sim.commands if isinstance(x, c.Hangup)]
    assert hangups[-1] == c.Hangup(lan, Cause.NORMAL, busy)
    ends = [x for x in sim.facts(lan) if isinstance(x, f.LegEndedFact)]
    assert [x.reason for x in ends] == [busy, ""]


def test_phones_that_ring_are_told_of_a_call_that_was_completed_elsewhere(sim: Checked) -> None:
    """Else each of them shows a missed call (RFC 3326 §2)."""
    lan = sim.call("lan-1", "102")
    minh = sim.ringing("minh-1")
    sim.hangup(lan, Cause.ELSEWHERE, reason="SIP;cause=200")
    hangups = [x for x in sim.commands if isinstance(x, c.Hangup)]
    assert hangups[-1] == c.Hangup(minh, Cause.ELSEWHERE, "SIP;cause=200")


def test_the_called_phone_sees_who_calls(sim: Checked) -> None:
    sim.call("lan-1", "102")
    shown = sim.lines[sim.ringing("minh-1")].shown
    assert shown is not None
    assert (shown.number, shown.name) == ("101", "Lan Nguyen")


def test_the_called_leg_prefers_the_callers_codec(sim: Checked) -> None:
    lan = sim.call("lan-1", "102")
    (created,) = sim.carried_out(c.CreateLeg)
    assert created.match == lan
    minh = sim.answer_at("minh-1")
    assert sim.carried_out(c.Answer) == [c.Answer(lan, match=minh)]


def test_busy_leads_to_voicemail(sim: Checked) -> None:
    sim.behaviours["minh-1"] = BUSY
    lan = sim.call("lan-1", "102")
    assert sim.saying(lan) == ["voicemail.greeting.person", "Beep"]
    assert sim.legs_at("minh-1") == []


def test_declined_leads_to_voicemail(sim: Checked) -> None:
    lan = sim.call("lan-1", "102")
    sim.advance(3)
    sim.hangup(sim.ringing("minh-1"))
    assert sim.saying(lan) == ["voicemail.greeting.person", "Beep"]


def test_no_answer_leads_to_voicemail_after_the_ring_seconds(sim: Checked) -> None:
    lan = sim.call("lan-1", "102")
    minh = sim.ringing("minh-1")
    sim.advance(19.9)
    assert sim.cause(minh) is None
    sim.advance(0.2)
    assert sim.cause(minh) is Cause.NO_ANSWER
    assert sim.saying(lan) == ["voicemail.greeting.person", "Beep"]


def test_a_phone_that_never_reacts_is_no_answer(sim: Checked) -> None:
    sim.behaviours["minh-1"] = SILENT
    lan = sim.call("lan-1", "102")
    assert sim.lines[lan].state is LegState.OFFERED
    sim.advance(20.1)
    assert sim.saying(lan) == ["voicemail.greeting.person", "Beep"]


def test_unregistered_leads_to_voicemail_at_once(sim: Checked) -> None:
    sim.unregister("minh-1")
    lan = sim.call("lan-1", "102")
    assert sim.saying(lan) == ["voicemail.greeting.person", "Beep"]
    assert sim.carried_out(c.CreateLeg) == []


def test_a_registered_phone_that_cannot_be_reached_leads_to_voicemail(sim: Checked) -> None:
    sim.behaviours["minh-1"] = UNREACHABLE
    lan = sim.call("lan-1", "102")
    assert sim.saying(lan) == ["voicemail.greeting.person", "Beep"]


def test_caller_cancels_while_it_rings(sim: Checked) -> None:
    lan = sim.call("lan-1", "102")
    minh = sim.ringing("minh-1")
    sim.hangup(lan)
    assert sim.cause(minh) is Cause.CANCELLED
    assert sim.state.calls == {}


def test_caller_cancels_before_anything_rings(sim: Checked) -> None:
    sim.behaviours["minh-1"] = SILENT
    lan = sim.call("lan-1", "102")
    (minh,) = sim.legs_at("minh-1")
    sim.hangup(lan)
    assert sim.cause(minh) is Cause.CANCELLED


def test_all_devices_ring_and_the_losers_learn_that_it_was_answered_elsewhere(sim: Checked) -> None:
    lan = sim.call("lan-1", "103")
    loser = sim.ringing("hoa-1")
    winner = sim.answer_at("hoa-2")
    assert sim.talk(lan, winner)
    assert sim.cause(loser) is Cause.ELSEWHERE
    assert len(sim.carried_out(c.Ring)) == 1


def test_one_busy_device_leaves_the_other_ringing(sim: Checked) -> None:
    sim.behaviours["hoa-1"] = BUSY
    lan = sim.call("lan-1", "103")
    hoa = sim.answer_at("hoa-2")
    assert sim.talk(lan, hoa)


def test_busy_on_one_device_and_no_answer_on_the_other_leads_to_voicemail(sim: Checked) -> None:
    sim.behaviours["hoa-1"] = BUSY
    lan = sim.call("lan-1", "103")
    sim.advance(20.1)
    assert sim.saying(lan) == ["voicemail.greeting.person", "Beep"]


def test_department_rings_together_and_the_first_to_answer_gets_the_call(sim: Checked) -> None:
    hoa = sim.call("hoa-1", "200")
    lan = sim.ringing("lan-1")
    minh = sim.answer_at("minh-1")
    assert sim.talk(hoa, minh)
    assert sim.cause(lan) is Cause.ELSEWHERE


def test_who_calls_his_own_department_is_not_called_himself(sim: Checked) -> None:
    sim.call("lan-1", "200")
    assert len(sim.legs_at("lan-1")) == 1
    assert sim.ringing("minh-1")


def test_department_that_does_not_answer_has_a_voicemail_of_its_own(sim: Checked) -> None:
    hoa = sim.call("hoa-1", "200")
    sim.advance(20.1)
    sim.advance(3)
    sim.speak(hoa, 4)
    sim.advance(2)
    sim.hangup(hoa)
    (saved,) = sim.carried_out(c.SaveMessage)
    assert saved.mailbox == "box-200"


def test_a_department_in_which_all_refuse_leads_to_voicemail_at_once(sim: Checked) -> None:
    sim.behaviours["lan-1"] = refuses(Cause.DECLINED, 1)
    sim.behaviours["minh-1"] = refuses(Cause.DECLINED, 2)
    hoa = sim.call("hoa-1", "200")
    sim.advance(1.5)
    assert sim.saying(hoa) == []
    sim.advance(1)
    assert sim.saying(hoa) == ["voicemail.greeting.person", "Beep"]


def test_unknown_extension_is_refused(sim: Checked) -> None:
    lan = sim.call("lan-1", "199")
    assert sim.cause(lan) is Cause.NOT_FOUND
    assert sim.noted(lan, f.Refused) == [f.Refused("unknown")]


def test_echo_and_music_answer_at_once_and_last(sim: Checked) -> None:
    from tongdai.calls.model import Echo, Music

    echo, music = sim.call("lan-1", "*43"), sim.call("minh-1", "9000")
    sim.press(echo, "12#")
    sim.advance(600)
    assert sim.hears(echo) == Echo()
    assert sim.hears(music) == Music()


def test_two_calls_at_once_do_not_disturb_each_other(sim: Checked) -> None:
    sim.behaviours["anna-1"] = answers(2)
    lan, minh = sim.connect("lan-1", "102", "minh-1")
    hoa = sim.call("hoa-1", "104")
    sim.advance(2)
    (anna,) = sim.legs_at("anna-1")
    sim.hangup(hoa)
    assert sim.cause(anna) is Cause.NORMAL
    assert sim.talk(lan, minh)


def test_keys_in_sip_info_reach_the_other_end_as_keys(sim: Checked) -> None:
    """They were taken for the flow of the call, which two who talk have no more: no menu outside worked."""
    lan, minh = sim.connect("lan-1", "102", "minh-1")
    sim.press(lan, "5", signalled=True)
    sim.press(minh, "*", signalled=True)
    assert sim.carried_out(c.SendDigit) == [c.SendDigit(minh, "5"), c.SendDigit(lan, "*")]
    sim.hold(minh)
    sim.press(lan, "7", signalled=True)
    sim.press(lan, "8")
    assert len(sim.carried_out(c.SendDigit)) == 2, "who hears music hears no keys"


def test_keys_in_sip_info_reach_an_outside_menu_before_the_answer(sim: Checked) -> None:
    sim.behaviours[OUTSIDE] = Behaviour(early_media=True)
    lan = sim.call("lan-1", OUTSIDE)
    (outside,) = sim.legs_at(OUTSIDE)
    sim.press(lan, "1", signalled=True)
    assert sim.carried_out(c.SendDigit) == [c.SendDigit(outside, "1")]
