"""Why a peer ended its leg (RFC 3326), told to the call logic and to the others; who referred (RFC 3892)."""

from __future__ import annotations

import pytest
from tests.unit.legs.stage import OUTSIDE, Phone, Stage

from tongdai.calls import commands as c
from tongdai.calls import events as e
from tongdai.calls.model import Cause, Party, PartyKind
from tongdai.legs.causes import in_response, said

BUSY = 'Q.850;cause=17;text="User busy"'
ELSEWHERE = 'SIP;cause=200;text="Call completed elsewhere"'


@pytest.mark.parametrize(
    ("field", "passed_on"),
    [
        (None, ""),
        ("", ""),
        (BUSY, BUSY),
        ('q.850 ; cause=16 ;text="Normal, clearing"', 'Q.850;cause=16;text="Normal, clearing"'),
        (f"{ELSEWHERE}, {BUSY}", f"{ELSEWHERE}, {BUSY}"),
        (f"X.1;cause=3, {BUSY}", BUSY),
        ("SIP", ""),
        ("SIP;cause=abc", ""),
        ("SIP;cause=200;;", ""),
        ('SIP;cause=200;text="' + "x" * 500 + '"', 'SIP;cause=200;text="' + "x" * 80 + '"'),
        (f"{BUSY}, {BUSY}, {BUSY}", f"{BUSY}, {BUSY}"),
        ('SIP;cause=480;text="no end', ""),
    ],
)
def test_what_is_passed_on_of_a_reason(field: str | None, passed_on: str):
    assert said(field) == passed_on


def test_a_response_repeats_what_the_network_said_and_no_status(stage: Stage, lan: Phone):
    """RFC 6432: SIP causes are of requests."""
    assert in_response(f"{ELSEWHERE}, {BUSY}") == BUSY
    _, leg = stage.offered(lan)
    stage.office.front.hangup(leg, Cause.BUSY, BUSY)
    stage.run()
    refusal = stage.messages("SIP/2.0 486", by=stage.office)[-1]
    assert refusal.headers.get("Reason") == BUSY


def test_a_call_that_was_completed_elsewhere_was_not_missed(stage: Stage, lan: Phone):
    """A proxy before us rings several places, one answers, and our phones would show a missed call."""
    session, leg = stage.offered(lan)
    session.cancel(ELSEWHERE)
    stage.run()
    assert stage.office.last(e.LegEnded) == e.LegEnded(leg, Cause.ELSEWHERE, "", ELSEWHERE)


def test_a_hang_up_brings_its_reason_and_takes_one_along(stage: Stage, lan: Phone):
    session, leg = stage.answered(lan)
    session.bye(BUSY)
    stage.run()
    assert stage.office.last(e.LegEnded) == e.LegEnded(leg, Cause.NORMAL, "", BUSY)
    other, leg = stage.answered(lan)
    stage.office.front.hangup(leg, Cause.NORMAL, BUSY)
    stage.run()
    assert lan.handler.last("bye")[1:] == (other, BUSY)


def test_the_reason_of_a_refusal_is_told(stage: Stage):
    stage.carrier.handler.on["invite"] = lambda session: session.reject(486, headers=[("Reason", BUSY)])
    leg = stage.calls(c.TrunkTarget("trunk", "+84912345678"))
    assert stage.office.last(e.LegEnded) == e.LegEnded(leg, Cause.BUSY, "", BUSY)


LAN = Party(PartyKind.PERSON, "101", "Lan", "person-lan")


@pytest.mark.parametrize("private", [False, True])
def test_whom_a_call_is_transferred_to_sees_by_whom(stage: Stage, minh: Phone, private: bool):
    """RFC 3892, and never what the REFER claims: whom we know."""
    import msgspec

    minh.picks_up()
    by = msgspec.structs.replace(LAN, private=private)
    target = c.DeviceTarget("bnd-102")
    command = c.CreateLeg("call_x", "call_x.l1", target, OUTSIDE, transferred_by=by)
    stage.office.front.create("anphat", command)
    stage.run()
    shown = stage.messages("INVITE", to=minh)[-1].headers.get("Referred-By")
    assert shown == (None if private else '"Lan" <sip:101@anphat.demo>')


@pytest.mark.parametrize("claim", ["<sip:a@", "<sip:a@b.c>, <sip:d@e.f>", "<http://a.example>"])
def test_a_claim_of_who_refers_that_cannot_be_read_is_refused(stage: Stage, lan: Phone, claim: str):
    session, _ = stage.answered(lan)
    session.refer("sip:103@anphat.demo", headers=[("Referred-By", claim)])
    stage.run()
    assert stage.office.of(e.TransferRequested) == []
    assert session.confirmed
