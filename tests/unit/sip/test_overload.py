"""What is refused when too much comes, and what never is."""

from __future__ import annotations

import pytest

from tongdai.sip.flow import Flow
from tongdai.sip.message import Response, parse
from tongdai.sip.ua.overload import RETRY_SECONDS, Overload, level_of

FLOW = Flow("udp", ("192.0.2.1", 5060), ("198.51.100.7", 40000))


def request(
    method: str, *more: str, target: str = "sip:102@anphat.demo", to: str = "", rport: str = ";rport"
):
    lines = [
        f"{method} {target} SIP/2.0",
        f"Via: SIP/2.0/UDP 10.0.0.7:5060{rport};branch=z9hG4bK1",
        "Via: SIP/2.0/UDP 10.0.0.8;branch=z9hG4bK0",
        "f: Lan <sip:101@anphat.demo>;tag=1",
        f"TO: <sip:102@anphat.demo>{to}",
        "Call-ID: c1",
        f"CSeq: 7 {method}",
        *more,
        "Content-Length: 0",
    ]
    return "".join(f"{line}\r\n" for line in [*lines, ""]).encode()


@pytest.fixture
def overload() -> Overload:
    return Overload("abc", lambda user: user == "115")


def test_a_refusal_can_be_answered_to_and_says_when_to_come_back(overload: Overload):
    overload.level = 2
    answer = parse(overload.refuse(request("INVITE"), FLOW) or b"")
    assert isinstance(answer, Response)
    assert answer.status == 503
    assert answer.via.params == {"rport": "40000", "received": "198.51.100.7", "branch": "z9hG4bK1"}
    assert len(answer.vias) == 2
    assert (answer.call_id, answer.cseq.number, answer.to.tag) == ("c1", 7, "busy-abc")
    assert RETRY_SECONDS[0] <= (answer.number("Retry-After") or 0) <= RETRY_SECONDS[1]
    assert overload.refused == 1


def test_the_ack_of_a_refusal_costs_nothing(overload: Overload):
    overload.level = 1
    assert overload.refuse(request("ACK", to=";tag=busy-abc"), FLOW) == b""
    assert overload.refuse(request("ACK", to=";tag=other"), FLOW) is None


PROOF = "Authorization: Digest x=y"


@pytest.mark.parametrize(
    ("message", "until"),
    [
        (request("REGISTER"), 1),
        (request("OPTIONS"), 1),
        (request("INVITE"), 2),
        (request("REGISTER", PROOF), 3),
        (request("INVITE", PROOF), 3),
        (request("INVITE", to=";tag=2"), 9),
        (request("BYE", to=";tag=2"), 9),
        (request("CANCEL"), 9),
        (request("INVITE", target="sip:115@anphat.demo"), 9),
        (b"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP a\r\n\r\n", 9),
        (b"\r\n\r\n", 9),
        (request("INVITE", "Call-ID: c2"), 9),  # odd ones are for the parser, which says what is wrong
        (request("INVITE", " folded"), 9),
    ],
)
def test_what_costs_least_to_lose_is_lost_first(overload: Overload, message: bytes, until: int):
    for level in (1, 2, 3):
        overload.level = level
        assert (overload.refuse(message, FLOW) is None) is (level < until)


def test_without_rport_only_who_listens_where_it_sends_from_is_refused_here(overload: Overload):
    overload.level = 2
    assert overload.refuse(request("INVITE", rport=""), FLOW) is None
    home = Flow("udp", FLOW.local, ("10.0.0.7", 5060))
    assert overload.refuse(request("INVITE", rport=""), home) is not None


def test_levels_begin_late_and_end_later():
    assert [level_of(part, 1000, 0) for part in (0, 399, 401, 601, 851)] == [0, 0, 1, 2, 3]
    assert [level_of(part, 1000, 3) for part in (601, 430, 301, 201, 199)] == [3, 3, 2, 1, 0]
    assert level_of(2_000_000, 100 << 20, 0) == 1, "a large queue is a long wait"
