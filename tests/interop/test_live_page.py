"""The page of live calls: it shows them as they change, and moves them."""

from __future__ import annotations

import asyncio
import json

import httpx
import websockets
from tests.interop.conftest import Phones
from tests.interop.demo import Demo
from tests.interop.phones.browser import Chromium
from tests.interop.phones.webpage import WebPage, cookies_of
from tests.interop.talk import hear_each_other, talk

from tongdai.app.demo.secrets import FIXED_PASSWORDS

ADMIN = "admin@anphat.demo"


async def opened(browser: Chromium, demo: Demo) -> WebPage:
    return await WebPage.open(browser, f"{demo.facts.http}/live", login=(ADMIN, FIXED_PASSWORDS[ADMIN]))


async def test_a_call_is_dragged_onto_a_colleague(demo: Demo, phones: Phones, browser: Chromium):
    minh, lan, hoa = [await phones.raw(demo.account(x)) for x in ("102", "101", "103")]
    page = await opened(browser, demo)
    await page.sees("No calls at the moment")
    calling = asyncio.create_task(minh.call("101"))
    await (await lan.rings()).accept()
    near = await calling
    await page.until("document.querySelector('.live-call[data-state=talking]') !== null")
    assert await page.complaints() == []
    await page.watches_for("Minh Tran goes to Hoa Le.")
    await page.drag(".live-call", "[data-drop='person 103']")
    far = await (await hoa.rings()).accept()
    await hear_each_other(near, far)
    await page.saw("Minh Tran goes to Hoa Le.")
    await page.click("", ".live-open")
    await page.sees("Called 101")
    await page.sees("103 answered")
    assert await page.complaints() == []
    await near.hang_up()
    await page.sees("No calls at the moment")
    await page.sees("This call has ended.")
    await page.close()


async def test_a_call_is_moved_by_keyboard_and_parked_and_ended(
    demo: Demo, phones: Phones, browser: Chromium
):
    minh, lan, hoa = [await phones.raw(demo.account(x)) for x in ("102", "101", "103")]
    page = await opened(browser, demo)
    calling = asyncio.create_task(minh.call("101"))
    await (await lan.rings()).accept()
    near = await calling
    await page.click("the call of Minh", "[aria-haspopup=menu]")
    await page.click("Move", "[role=menuitem]")
    await page.fill("[role=combobox]", "Hoa")
    await page.until("document.querySelectorAll('[role=option]').length === 2")
    assert await page.complaints() == []
    await page.press("Enter", 13)
    far = await (await hoa.rings()).accept()
    await hear_each_other(near, far)
    await page.until("document.querySelector('.live-call[data-state=talking]')?.innerText.includes('Hoa')")
    await page.click("the call of Minh", "[aria-haspopup=menu]")
    await page.click("Park", "[role=menuitem]")
    await page.sees("is parked")
    await far.hung_up()
    await page.click("the call of Minh", "[aria-haspopup=menu]")
    await page.click("Hang up", "[role=menuitem]")
    await near.hung_up()
    await page.sees("No calls at the moment")
    await page.close()


async def test_a_phone_that_sends_nothing_is_named_while_that_lasts(
    demo: Demo, phones: Phones, browser: Chromium
):
    minh, hoa = await phones.raw(demo.account("102")), await phones.raw(demo.account("103"))
    page = await opened(browser, demo)
    base, cookies = demo.facts.http, await cookies_of(demo.facts.http, ADMIN, FIXED_PASSWORDS[ADMIN])
    async with httpx.AsyncClient(base_url=base, cookies=cookies, timeout=30) as client:
        tenant = f"/api/v1/tenants/{(await client.get('/api/v1/me')).json()['tenant']}"
        cookie = {"Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())}
        address = base.replace("http", "ws", 1) + tenant + "/events"
        async with websockets.connect(address, additional_headers=cookie) as events:
            near, far = await talk(minh, hoa, "103")
            await page.until("document.querySelector('.live-call[data-state=talking]') !== null")
            loop = asyncio.get_running_loop()
            far.rtp.mute(True)
            muted = loop.time()
            told = await _event(events, "leg.fell_silent")
            waited = loop.time() - muted
            print(f"told {waited:.2f} s after the last packet")
            assert waited > 4.9, "he had not been silent for five seconds"
            assert told["lack"] == "packets"
            (call,) = (await client.get(f"{tenant}/calls")).json()
            assert {leg["party"]["name"]: leg["silent"] for leg in call["legs"]} == {
                "Minh Tran": False,
                "Hoa Le": True,
            }
            assert told["leg"] == next(leg["id"] for leg in call["legs"] if leg["silent"])
            await page.sees("Hoa Le is not heard")
            assert await page.complaints() == []
            far.rtp.mute(False)
            assert (await _event(events, "leg.heard"))["leg"] == told["leg"]
            await page.sees_no("is not heard")
            await hear_each_other(near, far)
            (call,) = (await client.get(f"{tenant}/calls")).json()
            assert not any(leg["silent"] for leg in call["legs"])
    await near.hang_up()
    await page.sees("No calls at the moment")
    await page.close()


async def _event(events: websockets.ClientConnection, kind: str) -> dict[str, str]:
    """What the next one of this kind tells."""
    async with asyncio.timeout(40):
        while True:
            event = json.loads(await events.recv())
            if event["type"] == kind:
                data: dict[str, str] = event["data"]
                return data
