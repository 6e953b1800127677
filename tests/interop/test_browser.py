"""Calls of a real browser: JsSIP in Chromium, registered over a WebSocket, with sound by WebRTC."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator

import httpx
import pytest
from tests.interop.conftest import Phones, new_demo
from tests.interop.demo import Demo
from tests.interop.phones.browser import MICROPHONE, Chromium, WebPhone
from tests.interop.phones.sound import hears, now_at
from tests.interop.phones.turn import Turn

from tongdai.app.demo.secrets import FIXED_PASSWORDS


@pytest.fixture(scope="module")
def turn(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Turn]:
    server = Turn(tmp_path_factory.mktemp("turn"))
    yield server
    server.close()


@pytest.fixture(scope="module")
def victim(tmp_path_factory: pytest.TempPathFactory, turn: Turn) -> Iterator[Demo]:
    """A demo whose control process may be killed (it comes back by itself), and that has a TURN server."""
    settings = {"TONGDAI_TURN_URLS": turn.url, "TONGDAI_TURN_SECRET": turn.secret}
    with new_demo(tmp_path_factory.mktemp("victim"), settings) as running:
        running.start()
        yield running


async def ice_servers(demo: Demo, email: str) -> object:
    """What the API tells the browser phone of an employee."""
    async with httpx.AsyncClient(base_url=demo.facts.http, timeout=30) as client:
        login = {"email": email, "password": FIXED_PASSWORDS[email]}
        assert (await client.post("/api/v1/sign-in", json=login)).status_code == 200
        return (await client.get("/api/v1/me/ice-servers")).json()["ice_servers"]


async def page(browser: Chromium, demo: Demo, extension: str) -> WebPhone:
    return await browser.phone(demo.account(extension), demo.facts.sip.ws)


async def test_a_browser_hears_itself_in_the_echo_test(demo: Demo, browser: Chromium):
    web = await page(browser, demo, "101")
    await web.do("call", "*43")
    await web.do("hears", MICROPHONE)
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
    await web.do("ended")


UNKNOWN = "a=candidate:1467250027 1 udp 2122260223 d2f3a1b0-7c11-4e52-9c3d-0a1b2c3d4e5f.local 46243 typ host"
"""The name of an address that only its own network can look up (mDNS)."""


@pytest.mark.parametrize("candidates", [[], [UNKNOWN]], ids=["none", "mdns"])
async def test_a_browser_that_tells_its_candidates_later_is_heard(
    demo: Demo, phones: Phones, browser: Chromium, candidates: list[str]
):
    """We are reached at ours (ICE-lite), and follow its checks to wherever they come from."""
    lan, web = await phones.raw(demo.account("103")), await page(browser, demo, "101")
    calling = asyncio.ensure_future(web.do("trickle", "103", candidates))
    call = await (await lan.rings()).accept()
    assert await calling > 0, "the browser had no candidate that it could hide"
    await web.do("hears", lan.tone)
    await hears(call, MICROPHONE)
    await web.do("restart")
    await hears(call, MICROPHONE, mark=now_at(call))
    await web.do("hangUp")
    await call.hung_up()


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
    await other.do("ended")


async def test_a_page_that_is_closed_without_a_word_ends_its_call(
    demo: Demo, phones: Phones, browser: Chromium
):
    lan, web = await phones.raw(demo.account("103")), await page(browser, demo, "101")
    before = await asyncio.to_thread(demo.cli, "calls")
    call = await lan.call("101", wait="ringing")
    await web.do("answer")
    await call.answered()
    await hears(call, MICROPHONE)
    await web.do("vanish")  # the engine gives it 15 s
    await call.hung_up()
    async with asyncio.timeout(60):
        while await asyncio.to_thread(demo.cli, "calls") == before:
            await asyncio.sleep(0.2)
    story = await asyncio.to_thread(demo.cli, "explain", "last")
    assert "no sound with 101: the browser gave no sign of life for 15 s" in story, story


async def test_a_browser_that_can_reach_nobody_is_heard_through_turn(
    victim: Demo, browser: Chromium, turn: Turn
):
    web = await page(browser, victim, "101")
    await web.do("call", "*43", None, await ice_servers(victim, "lan@anphat.demo"))
    await web.do("hears", MICROPHONE)
    connection = await web.do("connection")
    assert connection["candidate"] == "relay"
    await web.do("hangUp")
    assert "not allowed" not in turn.log()


@pytest.mark.alone
@pytest.mark.faults
async def test_a_browsers_call_survives_kill_9_of_control(victim: Demo, phones: Phones, browser: Chromium):
    lan, web = await phones.raw(victim.account("103")), await page(browser, victim, "101")
    call = await lan.call("101", wait="ringing")
    await web.do("answer")
    await call.answered()
    await web.do("hears", lan.tone)
    os.kill(victim.reread().pids["control"], signal.SIGKILL)
    mark = len(call.rtp.received)
    await asyncio.sleep(3)
    assert call.rtp.longest_gap(mark) < 0.2
    await web.do("hears", lan.tone)
    await hears(call, MICROPHONE, mark=now_at(call))


@pytest.mark.faults
@pytest.mark.parametrize("who", ["caller", "called"])
async def test_a_page_that_came_back_after_kill_9_sees_the_other_side_hang_up(
    victim: Demo, phones: Phones, browser: Chromium, who: str
):
    """Our BYE went to the connection that had ended with the process, until the page spoke."""
    lan, web = await phones.raw(victim.account("103")), await page(browser, victim, "101")
    if who == "called":
        call = await lan.call("101", wait="ringing")
        await web.do("answer")
        await call.answered()
    else:
        calling = asyncio.ensure_future(web.do("call", "103"))
        call = await (await lan.rings()).accept()
        await calling
    await web.do("hears", lan.tone)
    os.kill(victim.reread().pids["control"], signal.SIGKILL)
    await web.do("back")
    await call.hang_up()
    await web.do("ended")
