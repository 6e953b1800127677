"""Phones in networks of their own (namespaces): behind a NAT that binds anew, inside of the server's other
interface, and with nothing but IPv6."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from tests.interop.conftest import Phones
from tests.interop.demo import Demo
from tests.interop.namespaces import HOME, INSIDE, OFFICE, OUTSIDE, SIX, SIX_PHONE, Networks
from tests.interop.phones.call import RawCall
from tests.interop.phones.raw import RawPhone
from tests.interop.talk import hear_each_other


@pytest.fixture(scope="module")
def networks() -> Iterator[Networks]:
    with Networks() as made:
        yield made


@pytest.fixture(scope="module")
def branch(networks: Networks, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """A demo in a namespace, with an address outside, one inside and one of IPv6."""
    sound = f"{OUTSIDE} for 203.0.113.0/24, {INSIDE}, {SIX}"
    directory = tmp_path_factory.mktemp("branch") / "demo"
    within = ("ip", "netns", "exec", networks.name("server"))
    hosts = [f"--host={OUTSIDE},{INSIDE},{SIX}"]
    with Demo(
        directory, options=hosts, environment={"TONGDAI_MEDIA_INTERFACES": sound}, within=within
    ) as running:
        yield running.start()


class Street:
    """Phones of the branch, each in its network."""

    def __init__(self, networks: Networks, branch: Demo, phones: Phones) -> None:
        self.networks, self._branch, self._phones = networks, branch, phones
        self._places: dict[int, str] = {}

    async def phone(self, place: str, extension: str, host: str, server: str) -> RawPhone:
        account = self._branch.account(extension, full=True)
        account = replace(account, server=(server, self._branch.facts.sip.udp))
        with self.networks.inside(place):
            phone = await self._phones.raw(account, host=host)
        self._places[id(phone)] = place
        return phone

    async def talk(self, caller: RawPhone, callee: RawPhone, target: str) -> tuple[RawCall, RawCall]:
        """They call and hear each other; returns both ends."""
        with self.networks.inside(self._places[id(caller)]):
            near = await caller.call(target, wait="ringing")
        ringing = await callee.rings()
        with self.networks.inside(self._places[id(callee)]):
            far = await ringing.accept()
        await near.answered()
        await hear_each_other(near, far)
        return near, far

    async def home(self) -> RawPhone:
        return await self.phone("home", "101", HOME, OUTSIDE)

    async def office(self) -> RawPhone:
        return await self.phone("office", "103", OFFICE, INSIDE)


@pytest.fixture
def street(networks: Networks, branch: Demo, phones: Phones) -> Street:
    return Street(networks, branch, phones)


def sources(call: RawCall) -> set[str]:
    """From where its sound comes."""
    return {packet.source[0] for packet in call.rtp.received}


async def test_a_phone_behind_a_nat_and_one_inside_call_each_other(street: Street):
    home, office = await street.home(), await street.office()
    near, far = await street.talk(home, office, "103")
    assert (sources(near), sources(far)) == ({OUTSIDE}, {INSIDE})
    await far.hang_up()
    await near.hung_up()
    near, far = await street.talk(office, home, "101")
    assert (sources(near), sources(far)) == ({INSIDE}, {OUTSIDE})
    await near.hold()
    await near.resume()
    await hear_each_other(near, far)
    await near.hang_up()
    await far.hung_up()


async def test_a_phone_whose_nat_binds_anew_is_reached_where_it_is_now(street: Street):
    home, office = await street.home(), await street.office()
    near, far = await street.talk(office, home, "101")
    await near.hang_up()
    await far.hung_up()
    street.networks.bind_anew()
    await home.register()  # as phones do every half a minute
    near, far = await street.talk(office, home, "101")
    await near.hang_up()
    await far.hung_up()


async def test_a_phone_with_nothing_but_ipv6_is_called_by_one_with_ipv4(street: Street):
    six, office = await street.phone("six", "102", SIX_PHONE, SIX), await street.office()
    near, far = await street.talk(office, six, "102")
    assert (sources(near), sources(far)) == ({INSIDE}, {SIX})
    await near.hang_up()
    await far.hung_up()
    near, far = await street.talk(six, office, "103")
    await near.hang_up()
    await far.hung_up()
