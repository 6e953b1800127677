"""Sound on several addresses of one server: IPv4 and IPv6, inside and outside, behind a NAT."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.interop.conftest import Phones, new_demo
from tests.interop.demo import Demo
from tests.interop.phones.call import RawCall
from tests.interop.phones.sound import hears
from tests.interop.talk import hear_each_other, talk

OUTSIDE, PUBLIC, INSIDE, SIX = "127.0.0.5", "203.0.113.7", "127.0.0.1", "::1"


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """Phones in 127.9/16 are outside of a NAT, for which it is at a public address."""
    addresses = f"{OUTSIDE}={PUBLIC} for 127.9.0.0/16, {INSIDE}, {SIX}"
    with new_demo(tmp_path_factory.mktemp("office"), {"TONGDAI_MEDIA_INTERFACES": addresses}) as running:
        running.start()
        yield running


def signalled(call: RawCall) -> str:
    """Where our description says that we are."""
    assert call.remote is not None
    return call.remote.host


def sources(call: RawCall) -> set[str]:
    """From where its sound comes."""
    return {packet.source[0] for packet in call.rtp.received}


async def test_one_phone_has_ipv6_and_the_other_ipv4(office: Demo, phones: Phones):
    lan = await phones.raw(office.account("101"), media_host=SIX)
    hoa = await phones.raw(office.account("103"))
    near, far = await talk(lan, hoa, "103")
    assert (signalled(near), signalled(far)) == (SIX, INSIDE)
    assert (sources(near), sources(far)) == ({SIX}, {INSIDE})
    await near.hold()
    await near.resume()
    await hear_each_other(near, far)


async def test_a_phone_hears_itself_over_ipv6(office: Demo, phones: Phones):
    lan = await phones.raw(office.account("101"), media_host=SIX)
    echo = await lan.call("*43")
    await hears(echo, lan.tone, within=15)
    assert sources(echo) == {SIX}


@pytest.mark.parametrize("who", ["caller", "called"])
async def test_one_phone_is_inside_and_the_other_outside_of_the_nat(office: Demo, phones: Phones, who: str):
    away = await phones.raw(office.account("101"), host="127.9.0.2", mapped={PUBLIC: OUTSIDE})
    hoa = await phones.raw(office.account("103"))
    if who == "caller":
        out, inside = await talk(away, hoa, "103")
    else:
        inside, out = await talk(hoa, away, "101")
    assert (signalled(out), signalled(inside)) == (PUBLIC, INSIDE)
    assert (sources(out), sources(inside)) == ({OUTSIDE}, {INSIDE})
