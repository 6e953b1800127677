"""Phones in networks of their own (namespaces): behind a NAT that binds anew, inside of the server's other
interface, and with nothing but IPv6."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.interop.conftest import Phones
from tests.interop.demo import Demo
from tests.interop.namespaces import (
    HOME,
    INSIDE,
    MOBILE,
    NAT,
    OFFICE,
    OUTSIDE,
    SIX,
    SIX_PHONE,
    STRANGER,
    Networks,
)
from tests.interop.phones.alg import Router
from tests.interop.phones.baresip import Baresip
from tests.interop.phones.browser import MICROPHONE, Chromium, Process, Served, WebPhone
from tests.interop.phones.call import RawCall
from tests.interop.phones.link import UdpLink
from tests.interop.phones.raw import RawPhone
from tests.interop.phones.rtp import RtpStream
from tests.interop.phones.sound import RATE, hears, hears_no, now_at
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

    async def home(self, extension: str = "101") -> RawPhone:
        return await self.phone("home", extension, HOME, OUTSIDE)

    async def mangled_home(self, how: str) -> RawPhone:
        """A phone behind the NAT whose router rewrites what it says (`how`: a method of `Router`)."""
        phone = await self.home()
        assert isinstance(phone.link, UdpLink)
        phone.link.mangle = getattr(Router(HOME, NAT), how)
        return await phone.registered()

    async def protected_home(self) -> Baresip:
        """A baresip behind the NAT that speaks with keys."""
        account = self._branch.account("102", full=True)
        account = replace(account, server=(OUTSIDE, self._branch.facts.sip.udp))
        within = ("ip", "netns", "exec", self.networks.name("home"))
        with self.networks.inside("home"):
            return await self._phones.baresip(account, protect="srtp-mand", host=HOME, within=within)

    async def page(self, browser: Chromium) -> WebPhone:
        """A page behind the NAT that is a phone."""
        return await browser.phone(self._branch.account("102", full=True), self._branch.facts.sip.ws)

    async def calls_the_office(self, web: WebPhone) -> tuple[RawCall, int]:
        """The page calls, and both are heard; returns the far end, and the tone that the page hears."""
        office = await self.office()
        calling = asyncio.ensure_future(web.do("call", "103"))
        ringing = await office.rings(10)
        with self.networks.inside("office"):
            far = await ringing.accept()
        await calling
        await web.do("hears", office.tone)
        await hears(far, MICROPHONE)
        return far, office.tone

    async def office(self) -> RawPhone:
        return await self.phone("office", "103", OFFICE, INSIDE)


@pytest.fixture
async def roaming(networks: Networks, tmp_path: Path) -> AsyncIterator[Chromium]:
    """A browser at home, with a page that the server's host serves."""
    with networks.inside("server"):
        served = Served(OUTSIDE)
    within = ("ip", "netns", "exec", networks.name("home"))
    running = Process(
        tmp_path, MICROPHONE, served=served, within=within, inside=lambda: networks.inside("home")
    )
    try:
        async with running.open() as browser:
            yield browser
    finally:
        running.close()


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


async def test_two_phones_behind_one_nat_hear_each_other_through_us(street: Street):
    """They describe themselves by addresses of their own network, and their NAT turns nothing round (hairpin,
    RFC 4787 §6)."""
    near, far = await street.talk(await street.home(), await street.home("102"), "102")
    assert (sources(near), sources(far)) == ({OUTSIDE}, {OUTSIDE})
    await near.hold()
    await near.resume()
    await hear_each_other(near, far)
    await far.hang_up()
    await near.hung_up()


@pytest.mark.parametrize(
    "how",
    [
        *("contact", "contact_port", "via", "description", "description_port", "origin", "twice"),
        *("everything", "without_rport"),
    ],
)
async def test_a_router_that_rewrites_sip_silences_nobody(street: Street, how: str):
    home, office = await street.mangled_home(how), await street.office()
    near, far = await street.talk(home, office, "103")
    await near.hold()
    await near.resume()
    await hear_each_other(near, far)
    await far.hang_up()
    await near.hung_up()
    near, far = await street.talk(office, home, "101")
    await far.hold()
    await far.resume()
    await hear_each_other(near, far)
    await far.hang_up()
    await near.hung_up()


async def test_a_description_whose_last_line_is_cut_off_is_a_call_still(street: Street):
    """488 answered it, for the one letter that was left of `a=sendrecv`."""
    home, office = await street.mangled_home("cut_off"), await street.office()
    near, far = await street.talk(home, office, "103")
    await near.hang_up()
    await far.hung_up()


async def test_who_has_lost_a_part_of_its_description_on_the_way_is_told_so(street: Street):
    """Its router shortened the address and left the length: RFC 4475 §3.1.2.3 wants a 400, and a call that
    rings and has no sound is what users know of it."""
    home = await street.mangled_home("too_short")
    with street.networks.inside("home"):
        near = await home.call("*43", wait="sent")
    refused = await near.finished()
    assert refused.status == 400
    assert "Content-Length" in refused.reason, refused.reason


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


async def test_a_phone_whose_nat_binds_anew_within_a_call_is_heard_again_when_it_has_registered(
    street: Street,
):
    """Its packets come from another port of the NAT then, as those of anybody behind it could: they are taken
    once signalling that has the password came from there."""
    home, office = await street.home(), await street.office()
    near, far = await street.talk(office, home, "101")
    street.networks.bind_anew()
    mark = now_at(near)
    await hears_no(near, home.tone, mark=mark + RATE // 2, lasting=2.0)
    await home.register()
    await hears(near, home.tone, mark=now_at(near), within=3.0)
    await hears(far, office.tone, mark=now_at(far), within=3.0)
    await near.hang_up()
    await far.hung_up()


async def test_a_phone_whose_nat_binds_anew_is_heard_again_when_it_offers_anew(street: Street):
    home, office = await street.home(), await street.office()
    near, far = await street.talk(home, office, "103")
    street.networks.bind_anew()
    await near.resume()
    await hears(far, home.tone, mark=now_at(far), within=3.0)
    await hears(near, office.tone, mark=now_at(near), within=3.0)
    await near.hang_up()
    await far.hung_up()


async def test_nobody_else_is_taken_for_a_phone_behind_a_nat(street: Street):
    """The phone has sent nothing yet, and all that its description names is an address of its own network."""
    home = await street.home()
    with street.networks.inside("home"):
        near = await home.call("*43", wait="sent")
    near.rtp.mute(True)
    await near.answered()
    assert near.remote is not None
    with street.networks.inside("nat"):
        stranger = RtpStream(2600, STRANGER)
        await stranger.open()
    try:
        stranger.start((OUTSIDE, near.remote.port), near.rtp.codec, near.rtp.event_payload)
        await asyncio.sleep(1.0)
        near.rtp.mute(False)
        await hears(near, home.tone, within=15.0)
        await hears_no(near, 2600, mark=0, lasting=0.1)
        assert len(stranger.sent_at) > 50
        assert not stranger.received
    finally:
        stranger.close()
    await near.hang_up()


async def test_a_phone_with_keys_is_followed_when_its_nat_binds_anew(street: Street):
    """It proves itself with each packet: nobody has to signal."""
    home, office = await street.protected_home(), await street.office()
    await home.dial("103")
    with street.networks.inside("office"):
        far = await (await office.rings()).accept()
    await home.event("CALL_ESTABLISHED")
    await hears(far, home.tone)
    street.networks.bind_anew()
    mark = now_at(far)
    await hears(far, home.tone, mark=mark, within=3.0)
    await hears(home, office.tone, mark=now_at(home), within=3.0)
    await home.hang_up()
    await far.hung_up()


async def test_a_browser_is_heard_again_when_its_nat_binds_anew(street: Street, roaming: Chromium):
    """The engine hears it where its checks come from (RFC 8445 §7.3), and strangers nowhere."""
    web = await street.page(roaming)
    far, tone = await street.calls_the_office(web)
    street.networks.bind_anew()
    mark = now_at(far)
    await hears(far, MICROPHONE, mark=mark, within=3.0)
    await web.do("hears", tone, 3)
    await far.hang_up()


async def test_a_browser_that_comes_into_another_network_is_heard_again_when_it_says_so(
    street: Street, roaming: Chromium
):
    """From Wi-Fi to mobile: its address is gone, and so is its connection. It registers over another one, and
    restarts ICE there (RFC 8839 §4.4.1.1) within the same call."""
    web = await street.page(roaming)
    far, tone = await street.calls_the_office(web)
    street.networks.roam(MOBILE)
    try:
        await web.do("back", 12)
        await web.do("restart")
        mark = now_at(far)
        await hears(far, MICROPHONE, mark=mark, within=3.0)
        await web.do("hears", tone, 3)
        assert len(far.rtp.ssrcs()) == 1
        await far.hang_up()
    finally:
        street.networks.roam(HOME)


async def test_a_phone_with_nothing_but_ipv6_is_called_by_one_with_ipv4(street: Street):
    six, office = await street.phone("six", "102", SIX_PHONE, SIX), await street.office()
    near, far = await street.talk(office, six, "102")
    assert (sources(near), sources(far)) == ({INSIDE}, {SIX})
    await near.hang_up()
    await far.hung_up()
    near, far = await street.talk(six, office, "103")
    await near.hang_up()
    await far.hung_up()
