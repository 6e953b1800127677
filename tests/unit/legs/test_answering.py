"""Calls that come in: ringing, answering, and every way in which they end."""

from __future__ import annotations

import pytest
from tests.unit.legs.stage import Phone, Stage, statuses

from tongdai.calls import commands as c
from tongdai.calls import events as e
from tongdai.calls.model import Cause


def bodies(stage: Stage, start: str, phone: Phone) -> list[str]:
    return [message.body.decode() for message in stage.messages(start, to=phone)]


def audio(sdp: str | None) -> str:
    return next(line for line in (sdp or "").splitlines() if line.startswith("m=audio"))


def test_ringing_is_told_and_the_answer_connects_the_sound(stage: Stage, lan: Phone):
    session, leg = stage.offered(lan)
    stage.office.front.ring(leg)
    stage.run()
    assert lan.handler.last("provisional")[2:] == (180, None)
    assert leg not in stage.media.remotes
    stage.office.front.answer(leg, "")
    stage.run()
    assert session.confirmed
    told = stage.media.remote_of(leg)
    assert (told.ip, told.port, told.rtcp_port) == (lan.address[0], 4000, 4001)
    assert (told.codecs, told.dtmf, told.direction) == ((("PCMU", 0), ("PCMA", 8)), (101,), "sendrecv")
    assert audio(session.remote_sdp) == "m=audio 20002 RTP/AVP 0 8 101"
    assert "c=IN IP4 192.0.2.100" in (session.remote_sdp or "")


def test_early_sound_and_answer_have_the_very_same_description(stage: Stage, lan: Phone):
    _, leg = stage.offered(lan)
    stage.office.front.progress(leg, "")
    stage.run()
    stage.office.front.answer(leg, "")
    stage.run()
    early, final = bodies(stage, "SIP/2.0 183", lan), bodies(stage, "SIP/2.0 200 OK", lan)
    assert early == [text for text in final if text]  # that of the PRACK has none
    assert early[0].startswith("v=0")
    assert len(stage.media.remotes[leg]) == 1


def test_a_caller_without_an_offer_hears_ringing_in_place_of_early_sound(stage: Stage, lan: Phone):
    _, leg = stage.offered(lan, sdp=None)
    stage.office.front.progress(leg, "")
    stage.run()
    assert lan.handler.last("provisional")[2:] == (180, None)


def test_a_caller_without_an_offer_who_can_answer_early_gets_ours_and_has_to(stage: Stage, lan: Phone):
    """RFC 3262 §5: a carrier's "not in service" was ringing to such callers. Its answer is in the PRACK."""
    session, leg = stage.offered(lan, sdp=None, headers=[("Supported", "100rel")])
    stage.office.front.progress(leg, "")
    stage.run()
    assert stage.messages("SIP/2.0 183", to=lan)[-1].body.startswith(b"v=0")
    assert stage.messages("PRACK", by=lan)[-1].body == b""
    assert statuses(session, lan) == [488]
    assert stage.ends() == [(leg, Cause.NOT_ACCEPTABLE)]


def test_the_codec_of_the_other_side_comes_first_so_that_nothing_is_transcoded(
    stage: Stage, lan: Phone, minh: Phone
):
    """Lan prefers PCMU, Minh's phone has PCMA only."""
    session, leg = stage.offered(lan)
    minh.picks_up("8 101")
    called = stage.calls(c.DeviceTarget("bnd-102"), match=leg)
    assert audio(minh.session.remote_sdp) == "m=audio 20004 RTP/AVP 0 8 101"
    assert stage.media.remote_of(called).codecs == (("PCMA", 8),)
    stage.office.front.answer(leg, called)
    stage.run()
    assert audio(session.remote_sdp) == "m=audio 20002 RTP/AVP 8 0 101"
    assert stage.media.remote_of(leg).codecs[0] == ("PCMA", 8)


def test_who_is_called_is_offered_the_callers_codec_first(stage: Stage, lan: Phone, minh: Phone):
    _, leg = stage.offered(lan, sdp=lan.sdp("8 0 101"))
    minh.picks_up()
    stage.calls(c.DeviceTarget("bnd-102"), match=leg)
    assert audio(minh.session.remote_sdp) == "m=audio 20004 RTP/AVP 8 0 101"


# the caller ends it


@pytest.mark.parametrize("until", ["offered", "ringing", "early sound"])
def test_a_caller_who_cancels_is_gone_with_his_sound(stage: Stage, lan: Phone, until: str):
    session, leg = stage.offered(lan)
    if until == "ringing":
        stage.office.front.ring(leg)
    elif until == "early sound":
        stage.office.front.progress(leg, "")
    stage.run()
    session.cancel()
    stage.run()
    assert stage.ends() == [(leg, Cause.CANCELLED)]
    assert stage.media.closed == [leg]
    assert statuses(session, lan) == [487]
    assert stage.office.front.all() == []
    stage.run(60)
    assert stage.network.at_rest()


def test_a_cancel_that_crosses_the_answer_is_too_late(stage: Stage, lan: Phone):
    session, leg = stage.offered(lan)
    stage.office.front.ring(leg)
    stage.run()
    stage.office.front.answer(leg, "")
    session.cancel()
    stage.run()
    assert stage.ends() == [(leg, Cause.NORMAL)]
    assert "487" not in " ".join(stage.network.sent(stage.office))
    assert stage.media.live == {}
    stage.run(60)
    assert stage.network.at_rest()


def test_a_caller_who_hangs_up_is_gone_with_his_sound(stage: Stage, lan: Phone):
    session, leg = stage.answered(lan)
    session.bye()
    stage.run()
    assert stage.ends() == [(leg, Cause.NORMAL)]
    assert stage.media.closed == [leg]


def test_a_caller_who_never_acknowledges_is_hung_up_on(stage: Stage, lan: Phone):
    _, leg = stage.offered(lan)
    stage.network.drop = lambda flow, data: data.startswith(b"ACK")
    stage.office.front.answer(leg, "")
    stage.run(40)
    assert stage.ends() == [(leg, Cause.FAILED)]
    assert "bye" in lan.handler.names()
    assert stage.media.live == {}


# the call logic ends it


@pytest.mark.parametrize(
    ("cause", "status"),
    [
        (Cause.BUSY, 486),
        (Cause.DECLINED, 603),
        (Cause.NO_ANSWER, 480),
        (Cause.UNAVAILABLE, 480),
        (Cause.NOT_FOUND, 404),
        (Cause.FORBIDDEN, 403),
        (Cause.CONGESTION, 503),
        (Cause.NOT_ACCEPTABLE, 488),
        (Cause.FAILED, 500),
        (Cause.NORMAL, 480),
    ],
)
def test_a_refusal_tells_its_cause_and_nothing_more_is_reported(
    stage: Stage, lan: Phone, cause: Cause, status: int
):
    session, leg = stage.offered(lan)
    stage.office.front.hangup(leg, cause)
    stage.run()
    assert statuses(session, lan) == [status]
    assert stage.ends() == []
    assert stage.media.closed == [leg]
    retry = stage.messages(f"SIP/2.0 {status}", to=lan)[0].headers.get("Retry-After")
    assert (retry is not None) == (status == 503)


@pytest.mark.parametrize("state", ["offered", "ringing", "early sound", "answered", "acknowledged", "held"])
def test_the_call_logic_may_hang_up_a_caller_in_every_state(stage: Stage, lan: Phone, state: str):
    front = stage.office.front
    session, leg = stage.offered(lan)
    if state == "ringing":
        front.ring(leg)
    elif state == "early sound":
        front.progress(leg, "")
    elif state != "offered":
        front.answer(leg, "")
    if state != "answered":
        stage.run()
    if state == "held":
        session.reinvite(lan.sdp(direction="sendonly"))
        stage.run()
    front.hangup(leg, Cause.NORMAL)
    stage.run()
    assert session.ended
    assert stage.ends() == []
    assert stage.media.live == {}
    assert front.all() == []
    assert ("bye" in lan.handler.names()) == (state in ("answered", "acknowledged", "held"))
    stage.run(60)
    assert stage.network.at_rest()
    assert stage.office.journal.load() == {}


def test_a_caller_may_be_hung_up_before_the_engine_has_answered(stage: Stage, lan: Phone):
    stage.media.hold = True
    session = lan.dial(stage.office, "102")
    stage.run()
    [leg] = stage.office.front.all()
    stage.office.front.lost(leg)
    stage.media.hold = False
    stage.run()
    assert statuses(session, lan) == [500]
    assert stage.media.live == {}
    assert e.LegOffered not in stage.office.kinds()


def test_commands_to_a_leg_that_is_gone_do_nothing(stage: Stage, lan: Phone):
    session, leg = stage.offered(lan)
    session.cancel()
    stage.run()
    front = stage.office.front
    before = len(stage.network.log)
    front.ring(leg)
    front.progress(leg, "")
    front.answer(leg, "")
    front.transfer_result(leg, True, Cause.NORMAL)
    front.hangup(leg, Cause.NORMAL)
    front.lost(leg)
    stage.run()
    assert len(stage.network.log) == before
    assert len(stage.ends()) == 1


def test_wide_band_is_offered_to_the_called_when_the_caller_has_it(stage: Stage, lan: Phone, minh: Phone):
    session, leg = stage.offered(lan, sdp=lan.sdp("96 0 97"))
    minh.picks_up("8 101")
    called = stage.calls(c.DeviceTarget("bnd-102"), match=leg)
    assert audio(minh.session.remote_sdp) == "m=audio 20004 RTP/AVP 111 0 8 110 101"
    assert stage.media.remote_of(called).codecs == (("PCMA", 8),)
    stage.office.front.answer(leg, called)
    stage.run()
    assert audio(session.remote_sdp) == "m=audio 20002 RTP/AVP 96 0 97"
    told = stage.media.remote_of(leg)
    assert (told.codecs, told.dtmf) == ((("opus", 96), ("PCMU", 0)), (97,))


def test_what_only_the_two_phones_speak_is_offered_last(stage: Stage, lan: Phone, minh: Phone):
    _, leg = stage.offered(lan, sdp=lan.sdp("18 8 101"))
    minh.picks_up("8 101")
    called = stage.calls(c.DeviceTarget("bnd-102"), match=leg)
    assert audio(minh.session.remote_sdp) == "m=audio 20004 RTP/AVP 8 0 18 101"
    assert stage.media.remote_of(called).codecs == (("PCMA", 8),)


def test_a_codec_that_we_do_not_speak_is_passed_on_between_two_who_do(stage: Stage, lan: Phone, minh: Phone):
    session, leg = stage.offered(lan, sdp=lan.sdp("18 101"))
    minh.picks_up("18 101")
    called = stage.calls(c.DeviceTarget("bnd-102"), match=leg)
    assert audio(minh.session.remote_sdp) == "m=audio 20004 RTP/AVP 18 101"
    assert stage.media.remote_of(called).codecs == (("G729", 18),)
    stage.office.front.answer(leg, called)
    stage.run()
    assert session.confirmed
    assert stage.media.remote_of(leg).codecs == (("G729", 18),)


def test_a_caller_who_speaks_nothing_of_ours_is_refused_where_nobody_else_answers(stage: Stage, lan: Phone):
    session, leg = stage.offered(lan, sdp=lan.sdp("18 101"))
    stage.office.front.answer(leg, "")
    stage.run()
    assert statuses(session, lan) == [488]
    assert stage.ends() == [(leg, Cause.NOT_ACCEPTABLE)]
    assert stage.media.live == {}
