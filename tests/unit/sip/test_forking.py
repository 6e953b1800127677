"""A proxy downstream forks our INVITE: several early dialogs, several answers (RFC 3261 §13.2.2.4)."""

from __future__ import annotations

from tests.unit.sip.network import ANSWER, OFFER, Network

from tongdai.sip.flow import Flow
from tongdai.sip.message import Request, parse


def test_early_dialogs_and_a_second_answer() -> None:
    network = Network()
    caller = network.node("192.0.2.1")
    flow = Flow("udp", caller.address, ("192.0.2.9", 5060))
    ours = caller.agent.invite("sip:fork@192.0.2.9", flow, from_="<sip:caller@192.0.2.1>", sdp=OFFER)
    ((_, data),) = caller.agent.drain()
    invite = parse(data)
    assert isinstance(invite, Request)

    def respond(status: int, branch: int) -> list[Request]:
        response = invite.response(
            status,
            None,
            [
                ("Contact", f"<sip:phone@192.0.2.{branch}>"),
                ("Record-Route", "<sip:192.0.2.9;lr>"),
                ("Content-Type", "application/sdp"),
            ],
            ANSWER.encode(),
            to_tag=f"tag{branch}",
        )
        caller.agent.receive(bytes(response), flow, network.now)
        sent = [parse(data) for _, data in caller.agent.drain()]
        return [message for message in sent if isinstance(message, Request)]

    assert respond(180, 11) == respond(183, 12) == []
    assert [event[2] for event in caller.handler.events] == [180, 183]

    (ack,) = respond(200, 11)
    assert (ack.method, ack.to.tag, ack.target) == ("ACK", "tag11", "sip:phone@192.0.2.11")
    assert ack.headers.get_all("Route") == ["<sip:192.0.2.9;lr>"]
    assert ours.remote_tag == "tag11"

    other_ack, other_bye = respond(200, 12)
    assert (other_ack.method, other_ack.to.tag, other_ack.target) == ("ACK", "tag12", "sip:phone@192.0.2.12")
    assert (other_bye.method, other_bye.to.tag) == ("BYE", "tag12")

    (again,) = respond(200, 11)
    assert bytes(again) == bytes(ack)
    assert caller.handler.names() == ["provisional", "provisional", "answered"]
    assert ours.confirmed
