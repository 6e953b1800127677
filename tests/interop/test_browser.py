"""Calls of a real browser: JsSIP in Chromium, registered over a WebSocket, with sound by WebRTC."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator

import pytest
from tests.interop.conftest import Phones
from tests.interop.demo import Demo
from tests.interop.phones.browser import Chromium, Process, WebPhone
from tests.interop.phones.sound import hears, now_at

MICROPHONE = 760


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    running = Process(tmp_path_factory.mktemp("browser"), MICROPHONE)
    yield running
    running.close()


@pytest.fixture
async def browser(process: Process) -> AsyncIterator[Chromium]:
    async with process.open() as opened:
        yield opened


async def page(browser: Chromium, demo: Demo, extension: str) -> WebPhone:
    return await browser.phone(demo.account(extension), demo.facts.sip.ws)


async def test_a_browser_hears_itself_in_the_echo_test(demo: Demo, browser: Chromium):
    web = await page(browser, demo, "101")
    await web.do("call", "*43")
    await web.do("hears", MICROPHONE, 15)
    connection = await web.do("connection")
    assert connection["state"] == "connected"
    assert connection["codec"] == "audio/opus"
    assert connection["dtls"] in ("FEFC", "FEFD")
    await web.do("hangUp")


async def test_a_browser_calls_a_phone_with_hold_keys_and_a_restart_of_ice(
    demo: Demo, phones: Phones, browser: Chromium
):
    lan, web = await phones.raw(demo.account("103")), await page(browser, demo, "101")
    calling = asyncio.ensure_future(web.do("call", "103"))
    call = await (await lan.rings()).accept()
    await calling
    await web.do("hears", lan.tone)
    await hears(call, MICROPHONE)
    await web.do("press", "19#")
    assert call.rtp.keys() == "19#"
    await web.do("restart")
    await hears(call, MICROPHONE, mark=now_at(call))
    await web.do("hold")
    await web.do("hearsNothing")
    await web.do("resume")
    await web.do("hears", lan.tone)
    await hears(call, MICROPHONE, mark=now_at(call))
    await call.hang_up()
    await web.do("ended", 3)


async def test_a_phone_calls_a_browser(demo: Demo, phones: Phones, browser: Chromium):
    lan, web = await phones.raw(demo.account("103")), await page(browser, demo, "101")
    call = await lan.call("101", wait="ringing")
    await web.do("answer")
    await call.answered()
    await web.do("hears", lan.tone)
    await hears(call, MICROPHONE)
    await web.do("hangUp")
    await call.hung_up()


async def test_two_browsers_talk(demo: Demo, browser: Chromium):
    one, other = await page(browser, demo, "101"), await page(browser, demo, "102")
    calling = asyncio.ensure_future(one.do("call", "102"))
    await other.do("answer", 1210)
    await calling
    await one.do("hears", 1210)
    await other.do("hears", MICROPHONE)
    await one.do("hangUp")
    await other.do("ended", 3)


async def test_a_page_that_is_closed_without_a_word_ends_its_call(
    demo: Demo, phones: Phones, browser: Chromium
):
    lan, web = await phones.raw(demo.account("103")), await page(browser, demo, "101")
    call = await lan.call("101", wait="ringing")
    await web.do("answer")
    await call.answered()
    await hears(call, MICROPHONE)
    await web.do("vanish")  # the engine gives it 15 s
    await call.hung_up(within=20)


@pytest.mark.faults
async def test_a_browsers_call_survives_kill_9_of_control(own_demo: Demo, phones: Phones, browser: Chromium):
    own_demo.start()
    lan, web = await phones.raw(own_demo.account("103")), await page(browser, own_demo, "101")
    call = await lan.call("101", wait="ringing")
    await web.do("answer")
    await call.answered()
    await web.do("hears", lan.tone)
    os.kill(own_demo.facts.pids["control"], signal.SIGKILL)
    mark = len(call.rtp.received)
    await asyncio.sleep(3)
    assert call.rtp.longest_gap(mark) < 0.2
    await web.do("hears", lan.tone)
    await hears(call, MICROPHONE, mark=now_at(call))
