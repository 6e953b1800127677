"""Answers of a real DNS server on loopback: kept for their time, and longer while it is silent."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.nameserver import NameServer

from tongdai.core.clock import ManualClock
from tongdai.sip.location import LookupFailed, Naptr, Place, Srv, locate
from tongdai.sip.transport import resolver as module
from tongdai.sip.transport.resolver import Resolver

ZONE = {
    ("carrier.test", "NAPTR"): ['10 20 "s" "SIP+D2T" "" _sip._tcp.carrier.test.'],
    ("_sip._tcp.carrier.test", "SRV"): ["1 5 5070 a.carrier.test."],
    ("a.carrier.test", "A"): ["192.0.2.7"],
    ("a.carrier.test", "AAAA"): ["2001:db8::7"],
    ("alias.carrier.test", "CNAME"): ["a.carrier.test."],
}


@pytest.fixture
async def server() -> AsyncIterator[NameServer]:
    one = await NameServer(ZONE).open()
    yield one
    one.close()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(1000.0)


@pytest.fixture
def resolver(
    server: NameServer, clock: ManualClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Resolver:
    monkeypatch.setattr(module, "TRY_SECONDS", 0.1)
    monkeypatch.setattr(module, "TOTAL_SECONDS", 0.2)
    (tmp_path / "hosts").write_text("# comment\n192.0.2.99  sbc.local  SBC # alias\n")
    return Resolver(clock.monotonic, [server.address], tmp_path / "hosts")


async def test_records_are_read_as_they_are(resolver: Resolver):
    naptr = await resolver.naptr("carrier.test")
    assert naptr.records == (Naptr(10, 20, "s", "SIP+D2T", "_sip._tcp.carrier.test"),)
    assert (await resolver.srv("_sip._tcp.carrier.test")).records == (Srv(1, 5, 5070, "a.carrier.test"),)
    assert (await resolver.addresses("a.carrier.test", 4)).records == ("192.0.2.7",)
    assert (await resolver.addresses("a.carrier.test", 6)).records == ("2001:db8::7",)


async def test_a_domain_is_located_from_naptr_to_address(resolver: Resolver):
    located = await locate(resolver, Place("carrier.test"))
    assert [(x.transport, x.address) for x in located.targets] == [("tcp", ("192.0.2.7", 5070))]


async def test_an_answer_is_kept_for_its_time_and_asked_for_anew_after_it(
    resolver: Resolver, server: NameServer, clock: ManualClock
):
    for _ in range(3):
        assert (await resolver.addresses("a.carrier.test", 4)).seconds == 60
    assert len(server.asked) == 1
    clock.advance(61)
    server.zone["a.carrier.test", "A"] = ["192.0.2.8"]
    assert (await resolver.addresses("a.carrier.test", 4)).records == ("192.0.2.8",)


@pytest.mark.parametrize("mood", ["silent", "failing"])
async def test_an_old_answer_serves_while_nobody_gives_a_new_one(
    resolver: Resolver, server: NameServer, clock: ManualClock, mood: str
):
    """RFC 8767: that the name server is down must not silence the telephones."""
    await resolver.addresses("a.carrier.test", 4)
    setattr(server, mood, True)
    clock.advance(3600)
    found = await resolver.addresses("a.carrier.test", 4)
    assert (found.records, found.seconds) == (("192.0.2.7",), 30.0)
    clock.advance(2 * 86_400)
    with pytest.raises(LookupFailed):
        await resolver.addresses("a.carrier.test", 4)


@pytest.mark.parametrize("mood", ["silent", "failing"])
async def test_without_an_old_answer_a_failure_is_told_within_a_bounded_time(
    resolver: Resolver, server: NameServer, mood: str
):
    setattr(server, mood, True)
    with pytest.raises(LookupFailed, match=r"a\.carrier\.test"):
        await resolver.addresses("a.carrier.test", 4)


async def test_that_there_is_nothing_is_an_answer_too(resolver: Resolver, server: NameServer):
    assert (await resolver.srv("a.carrier.test")).records == ()  # the name exists
    assert (await resolver.srv("none.test")).records == ()  # it does not
    assert (await resolver.srv("none.test")).seconds == 60
    assert len(server.asked) == 2


async def test_what_the_hosts_file_says_needs_no_server(resolver: Resolver, server: NameServer):
    assert (await resolver.addresses("sbc", 4)).records == ("192.0.2.99",)
    assert (await resolver.addresses("sbc.local", 6)).records == ()
    assert server.asked == []


async def test_a_name_that_cannot_be_one_is_a_failure(resolver: Resolver):
    with pytest.raises(LookupFailed):
        await resolver.addresses("a" * 70 + ".test", 4)
