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


async def test_places_to_drop_on_are_shown_only_while_something_is_dragged(
    demo: Demo, phones: Phones, browser: Chromium
):
    """They stayed so when the call was answered meanwhile: its card was another one then, and the end of the
    drag was told to nobody."""
    minh, lan = [await phones.raw(demo.account(x)) for x in ("102", "101")]
    page = await opened(browser, demo)
    calling = asyncio.create_task(minh.call("101"))
    ringing = await lan.rings()
    await page.until("document.querySelector('.live-call[data-state=ringing]') !== null")
    await page.eval(
        "document.querySelector('.live-call').dispatchEvent("
        "new DragEvent('dragstart', { bubbles: true, dataTransfer: new DataTransfer() }))"
    )
    await page.until("document.querySelector('.live-targets[data-dragging=true]') !== null")
    await ringing.accept()
    near = await calling
    await page.until("document.querySelector('.live-call[data-state=talking]') !== null")
    await page.ask("Input.dispatchMouseEvent", type="mouseMoved", x=300, y=300)
    await page.until("document.querySelector('.live-targets[data-dragging=true]') === null")
    await near.hang_up()
    await page.close()


NAMED = "(document.activeElement.getAttribute('aria-label') ?? document.activeElement.textContent)"


async def goes_to(page: WebPage, name: str, key: str = "Tab", code: int = 9) -> None:
    """By this key, as somebody without a mouse does; he sees where he is."""
    for _ in range(100):
        await page.press(key, code)
        if await page.eval(f"{NAMED}.includes({name!r})"):
            assert await page.eval("document.activeElement.matches(':focus-visible')")
            return
    raise AssertionError(f"no way to {name!r} by {key}")


async def does(page: WebPage, what: str) -> None:
    """In the menu of Minh's call."""
    await goes_to(page, "the call of Minh")
    await page.press("Enter", 13)
    await page.until("document.querySelector('[role=menu]')?.contains(document.activeElement)")
    await goes_to(page, what, "ArrowDown", 40)
    await page.press("Enter", 13)
    await page.until("document.querySelector('[role=menu]') === null", "the menu stays")


async def test_everything_is_done_by_keyboard(demo: Demo, phones: Phones, browser: Chromium):
    minh, lan, hoa = [await phones.raw(demo.account(x)) for x in ("102", "101", "103")]
    page = await opened(browser, demo)
    await page.until("document.querySelector('.live-none') !== null")
    calling = asyncio.create_task(minh.call("101"))
    await (await lan.rings()).accept()
    near = await calling
    await page.until("document.querySelector('.live-call[data-state=talking]') !== null")
    await does(page, "Hold")
    await page.until("document.querySelector('.live-call[data-state=held]') !== null")
    await does(page, "Resume")
    await page.until("document.querySelector('.live-call[data-state=talking]') !== null")
    await does(page, "Move")
    await page.until("document.activeElement.matches('[role=combobox]')")
    await page.ask("Input.insertText", text="Hoa")
    await page.until("document.querySelectorAll('[role=option]').length === 2")
    assert await page.complaints() == []
    await page.press("Enter", 13)
    far = await (await hoa.rings()).accept()
    await hear_each_other(near, far)
    await page.until("document.querySelector('.live-call[data-state=talking]')?.innerText.includes('Hoa')")

    await goes_to(page, "Minh Tran")
    await page.press("Enter", 13)
    await page.sees("103 answered")
    await page.press("Escape", 27)
    await page.until("document.querySelector('[role=dialog]') === null")

    await does(page, "Park")
    await page.sees("is parked")
    await page.until("document.querySelector('.live-call[data-state=parked]') !== null")
    await far.hung_up()
    await does(page, "Hang up")
    await near.hung_up()
    await page.sees("No calls at the moment")
    await page.close()


async def test_a_menu_stays_open_when_its_call_is_answered(demo: Demo, phones: Phones, browser: Chromium):
    """The card came into another group, where it was a new one with a menu that was closed."""
    minh, lan = [await phones.raw(demo.account(x)) for x in ("102", "101")]
    page = await opened(browser, demo)
    await page.until("document.querySelector('.live-none') !== null")
    calling = asyncio.create_task(minh.call("101"))
    ringing = await lan.rings()
    await page.until("document.querySelector('[data-group=arriving] .live-call') !== null")
    await goes_to(page, "the call of Minh")
    await page.press("Enter", 13)
    inside = "document.querySelector('[role=menu]')?.contains(document.activeElement)"
    await page.until(inside)
    far = await ringing.accept()
    near = await calling
    await page.until("document.querySelector('[data-group=talking] .live-call') !== null")
    await page.until(inside, "the menu has gone, or who uses it by keyboard is out of it")
    await goes_to(page, "Hang up", "ArrowDown", 40)
    await page.press("Enter", 13)
    await near.hung_up()
    await far.hung_up()
    await page.sees("No calls at the moment")
    assert await page.eval("document.querySelector('[role=menu]') === null")
    await page.close()


async def test_a_call_goes_to_wherever_it_could_be_dropped(demo: Demo, phones: Phones, browser: Chromium):
    """A department, a parking place, somebody's voicemail: by the same dialog, where who types and presses
    Enter at once means what is found then."""
    minh, lan = [await phones.raw(demo.account(x)) for x in ("102", "101")]
    page = await opened(browser, demo)
    for typed, chosen, state in (
        ("Support", "", "waiting"),
        ("703", "Place 703", "parked"),
        ("Mai", "Voicemail of Mai", "service"),
    ):
        await page.until("document.querySelector('.live-none') !== null")
        calling = asyncio.create_task(minh.call("101"))
        await (await lan.rings()).accept()
        near = await calling
        await page.until("document.querySelector('.live-call[data-state=talking]') !== null")
        await does(page, "Move")
        await page.until("document.activeElement.matches('[role=combobox]')")
        await page.ask("Input.insertText", text=typed)
        option = "document.querySelector('[role=option][aria-selected=true]')"
        for _ in range(50 if chosen else 0):
            if await page.eval(
                f"{option}?.querySelector('.live-who').innerText.startsWith({chosen!r}) ?? false"
            ):
                break
            await page.press("ArrowDown", 40)
        await page.press("Enter", 13)
        await page.until(f"document.querySelector('.live-call[data-state={state}]') !== null")
        await near.hang_up()
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
