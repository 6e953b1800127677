"""The Phone page when something fails meanwhile: the network, the server, the page, the machine."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest
from tests.interop.conftest import Phones
from tests.interop.demo import Demo
from tests.interop.namespaces import Networks
from tests.interop.phones.browser import MICROPHONE, Process
from tests.interop.phones.raw import RawPhone
from tests.interop.phones.sound import hears, now_at
from tests.interop.phones.webpage import LAN, MINH, Pages
from tests.interop.talk import hear_each_other
from tests.interop.test_phone_page import ask, calls, hears_the_page, on_hold

pytestmark = pytest.mark.faults


@pytest.fixture(scope="module")
def victim(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """A demo whose control process may be killed (it comes back by itself)."""
    with Demo(tmp_path_factory.mktemp("victim") / "demo", ring_seconds=20) as running:
        running.start()
        yield running


def kill_control(victim: Demo) -> None:
    os.kill(victim.reread().pids["control"], signal.SIGKILL)


# the server


async def test_a_hold_while_control_is_away_is_done_when_it_is_back(
    victim: Demo, phones: Phones, pages: Pages
):
    hoa = await phones.raw(victim.account("103"))
    lan = await pages.open(victim, "Lan Nguyen", LAN)
    call = await calls(lan, hoa)
    kill_control(victim)
    await lan.click("Hold")
    await lan.sees("On hold")
    await lan.sees("Ready")
    await on_hold(call)
    await lan.click("Resume")
    await hears_the_page(call)
    await lan.hears(hoa.tone)
    await call.hang_up()
    await lan.sees_no("Hang up")


async def test_a_transfer_while_control_is_away_is_done_when_it_is_back(
    victim: Demo, phones: Phones, pages: Pages
):
    hoa, quang = await phones.raw(victim.account("103")), await phones.raw(victim.account("105"))
    lan = await pages.open(victim, "Lan Nguyen", LAN)
    call = await calls(lan, hoa)
    await lan.click("Transfer", ".control")
    await lan.type("Name or number", "105", "[role=dialog]")
    await lan.until("named('Transfer now', '[role=dialog] button') !== undefined")
    kill_control(victim)
    await lan.click("Transfer now", "[role=dialog] button")
    onward = await (await quang.rings(within=30)).accept()
    await hear_each_other(call, onward)
    await lan.sees_no("Hang up")
    await call.hang_up()


async def test_who_is_called_while_control_is_away_rings_when_it_is_back(
    victim: Demo, phones: Phones, pages: Pages
):
    hoa = await phones.raw(victim.account("103"))
    lan = await pages.open(victim, "Lan Nguyen", LAN)
    kill_control(victim)
    await lan.sees("Connection lost")
    await lan.type("Name or number", "103")
    call = await (await hoa.rings(within=30)).accept()
    await lan.hears(hoa.tone)
    await hears_the_page(call)
    await call.hang_up()


# the page


async def test_both_sides_load_their_pages_again(victim: Demo, pages: Pages):
    lan, minh = await asyncio.gather(
        pages.open(victim, "Lan Nguyen", LAN), pages.open(victim, "Minh Tran", MINH)
    )
    await lan.type("Name or number", "102")
    await minh.click("Answer")
    await lan.hears(MINH)
    await minh.hears(LAN)
    await asyncio.gather(lan.reload(), minh.reload())
    await lan.hears(MINH)
    await minh.hears(LAN)
    await lan.click("Mute", ".control")
    await minh.hears_no(LAN)
    await lan.reload()
    await lan.hears(MINH)
    await lan.until("named('Unmute', '.control') !== undefined", "it is not muted any more")
    await minh.hears_no(LAN)
    await lan.click("Unmute", ".control")
    await minh.hears(LAN)
    await minh.click("Hang up")
    await lan.sees_no("Hang up")


async def test_two_calls_are_as_they_were_after_a_reload(victim: Demo, phones: Phones, pages: Pages):
    hoa, quang = await phones.raw(victim.account("103")), await phones.raw(victim.account("105"))
    lan = await pages.open(victim, "Lan Nguyen", LAN)
    first = await calls(lan, hoa)
    second = await ask(lan, quang, "105", "Add call")
    await lan.reload()
    await lan.hears(quang.tone)
    await lan.sees("On hold")
    await hears_the_page(second)
    await on_hold(first)
    await lan.click("Resume")
    await hears_the_page(first)
    await first.hang_up()
    await second.hang_up()


async def test_a_call_rings_on_in_a_page_that_is_loaded_again(victim: Demo, phones: Phones, pages: Pages):
    hoa = await phones.raw(victim.account("103"))
    lan = await pages.open(victim, "Lan Nguyen", LAN)
    call = await hoa.call("101", wait="ringing")
    await lan.until("document.querySelector('.call.ringing') !== null")
    await lan.reload()
    await lan.click("Answer", ".call.ringing button")
    await call.answered()
    await hears_the_page(call)
    await call.hang_up()


# the machine


async def test_a_machine_that_slept_goes_on_with_its_call(
    victim: Demo, phones: Phones, pages: Pages, process: Process
):
    hoa = await phones.raw(victim.account("103"))
    lan = await pages.open(victim, "Lan Nguyen", LAN)
    call = await calls(lan, hoa)
    with process.asleep():
        await asyncio.sleep(8)
    await hears(call, LAN, mark=now_at(call))
    await lan.hears(hoa.tone)
    await call.hang_up()
    await lan.sees_no("Hang up")


async def test_a_machine_that_slept_too_long_learns_that_its_call_is_over(
    victim: Demo, phones: Phones, pages: Pages, process: Process
):
    hoa = await phones.raw(victim.account("103"))
    lan = await pages.open(victim, "Lan Nguyen", LAN)
    call = await calls(lan, hoa)
    with process.asleep():
        await call.hung_up(within=40)  # the engine gives it 15 s
    await lan.sees_no("Hang up")
    await lan.sees("Ready")
    call = await calls(lan, hoa)
    await hears_the_page(call)
    await call.hang_up()


# the network


class Island:
    """A demo, a browser and phones in a network namespace, whose cables can be cut."""

    def __init__(self, networks: Networks, demo: Demo, phones: Phones, pages: Pages) -> None:
        self._networks, self.demo, self._phones, self.pages = networks, demo, phones, pages

    async def phone(self, extension: str) -> RawPhone:
        with self.there():
            return await self._phones.raw(self.demo.account(extension))

    def there(self) -> AbstractContextManager[None]:
        """Whatever opens sockets for sound opens them there."""
        return self._networks.inside("office")

    @contextmanager
    def cut(self, *, sound: bool) -> Iterator[None]:
        """Nothing of SIP over WebSocket passes, nor of sound if that is said; nobody is told."""
        ws = self.demo.facts.sip.ws.rpartition(":")[2]
        first = self.demo.first_media_port
        cuts = [("tcp", ws), *([("udp", f"{first}:{first + 399}")] if sound else [])]
        rules = [
            ("INPUT", "-i", "lo", "-p", kind, end, ports, "-j", "DROP")
            for kind, ports in cuts
            for end in ("--dport", "--sport")
        ]
        for rule in rules:
            self._networks.run("office", "iptables", "-I", *rule)
        try:
            yield
        finally:
            for rule in rules:
                self._networks.run("office", "iptables", "-D", *rule)


@pytest.fixture(scope="module")
def networks() -> Iterator[Networks]:
    with Networks() as made:
        yield made


@pytest.fixture(scope="module")
def far_away(networks: Networks, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    within = ("ip", "netns", "exec", networks.name("office"))
    with Demo(tmp_path_factory.mktemp("far") / "demo", ring_seconds=20, within=within) as running:
        yield running.start()


@pytest.fixture
async def island(
    networks: Networks, far_away: Demo, phones: Phones, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Island]:
    browsing = Process(
        tmp_path_factory.mktemp("island"),
        MICROPHONE,
        within=("ip", "netns", "exec", networks.name("office")),
        inside=lambda: networks.inside("office"),
    )
    try:
        async with browsing.open() as browser:
            yield Island(networks, far_away, phones, Pages(browser))
    finally:
        browsing.close()


async def test_a_call_goes_on_when_the_network_was_away_and_what_was_asked_is_done(island: Island):
    hoa = await island.phone("103")
    lan = await island.pages.open(island.demo, "Lan Nguyen", LAN)
    with island.there():
        call = await calls(lan, hoa)
    with island.cut(sound=True):
        await lan.sees("Connection lost")  # it learns that nobody answers
        await lan.hears_no(hoa.tone)
    await lan.sees("Ready")
    await lan.hears(hoa.tone)
    await hears_the_page(call)
    with island.cut(sound=False):
        await lan.click("Hold")  # before anybody knows that the connection is gone
        await lan.until("[...ears.keys()].every((one) => one.muted)")
        await lan.sees("Connection lost")
    await on_hold(call)
    await lan.click("Resume")
    await hears_the_page(call)
    with island.cut(sound=False):
        await lan.click("Hang up")
        await lan.sees("Connection lost")
    await call.hung_up(within=20)


async def test_whoever_calls_while_the_network_is_away_is_heard_of_when_it_is_back(island: Island):
    hoa = await island.phone("103")
    lan = await island.pages.open(island.demo, "Lan Nguyen", LAN)
    with island.cut(sound=False):
        await asyncio.sleep(1)
        with island.there():
            call = await hoa.call("101", wait="sent")
        await lan.eval("dispatchEvent(new Event('offline'))")  # as the system tells it
        await lan.sees("Connection lost")
    await lan.click("Answer", ".call.ringing button")
    await call.answered()
    await hears_the_page(call)
    await call.hang_up()
