"""A pickup key: INVITE with the name that a busy lamp has of a phone that rings."""

from __future__ import annotations

from typing import Any

import pytest
from tests.unit.legs.stage import Phone, Stage, statuses

from tongdai.calls import commands as c
from tongdai.calls import events as e
from tongdai.calls.model import Cause
from tongdai.presence.packages import PACKAGES, State, Talk
from tongdai.sip.message import Replaces
from tongdai.sip.pickup import ringing_dialog

LEG = "call_x.l1"


@pytest.fixture
def rings(stage: Stage, minh: Phone) -> str:
    """Minh's phone rings."""
    minh.handler.on["invite"] = lambda session: session.progress(180)
    return stage.calls(c.DeviceTarget("bnd-102"), LEG)


def asks(replaces: Replaces) -> Any:
    return {"headers": [("Replaces", str(replaces))]}


def test_the_lamp_of_a_ringing_phone_names_the_dialog_that_the_key_gives_back():
    body = PACKAGES["dialog"].write(State(talks=(Talk(LEG, False, False, "101", ""),)), "sip:102@x", 0)
    named = ringing_dialog(LEG)
    assert f'call-id="{named.call_id}"' in body
    assert f'local-tag="{named.from_tag}" remote-tag="{named.to_tag}"' in body


@pytest.mark.parametrize(
    "talk", [Talk(LEG, True, False, "101", ""), Talk(LEG, False, True, "101", "")], ids=["calls", "talks"]
)
def test_the_lamp_of_another_phone_names_none(talk: Talk):
    assert "call-id" not in PACKAGES["dialog"].write(State(talks=(talk,)), "sip:102@x", 0)


def test_the_key_asks_for_the_ringing_leg(stage: Stage, lan: Phone, rings: str):
    stage.offered(lan, "102", **asks(ringing_dialog(rings)))
    assert stage.office.last(e.LegOffered).replaces == rings


def test_the_phone_that_rang_is_told_that_the_call_was_answered_elsewhere(
    stage: Stage, minh: Phone, rings: str
):
    stage.office.front.hangup(rings, Cause.ELSEWHERE)
    stage.run()
    (cancel,) = stage.messages("CANCEL", to=minh)
    assert cancel.headers.get("Reason") == 'SIP;cause=200;text="Call completed elsewhere"'


def test_a_call_that_was_answered_cannot_be_entered_by_that_name(stage: Stage, lan: Phone, minh: Phone):
    leg = stage.talks(minh, "102", LEG)
    session = lan.dial(stage.office, "102", **asks(ringing_dialog(leg)))
    stage.run()
    assert statuses(session, lan)[-1] == 481
    assert stage.office.of(e.LegOffered) == []


def test_another_tenants_ringing_phone_is_as_if_it_were_not_there(stage: Stage, doctor: Phone, rings: str):
    answers = []
    for named in (ringing_dialog(rings), ringing_dialog("call_y.l1")):
        session = doctor.dial(stage.office, "102", **asks(named))
        stage.run()
        answers.append(statuses(session, doctor))
    assert answers[0][-1] == answers[1][-1] == 481
    assert stage.office.of(e.LegOffered) == []
