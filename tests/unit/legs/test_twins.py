"""Calls to a number that is hosted here: two legs without SIP, one in each tenant's call."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tests.unit.legs.stage import THEIRS, Phone, Stage

from tongdai.calls import commands as c
from tongdai.calls import events as e
from tongdai.calls.model import Cause, Party, PartyKind
from tongdai.sdp import parse

Talk = Callable[[str, str], tuple[Phone, Phone, str, str]]
NEAR = "call_x.l1"
CALLER = Party(PartyKind.OUTSIDE, "+842871234500", "Lan")


def call(stage: Stage, number: str = THEIRS) -> str:
    """Tenant anphat calls a number of binhminh; returns the far leg."""
    stage.calls(c.HostedTarget(number), NEAR, caller=CALLER)
    return stage.office.last(e.LegOffered).leg


def news(stage: Stage) -> list[tuple[str, e.Event]]:
    """What was told since the far call was offered."""
    return [x for x in stage.office.events if not isinstance(x[1], e.LegOffered)]


def test_the_other_tenant_sees_an_ordinary_outside_call(stage: Stage):
    far = call(stage)
    offered = stage.office.last(e.LegOffered)
    assert stage.office.events == [("binhminh", offered)]
    assert (offered.party, offered.dialled, offered.replaces) == (CALLER, THEIRS, "")
    assert far.startswith(offered.call)
    assert "call_x" not in offered.call
    assert stage.media.live == {NEAR: "anphat", far: "binhminh"}


def test_the_other_tenant_does_not_learn_who_calls_in_private(stage: Stage):
    private = Party(PartyKind.OUTSIDE, "+842871234500", "Lan", private=True)
    stage.calls(c.HostedTarget(THEIRS), NEAR, caller=private)
    assert stage.office.last(e.LegOffered).party == Party(PartyKind.OUTSIDE, "")


def test_the_two_sessions_of_the_engine_face_each_other(stage: Stage):
    far = call(stage)
    near_port, far_port = stage.media.remote_of(far).port, stage.media.remote_of(NEAR).port
    assert near_port != far_port
    for leg in (NEAR, far):
        told = stage.media.remote_of(leg)
        assert (told.ip, told.rtcp_port, told.direction) == ("192.0.2.100", told.port + 1, "sendrecv")
        assert told.codecs == (("PCMU", 0), ("opus", 111), ("G722", 9), ("PCMA", 8))
        assert told.dtmf == (101, 110)


@pytest.fixture
def talk(stage: Stage) -> Talk:
    """Lan of anphat calls a number of binhminh, and Binh answers: the phones, and their legs. Each was
    offered and answers what is said here."""

    def talk(theirs: str, answered: str) -> tuple[Phone, Phone, str, str]:
        front = stage.office.front
        lan, binh = stage.phone("anphat", "101"), stage.phone("binhminh", "102")
        _, first = stage.offered(lan, THEIRS, lan.sdp(theirs))
        stage.calls(c.HostedTarget(THEIRS), NEAR, caller=CALLER, match=first)
        far = stage.office.last(e.LegOffered).leg
        binh.picks_up(answered)
        last = stage.calls(c.DeviceTarget("bnd-102"), far.replace("l0", "l1"), tenant="binhminh", match=far)
        front.answer(far, last)
        front.answer(first, NEAR)
        for one, other in ((first, NEAR), (far, last)):
            front.hears(one, other)
            front.hears(other, one)
        stage.run()
        return lan, binh, first, last

    return talk


def spoken(stage: Stage, leg: str) -> list[str]:
    """What the engine was told that a leg's peer takes, best first."""
    return [name for name, _ in stage.media.remote_of(leg).codecs]


def test_what_both_phones_have_is_sent_from_one_to_the_other_as_it_is(stage: Stage, talk: Talk):
    """Every call between two companies went through PCMU, and sounded so."""
    lan, binh, first, last = talk("96 9 0 97 101", "96 0 97 101")
    [invite] = stage.messages("INVITE", to=binh)
    offered = [codec.name for codec in parse(invite.body.decode()).media[0].codecs if codec.is_voice]
    assert offered == ["opus", "G722", "PCMU", "PCMA"]
    assert spoken(stage, first)[0] == spoken(stage, last)[0] == "opus"
    far = stage.office.front._twins.other(NEAR)
    assert spoken(stage, NEAR)[0] == spoken(stage, far)[0] == "opus"
    assert not [x for x in lan.handler.events if x[0] == "reinvite"]


def test_what_is_made_for_an_end_is_what_is_spoken_there(stage: Stage, talk: Talk):
    """Music of the one company for the phone of the other is not decoded on its way."""
    _, _, first, _ = talk("9 101", "8 101")
    far = stage.office.front._twins.other(NEAR)
    assert spoken(stage, first) == ["G722"]
    assert (spoken(stage, NEAR)[0], spoken(stage, far)[0]) == ("PCMA", "G722")


def test_they_are_led_to_the_same_codec_also_through_the_pair(stage: Stage, talk: Talk):
    """Lan is in a call that was answered with G.722, and is transferred to the other company."""
    front = stage.office.front
    lan, binh = stage.phone("anphat", "101"), stage.phone("binhminh", "102")
    lan.handler.on["reinvite"] = lambda session, sdp: session.accept_reinvite(lan.sdp("0 101", version=7))
    _, first = stage.answered(lan, sdp=lan.sdp("9 0 101"))
    stage.calls(c.HostedTarget(THEIRS), NEAR, caller=CALLER)
    far = stage.office.last(e.LegOffered).leg
    binh.picks_up("0 101")
    last = stage.calls(c.DeviceTarget("bnd-102"), far.replace("l0", "l1"), tenant="binhminh", match=far)
    front.answer(far, last)
    for one, other in ((last, far), (far, last), (first, NEAR), (NEAR, first)):
        front.hears(one, other)
    stage.run()
    assert len([x for x in lan.handler.events if x[0] == "reinvite"]) == 1
    assert spoken(stage, first)[0] == spoken(stage, last)[0] == "PCMU"


def test_what_we_do_not_speak_is_passed_on_through_the_pair(stage: Stage, talk: Talk):
    _, _, first, last = talk("18 101", "18 101")
    far = stage.office.front._twins.other(NEAR)
    for leg in (first, NEAR, far, last):
        assert "G729" in spoken(stage, leg), leg


def test_nothing_is_kept_of_a_pair_that_is_over(stage: Stage, talk: Talk):
    _, _, first, last = talk("0 101", "0 101")
    front = stage.office.front
    for leg in (first, NEAR, last):
        front.hangup(leg, Cause.NORMAL)
    stage.run()
    assert front._renegotiation._hears == {}
    assert front.all() == []


def test_ringing_early_sound_and_answer_are_told_to_the_caller(stage: Stage):
    far, front = call(stage), stage.office.front
    front.ring(far)
    front.progress(far, "")
    front.answer(far, "")
    assert news(stage) == [
        ("anphat", e.LegRinging(NEAR)),
        ("anphat", e.LegProgress(NEAR)),
        ("anphat", e.LegAnswered(NEAR)),
    ]


@pytest.mark.parametrize("by", ["caller", "called"])
def test_either_side_may_hang_up(stage: Stage, by: str):
    far, front = call(stage), stage.office.front
    front.answer(far, "")
    stage.run()
    front.hangup(NEAR if by == "caller" else far, Cause.NORMAL)
    stage.run()
    other = ("binhminh", far) if by == "caller" else ("anphat", NEAR)
    assert news(stage)[-1] == (other[0], e.LegEnded(other[1], Cause.NORMAL))
    assert sorted(stage.media.closed) == sorted([NEAR, far])
    assert front.all() == []
    assert stage.office.journal.load() == {}


def test_a_caller_who_gives_up_has_cancelled(stage: Stage):
    far, front = call(stage), stage.office.front
    front.ring(far)
    front.hangup(NEAR, Cause.NO_ANSWER)
    assert news(stage)[-1] == ("binhminh", e.LegEnded(far, Cause.CANCELLED))
    assert stage.media.live == {}


@pytest.mark.parametrize("cause", [Cause.BUSY, Cause.NOT_FOUND, Cause.NO_ANSWER])
def test_a_refusal_has_its_cause(stage: Stage, cause: Cause):
    far, front = call(stage), stage.office.front
    front.hangup(far, cause)
    assert news(stage) == [("anphat", e.LegEnded(NEAR, cause))]
    assert stage.media.live == {}


def test_a_caller_may_give_up_before_the_engine_has_answered(stage: Stage):
    stage.media.hold = True
    stage.calls(c.HostedTarget(THEIRS), NEAR)
    stage.office.front.hangup(NEAR, Cause.CANCELLED)
    stage.media.hold = False
    stage.run()
    assert e.LegOffered not in stage.office.kinds()
    assert stage.media.live == {}
    assert stage.office.front.all() == []


def test_without_ports_it_is_congestion_and_the_other_tenant_hears_nothing_of_it(stage: Stage):
    stage.media.refuse = "no_ports"
    stage.calls(c.HostedTarget(THEIRS), NEAR)
    assert stage.office.events == [("anphat", e.LegEnded(NEAR, Cause.CONGESTION))]
    assert stage.media.live == {}
    assert stage.office.front.all() == []


def test_a_number_of_nobody_is_not_found(stage: Stage):
    stage.calls(c.HostedTarget("+842871234999"), NEAR)
    assert stage.office.events == [("anphat", e.LegEnded(NEAR, Cause.NOT_FOUND))]
    assert stage.media.live == {}


def test_a_session_that_is_lost_ends_both_sides(stage: Stage):
    far, front = call(stage), stage.office.front
    front.answer(far, "")
    front.lost(far)
    front.lost(NEAR)
    assert news(stage)[1:] == [
        ("binhminh", e.LegEnded(far, Cause.FAILED)),
        ("anphat", e.LegEnded(NEAR, Cause.FAILED)),
    ]
    assert stage.media.live == {}


def test_an_answered_pair_goes_on_after_a_restart(stage: Stage):
    far = call(stage)
    stage.office.front.answer(far, "")
    stage.run()
    office, legs = stage.restart()
    assert legs == {NEAR: "anphat", far: "binhminh"}
    assert sorted(office.front.all()) == sorted([NEAR, far])
    office.front.hangup(far, Cause.NORMAL)
    stage.run()
    assert office.events == [("anphat", e.LegEnded(NEAR, Cause.NORMAL))]
    assert office.journal.load() == {}


def test_a_pair_that_was_not_answered_is_kept(stage: Stage):
    far = call(stage)
    stage.office.front.ring(far)
    stage.run()
    office, legs = stage.restart()
    assert set(legs) == {NEAR, far}
    office.front.answer(far, "")
    assert office.events == [("anphat", e.LegAnswered(NEAR))]


@pytest.mark.parametrize("damage", ["unreadable", "missing"])
def test_half_a_pair_is_not_restored(stage: Stage, damage: str):
    far = call(stage)
    stage.office.front.answer(far, "")
    stage.run()
    if damage == "missing":
        del stage.office.journal.kept[f"twin/{far}"]
    else:
        stage.office.journal.kept[f"twin/{far}"] = b"\xc1"
    office, legs = stage.restart()
    assert legs == {}
    stage.run()
    assert office.journal.load() == {}
