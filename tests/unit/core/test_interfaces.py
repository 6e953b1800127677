"""The addresses that sound comes to."""

from __future__ import annotations

import pytest

from tongdai.core.interfaces import Interfaces, read_interfaces, seen_at

TEXT = "10.0.0.5=203.0.113.7, 192.168.1.5 for 192.168.0.0/16 10.8.0.0/16, 2001:db8::5"


@pytest.mark.parametrize(
    ("peer", "bind", "public"),
    [
        ("198.51.100.9", "10.0.0.5", "203.0.113.7"),
        ("192.168.7.7", "192.168.1.5", "192.168.1.5"),
        ("10.8.1.1", "192.168.1.5", "192.168.1.5"),
        ("2001:db8:9::1", "2001:db8::5", "2001:db8::5"),
        ("a1b2.invalid", "10.0.0.5", "203.0.113.7"),
    ],
)
def test_a_peer_gets_the_address_of_its_network_or_else_of_its_version(peer: str, bind: str, public: str):
    interfaces = Interfaces(read_interfaces(TEXT))
    found = interfaces.for_peer(peer)
    assert found is not None
    assert (found.bind, interfaces.public(found.bind)) == (bind, public)


def test_without_any_the_engine_uses_its_own():
    assert Interfaces().for_peer("192.0.2.1") is None
    assert Interfaces().public("127.0.0.1") == "127.0.0.1"
    assert read_interfaces("") == []


@pytest.mark.parametrize("text", ["here", "10.0.0.5=2001:db8::1", "0.0.0.0", "10.0.0.5 for everybody"])
def test_what_is_wrong_is_said(text: str):
    with pytest.raises(ValueError, match=r"here|version|every address|everybody"):
        read_interfaces(text)


@pytest.mark.parametrize(
    ("described", "source", "at"),
    [
        ("192.168.0.7", "198.51.100.9", "198.51.100.9"),
        ("100.64.1.2", "198.51.100.9", "198.51.100.9"),
        ("fd00::7", "2001:db8::9", "2001:db8::9"),
        ("127.0.0.1", "198.51.100.9", "198.51.100.9"),
        ("192.168.0.7", "10.0.0.2", "192.168.0.7"),
        ("203.0.113.7", "198.51.100.9", "203.0.113.7"),
        ("2001:db8::7", "198.51.100.9", "2001:db8::7"),
        ("phone.example", "198.51.100.9", "phone.example"),
    ],
)
def test_a_peer_behind_a_nat_is_where_its_signalling_comes_from(described: str, source: str, at: str):
    """A phone at home has 192.168.0.7, and so may one in the office: it was given the office's address."""
    assert seen_at(described, source) == at
