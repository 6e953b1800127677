"""Every message of RFC 4475 and what becomes of it in the agent."""

from __future__ import annotations

import pytest
from tests.unit.sip.network import Network
from tests.vectors.sip.rfc4475 import MESSAGES

from tongdai.sip.digest import DigestServer, Verdict
from tongdai.sip.flow import Flow
from tongdai.sip.message import ParseError, Request, Response, parse
from tongdai.sip.ua import IncomingRequest

OUTCOMES: dict[str, list[int]] = {
    "wsinv": [481],  # its To has a tag, so it claims a dialog that is none of ours
    "intmeth": [405],
    "esc01": [100, 180],
    "escnull": [200],
    "esc02": [405],
    "lwsdisp": [200],
    "longreq": [100, 180],
    "dblreq": [200],
    "semiuri": [200],
    "transports": [200],
    "mpart01": [200],
    "unreason": [],
    "noreason": [],
    "badinv01": [400],
    "clerr": [400],
    "ncl": [400],
    "scalar02": [400],
    "scalarlg": [],
    "quotbal": [400],
    "ltgtruri": [400],
    "lwsruri": [400],
    "lwsstart": [400],
    "trws": [400],
    "escruri": [400],
    "baddate": [100, 180],  # Date means nothing to us
    "regbadct": [400],
    "badaspec": [200],  # "elements attempting to be liberal may ignore the spaces"
    "baddn": [400],
    "badvers": [505],
    "mismatch01": [400],
    "mismatch02": [400],
    "bigcode": [],
    "badbranch": [200],
    "insuf": [400],
    "unkscm": [416],
    "novelsc": [416],
    "unksm2": [416],
    "bext01": [420],
    "invut": [415],
    "regaut01": [401],
    "multi01": [400],
    "mcl01": [400],
    "bcast": [],
    "zeromf": [200],
    "cparam01": [200],
    "cparam02": [200],
    "regescrt": [200],
    "sdp01": [406],
    "inv2543": [100, 180],
}


def register(incoming: IncomingRequest) -> None:
    """A registrar in small: looks at what one looks at."""
    request = incoming.request
    server = DigestServer(b"k" * 32)
    if "Authorization" in request.headers:
        assert server.verify(request, "r", 0.0, lambda name: None).verdict is Verdict.MISSING
        incoming.respond(401, headers=server.challenge("r", 0.0))
        return
    bindings = [contact.uri for contact in request.contacts]
    assert request.to.uri.host
    assert bindings
    incoming.respond(200)


def test_every_message_is_here() -> None:
    assert MESSAGES.keys() == OUTCOMES.keys()
    assert len(MESSAGES) == 49


@pytest.mark.parametrize("name", OUTCOMES)
def test_outcome(name: str) -> None:
    node = Network().node("192.0.2.1")
    node.handler.on["invite"] = lambda session: session.progress(180)
    node.handler.on["options"] = lambda incoming: incoming.respond(200)
    node.handler.on["request"] = lambda incoming: incoming.respond(200)
    node.handler.on["register"] = register
    node.agent.receive(MESSAGES[name], Flow("udp", node.address, ("192.0.2.99", 5060)), 0.0)
    assert [int(data[8:11]) for _, data in node.agent.drain()] == OUTCOMES[name]


def request_of(name: str) -> Request:
    message = parse(MESSAGES[name])
    assert isinstance(message, Request)
    return message


def test_what_the_tortuous_invite_says() -> None:
    request = request_of("wsinv")
    assert (request.to.tag, request.from_.tag) == ("1918181833n", "98asjd8")
    assert request.from_.display == 'J Rosenberg \\"'
    assert (request.cseq.number, request.number("Max-Forwards")) == (9, 68)
    assert [(via.transport, via.host, via.branch) for via in request.vias] == [
        ("UDP", "192.0.2.2", "390skdjuw"),
        ("TCP", "spindle.example.com", "z9hG4bK9ikj8"),
        ("UDP", "192.168.255.111", "z9hG4bK30239"),
    ]
    assert request.contact is not None
    assert request.contact.display == 'Quoted string ""'
    assert request.contact.params == {"newparam": "newvalue", "secondparam": None, "q": "0.33"}
    assert request.route[0].uri.params == {"lr": None, "unknownwith": "value", "unknown-no-value": None}
    assert request.headers.get("NewFangledHeader") == "newfangled value continued newfangled value"
    assert request.headers.get("Subject") == ""


def test_what_the_unusual_characters_say() -> None:
    request = request_of("intmeth")
    assert request.method == "!interesting-Method0123456789_*+`.%indeed'~"
    assert request.uri.user == "1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*"
    assert request.uri.password == "&it+has=1,weird!*pas$wo~d_too.(doesn't-it)"
    assert request.to.display == "BEL:\a NUL:\0 DEL:\x7f"
    assert request.from_.params["fromparam''~+*_!.-%"] == "работающий"
    assert request.headers.get("extensionHeader-!.%*+_`'~") == "\ufeff大停電"


def test_what_the_escapes_say() -> None:
    request = request_of("esc01")
    assert request.uri.user == "sips:user@example.com"
    assert request.to.uri.user == "user"
    assert request.from_.uri.user == "I have spaces"
    assert request.contact is not None
    assert request.contact.uri.user == "caller"
    assert request.contact.uri.params == {"lr": None, "name": "value%41"}
    assert [contact.uri.user for contact in request_of("escnull").contacts] == ["\0", "\0\0"]
    assert request_of("esc02").method == "RE%47IST%45R"
    assert request_of("esc02").to.display == "%Z%45"
    assert len(request_of("esc02").contacts) == 2
    assert request_of("semiuri").uri.user == "user;par=u@example.net"


def test_parameters_belong_to_the_uri_or_to_the_header() -> None:
    outside, inside = request_of("cparam01").contact, request_of("cparam02").contact
    assert outside is not None
    assert inside is not None
    assert (outside.params, outside.uri.params) == ({"unknownparam": None}, {})
    assert (inside.params, inside.uri.params) == ({}, {"unknownparam": None})
    escaped = request_of("regescrt").contact
    assert escaped is not None
    assert escaped.uri.headers == [("Route", "<sip:sip.example.com>")]


def test_reason_phrases_are_any_text() -> None:
    unusual, empty = parse(MESSAGES["unreason"]), parse(MESSAGES["noreason"])
    assert isinstance(unusual, Response)
    assert isinstance(empty, Response)
    assert unusual.reason == "= 2**3 * 5**2 но сто девяносто девять - простое"
    assert (empty.status, empty.reason) == (100, "")


def test_a_tag_makes_a_tortuous_invite_a_reinvite_and_without_it_it_rings() -> None:
    node = Network().node("192.0.2.1")
    data = MESSAGES["wsinv"].replace(b" ;   tag    = 1918181833n", b"")
    node.agent.receive(data, Flow("udp", node.address, ("192.0.2.2", 5060)), 0.0)
    assert [int(sent[8:11]) for _, sent in node.agent.drain()] == [100]


@pytest.mark.parametrize("name", OUTCOMES)
def test_messages_that_read_print_and_read_back(name: str) -> None:
    try:
        message = parse(MESSAGES[name])
    except ParseError:
        return
    assert parse(bytes(message)) == message
