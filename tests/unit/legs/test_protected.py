"""Calls whose sound is protected by keys in their descriptions (RFC 4568)."""

from __future__ import annotations

import base64

import pytest
from tests.unit.legs.stage import SUITE, THEIR_KEY, Phone, Stage, protected, with_key

from tongdai import sdp
from tongdai.calls import commands as c
from tongdai.calls import events as e
from tongdai.calls.model import Cause
from tongdai.sip.ua import InviteSession


def our_keys(text: str | None) -> list[str]:
    media = sdp.parse(text or "").media[0]
    return [value.partition("inline:")[2] for name, value in media.attributes if name == "crypto" and value]


def test_a_protected_caller_is_answered_with_a_key_of_our_own(stage: Stage, lan: Phone):
    session, leg = stage.answered(lan, sdp=protected(lan))
    assert "RTP/SAVP" in (session.remote_sdp or "")
    [ours] = our_keys(session.remote_sdp)
    assert stage.media.remote_of(leg).srtp == sdp.Srtp(SUITE, send=ours, receive=THEIR_KEY)


def test_every_call_has_another_key(stage: Stage, lan: Phone, minh: Phone):
    one, _ = stage.answered(lan, sdp=protected(lan))
    other, _ = stage.answered(minh, sdp=protected(minh))
    assert our_keys(one.remote_sdp) != our_keys(other.remote_sdp)


@pytest.mark.parametrize("restarted", [False, True])
def test_our_key_stays_for_the_whole_call(stage: Stage, lan: Phone, restarted: bool):
    session, leg = stage.answered(lan, sdp=protected(lan))
    [ours] = our_keys(session.remote_sdp)
    if restarted:
        stage.restart()
    for version, theirs in ((2, THEIR_KEY), (3, base64.b64encode(b"n" * 30).decode())):
        session.reinvite(protected(lan, key=theirs, version=version))
        stage.run()
        assert our_keys(session.remote_sdp) == [ours]
        assert stage.media.remote_of(leg).srtp == sdp.Srtp(SUITE, send=ours, receive=theirs)


def test_a_protected_call_stays_protected(stage: Stage, lan: Phone):
    session, leg = stage.answered(lan, sdp=protected(lan))
    before = stage.media.remotes[leg][:]
    results: list[int] = []
    lan.handler.on["reinvite_result"] = lambda session, status, sdp: results.append(status)
    session.reinvite(lan.sdp(version=2))
    stage.run()
    assert results == [488]
    assert stage.media.remotes[leg] == before


def insists(phone: Phone) -> None:
    """Take only protected calls."""

    def answer(session: InviteSession) -> None:
        if "RTP/SAVP" not in (session.remote_sdp or ""):
            session.reject(488)
            return
        session.progress(180)
        session.accept(protected(phone))

    phone.handler.on["invite"] = answer


def test_a_phone_that_takes_only_protected_calls_is_called_once_more(stage: Stage, lan: Phone):
    insists(lan)
    leg = stage.calls(c.DeviceTarget("bnd-101"))
    stage.run()
    assert stage.office.kinds() == [e.LegRinging, e.LegAnswered]
    told = stage.media.remote_of(leg).srtp
    assert told is not None
    assert (told.suite, told.receive) == (SUITE, THEIR_KEY)
    assert told.send in our_keys(lan.session.remote_sdp)


def test_a_phone_that_takes_neither_is_not_called_again_and_again(stage: Stage, lan: Phone):
    asked: list[str] = []

    def refuse(session: InviteSession) -> None:
        asked.append((session.remote_sdp or "").partition("m=")[2].split()[2])
        session.reject(488)

    lan.handler.on["invite"] = refuse
    leg = stage.calls(c.DeviceTarget("bnd-101"))
    stage.run()
    assert asked == ["RTP/AVP", "RTP/SAVP"]
    assert stage.ends() == [(leg, Cause.NOT_ACCEPTABLE)]


def test_a_leg_that_was_hung_up_meanwhile_is_not_called_again(stage: Stage, lan: Phone):
    asked: list[InviteSession] = []
    lan.handler.on["invite"] = asked.append
    leg = stage.calls(c.DeviceTarget("bnd-101"))
    stage.office.front.hangup(leg, Cause.CANCELLED)
    asked[0].reject(488)
    stage.run()
    assert len(asked) == 1


def offer_to(phone: Phone) -> tuple[str, bool]:
    """The protocol of what the phone was offered last, and whether there are keys."""
    text = phone.session.remote_sdp
    return sdp.parse(text or "").media[0].protocol, bool(our_keys(text))


def test_a_phone_over_tls_is_called_protected(stage: Stage):
    """A Linphone that can do without keys ignored those of an offer under RTP/AVP."""
    lan = stage.phone("anphat", "101", transport="tls")
    lan.handler.on["invite"] = lambda session: session.accept(protected(lan))
    leg = stage.calls(c.DeviceTarget("bnd-101"))
    assert offer_to(lan) == ("RTP/SAVP", True)
    told = stage.media.remote_of(leg).srtp
    assert told is not None
    assert told.receive == THEIR_KEY


@pytest.mark.parametrize("status", [415, 488, 606])
def test_a_phone_over_tls_that_has_no_keys_is_called_once_more(stage: Stage, status: int):
    lan = stage.phone("anphat", "101", transport="tls")
    offered = []

    def answer(session: InviteSession) -> None:
        offered.append(offer_to(lan))
        if len(offered) == 1:
            session.reject(status)
        else:
            session.accept(lan.sdp())

    lan.handler.on["invite"] = answer
    leg = stage.calls(c.DeviceTarget("bnd-101"))
    assert offered == [("RTP/SAVP", True), ("RTP/AVP", True)]
    assert stage.media.remote_of(leg).srtp is None
    assert stage.office.kinds() == [e.LegAnswered]


def test_a_phone_over_tls_that_answers_without_keys_is_talked_to_without(stage: Stage):
    lan = stage.phone("anphat", "101", transport="tls")
    leg = stage.talks(lan, "101")
    assert stage.media.remote_of(leg).srtp is None
    offered: list[str] = []
    lan.handler.on["reinvite"] = lambda session, text: offered.append(text)
    stage.media.occupied = True  # so that the phone is offered other ports
    stage.office.front.rebuild([leg])
    stage.run()
    assert sdp.parse(offered[0]).media[0].protocol == "RTP/AVP"
    assert our_keys(offered[0]) == []


def test_a_phone_over_tls_that_calls_without_an_offer_is_offered_keys(stage: Stage):
    lan = stage.phone("anphat", "101", transport="tls")
    answer = with_key(lan.sdp())
    lan.handler.on["answered"] = lambda session, text: session.ack(answer)
    session, leg = stage.answered(lan, sdp=None)
    assert our_keys(session.remote_sdp)
    stage.run()
    told = stage.media.remote_of(leg).srtp
    assert told is not None
    assert told.receive == THEIR_KEY
