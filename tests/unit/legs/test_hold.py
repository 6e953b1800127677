"""Offers inside a call: hold and resume in both styles, new addresses, and what is refused."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tests.unit.legs.stage import Phone, Stage

from tongdai.calls import events as e
from tongdai.calls.model import Cause

HELD = (e.LegHeld, e.LegResumed)


def holds(stage: Stage) -> list[type]:
    return [kind for kind in stage.office.kinds() if kind in HELD]


def version_of(sdp: str | None) -> int:
    return int((sdp or "").split("\r\n")[1].split()[2])


def null(phone: Phone) -> str:
    return phone.sdp(version=2).replace("c=IN IP4 " + phone.address[0], "c=IN IP4 0.0.0.0")


@pytest.mark.parametrize(
    ("hold", "direction", "answered"),
    [
        (lambda phone: phone.sdp(direction="sendonly", version=2), "recvonly", "recvonly"),
        (lambda phone: phone.sdp(direction="inactive", version=2), "inactive", "inactive"),
        (null, "recvonly", "recvonly"),
    ],
    ids=["sendonly", "inactive", "null address (RFC 2543)"],
)
def test_hold_and_resume(
    stage: Stage, lan: Phone, hold: Callable[[Phone], str], direction: str, answered: str
):
    session, leg = stage.answered(lan)
    before = version_of(session.remote_sdp)
    session.reinvite(hold(lan))
    stage.run()
    assert holds(stage) == [e.LegHeld]
    assert stage.media.remote_of(leg).direction == direction
    assert f"a={answered}" in (session.remote_sdp or "")
    assert version_of(session.remote_sdp) == before + 1
    session.reinvite(lan.sdp(version=3))
    stage.run()
    assert holds(stage) == [e.LegHeld, e.LegResumed]
    told = stage.media.remote_of(leg)
    assert (told.ip, told.direction) == (lan.address[0], "sendrecv")


def test_a_called_party_may_hold_as_well(stage: Stage, lan: Phone):
    leg = stage.talks(lan, "101")
    lan.session.reinvite(lan.sdp(direction="sendonly", version=2))
    stage.run()
    assert stage.office.last(e.LegHeld).leg == leg
    assert stage.media.remote_of(leg).direction == "recvonly"


def test_holding_twice_is_told_once(stage: Stage, lan: Phone):
    session, _ = stage.answered(lan)
    for version in (2, 3):
        session.reinvite(lan.sdp(direction="sendonly", version=version))
        stage.run()
    assert holds(stage) == [e.LegHeld]


def test_an_offer_that_only_refreshes_says_nothing(stage: Stage, lan: Phone):
    session, leg = stage.answered(lan)
    session.reinvite(lan.sdp())
    stage.run()
    assert holds(stage) == []
    assert len(set(stage.media.remotes[leg])) == 1


def test_a_phone_that_moves_is_followed(stage: Stage, lan: Phone):
    session, leg = stage.answered(lan)
    moved = lan.sdp("8 101", port=4444, version=2).replace(lan.address[0], "203.0.113.77")
    session.reinvite(moved)
    stage.run()
    told = stage.media.remote_of(leg)
    assert (told.ip, told.port, told.codecs) == ("203.0.113.77", 4444, (("PCMA", 8),))
    assert holds(stage) == []


def test_the_codec_in_use_stays_when_a_phone_offers_the_same_again(stage: Stage, lan: Phone):
    session, leg = stage.answered(lan, sdp=lan.sdp("8 0 101"))
    assert stage.media.remote_of(leg).codecs[0] == ("PCMA", 8)
    session.reinvite(lan.sdp("0 8 101", version=2))
    stage.run()
    assert stage.media.remote_of(leg).codecs[0] == ("PCMA", 8)


@pytest.mark.parametrize(
    "offer",
    [
        lambda phone: phone.sdp("18", version=2),
        lambda phone: "v=0\r\n",
        lambda phone: phone.sdp(version=2).replace("IP4 " + phone.address[0], "IP4 phone.example"),
        lambda phone: phone.sdp(port=0, version=2),
    ],
    ids=["no codec in common", "unreadable", "an address we cannot send to", "no stream"],
)
def test_an_offer_that_is_refused_leaves_everything_as_it_was(
    stage: Stage, lan: Phone, offer: Callable[[Phone], str]
):
    session, leg = stage.answered(lan)
    before = session.remote_sdp
    session.reinvite(offer(lan))
    stage.run()
    assert lan.handler.last("reinvite_result")[2:] == (488, None)
    assert len(stage.media.remotes[leg]) == 1
    assert session.confirmed
    session.reinvite(lan.sdp(version=3))
    stage.run()
    assert lan.handler.last("reinvite_result")[2] == 200
    assert version_of(session.remote_sdp) == version_of(before) + 1


def test_without_an_offer_the_phone_gets_ours_and_answers_it(stage: Stage, lan: Phone):
    session, leg = stage.answered(lan)

    def answer(session: object, status: int, sdp: str) -> None:
        assert "a=sendrecv" in sdp
        lan_session.ack(lan.sdp("8 101", port=4500, version=2))

    lan_session = session
    lan.handler.on["reinvite_result"] = answer
    session.reinvite(None)
    stage.run()
    told = stage.media.remote_of(leg)
    assert (told.port, told.codecs) == (4500, (("PCMA", 8),))
    assert holds(stage) == []


def test_hold_and_resume_in_the_answer_to_our_own_offer(stage: Stage, lan: Phone):
    """Some phones take a call back by an INVITE without an offer: the music never ended, since only offers
    of the phone were looked at."""
    session, leg = stage.answered(lan)
    answers = {"reply": lan.sdp(direction="sendonly", version=2)}
    lan.handler.on["reinvite_result"] = lambda session, status, sdp: session.ack(answers["reply"])
    session.reinvite(None)
    stage.run()
    assert holds(stage) == [e.LegHeld]
    answers["reply"] = lan.sdp(version=3)
    session.reinvite(None)
    stage.run()
    assert holds(stage) == [e.LegHeld, e.LegResumed]
    assert stage.media.remote_of(leg).direction == "sendrecv"


def test_an_answer_to_our_own_offer_that_does_not_fit_ends_the_leg(stage: Stage, lan: Phone):
    session, leg = stage.answered(lan)
    lan.handler.on["reinvite_result"] = lambda session, status, sdp: session.ack(lan.sdp("18", version=2))
    session.reinvite(None)
    stage.run()
    assert stage.ends() == [(leg, Cause.NOT_ACCEPTABLE)]
    assert stage.media.live == {}
    assert session.ended


def test_what_comes_after_the_leg_was_given_up_is_refused(stage: Stage, lan: Phone):
    """Our BYE waits for the ACK; meanwhile the phone offers something new."""
    session, leg = stage.offered(lan)
    stage.network.drop = lambda flow, data: data.startswith(b"ACK")
    stage.office.front.answer(leg, "")
    stage.run(0.05)
    stage.office.front.hangup(leg, Cause.NORMAL)
    session.reinvite(lan.sdp(direction="sendonly", version=2))
    stage.run(0.05)
    assert holds(stage) == []
    assert len(stage.media.remotes[leg]) == 1


def test_hold_by_update(stage: Stage, lan: Phone):
    """Some phones hold with an UPDATE where others send a re-INVITE (RFC 3311)."""
    session, leg = stage.answered(lan)
    answers: list[str | None] = []
    session.send_in_dialog(
        "UPDATE",
        stage.network.now,
        body=lan.sdp(direction="sendonly", version=2).encode(),
        content_type="application/sdp",
        on_final=lambda status, response: answers.append(response.sdp if response is not None else None),
    )
    stage.run()
    assert holds(stage) == [e.LegHeld]
    assert stage.media.remote_of(leg).direction == "recvonly"
    [answer] = answers
    assert "a=recvonly" in (answer or "")
