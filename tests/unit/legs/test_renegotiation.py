"""Legs that hear each other with different codecs: one is offered the other's by re-INVITE (RFC 3261 §14)."""

from __future__ import annotations

from tests.unit.legs.stage import Phone, Stage

from tongdai.calls import commands as c
from tongdai.calls import events as e
from tongdai.calls.model import Cause
from tongdai.sdp import parse


def talk(stage: Stage, lan: Phone, minh: Phone, near: str = "9 0 101", far: str = "0 101") -> tuple[str, str]:
    """Lan was answered by a greeting, as she offered, and Minh took what he has: each hears the other."""
    _, first = stage.answered(lan, sdp=lan.sdp(near))
    minh.picks_up(far)
    second = stage.calls(c.DeviceTarget("bnd-102"), match="")
    bridge(stage, first, second)
    return first, second


def bridge(stage: Stage, one: str, other: str) -> None:
    stage.office.front.hears(one, other)
    stage.office.front.hears(other, one)
    stage.run()


def takes(phone: Phone, formats: str) -> None:
    """Accept whatever is offered inside a call, with these."""
    phone.handler.on["reinvite"] = lambda session, sdp: session.accept_reinvite(phone.sdp(formats, version=7))


def offers(phone: Phone) -> list[list[str]]:
    """The codecs of each re-INVITE that the phone got."""
    got = [event[2] for event in phone.handler.events if event[0] == "reinvite"]
    return [[codec.name for codec in parse(sdp).media[0].codecs if codec.is_voice] for sdp in got]


def first_codec(stage: Stage, leg: str) -> str:
    return stage.media.remote_of(leg).codecs[0][0]


def test_who_offered_the_codec_of_the_other_is_asked_for_it(stage: Stage, lan: Phone, minh: Phone):
    takes(lan, "0 101")
    near, far = talk(stage, lan, minh)
    assert offers(lan) == [["PCMU", "G722", "PCMA"]]
    assert offers(minh) == []
    assert first_codec(stage, near) == first_codec(stage, far) == "PCMU"


def test_the_offer_goes_on_where_the_dialog_is(stage: Stage, lan: Phone, minh: Phone):
    """The same session, the next version, and the phone's own numbers (RFC 3264 §8)."""
    takes(lan, "0 96 97")
    near, _ = talk(stage, lan, minh, near="96 0 97", far="0 101")
    answer = next(event[2] for event in lan.handler.events if event[0] == "answered")
    offer = lan.handler.last("reinvite")[2]
    before, now = parse(answer), parse(offer)
    assert now.origin.session_id == before.origin.session_id
    assert now.origin.version == before.origin.version + 1
    assert now.media[0].formats == ["0", "96", "8", "97", "101"]
    assert now.direction_of(now.media[0]) == "sendrecv"
    assert first_codec(stage, near) == "PCMU"


def test_legs_that_agree_are_left_alone(stage: Stage, lan: Phone, minh: Phone):
    talk(stage, lan, minh, near="0 8 101", far="8 0 101")
    assert offers(lan) == offers(minh) == []


def test_a_refusal_leaves_the_call_as_it_was_and_is_not_repeated(stage: Stage, lan: Phone, minh: Phone):
    lan.handler.on["reinvite"] = lambda session, sdp: session.reject_reinvite(488)
    near, far = talk(stage, lan, minh)
    session = stage.office.front._legs[near].session_in_use
    assert first_codec(stage, near) == "G722"
    assert session.confirmed
    # what holds is what held: a refresh of the session offers that (RFC 3261 §14.1)
    assert "a=rtpmap:9 G722/8000" in (session.local_sdp or "")
    assert stage.office.front._legs[near].record.offer == session.local_sdp
    bridge(stage, near, far)
    assert len(offers(lan)) == 1


def test_who_answers_with_what_it_had_is_not_asked_again(stage: Stage, lan: Phone, minh: Phone):
    takes(lan, "9 101")
    near, far = talk(stage, lan, minh)
    assert first_codec(stage, near) == "G722"
    bridge(stage, near, far)
    assert len(offers(lan)) == 1


def test_after_a_transfer_the_new_party_is_asked(stage: Stage, lan: Phone, minh: Phone):
    """Whom nothing was known of but the one codec that it had chosen."""
    takes(minh, "8 101")
    _, near = stage.answered(lan, sdp=lan.sdp("8 101"))
    minh.picks_up("9 101")
    far = stage.calls(c.DeviceTarget("bnd-102"))  # we offer Opus, G722, PCMU, PCMA
    stage.run()
    bridge(stage, near, far)
    assert offers(minh) == [["PCMA", "G722", "PCMU"]]
    assert first_codec(stage, near) == first_codec(stage, far) == "PCMA"


def test_who_holds_the_call_is_asked_after_it_was_taken_back(stage: Stage, lan: Phone, minh: Phone):
    takes(lan, "0 101")
    session, near = stage.answered(lan, sdp=lan.sdp("9 0 101"))
    minh.picks_up("0 101")
    far = stage.calls(c.DeviceTarget("bnd-102"))
    session.reinvite(lan.sdp("9 0 101", direction="sendonly", version=2))
    stage.run()
    bridge(stage, near, far)
    assert offers(lan) == []
    session.reinvite(lan.sdp("9 0 101", version=3))
    stage.run()
    # the answer to that has the codec of the other in front already
    assert offers(lan) == []
    assert first_codec(stage, near) == "PCMU"


def test_an_offer_that_meets_one_of_the_peer_is_made_anew_if_it_is_still_wanted(
    stage: Stage, lan: Phone, minh: Phone
):
    """Both at once: each refuses with 491 (RFC 3261 §14.1). By the time of ours the phone holds the call, and
    is left alone until it does not."""
    takes(lan, "0 101")
    session, near = stage.answered(lan, sdp=lan.sdp("9 0 101"))
    minh.picks_up("0 101")
    far = stage.calls(c.DeviceTarget("bnd-102"))
    stage.office.front.hears(near, far)
    stage.office.front.hears(far, near)
    session.reinvite(lan.sdp("9 101", direction="sendonly", version=2))
    stage.run(30)
    assert stage.messages("SIP/2.0 491")
    assert stage.office.last(e.LegHeld).leg == near
    assert stage.office.front._legs[near].record.held
    taken = len(offers(lan))
    session.reinvite(lan.sdp("9 0 101", version=9))
    stage.run(5)
    assert len(offers(lan)) == taken
    assert first_codec(stage, near) == "PCMU"


def test_nothing_is_offered_before_the_call_is_acknowledged(stage: Stage, lan: Phone, minh: Phone):
    takes(lan, "0 101")
    minh.picks_up("0 101")
    _, near = stage.offered(lan, sdp=lan.sdp("9 0 101"))
    far = stage.calls(c.DeviceTarget("bnd-102"))
    stage.network.drop = lambda flow, data: data.startswith(b"ACK") and flow.local == lan.address
    stage.office.front.answer(near, "")
    bridge(stage, near, far)
    assert offers(lan) == []
    stage.network.drop = lambda flow, data: False
    stage.run(2)
    assert len(offers(lan)) == 1
    assert first_codec(stage, near) == "PCMU"


def test_a_leg_that_ends_while_it_is_asked_takes_nothing_with_it(stage: Stage, lan: Phone, minh: Phone):
    asked = []
    lan.handler.on["reinvite"] = lambda session, sdp: asked.append(session)
    near, far = talk(stage, lan, minh)
    assert asked
    stage.office.front.hangup(near, Cause.NORMAL)
    stage.run(40)
    assert near not in stage.office.front.all()
    assert far in stage.office.front.all()


def test_a_codec_that_the_peer_chooses_anew_is_followed_by_the_other(stage: Stage, lan: Phone, minh: Phone):
    takes(minh, "8 101")
    session, near = stage.answered(lan, sdp=lan.sdp("0 8 101"))
    minh.picks_up("0 8 101")
    far = stage.calls(c.DeviceTarget("bnd-102"), match=near)
    bridge(stage, near, far)
    session.reinvite(lan.sdp("8 101", version=2))
    stage.run()
    assert offers(minh) == [["PCMA", "PCMU"]]
    assert offers(lan) == []
    assert first_codec(stage, near) == first_codec(stage, far) == "PCMA"


def test_the_log_of_a_killed_process_has_what_held(stage: Stage, lan: Phone, minh: Phone):
    """Control dies while its offer waits for an answer: the next process hears the refusal."""
    asked = []
    lan.handler.on["reinvite"] = lambda session, sdp: asked.append(session)
    near, _ = talk(stage, lan, minh)
    office, _ = stage.restart()
    asked[0].reject_reinvite(488)
    stage.run(5)
    record = office.front._legs[near].record
    assert "a=rtpmap:9 G722/8000" in record.offer
    assert record.in_force == ""
