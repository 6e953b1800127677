"""Several addresses of sound: inside and outside, IPv4 and IPv6, behind a NAT."""

from __future__ import annotations

import pytest
from tests.unit.legs.stage import Office, Phone, Stage

from tongdai.core.interfaces import Interfaces, read_interfaces


@pytest.fixture(autouse=True)
def _several(monkeypatch: pytest.MonkeyPatch) -> None:
    interfaces = Interfaces(read_interfaces("10.0.0.5=192.0.2.7, 10.0.0.6 for 203.0.113.0/25, 2001:db8::5"))
    monkeypatch.setattr(Office, "interfaces", interfaces)


def host_in(text: str | None) -> str:
    return (text or "").partition("c=IN ")[2].split()[1]


def test_a_caller_is_told_the_public_address_and_one_inside_another(stage: Stage, lan: Phone):
    inside, _ = stage.answered(lan)
    assert host_in(inside.remote_sdp) == "10.0.0.6"
    outside, leg = stage.answered(lan, sdp=lan.sdp().replace(lan.address[0], "198.51.100.9"))
    assert host_in(outside.remote_sdp) == "192.0.2.7"
    assert stage.media.remote_of(leg).ip == "198.51.100.9"


def test_a_caller_of_ipv6_gets_ipv6(stage: Stage, lan: Phone):
    offer = lan.sdp().replace(f"IN IP4 {lan.address[0]}", "IN IP6 2001:db8:9::1")
    session, leg = stage.answered(lan, sdp=offer)
    assert "c=IN IP6 2001:db8::5" in (session.remote_sdp or "")
    assert stage.media.remote_of(leg).ip == "2001:db8:9::1"


def test_a_called_phone_gets_the_address_for_where_it_is(stage: Stage, lan: Phone):
    stage.talks(lan, "101")
    assert host_in(lan.session.remote_sdp) == "10.0.0.6"


def test_the_public_address_is_told_again_after_a_restart(stage: Stage, lan: Phone):
    session, _ = stage.answered(lan, sdp=lan.sdp().replace(lan.address[0], "198.51.100.9"))
    stage.restart()
    session.reinvite(lan.sdp(version=2).replace(lan.address[0], "198.51.100.9"))
    stage.run()
    assert host_in(session.remote_sdp) == "192.0.2.7"
