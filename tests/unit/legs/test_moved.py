"""After `kill -9` a page came back over another connection, and our BYE still went to the one that was gone:
the page went on talking to nobody. A phone that proves itself on another path takes its calls along."""

from __future__ import annotations

import msgspec
import pytest
from tests.unit.legs.doubles import device
from tests.unit.legs.stage import Phone, Stage
from tests.unit.sip.network import Node

from tongdai.calls import commands as c
from tongdai.calls import events as e
from tongdai.calls.model import Cause
from tongdai.legs.ports import Contact
from tongdai.sip.flow import Flow, Transport


def named(stage: Stage, name: str, uri: str = "") -> Contact:
    """The phone of 101 has registered with this name."""
    contact = stage.contacts["bnd-101"]
    stage.contacts["bnd-101"] = msgspec.structs.replace(contact, instance=name, uri=uri or contact.uri)
    return stage.contacts["bnd-101"]


def elsewhere(stage: Stage, phone: Phone, before: Contact, **changes: str) -> Contact:
    """The phone comes from another port from now on; its contact there, registered."""
    del stage.network.nodes[phone.address]
    phone.address = (phone.address[0], 40123)
    stage.network.nodes[phone.address] = phone
    connection = 0 if phone.transport == "udp" else 9
    flow = msgspec.structs.replace(before.flow, remote=phone.address, connection=connection)
    after = msgspec.structs.replace(before, flow=flow, **changes)
    stage.contacts["bnd-101"] = after
    return after


def flow_of(stage: Stage) -> Flow:
    (session,) = stage.office.agent.sessions()
    return session.flow


@pytest.mark.parametrize("killed", [True, False], ids=["killed", "alive"])
@pytest.mark.parametrize("inbound", [True, False], ids=["caller", "called"])
@pytest.mark.parametrize("transport", ["tcp", "tls"])
def test_a_call_follows_its_phone(stage: Stage, transport: Transport, inbound: bool, killed: bool):
    lan = stage.phone("anphat", "101", transport=transport)
    before = stage.contacts["bnd-101"]
    leg = stage.answered(lan)[1] if inbound else stage.talks(lan, "101")
    if killed:
        stage.restart()
    after = elsewhere(stage, lan, before)
    stage.office.front.moved("anphat", after)
    assert flow_of(stage) == after.flow
    stage.office.front.hangup(leg, Cause.NORMAL)
    stage.run()
    assert lan.handler.names()[-1] == "bye"


def test_a_phone_over_udp_that_was_called_is_followed_through_its_nat(stage: Stage):
    lan = stage.phone("anphat", "101")
    before = stage.contacts["bnd-101"]
    leg = stage.talks(lan, "101")
    stage.office.front.moved("anphat", elsewhere(stage, lan, before))
    stage.office.front.hangup(leg, Cause.NORMAL)
    stage.run()
    assert lan.handler.names()[-1] == "bye"


def test_a_phone_that_has_a_name_is_known_under_another_contact(stage: Stage):
    lan = stage.phone("anphat", "101", transport="tcp")
    before = named(stage, "urn:uuid:1;1")
    leg = stage.talks(lan, "101")
    stage.restart()
    after = elsewhere(stage, lan, before, uri="sip:another@10.1.1.1:5099;transport=tcp")
    stage.office.front.moved("anphat", after)
    stage.office.front.hangup(leg, Cause.NORMAL)
    stage.run()
    assert lan.handler.names()[-1] == "bye"


def test_a_caller_has_the_name_of_its_registration(stage: Stage):
    lan = stage.phone("anphat", "101", transport="tcp")
    contact = stage.contacts["bnd-101"]
    flow = msgspec.structs.replace(stage.office.flow_to(lan), transport="tcp", connection=1)
    stage.contacts["bnd-101"] = before = msgspec.structs.replace(contact, flow=flow, instance="urn:uuid:1;1")
    stage.answered(lan)
    stage.restart()
    after = elsewhere(stage, lan, before, uri="sip:another@10.1.1.1:5099;transport=tcp")
    stage.office.front.moved("anphat", after)
    assert flow_of(stage) == after.flow


@pytest.mark.parametrize(
    ("tenant", "changes"),
    [
        ("anphat", {"device": device("anphat", "103", "").device}),
        ("binhminh", {}),
        ("anphat", {"instance": "urn:uuid:2;1"}),
        ("anphat", {"instance": "urn:uuid:1;2"}),
        ("anphat", {"instance": "", "uri": "sip:anphat-101@10.1.1.1:5099;transport=tcp"}),
        ("anphat", {"device": ""}),
    ],
    ids=["device", "tenant", "phone", "flow", "contact", "nobody"],
)
def test_nothing_else_moves_it(stage: Stage, tenant: str, changes: dict[str, str]):
    lan = stage.phone("anphat", "101", transport="tcp")
    before = named(stage, "urn:uuid:1;1")
    stage.talks(lan, "101")
    there = flow_of(stage)
    stage.office.front.moved(tenant, elsewhere(stage, lan, before, **changes))
    assert flow_of(stage) == there


def test_a_call_does_not_change_its_kind_of_transport(stage: Stage):
    lan = stage.phone("anphat", "101", transport="tcp")
    stage.talks(lan, "101")
    there = flow_of(stage)
    contact = stage.contacts["bnd-101"]
    flow = msgspec.structs.replace(contact.flow, transport="ws", connection=9)
    stage.office.front.moved("anphat", msgspec.structs.replace(contact, flow=flow))
    assert flow_of(stage) == there


def test_where_it_moved_to_is_kept(stage: Stage):
    lan = stage.phone("anphat", "101", transport="tcp")
    before = stage.contacts["bnd-101"]
    stage.talks(lan, "101")
    after = elsewhere(stage, lan, before)
    stage.office.front.moved("anphat", after)
    stage.office.before_sending()
    stage.restart()
    assert flow_of(stage) == msgspec.structs.replace(after.flow, connection=0)


@pytest.mark.parametrize("noticed", [True, False], ids=["closed", "silent"])
def test_a_page_that_was_away_when_we_hung_up_hears_it_when_it_is_back(stage: Stage, noticed: bool):
    """It would talk to nobody for as long as its session timer lets it."""
    lan = stage.phone("anphat", "101", transport="tls")
    before = stage.contacts["bnd-101"]
    leg = stage.talks(lan, "101")
    lost = stage.network.nodes.pop(lan.address)
    stage.office.front.hangup(leg, Cause.NORMAL)
    stage.run()
    if noticed:
        stage.office.agent.flow_failed(before.flow, stage.network.now)
    stage.run(5)
    stage.network.nodes[lan.address] = lost
    stage.office.front.moved("anphat", elsewhere(stage, lan, before))
    stage.run()
    assert lan.handler.names()[-1] == "bye"
    stage.office.front.moved("anphat", elsewhere(stage, lan, stage.contacts["bnd-101"]))
    stage.run(200)
    assert lan.handler.names().count("bye") == 1
    assert stage.network.at_rest()
    assert stage.office.front.deadline() is None


def test_who_comes_back_after_minutes_is_told_nothing_by_itself(stage: Stage):
    lan = stage.phone("anphat", "101", transport="tls")
    before = stage.contacts["bnd-101"]
    leg = stage.talks(lan, "101")
    lost = stage.network.nodes.pop(lan.address)
    stage.office.front.hangup(leg, Cause.NORMAL)
    stage.run(130)
    stage.network.nodes[lan.address] = lost
    stage.office.front.moved("anphat", elsewhere(stage, lan, before))
    stage.run()
    assert "bye" not in lan.handler.names()


def away(stage: Stage, phone: Phone) -> Node:
    """The phone's connection is gone, and nobody has noticed."""
    return stage.network.nodes.pop(phone.address)


def is_back(stage: Stage, phone: Phone, node: Node, before: Contact) -> None:
    stage.network.nodes[phone.address] = node
    stage.office.front.moved("anphat", elsewhere(stage, phone, before))
    stage.run()


def test_a_page_that_was_away_hears_it_of_the_process_after_ours(stage: Stage):
    """Control was killed while the page was away: nobody knew any more that it had a call to end."""
    lan = stage.phone("anphat", "101", transport="tls")
    before = named(stage, "urn:uuid:1;1")
    leg = stage.talks(lan, "101")
    node = away(stage, lan)
    stage.office.front.hangup(leg, Cause.NORMAL)
    stage.run(5)
    office, legs = stage.restart()
    assert legs == {}
    is_back(stage, lan, node, before)
    assert lan.handler.names()[-1] == "bye"
    assert office.journal.load() == {}
    assert office.front.deadline() is None
    assert office.events == []


def test_it_is_owed_before_it_is_sent_and_until_it_is_answered(stage: Stage):
    lan = stage.phone("anphat", "101", transport="tls")
    leg = stage.talks(lan, "101")
    stage.office.trace.clear()
    stage.office.front.hangup(leg, Cause.NORMAL)
    stage.run()
    kept = next(i for i, done in enumerate(stage.office.trace) if f"parting/{leg}" in done)
    assert kept < stage.office.trace.index("send BYE")
    assert stage.office.journal.load() == {}
    assert stage.office.front.deadline() is None


def test_it_is_owed_to_nobody_after_minutes_also_by_the_process_after_ours(stage: Stage):
    lan = stage.phone("anphat", "101", transport="tls")
    before = stage.contacts["bnd-101"]
    leg = stage.talks(lan, "101")
    node = away(stage, lan)
    stage.office.front.hangup(leg, Cause.NORMAL)
    stage.run(5)
    office, _ = stage.restart()
    stage.run(130)
    assert office.journal.load() == {}
    is_back(stage, lan, node, before)
    assert "bye" not in lan.handler.names()


def test_another_phone_does_not_hear_it(stage: Stage):
    lan = stage.phone("anphat", "101", transport="tls")
    before = named(stage, "urn:uuid:1;1")
    leg = stage.talks(lan, "101")
    away(stage, lan)
    stage.office.front.hangup(leg, Cause.NORMAL)
    stage.run(5)
    office, _ = stage.restart()
    sent = len(stage.messages("BYE"))
    flow = msgspec.structs.replace(before.flow, connection=9)
    office.front.moved("anphat", msgspec.structs.replace(before, flow=flow, instance="urn:uuid:2;1"))
    office.front.moved("binhminh", msgspec.structs.replace(before, flow=flow))
    stage.run()
    assert len(stage.messages("BYE")) == sent


def test_a_page_that_rang_while_it_was_away_rings_no_more(stage: Stage):
    lan = stage.phone("anphat", "101", transport="tls")
    before = stage.contacts["bnd-101"]
    lan.handler.on["invite"] = lambda session: session.progress(180)
    leg = stage.calls(c.DeviceTarget("bnd-101"))
    node = away(stage, lan)
    stage.office.front.hangup(leg, Cause.CANCELLED)
    stage.run(5)
    stage.restart()
    is_back(stage, lan, node, before)
    assert lan.session.ended


def test_who_answers_a_cancel_is_owed_nothing(stage: Stage):
    lan = stage.phone("anphat", "101", transport="tls")
    lan.handler.on["invite"] = lambda session: session.progress(180)
    leg = stage.calls(c.DeviceTarget("bnd-101"))
    stage.office.front.hangup(leg, Cause.CANCELLED)
    stage.run()
    assert stage.office.journal.load() == {}
    assert stage.office.front.deadline() is None


def test_a_caller_who_is_refused_is_owed_nothing(stage: Stage):
    lan = stage.phone("anphat", "101", transport="tls")
    _, leg = stage.offered(lan)
    stage.office.front.hangup(leg, Cause.BUSY)
    stage.run()
    assert stage.office.journal.load() == {}
    assert stage.office.front.deadline() is None


def test_a_page_that_was_away_when_the_engine_died_hears_that_its_call_is_over(stage: Stage):
    lan = stage.phone("anphat", "101", transport="tls")
    before = stage.contacts["bnd-101"]
    leg = stage.talks(lan, "101")
    node = away(stage, lan)
    stage.office.front.lost(leg)
    stage.run(5)
    is_back(stage, lan, node, before)
    assert lan.handler.names()[-1] == "bye"


@pytest.mark.parametrize("damage", [b"\xc1", b"\x81\xa3leg\xa1x", b""])
def test_an_owed_end_that_cannot_be_read_is_dropped(stage: Stage, damage: bytes):
    stage.office.journal.kept["parting/x"] = damage
    office, _ = stage.restart()
    office.before_sending()
    assert office.journal.load() == {}


RINGING = "urn:uuid:1;1"


def rings(stage: Stage) -> tuple[Phone, Contact, str]:
    """The phone of 101, which has a name, and a call that rings there."""
    lan = stage.phone("anphat", "101", transport="tls")
    lan.handler.on["invite"] = lambda session: session.progress(180)
    before = named(stage, RINGING)
    leg = stage.calls(c.DeviceTarget("bnd-101"))
    stage.run()
    assert stage.office.kinds() == [e.LegRinging]
    return lan, before, leg


def test_a_page_that_is_loaded_again_while_it_rings_rings_on(stage: Stage):
    """Its connection ends with the page, and the caller went to the voicemail."""
    lan, before, leg = rings(stage)
    stage.office.agent.flow_failed(before.flow, stage.network.now)
    stage.run()
    assert stage.ends() == []
    lan.picks_up()
    stage.office.front.moved("anphat", elsewhere(stage, lan, before, binding="bnd-101"))
    stage.run()
    assert stage.office.kinds()[-1] is e.LegAnswered
    assert stage.office.front.all() == [leg]


def test_a_page_that_does_not_come_back_is_let_go_with_the_others(stage: Stage):
    lan, before, leg = rings(stage)
    stage.office.agent.flow_failed(before.flow, stage.network.now)
    stage.office.front.hangup(leg, Cause.NO_ANSWER)
    stage.run()
    assert stage.office.front.all() == []
    stage.office.front.moved("anphat", elsewhere(stage, lan, before, binding="bnd-101"))
    stage.run()
    assert lan.handler.names().count("invite") == 1


def test_an_invite_that_went_into_a_dead_connection_is_said_again_over_the_new_one(stage: Stage):
    """Nobody is told of it when a network goes: the phone was registered, and rang for nobody."""
    lan = stage.phone("anphat", "101", transport="tls")
    before = named(stage, RINGING)
    lost = stage.network.nodes.pop(lan.address)
    stage.calls(c.DeviceTarget("bnd-101"))
    stage.run(2)
    stage.network.nodes[lan.address] = lost
    lan.picks_up()
    stage.office.front.moved("anphat", elsewhere(stage, lan, before))
    stage.run()
    assert stage.office.kinds()[-1] is e.LegAnswered


def test_a_phone_that_rings_and_comes_by_another_path_rings_once_and_stops_there(stage: Stage):
    lan, before, leg = rings(stage)
    stage.office.front.moved("anphat", elsewhere(stage, lan, before))
    stage.run()
    assert lan.handler.names().count("invite") == 1
    stage.office.front.hangup(leg, Cause.ELSEWHERE)
    stage.run()
    assert lan.handler.names()[-1] == "cancelled"
