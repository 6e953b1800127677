"""Threat 4, digest leak: who asks for a password in the middle of a call gets none that is not for him."""

from __future__ import annotations

import pytest
from tests.unit.legs.doubles import a_trunk
from tests.unit.legs.stage import CARRIER, Stage

from tongdai.sip.digest import Credentials
from tongdai.sip.flow import Flow, Transport
from tongdai.sip.message import Request, parse
from tongdai.sip.ua import InviteSession

CHALLENGE = 'Digest realm="carrier", nonce="y", algorithm=MD5, qop="auth"'


def send(session: InviteSession, method: str) -> None:
    """Whatever we may have to say to a phone in a call."""
    if method == "INVITE":
        session.reinvite(session.local_sdp)
    elif method == "BYE":
        session.bye()
    elif method == "REFER":
        session.refer("sip:103@anphat.demo")
    else:
        session.send_in_dialog(method, 1000.0)


@pytest.mark.parametrize("network", ["203.0.113.", "2001:db8::"], ids=["IPv4", "IPv6"])
@pytest.mark.parametrize("transport", ["udp", "tcp"])
@pytest.mark.parametrize("status", [401, 407])
@pytest.mark.parametrize("method", ["first INVITE", "INVITE", "BYE", "NOTIFY", "INFO", "UPDATE", "REFER"])
def test_a_phone_that_asks_us_for_a_password_gets_none(
    stage: Stage, method: str, status: int, transport: Transport, network: str
):
    """Although there is one, for the carrier."""
    stage.edge.trunks["trunk"] = a_trunk("trunk", *CARRIER, Credentials("us", "secret"))
    lan = stage.phone("anphat", "101", transport=transport, network=network)
    name = method.removeprefix("first ")
    if method != name:
        session = stage.office.agent.invite(
            lan.uri, stage.contacts["bnd-101"].flow, from_="<sip:102@anphat.demo>", sdp=lan.sdp()
        )
    else:
        stage.talks(lan, "101")
        (session,) = stage.office.agent.sessions()
        send(session, name)
    name = name.removeprefix("first ")
    sent = stage.office.agent.drain()
    flow, data = next((flow, data) for flow, data in sent if data.startswith(name.encode()))
    request = parse(data)
    assert isinstance(request, Request)
    field = "WWW-Authenticate" if status == 401 else "Proxy-Authenticate"
    answer = request.response(status, None, [(field, CHALLENGE)], to_tag="x" if not request.to.tag else "")
    back = Flow(flow.transport, flow.local, flow.remote, flow.connection)
    stage.office.agent.receive(bytes(answer), back, stage.network.now)
    stage.run(1)
    everything = [data for _, data in sent] + [data for _, _, data in stage.network.log]
    assert everything
    assert not any(b"uthorization" in data for data in everything)
