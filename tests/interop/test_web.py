"""The pages as people use them: two browsers, a browser and a phone, and what may happen in between."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator

import pytest
from tests.interop.conftest import Phones, new_demo
from tests.interop.demo import Demo
from tests.interop.phones.sound import hears, now_at
from tests.interop.phones.webpage import LAN, MINH, Pages
from tests.interop.talk import hears_keys


@pytest.fixture(scope="module")
def victim(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    with new_demo(tmp_path_factory.mktemp("victim"), {}) as running:
        running.start()
        yield running


async def test_two_browsers_talk_hold_and_go_on_through_a_reload(demo: Demo, pages: Pages):
    lan, minh = await asyncio.gather(pages.open(demo, "Lan Nguyen", LAN), pages.open(demo, "Minh Tran", MINH))
    await lan.type("Name or number", "minh")
    await minh.click("Answer")
    await lan.hears(MINH)
    await minh.hears(LAN)
    await lan.click("Hold")
    await minh.hears_no(LAN)
    await lan.click("Resume")
    await minh.hears(LAN)
    await minh.reload()
    await minh.hears(LAN)
    await lan.hears(MINH)
    await minh.click("Hang up")
    await lan.sees("Call ended")
    await lan.sees_no("Hang up")


async def test_a_browser_and_a_phone_call_each_other(demo: Demo, phones: Phones, pages: Pages):
    hoa, quang = await phones.raw(demo.account("103")), await phones.raw(demo.account("105"))
    lan = await pages.open(demo, "Lan Nguyen", LAN)
    await lan.type("Name or number", "103")
    call = await (await hoa.rings()).accept()
    await lan.hears(hoa.tone)
    await hears(call, LAN)
    await lan.click("Keypad", "[aria-pressed=false].control")
    for key in "19#":
        await lan.click(key, f'.call .keypad [aria-label="{key}"]')
    await hears_keys(call, "19#")
    await call.hang_up()
    await lan.sees_no("Hang up")

    call = await hoa.call("101", wait="ringing")
    await lan.click("Answer")
    await call.answered()
    await lan.hears(hoa.tone)
    await lan.click("Transfer")
    await lan.type("Name or number", "105", "[role=dialog]")
    await lan.click("Transfer now")
    onward = await (await quang.rings()).accept()
    await hears(onward, hoa.tone)
    await hears(call, quang.tone, mark=now_at(call))
    await lan.sees_no("Hang up")
    await call.hang_up()


@pytest.mark.faults
async def test_a_call_of_the_page_outlives_control_and_can_be_ended_after(
    victim: Demo, phones: Phones, pages: Pages
):
    hoa = await phones.raw(victim.account("103"))
    lan = await pages.open(victim, "Lan Nguyen", LAN)
    await lan.type("Name or number", "103")
    call = await (await hoa.rings()).accept()
    await lan.hears(hoa.tone)
    os.kill(victim.reread().pids["control"], signal.SIGKILL)
    mark = len(call.rtp.received)
    await lan.sees("Connection lost")
    await lan.click("Hang up")  # at a moment when nobody can be told
    await call.hung_up(within=20)
    assert call.rtp.longest_gap(mark) < 0.5  # it goes on while control is gone, for seconds
    await lan.sees("Ready")


async def test_who_signs_out_is_no_phone_any_more(demo: Demo, pages: Pages):
    lan = await pages.open(demo, "Lan Nguyen", LAN)
    await lan.click("Lan Nguyen", "nav button")
    await lan.click("Sign out", "[role=menuitem]")
    await lan.sees("Sign in to your company")
    answer = await lan.eval("fetch('/api/v1/me/phone', {method: 'PUT'}).then((one) => one.status)")
    assert answer == 401


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_axe_finds_nothing_serious(demo: Demo, pages: Pages, scheme: str):
    lan = await pages.open(demo, "Lan Nguyen", LAN)
    await lan.ask("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
    await lan.sees("Minh Tran")
    found = await lan.complaints()
    await lan.type("Name or number", "*43")
    await lan.sees("Hang up")
    await lan.click("Sound")
    found += await lan.complaints()
    await lan.click("Hang up")
    assert found == []
