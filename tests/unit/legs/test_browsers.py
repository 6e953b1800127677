"""Calls of and to browsers: ICE and DTLS in their descriptions."""

from __future__ import annotations

import msgspec
import pytest
from tests.unit.legs.stage import Phone, Stage
from tests.unit.sdp.browsers import THEIRS, chromium

from tongdai import sdp
from tongdai.calls import commands as c
from tongdai.calls import events as e
from tongdai.calls.model import Cause
from tongdai.sip.ua import InviteSession


def ice_of(text: str | None) -> sdp.Ice:
    ice = sdp.parse(text or "").ice
    assert ice is not None
    return ice


def on_websocket(stage: Stage, extension: str, host: str = "a1b2c3.invalid") -> None:
    """The phone of this extension registered from a browser."""
    contact = stage.contacts[f"bnd-{extension}"]
    flow = msgspec.structs.replace(contact.flow, transport="ws", connection=7)
    uri = f"sip:{host}:5060;transport=ws" if host else contact.uri
    stage.contacts[f"bnd-{extension}"] = msgspec.structs.replace(contact, flow=flow, uri=uri)


def test_a_browsers_call_is_answered_in_kind_and_the_engine_told(stage: Stage, lan: Phone):
    session, leg = stage.answered(lan, sdp=chromium())
    ours = ice_of(session.remote_sdp)
    assert "UDP/TLS/RTP/SAVPF" in (session.remote_sdp or "")
    assert f"a=fingerprint:{stage.media.certificate}" in (session.remote_sdp or "")
    agreed = stage.media.remote_of(leg)
    assert agreed.secured == sdp.Secured("passive", (THEIRS,), ours, ice_of(chromium()))


@pytest.mark.parametrize("restarted", [False, True])
def test_hold_keeps_ice_and_the_part_in_the_handshake(stage: Stage, lan: Phone, restarted: bool):
    session, leg = stage.answered(lan, sdp=chromium(setup="passive"))
    ours = ice_of(session.remote_sdp)
    if restarted:
        stage.restart()
    session.reinvite(chromium(setup="actpass", direction="sendonly", version=3))
    stage.run()
    assert ice_of(session.remote_sdp) == ours
    assert "a=setup:active" in (session.remote_sdp or "")
    agreed = stage.media.remote_of(leg)
    assert agreed.secured == sdp.Secured("active", (THEIRS,), ours, ice_of(chromium()))
    assert stage.office.last(e.LegHeld).leg == leg


def test_other_credentials_are_a_restart_and_get_others(stage: Stage, lan: Phone):
    session, leg = stage.answered(lan, sdp=chromium())
    before = ice_of(session.remote_sdp)
    for version in (3, 4):
        session.reinvite(chromium(ufrag="zzzz", version=version))
        stage.run()
    after = ice_of(session.remote_sdp)
    assert before.ufrag != after.ufrag
    assert before.pwd != after.pwd
    told = [remote.secured for remote in stage.media.remotes[leg]]
    assert [one.ice for one in told if one] == [before, after, after]


def test_a_browser_that_registered_by_websocket_is_offered_what_it_takes(stage: Stage, lan: Phone):
    on_websocket(stage, "101")

    def answer(session: InviteSession) -> None:
        session.accept(chromium(setup="active"))

    lan.handler.on["invite"] = answer
    leg = stage.calls(c.DeviceTarget("bnd-101"))
    assert stage.office.last(e.LegAnswered).leg == leg
    offer = lan.session.remote_sdp or ""
    assert "m=audio" in offer
    assert "UDP/TLS/RTP/SAVPF" in offer
    assert "a=setup:actpass" in offer
    agreed = stage.media.remote_of(leg)
    assert agreed.secured == sdp.Secured("passive", (THEIRS,), ice_of(offer), ice_of(chromium()))


@pytest.mark.parametrize("host", ["a1b2c3.invalid", ""])
def test_a_phone_on_a_websocket_that_is_no_browser_is_called_as_a_phone(stage: Stage, lan: Phone, host: str):
    on_websocket(stage, "101", host)

    def answer(session: InviteSession) -> None:
        if "UDP/TLS" in (session.remote_sdp or ""):
            session.reject(488)
        else:
            session.accept(lan.sdp())

    lan.handler.on["invite"] = answer
    leg = stage.calls(c.DeviceTarget("bnd-101"))
    assert stage.office.last(e.LegAnswered).leg == leg
    assert stage.media.remote_of(leg).secured is None


def test_a_phone_on_a_websocket_may_answer_plainly(stage: Stage, lan: Phone):
    on_websocket(stage, "101")
    leg = stage.talks(lan, "101")
    assert stage.media.remote_of(leg).secured is None
    lan.session.reinvite(None)
    stage.run()
    assert "RTP/AVP " in (lan.session.remote_sdp or "")


def test_a_browsers_call_does_not_become_plain(stage: Stage, lan: Phone):
    session, leg = stage.answered(lan, sdp=chromium())
    before = stage.media.remotes[leg][:]
    results: list[int] = []
    lan.handler.on["reinvite_result"] = lambda session, status, sdp: results.append(status)
    session.reinvite(lan.sdp(version=2))
    stage.run()
    assert results == [488]
    assert stage.media.remotes[leg] == before


def test_a_peer_that_is_gone_ends_its_call(stage: Stage, lan: Phone):
    session, leg = stage.answered(lan, sdp=chromium())
    stage.office.front.lost(leg, "no sign of life")
    stage.run()
    assert stage.office.of(e.LegEnded) == [e.LegEnded(leg, Cause.FAILED, "no sign of life")]
    assert session.ended
