"""A process gives way to another one at once: also legs that are being set up go on there."""

from __future__ import annotations

from tests.unit.legs.stage import Phone, Stage
from tests.unit.legs.test_twins import NEAR, call

from tongdai.calls import commands as c
from tongdai.calls import events as e
from tongdai.calls.model import Cause


def hand_over(stage: Stage) -> dict[str, str]:
    """Returns the legs that the next process has."""
    assert stage.office.front.settled
    return stage.restart()[1]


def rings(stage: Stage, phone: Phone) -> str:
    phone.handler.on["invite"] = lambda session: session.progress(180)
    return stage.calls(c.DeviceTarget("bnd-101"))


def test_a_caller_who_hears_ringing_is_answered_by_the_next_process(stage: Stage, lan: Phone):
    session, leg = stage.offered(lan)
    stage.office.front.ring(leg)
    stage.run()
    assert hand_over(stage) == {leg: "anphat"}
    stage.office.front.answer(leg, "")
    stage.run()
    assert session.confirmed
    assert stage.media.remote_of(leg).port == 4000
    session.bye()
    stage.run(60)
    assert stage.office.last(e.LegEnded).cause == Cause.NORMAL
    assert stage.network.at_rest()


def test_a_caller_with_early_sound_keeps_what_was_agreed(stage: Stage, lan: Phone):
    session, leg = stage.offered(lan)
    stage.office.front.progress(leg, "")
    stage.run()
    early = session.remote_sdp
    hand_over(stage)
    stage.office.front.answer(leg, "")
    stage.run()
    assert session.confirmed
    assert session.remote_sdp == early, "an answer does not change (RFC 3261 §13.2.1)"


def test_a_caller_may_give_up(stage: Stage, lan: Phone):
    session, leg = stage.offered(lan)
    stage.office.front.ring(leg)
    stage.run()
    hand_over(stage)
    session.cancel()
    stage.run()
    assert stage.office.last(e.LegEnded).cause == Cause.CANCELLED
    assert lan.handler.names()[-1] == "failed"


def test_a_phone_that_rings_answers_the_next_process(stage: Stage, lan: Phone):
    leg = rings(stage, lan)
    hand_over(stage)
    before = len(stage.messages("INVITE", by=stage.office))
    lan.session.accept(lan.sdp())
    stage.run()
    assert stage.office.last(e.LegAnswered).leg == leg
    assert lan.session.confirmed
    assert len(stage.messages("INVITE", by=stage.office)) == before, "it does not ring anew"
    stage.office.front.hangup(leg, Cause.NORMAL)
    stage.run(60)
    assert lan.session.ended
    assert stage.network.at_rest()


def test_a_phone_that_rings_may_refuse_or_be_given_up(stage: Stage, lan: Phone):
    leg = rings(stage, lan)
    hand_over(stage)
    lan.session.reject(486)
    stage.run()
    assert stage.ends() == [(leg, Cause.BUSY)]
    leg = rings(stage, lan)
    hand_over(stage)
    stage.office.front.hangup(leg, Cause.CANCELLED)
    stage.run()
    assert lan.handler.names()[-1] == "cancelled"


def test_a_leg_is_unsettled_until_somebody_has_said_something(stage: Stage, lan: Phone):
    stage.media.hold = True
    stage.calls(c.DeviceTarget("bnd-101"))
    assert not stage.office.front.settled, "its ports are being asked for"
    stage.media.hold = False
    lan.handler.on["invite"] = lambda session: session.progress(180)
    stage.media.settle()
    assert not stage.office.front.settled, "the phone has said nothing yet"
    stage.run()
    assert stage.office.front.settled


def test_a_transfer_that_waits_for_its_answer_is_waited_for(stage: Stage, lan: Phone):
    session, leg = stage.answered(lan)
    session.refer("sip:103@anphat.demo")
    stage.run()
    assert not stage.office.front.settled
    stage.office.front.transfer_progress(leg, True)
    assert stage.office.front.settled


def test_the_two_legs_of_a_hosted_number_are_answered_by_the_next_process(stage: Stage):
    far = call(stage)
    assert hand_over(stage).keys() == {NEAR, far}
    stage.office.front.answer(far, "")
    assert stage.office.last(e.LegAnswered).leg == NEAR
    stage.office.front.hangup(far, Cause.NORMAL)
    assert stage.office.last(e.LegEnded).leg == NEAR
