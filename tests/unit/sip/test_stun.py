"""STUN on the port of SIP (RFC 5626 §8). The expected addresses are those of RFC 5769 §2.2 and §2.3."""

from __future__ import annotations

import struct

import pytest
from tests.unit.sip.network import Network, Recorder, SeededIds

from tongdai.sip.flow import Flow
from tongdai.sip.stun import answer
from tongdai.sip.ua import UserAgent

TRANSACTION = bytes.fromhex("b7e7a701bc34d686fa87dfae")
COOKIE = bytes.fromhex("2112a442")


def binding(attributes: bytes = b"", kind: int = 1, cookie: bytes = COOKIE) -> bytes:
    return struct.pack("!HH", kind, len(attributes)) + cookie + TRANSACTION + attributes


@pytest.mark.parametrize(
    ("remote", "attribute"),
    [
        (("192.0.2.1", 32853), "002000080001a147e112a643"),
        (
            ("2001:db8:1234:5678:11:2233:4455:6677", 32853),
            "002000140002a1470113a9faa5d3f179bc25f4b5bed2b9d9",
        ),
    ],
)
def test_a_phone_learns_its_address_outside(remote: tuple[str, int], attribute: str) -> None:
    said = answer(binding(), remote)
    assert said is not None
    body = bytes.fromhex(attribute)
    assert said == struct.pack("!HH", 0x0101, len(body)) + COOKIE + TRANSACTION + body


def test_what_may_be_ignored_is() -> None:
    remote = ("192.0.2.1", 5060)
    software = struct.pack("!HH", 0x8022, 3) + b"abc\0"
    assert answer(binding(software), remote) == answer(binding(), remote)


def test_what_must_be_understood_and_is_not_is_named() -> None:
    change_request = struct.pack("!HHI", 0x0003, 4, 6)
    said = answer(binding(change_request), ("192.0.2.1", 5060))
    assert said is not None
    assert said[:2] == b"\x01\x11"
    assert said[20:] == bytes.fromhex("0009000400000414000a000200030000")


def test_an_error_is_hardly_longer_than_what_it_refuses() -> None:
    many = b"".join(struct.pack("!HH", kind, 0) for kind in range(3, 300))
    said = answer(binding(many), ("192.0.2.1", 5060))
    assert said is not None
    assert len(said) < 50


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0\1\0\0",
        binding()[:19],
        binding() + b"\0\0\0",
        binding() + b"\0\0\0\0",
        binding(cookie=b"\0\0\0\0"),
        binding(kind=0x0011),  # an indication
        binding(kind=0x0101),  # an answer, perhaps one that was sent on to us
        binding(struct.pack("!HH", 0x8022, 8) + b"abcd"),
    ],
)
def test_nothing_else_is_answered(data: bytes) -> None:
    assert answer(data, ("192.0.2.1", 5060)) is None


def test_the_agent_answers_where_the_datagram_came_from() -> None:
    node = Network().node("192.0.2.1")
    flow = Flow("udp", node.address, ("198.51.100.7", 40000))
    node.agent.receive(binding(), flow, node.network.now)
    assert node.agent.drain() == [(flow, answer(binding(), flow.remote))]
    assert not node.handler.events


def test_the_agent_tells_nothing_where_its_owner_does_not_want_it_to() -> None:
    network = Network()
    agent = UserAgent(
        Recorder(), clock=lambda: network.now, ids=SeededIds("x"), may_tell=lambda flow: flow.remote[1] != 9
    )
    for port in (9, 10):
        agent.receive(binding(), Flow("udp", ("192.0.2.1", 5060), ("198.51.100.7", port)), network.now)
    assert [flow.remote[1] for flow, _ in agent.drain()] == [10]
