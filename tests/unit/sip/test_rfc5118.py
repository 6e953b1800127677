"""Every message of RFC 5118 (IPv6) and what becomes of it in the agent."""

from __future__ import annotations

import pytest
from tests.unit.sip.network import Network
from tests.unit.sip.test_rfc4475 import register
from tests.vectors.sip.rfc5118 import MESSAGES

from tongdai import sdp
from tongdai.sip.flow import Flow
from tongdai.sip.message import Request, parse

OUTCOMES: dict[str, list[int]] = {
    "ipv6-good": [200],
    "ipv6-bad": [400],
    "port-ambiguous": [200],
    "port-unambiguous": [200],
    "via-received-param-with-delim": [481],  # read well; the dialog is none of ours
    "via-received-param-no-delim": [200],
    "ipv6-in-sdp": [100, 180],
    "mult-ip-in-header": [481],
    "mult-ip-in-sdp": [100, 180],
    "ipv4-mapped-ipv6": [100, 180],
    "ipv6-bug-abnf-3-colons": [400],  # no address; the RFC leaves it to us
    "ipv6-correct-abnf-2-colons": [200],
}


def test_every_message_is_here() -> None:
    assert MESSAGES.keys() == OUTCOMES.keys()
    assert len(MESSAGES) == 12


@pytest.mark.parametrize("name", OUTCOMES)
def test_outcome(name: str) -> None:
    node = Network().node("2001:db8::10")
    node.handler.on["invite"] = lambda session: session.progress(180)
    node.handler.on["options"] = lambda incoming: incoming.respond(200)
    node.handler.on["register"] = register
    flow = Flow("udp", node.address, ("2001:db8::9:1", 5060))
    node.agent.receive(MESSAGES[name], flow, 0.0)
    sent = node.agent.drain()
    assert [int(data[8:11]) for _, data in sent] == OUTCOMES[name]
    assert all(answered.remote[0] == "2001:db8::9:1" for answered, _ in sent)


def request_of(name: str) -> Request:
    message = parse(MESSAGES[name])
    assert isinstance(message, Request)
    return message


def test_a_colon_belongs_to_the_address_or_begins_the_port() -> None:
    ambiguous, plain = request_of("port-ambiguous").uri, request_of("port-unambiguous").uri
    assert (ambiguous.host, ambiguous.port) == ("2001:db8::10:5070", None)
    assert (plain.host, plain.port) == ("2001:db8::10", 5070)
    assert str(plain) == "sip:[2001:db8::10]:5070"


def test_received_is_read_with_delimiters_and_written_without() -> None:
    """§4.5: "implementations ... must not put the delimiting tokens" """
    assert request_of("via-received-param-with-delim").via.params["received"] == "[2001:db8::9:255]"
    assert request_of("via-received-param-no-delim").via.params["received"] == "2001:db8::9:255"
    node = Network().node("2001:db8::10")
    flow = Flow("udp", node.address, ("2001:db8::9:255", 5060))
    node.agent.receive(MESSAGES["via-received-param-with-delim"], flow, 0.0)
    [(_, answer)] = node.agent.drain()
    assert b"received=2001:db8::9:255;" in answer


def test_hops_of_both_kinds_are_read() -> None:
    vias = request_of("mult-ip-in-header").vias
    assert [(via.host, via.port, via.transport) for via in vias] == [
        ("2001:db8::9:1", 6050, "UDP"),
        ("192.0.2.1", None, "UDP"),
        ("2001:db8::9:255", None, "TCP"),
    ]
    assert vias[2].params["received"] == "192.0.2.200"


def test_descriptions_hold_addresses_of_both_kinds() -> None:
    described = sdp.parse(request_of("ipv6-in-sdp").sdp or "")
    assert described.connection == "2001:db8::20"
    assert described.origin.host == "2001:db8::20"
    audio, video = sdp.parse(request_of("mult-ip-in-sdp").sdp or "").media
    assert (audio.connection, video.connection) == ("192.0.2.1", "2001:db8::1")


def test_mapped_addresses_are_addresses() -> None:
    request = request_of("ipv4-mapped-ipv6")
    assert [via.host for via in request.vias] == ["::ffff:192.0.2.10", "::ffff:192.0.2.2"]
    assert request.contacts[0].uri.host == "::ffff:192.0.2.2"


@pytest.mark.parametrize("name", OUTCOMES)
def test_messages_that_read_print_and_read_back(name: str) -> None:
    if OUTCOMES[name] != [400]:
        message = parse(MESSAGES[name])
        assert parse(bytes(message)) == message
