"""The five minutes of a newcomer: one page, two telephones in it, and the tour that leads through every act.

The customer speaks with one tone and the company with another: what one side says is heard at the other."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from tests.interop.conftest import Phones, new_demo
from tests.interop.demo import Demo
from tests.interop.phones.browser import PATIENCE, Chromium
from tests.interop.phones.sound import hears
from tests.interop.phones.webpage import WebPage
from tests.interop.phones.words import Words

CUSTOMER, SALES, GREETING = 760, 1210, 1630
BEEP = "heard().length > 0 && heard().every((one) => Math.abs(one - 1000) < 30)"
"""A voice is never as pure."""
OUTSIDE, COMPANY = ".split-half.outside", ".split-half.company"
SOUND = "heard().length > 2"


@pytest.fixture
def story(tmp_path: Path) -> Iterator[Demo]:
    """A demo whose greeting is changed; nothing was spoken before, as with whoever starts it first."""
    with new_demo(tmp_path, unspoken=True) as running:
        yield running.start()


async def opened(browser: Chromium, demo: Demo, language: str = "en") -> WebPage:
    """What opens by the link of `make run`."""
    page = await WebPage.open(browser, f"{demo.facts.http}/outside", CUSTOMER, language=language)
    await page.until(f"document.querySelector('{OUTSIDE} .dot.ready')", "there is no phone outside")
    await page.until(f"document.querySelector('{COMPANY} .dot.ready')", "the company has no phone")
    return page


@pytest.fixture
async def page(demo: Demo, browser: Chromium) -> AsyncIterator[WebPage]:
    made = await opened(browser, demo)
    yield made
    await made.close()


async def step(page: WebPage, name: str) -> None:
    """The tour has seen what was done, and asks for this now."""
    await page.until(f"document.querySelector('.tour')?.dataset.step === '{name}'", f"not at {name!r}")


async def press(page: WebPage, keys: str) -> None:
    """On the telephone outside."""
    for key in keys:
        await page.click(key, f'{OUTSIDE} .split-call .keypad [aria-label="{key}"]')
        await asyncio.sleep(0.25)


async def gone(page: WebPage, call: str) -> None:
    await page.until(f"document.querySelector('{call}') === null", f"{call} goes on")


@pytest.mark.parametrize("language", ["en", "vi"])
async def test_every_act_of_the_five_minutes(story: Demo, browser: Chromium, language: str):
    page, said = await opened(browser, story, language), Words(language)
    call, hang_up = said("outside:callName", name="An Phát Trading"), said("phone:hangUp")

    async def dial(number: str, place: str) -> None:
        """On the company's telephone."""
        await page.type(said("phone:search"), number, place)

    await page.click(said("tour:welcome.start"), "button")

    await step(page, "call")
    await page.click(call, f"{OUTSIDE} .row")
    await step(page, "menu")
    await page.until(SOUND, "the customer hears no greeting")
    await press(page, "1")

    await step(page, "answer")
    await page.eval(f"window.tone = {SALES}")
    await page.click(said("phone:answer"), f"{COMPANY} .call button")
    await step(page, "speak")
    await page.hears(SALES)
    await page.hears_no(CUSTOMER)
    await page.click(said("outside:speakHere"), f"{OUTSIDE} .split-voice")
    await step(page, "hold")
    await page.hears(CUSTOMER)
    await page.hears_no(SALES)

    await page.click(said("phone:hold"), f"{COMPANY} .control")
    await step(page, "resume")
    await page.hears_no(CUSTOMER)
    await page.until(SOUND, "the customer hears no music")
    await page.click(said("phone:resume"), f"{COMPANY} .control")

    await step(page, "transfer")
    await page.hears(SALES)
    await page.click(said("phone:transfer"), f"{COMPANY} .control")
    await dial("300", "[role=dialog]")
    await page.click(said("phone:transferNow"), "[role=dialog] button")
    await step(page, "again")
    await page.hears_no(SALES)
    await page.until(SOUND, "the customer hears nothing in the queue")

    await page.click(hang_up, f"{OUTSIDE} button")
    await gone(page, ".split-call")
    await page.eval(f"window.tone = {CUSTOMER}")
    await page.click(call, f"{OUTSIDE} .row")
    await page.until(SOUND, "the customer hears no greeting")
    await press(page, "101")
    await step(page, "decline")
    await page.click(said("phone:decline"), f"{COMPANY} .call button")
    await step(page, "leave")
    await page.until(BEEP, "there is no beep")
    await page.hears_no(1000)
    await asyncio.sleep(2.0)
    await page.click(hang_up, f"{OUTSIDE} button")
    await step(page, "listen")
    await page.hears_no(CUSTOMER)
    await page.click(said("phone:voicemail"), f"{COMPANY} [role=tab]")
    await page.click(said("phone:play"), f"{COMPANY} .message button")
    await page.hears(CUSTOMER)

    await step(page, "admin")
    await page.click("Lan Nguyen", ".split-who")
    await page.click("Administrator", "[role=menuitem]")
    await step(page, "room")
    await page.until(f"document.querySelector('{COMPANY} .dot.ready')", "the administrator has no phone")
    await page.eval(f"window.tone = {SALES}")
    await dial("600", "main")
    await step(page, "join")
    await page.eval(f"window.tone = {CUSTOMER}")
    await page.click(said("outside:callName", name=said("outside:room")), f"{OUTSIDE} .row")
    await page.until(f"document.querySelector('{OUTSIDE} .split-call.talking') !== null")
    await press(page, "2468#")
    await step(page, "greeting")
    await page.hears(CUSTOMER)
    await page.click(said("outside:speakHere"), f"{COMPANY} .split-voice")
    await page.hears(SALES)
    await page.click(hang_up, f"{COMPANY} button")
    await page.click(hang_up, f"{OUTSIDE} button")

    await page.click(said("shell:nav.company"), f"{COMPANY} .rail a")
    await page.click(said("parts:record"), ".part-ways label")
    await page.eval(f"window.tone = {GREETING}")
    await page.click(said("parts:start"), "button")
    await page.records(3)
    await page.click(said("parts:stop"), "button")
    await page.click(said("company:greeting.use"), "button")
    await step(page, "hear")
    await page.click(call, f"{OUTSIDE} .row")
    await page.hears(GREETING)
    await page.sees(said("tour:end.title"))
    await page.close()


async def test_the_tour_is_skipped_left_and_resumed(page: WebPage):
    await page.click("Start the tour", "button")
    await step(page, "call")
    await page.click("Skip", ".tour button")
    await step(page, "menu")
    await page.click("Leave the tour", ".tour button")
    await page.sees("Go on with the tour (2 of 16)")
    await page.reload()
    await page.click("Go on with the tour", ".tour button")
    # nobody called: the step before is asked for again
    await step(page, "call")


async def test_the_company_calls_the_customer(page: WebPage):
    await page.click("Leave the tour", ".tour button")
    await page.eval(f"window.tone = {SALES}")
    await page.type("Name or number", "0932718045", "main")
    await page.until(f"document.querySelector('{OUTSIDE} .split-call.ringing') !== null")
    await page.sees("An Phát Trading")
    await page.eval(f"window.tone = {CUSTOMER}")
    await page.click("Answer", f"{OUTSIDE} button")
    await page.hears(CUSTOMER)
    await page.click("Speak here", f"{COMPANY} .split-voice")
    await page.hears(SALES)
    await page.hears_no(CUSTOMER)
    await page.click("Hang up", f"{OUTSIDE} button")
    await page.sees_no("Hang up")


async def test_without_a_page_the_customers_number_echoes(demo: Demo, phones: Phones):
    """One that was closed a moment ago may be loading again, and rings for as long."""
    lan = await phones.raw(demo.account("101"))
    async with asyncio.timeout(3 * PATIENCE):
        while True:
            call = await lan.call("+84932718045", wait="sent")
            try:
                await call.answered(within=8)
                break
            except AssertionError:
                if call.final is None:
                    await call.cancel()
    await hears(call, lan.tone)
    await call.hang_up()


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_axe_finds_nothing_serious(page: WebPage, scheme: str):
    await page.ask("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
    found = await page.complaints()
    await page.click("Start the tour", "button")
    await page.click("Call An Phát Trading", f"{OUTSIDE} .row")
    await step(page, "menu")
    found += await page.complaints()
    await page.size(390, 844)
    await page.until("document.querySelector('.split-tabs') !== null")
    found += await page.complaints()
    wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert await page.eval(wide) == 0, "it can be pushed sideways on a phone"
    await page.click("Hang up", f"{OUTSIDE} button")
    assert found == []
