"""REFER, Replaces and keys in INFO."""

from __future__ import annotations

import pytest
from tests.unit.legs.stage import Phone, Stage, statuses

from tongdai.calls import events as e
from tongdai.calls.model import Cause
from tongdai.sip.ua import InviteSession


def results(phone: Phone) -> list[int]:
    """What the phone learned of its REFERs."""
    return [event[3] for event in phone.handler.events if event[0] == "refer_result"]


def refer_to(session: InviteSession, user: str = "102") -> str:
    """The target of an attended transfer to the other end of this session of ours."""
    replaces = f"{session.call_id};to-tag={session.remote_tag};from-tag={session.local_tag}"
    return f"<sip:{user}@anphat.demo?Replaces={replaces.replace(';', '%3B').replace('=', '%3D')}>"


def test_a_blind_transfer_is_asked_and_reported(stage: Stage, lan: Phone):
    session, leg = stage.answered(lan)
    session.refer("sip:103@anphat.demo")
    stage.run()
    assert stage.office.last(e.TransferRequested) == e.TransferRequested(leg, "103")
    assert results(lan) == []
    stage.office.front.transfer_result(leg, True, Cause.NORMAL)
    stage.run()
    assert results(lan) == [202, 100, 200]


def test_a_transfer_that_ends_the_leg_is_still_reported(stage: Stage, lan: Phone):
    session, leg = stage.answered(lan)
    session.refer("sip:103@anphat.demo")
    stage.run()
    stage.office.front.transfer_result(leg, True, Cause.NORMAL)
    stage.office.front.hangup(leg, Cause.NORMAL)
    stage.run()
    assert results(lan) == [202, 100, 200]
    assert session.ended
    stage.run(60)
    assert stage.network.at_rest()


@pytest.mark.parametrize(
    ("cause", "status"), [(Cause.NOT_FOUND, 404), (Cause.FORBIDDEN, 403), (Cause.BUSY, 486)]
)
def test_a_transfer_that_is_refused_leaves_the_call(stage: Stage, lan: Phone, cause: Cause, status: int):
    session, leg = stage.answered(lan)
    session.refer("sip:103@anphat.demo")
    stage.run()
    stage.office.front.transfer_result(leg, False, cause)
    stage.run()
    assert results(lan) == [status]
    assert session.confirmed
    session.refer("sip:104@anphat.demo")
    stage.run()
    assert stage.office.last(e.TransferRequested).to == "104"


def test_a_second_transfer_waits_its_turn(stage: Stage, lan: Phone):
    session, leg = stage.answered(lan)
    session.refer("sip:103@anphat.demo")
    session.refer("sip:104@anphat.demo")
    stage.run()
    assert results(lan) == [491]
    assert [x.to for x in stage.office.of(e.TransferRequested)] == ["103"]
    stage.office.front.transfer_result(leg, False, Cause.NOT_FOUND)
    stage.run()
    assert results(lan) == [491, 404]


def test_a_phone_that_wants_no_report_gets_none(stage: Stage, lan: Phone):
    session, leg = stage.answered(lan)
    session.refer("sip:103@anphat.demo", [("Refer-Sub", "false")])
    stage.run()
    stage.office.front.transfer_result(leg, True, Cause.NORMAL)
    stage.run()
    assert results(lan) == [202]
    assert stage.messages("NOTIFY", to=lan) == []


def test_an_attended_transfer_names_the_other_leg_of_the_tenant(stage: Stage, lan: Phone):
    session, leg = stage.answered(lan)
    consultation, other = stage.answered(lan, "103")
    session.refer(refer_to(consultation, "103"))
    stage.run()
    assert stage.office.last(e.TransferRequested) == e.TransferRequested(leg, "103", other)


def test_an_attended_transfer_may_name_a_called_leg(stage: Stage, lan: Phone, minh: Phone):
    session, leg = stage.answered(lan)
    called = stage.talks(minh, "102")
    session.refer(refer_to(minh.session))
    stage.run()
    assert stage.office.last(e.TransferRequested) == e.TransferRequested(leg, "102", called)


def test_a_dialog_of_another_tenant_is_as_unknown_as_one_that_does_not_exist(
    stage: Stage, lan: Phone, doctor: Phone
):
    session, _ = stage.answered(lan)
    theirs, _ = stage.answered(doctor, "202")
    session.refer(refer_to(theirs))
    session.refer("<sip:102@anphat.demo?Replaces=x%3Bto-tag%3D1%3Bfrom-tag%3D2>")
    stage.run()
    assert results(lan) == [404, 404]
    assert stage.office.of(e.TransferRequested) == []
    one, other = (bytes(message).split(b"\r\n") for message in stage.messages("SIP/2.0 404", to=lan))
    assert [line.split(b":")[0] for line in one] == [line.split(b":")[0] for line in other]
    assert theirs.confirmed


def test_a_dialog_that_is_over_can_no_longer_be_named(stage: Stage, lan: Phone):
    session, _ = stage.answered(lan)
    consultation, _ = stage.answered(lan, "103")
    target = refer_to(consultation)
    consultation.bye()
    stage.run()
    session.refer(target)
    stage.run()
    assert results(lan) == [404]


def test_a_caller_who_leaves_while_the_transfer_is_considered_does_not_matter(stage: Stage, lan: Phone):
    session, leg = stage.answered(lan)
    session.refer("sip:103@anphat.demo")
    stage.run()
    session.bye()
    stage.run()
    stage.office.front.transfer_result(leg, True, Cause.NORMAL)
    stage.run()
    assert stage.ends() == [(leg, Cause.NORMAL)]
    assert stage.messages("NOTIFY", to=lan) == []
    assert stage.office.front.all() == []


# INVITE with Replaces


def replacing(session: InviteSession) -> list[tuple[str, str]]:
    """The header of somebody who takes the place of this session's end of ours."""
    return [("Replaces", f"{session.call_id};to-tag={session.remote_tag};from-tag={session.local_tag}")]


def test_a_call_may_take_the_place_of_another_leg_of_its_tenant(stage: Stage, lan: Phone, minh: Phone):
    session, leg = stage.answered(lan)
    stage.offered(minh, "101", headers=replacing(session))
    assert stage.office.last(e.LegOffered).replaces == leg


def test_a_call_cannot_take_the_place_of_another_tenants_leg(stage: Stage, lan: Phone, doctor: Phone):
    """To somebody else it is a dialog that does not exist."""
    session, _ = stage.answered(lan)
    taking = doctor.dial(stage.office, "101", headers=replacing(session))
    nothing = doctor.dial(stage.office, "101", headers=[("Replaces", "x;to-tag=1;from-tag=2")])
    stage.run()
    assert statuses(taking, doctor) == statuses(nothing, doctor) == [481]
    assert len(stage.office.of(e.LegOffered)) == 1
    assert session.confirmed
    assert list(stage.media.live.values()) == ["anphat"]


def test_a_stranger_learns_nothing_of_a_dialog(stage: Stage, lan: Phone):
    session, _ = stage.answered(lan)
    stranger = Phone(stage.network, ("203.0.113.200", 5060), None, "udp")
    taking = stranger.dial(stage.office, "101", headers=replacing(session))
    nothing = stranger.dial(stage.office, "101", headers=[("Replaces", "x;to-tag=1;from-tag=2")])
    stage.run()
    assert statuses(taking, stranger) == statuses(nothing, stranger) == [401]


# keys


@pytest.mark.parametrize(
    ("content_type", "body", "digit"),
    [
        ("application/dtmf-relay", "Signal=5\r\nDuration=160\r\n", "5"),
        ("application/dtmf-relay", "Duration=160\nSIGNAL = #\n", "#"),
        ("application/dtmf-relay", "Signal=10\r\n", "*"),
        ("application/dtmf-relay", "Signal=11\r\n", "#"),
        ("application/dtmf", "7", "7"),
        ("application/dtmf", " a ", "A"),
        ("application/dtmf-relay", "Signal=12\r\n", ""),
        ("application/dtmf-relay", "Duration=160\r\n", ""),
        ("application/dtmf", "", ""),
        ("application/dtmf", "12", ""),
        ("application/media_control+xml", "5", ""),
    ],
)
def test_keys_of_phones_without_events_come_in_info(
    stage: Stage, lan: Phone, content_type: str, body: str, digit: str
):
    session, leg = stage.answered(lan)
    session.info(body.encode(), content_type)
    stage.run()
    assert [x.digit for x in stage.office.of(e.LegDigit)] == ([digit] if digit else [])
    assert all(x.leg == leg and x.signalled for x in stage.office.of(e.LegDigit))
    assert len(stage.messages("SIP/2.0 200", to=lan)) == 2


@pytest.mark.parametrize("method", ["MESSAGE", "PUBLISH"])
def test_what_has_no_meaning_in_a_call_is_refused_and_the_call_goes_on(stage: Stage, lan: Phone, method: str):
    session, _ = stage.answered(lan)
    session.send_in_dialog(method, stage.network.now)
    stage.run()
    [refusal] = stage.messages("SIP/2.0 405", to=lan)
    allowed = (refusal.headers.get("Allow") or "").split(", ")
    assert "BYE" in allowed
    assert method not in allowed
    assert session.confirmed


@pytest.mark.parametrize(("method", "status"), [("SUBSCRIBE", 403), ("REGISTER", 403), ("NOTIFY", 481)])
def test_a_method_that_we_allow_elsewhere_is_not_called_unknown_in_a_call(
    stage: Stage, lan: Phone, method: str, status: int
):
    session, _ = stage.answered(lan)
    session.send_in_dialog(method, stage.network.now)
    stage.run()
    assert len(stage.messages(f"SIP/2.0 {status}", to=lan)) == 1
    assert not stage.messages("SIP/2.0 405", to=lan)


def test_a_transfer_to_another_tenants_domain_is_refused(stage: Stage, lan: Phone):
    session, _ = stage.answered(lan)
    session.refer("sip:101@binhminh.demo")
    stage.run()
    assert results(lan) == [404]
    assert not [x for _, x in stage.office.events if isinstance(x, e.TransferRequested)]
    assert not session.ended


@pytest.mark.parametrize(("ok", "cause", "last"), [(True, Cause.NORMAL, 200), (False, Cause.BUSY, 486)])
def test_the_phone_hears_how_its_transfer_fares(stage: Stage, lan: Phone, ok: bool, cause: Cause, last: int):
    """200 was said as soon as the target was called, and phones took the call for done."""
    session, leg = stage.answered(lan)
    session.refer("sip:103@anphat.demo")
    stage.run()
    stage.office.front.transfer_progress(leg, False)
    stage.run()
    assert results(lan) == [202, 100]
    stage.office.front.transfer_progress(leg, True)
    stage.run()
    stage.office.front.transfer_result(leg, ok, cause)
    stage.run()
    assert results(lan) == [202, 100, 180, last]
    assert session.confirmed
    stage.office.front.transfer_progress(leg, True)
    stage.run()
    assert results(lan)[-1] == last, "nothing comes after the last"


def test_a_transfer_on_its_way_outlives_control(stage: Stage, lan: Phone):
    session, leg = stage.answered(lan)
    session.refer("sip:103@anphat.demo")
    stage.run()
    stage.office.front.transfer_progress(leg, False)
    stage.run()
    office, _ = stage.restart()
    office.front.transfer_result(leg, True, Cause.NORMAL)
    stage.run()
    assert results(lan) == [202, 100, 200]
