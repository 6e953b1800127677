"""Strangers who sprayed all ports had the sound of a call before its phone had sent a packet, since a phone
behind a NAT was whoever came first. Now the engine is told where a phone signals from."""

from __future__ import annotations

import msgspec
import pytest
from tests.unit.legs.stage import CARRIER, Stage
from tests.unit.legs.test_moved import elsewhere

from tongdai.calls.model import Cause
from tongdai.legs.seen import behind_path, behind_proxies
from tongdai.sip.message import Request, parse

SEEN = ("198.51.100.9", 40111)
"""Where a proxy saw the phone."""
PATH = ("<sip:192.0.2.50;lr>", "<sip:192.0.2.60;lr;received=sip:198.51.100.9:40111>")


def request(*vias: str) -> Request:
    lines = ["INVITE sip:100@anphat.demo SIP/2.0", *(f"Via: {via}" for via in vias)]
    lines += ["From: <sip:a@b>;tag=1", "To: <sip:c@d>", "Call-ID: x", "CSeq: 1 INVITE", "", ""]
    message = parse("\r\n".join(lines).encode())
    assert isinstance(message, Request)
    return message


@pytest.mark.parametrize("inbound", [True, False], ids=["caller", "called"])
def test_where_a_phone_signals_from_is_told_with_its_sound(stage: Stage, inbound: bool):
    lan = stage.phone("anphat", "101")
    leg = stage.answered(lan)[1] if inbound else stage.talks(lan, "101")
    assert stage.media.signalled[leg] == lan.address
    assert stage.media.remotes[leg]


def test_a_carrier_signals_from_its_gateway(stage: Stage):
    _, leg = stage.answered(stage.carrier, "+842871234500")
    assert stage.media.signalled[leg] == CARRIER


@pytest.mark.parametrize("killed", [True, False], ids=["killed", "alive"])
@pytest.mark.parametrize("inbound", [True, False], ids=["caller", "called"])
def test_a_phone_that_registers_from_elsewhere_may_speak_from_there(
    stage: Stage, inbound: bool, killed: bool
):
    lan = stage.phone("anphat", "101")
    before = stage.contacts["bnd-101"]
    leg = stage.answered(lan)[1] if inbound else stage.talks(lan, "101")
    if killed:
        stage.restart()
    stage.office.front.moved("anphat", elsewhere(stage, lan, before))
    assert stage.media.signalled[leg] == lan.address


def test_another_phone_that_registers_says_nothing_of_this_one(stage: Stage):
    lan, minh = stage.phone("anphat", "101"), stage.phone("anphat", "102")
    leg = stage.talks(lan, "101")
    for tenant, contact in (("anphat", stage.contacts["bnd-102"]), ("binhminh", stage.contacts["bnd-101"])):
        flow = msgspec.structs.replace(contact.flow, remote=minh.address)
        stage.office.front.moved(tenant, msgspec.structs.replace(contact, flow=flow))
    assert stage.media.signalled[leg] == lan.address


def test_a_phone_behind_proxies_is_where_the_first_of_them_saw_it(stage: Stage):
    lan = stage.phone("anphat", "101")
    contact = stage.contacts["bnd-101"]
    route = f"<sip:{lan.address[0]};lr;received=sip:198.51.100.9:40111>"
    stage.contacts["bnd-101"] = msgspec.structs.replace(contact, path=(route,))
    leg = stage.talks(lan, "101")
    assert stage.media.signalled[leg] == SEEN
    stage.restart()
    lan.session.reinvite(lan.sdp(port=4444, version=2))
    stage.run()
    assert stage.media.remote_of(leg).port == 4444
    assert stage.media.signalled[leg] == SEEN, "the proxy is not the phone"
    moved = msgspec.structs.replace(contact, path=(route.replace("40111", "40222"),))
    stage.office.front.moved("anphat", moved)
    assert stage.media.signalled[leg] == (SEEN[0], 40222)
    stage.office.front.hangup(leg, Cause.NORMAL)


@pytest.mark.parametrize(
    ("vias", "seen"),
    [
        (["SIP/2.0/UDP 192.168.1.5:5060;received=198.51.100.9;rport=40111"], None),
        (["SIP/2.0/UDP 192.0.2.50", "SIP/2.0/UDP 192.168.1.5:5060;received=198.51.100.9;rport=40111"], SEEN),
        (["SIP/2.0/UDP 192.0.2.50, SIP/2.0/TCP 198.51.100.9:40111;rport"], SEEN),
        (["SIP/2.0/UDP 192.0.2.50", "SIP/2.0/TLS [2001:db8::5]"], ("2001:db8::5", 5060)),
        (["SIP/2.0/UDP 192.0.2.50", "SIP/2.0/WSS a1b2.invalid"], None),
        (["SIP/2.0/UDP 192.0.2.50", "SIP/2.0/UDP"], None),
    ],
)
def test_the_first_proxy_tells_in_the_last_via(vias: list[str], seen: tuple[str, int] | None):
    assert behind_proxies(request(*vias)) == seen


def test_the_proxy_next_to_a_phone_tells_in_its_path():
    assert behind_path(PATH) == SEEN
    assert behind_path(("<sip:192.0.2.60;received=sip:198.51.100.9:40111%3Btransport%3Dtcp;lr>",)) == SEEN
    for path in (
        (),
        PATH[:1],
        ("<sip:192.0.2.60;lr;received=nonsense>",),
        ("<sip:x;received=sip:y>",),
        ("<",),
    ):
        assert behind_path(path) is None
