"""`kill -9` of the engine: which legs go on without a word, which are offered their stream again, and which
end."""

from __future__ import annotations

import pytest
from tests.unit.legs.stage import Phone, Stage, protected
from tests.unit.legs.test_browsers import ice_of, on_websocket
from tests.unit.legs.test_twins import NEAR, call
from tests.unit.sdp.browsers import chromium

from tongdai.calls import commands as c
from tongdai.calls import events as e
from tongdai.calls.model import Cause
from tongdai.legs.rebuilt import REBUILD_SECONDS


def replace(stage: Stage) -> None:
    stage.office.front.rebuild(stage.office.front.all())
    stage.run()


def test_nothing_is_said_when_the_ports_are_the_same(stage: Stage, lan: Phone):
    _, leg = stage.answered(lan)
    before = stage.media.remote_of(leg)
    replace(stage)
    assert stage.messages("INVITE", by=stage.office) == []
    assert stage.media.remotes[leg] == [before, before], "the engine knows the peer again"


def test_who_has_other_ports_is_told(stage: Stage, lan: Phone):
    session, leg = stage.answered(lan)
    stage.media.occupied = True
    lan.handler.on["reinvite"] = lambda session, sdp: session.accept_reinvite(lan.sdp(version=2, port=4600))
    replace(stage)
    [invite] = stage.messages("INVITE", by=stage.office)
    assert "m=audio 20004 RTP/AVP" in (invite.sdp or "")
    assert stage.media.remote_of(leg).port == 4600
    assert not session.ended
    stage.run(REBUILD_SECONDS + 1)
    assert not session.ended


@pytest.mark.parametrize("how", ["refuses", "says nothing"])
def test_who_does_not_take_the_other_ports_is_hung_up_on_with_the_reason(stage: Stage, lan: Phone, how: str):
    session, leg = stage.answered(lan)
    stage.media.occupied = True
    if how == "refuses":
        lan.handler.on["reinvite"] = lambda session, sdp: session.reject_reinvite(488)
    else:
        lan.handler.on["reinvite"] = lambda session, sdp: None
    replace(stage)
    stage.run(REBUILD_SECONDS)
    assert session.ended
    [bye] = stage.messages("BYE", by=stage.office)
    assert "cause=41" in (bye.given_reason or "")
    ended = stage.office.last(e.LegEnded)
    assert (ended.leg, ended.cause) == (leg, Cause.FAILED)
    assert "media engine failed" in ended.why


def test_a_leg_for_which_there_is_no_place_ends(stage: Stage, lan: Phone):
    session, _ = stage.answered(lan)
    stage.media.refuse = "no_ports"
    replace(stage)
    assert session.ended
    assert "no_ports" in stage.office.last(e.LegEnded).why


def test_a_leg_that_was_offered_and_not_answered_goes_on(stage: Stage, lan: Phone):
    session, leg = stage.offered(lan)
    stage.media.occupied = True
    replace(stage)
    stage.office.front.answer(leg, "")
    stage.run()
    assert session.confirmed
    assert "m=audio 20004 RTP/AVP" in (session.remote_sdp or "")


def test_a_leg_with_early_sound_on_ports_that_are_gone_ends(stage: Stage, lan: Phone):
    session, leg = stage.offered(lan)
    stage.office.front.progress(leg, "")
    stage.run()
    stage.media.occupied = True
    replace(stage)
    assert session.ended
    assert stage.office.last(e.LegEnded).leg == leg


def test_what_was_agreed_is_known_to_the_process_after_this_one(stage: Stage, lan: Phone):
    _, leg = stage.answered(lan)
    before = stage.media.remote_of(leg)
    office, _ = stage.restart()
    office.front.rebuild({leg})
    stage.run()
    assert stage.media.remotes[leg] == [before, before]


def test_a_browser_is_offered_the_certificate_of_the_engine_that_is_there_now(stage: Stage, lan: Phone):
    session, leg = stage.answered(lan, sdp=chromium())
    before = ice_of(session.remote_sdp)
    stage.media.certificate = "sha-256 " + ":".join(["CD"] * 32)
    lan.handler.on["reinvite"] = lambda session, sdp: session.accept_reinvite(
        chromium(ufrag="zzzz", setup="active", version=3)
    )
    told = len(stage.media.remotes[leg])
    replace(stage)
    offer = session.remote_sdp or ""
    assert f"a=fingerprint:{stage.media.certificate}" in offer
    assert "a=setup:actpass" in offer
    assert ice_of(offer).ufrag != before.ufrag
    [after] = stage.media.remotes[leg][told:]
    assert after.secured is not None
    assert after.secured.setup == "passive"
    assert after.secured.ice == ice_of(offer)
    stage.office.front.secured(leg)
    stage.run(REBUILD_SECONDS + 1)
    assert not session.ended


def test_a_browser_that_does_not_finish_its_handshake_is_hung_up_on(stage: Stage, lan: Phone):
    session, _ = stage.answered(lan, sdp=chromium())
    lan.handler.on["reinvite"] = lambda session, sdp: session.accept_reinvite(
        chromium(ufrag="zzzz", setup="active", version=3)
    )
    replace(stage)
    assert not session.ended
    stage.run(REBUILD_SECONDS)
    assert session.ended
    assert "in time" in stage.office.last(e.LegEnded).why


def test_a_browser_that_rings_is_given_up(stage: Stage, lan: Phone):
    on_websocket(stage, "101")
    lan.handler.on["invite"] = lambda session: session.progress(180)
    leg = stage.calls(c.DeviceTarget("bnd-101"))
    replace(stage)
    assert stage.office.last(e.LegEnded).leg == leg
    assert "while the call was being set up" in stage.office.last(e.LegEnded).why


def test_a_protected_phone_keeps_its_keys(stage: Stage, lan: Phone):
    _, leg = stage.answered(lan, sdp=protected(lan))
    before = stage.media.remote_of(leg)
    assert before.srtp is not None
    replace(stage)
    assert stage.messages("INVITE", by=stage.office) == []
    assert stage.media.remotes[leg] == [before, before]


def test_the_two_legs_of_a_hosted_number_face_each_other_again(stage: Stage):
    far = call(stage)
    before = [stage.media.remote_of(leg).port for leg in (NEAR, far)]
    replace(stage)
    after = [stage.media.remote_of(leg).port for leg in (NEAR, far)]
    assert not set(before) & set(after)
    assert {type(event) for _, event in stage.office.events} == {e.LegOffered}


def test_the_two_legs_of_a_hosted_number_end_when_there_is_no_place(stage: Stage):
    far = call(stage)
    stage.media.refuse = "no_ports"
    replace(stage)
    assert {event.leg for event in stage.office.of(e.LegEnded)} == {NEAR, far}


@pytest.mark.parametrize("which", [NEAR, "far"])
def test_one_leg_of_a_hosted_number_faces_the_other_from_another_engine(stage: Stage, which: str):
    far = call(stage)
    lost, kept = (NEAR, far) if which == NEAR else (far, NEAR)
    opened = list(stage.media.opened)
    stage.office.front.rebuild({lost})
    stage.run()
    assert stage.media.opened[len(opened) :] == [lost]
    assert stage.media.remote_of(kept).port == stage.media.port_of(lost)
    assert stage.media.remote_of(lost).port == stage.media.port_of(kept)
    assert {type(event) for _, event in stage.office.events} == {e.LegOffered}
