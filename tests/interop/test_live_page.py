"""The page of live calls: it shows them as they change, and moves them."""

from __future__ import annotations

import asyncio

from tests.interop.conftest import Phones
from tests.interop.demo import Demo
from tests.interop.phones.browser import Chromium
from tests.interop.phones.webpage import WebPage
from tests.interop.talk import hear_each_other

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
