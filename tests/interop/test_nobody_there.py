"""The pages when nobody is at the other end: each says so, loses nothing, and goes on by itself afterwards.

pytest tests/interop/test_nobody_there.py --screenshots DIR    # leaves a picture of each
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.interop.conftest import Phones, new_demo
from tests.interop.demo import Demo
from tests.interop.phones.browser import Chromium
from tests.interop.phones.webpage import WebPage

from tongdai.app.demo.secrets import FIXED_PASSWORDS

pytestmark = pytest.mark.faults

ADMIN = "admin@anphat.demo"
NOBODY = "There is no connection to the server"
SILENT = "does not answer at the moment"
CONTROLLED = "navigator.serviceWorker.controller !== null"
NO_LOADER = "document.querySelector('.mantine-Loader-root') === null"
PAGES = {
    "phone": ("Phone", "", ".whom .row"),
    "live": ("Live", "", ".live-none"),
    "calls": ("Calls", "", ".page h3"),
    "company": ("Company", "", ".company-key"),
    "people": ("Company", "People", ".company-person"),
    "departments": ("Company", "Departments", ".company-cards h3, .company-cards button"),
    "numbers": ("Company", "Numbers", ".company-number"),
    "phrases": ("Company", "Phrases", ".company-phrases li"),
    "changes": ("Company", "Changes", ".page h3, .audit-row"),
    "settings": ("Settings", "", ".settings-outcome li"),
}
"""What is clicked to come there, and what is shown when it is read (a selector)."""


@pytest.fixture(scope="module")
def victim(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """A demo whose processes may be stopped."""
    with new_demo(tmp_path_factory.mktemp("victim")) as running:
        yield running.start()


async def opened(browser: Chromium, demo: Demo, path: str) -> WebPage:
    return await WebPage.open(browser, demo.facts.http + path, login=(ADMIN, FIXED_PASSWORDS[ADMIN]))


async def cut(page: WebPage, off: bool) -> None:
    """The browser has no network, or has it again."""
    await page.ask("Network.enable")
    await page.ask(
        "Network.emulateNetworkConditions", offline=off, latency=0, downloadThroughput=-1, uploadThroughput=-1
    )


async def keep(page: WebPage, config: pytest.Config, name: str) -> None:
    folder: Path | None = config.getoption("--screenshots")
    if folder:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"away-{name}.png").write_bytes(await page.screenshot())


@contextmanager
def stopped(process: int) -> Iterator[None]:
    os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(process, signal.SIGCONT)


@pytest.mark.parametrize("name", PAGES)
async def test_a_page_without_a_network_says_so_and_comes_by_itself_later(
    demo: Demo, browser: Chromium, pytestconfig: pytest.Config, name: str
):
    """Where a browser knew that it was offline, there was a spinner for ever."""
    page_name, part, there = PAGES[name]
    page = await opened(browser, demo, "/settings#account")
    await page.until(CONTROLLED, "there is no worker, which keeps the parts of the pages")
    await page.until("document.querySelector('.settings-list li') !== null")
    await cut(page, True)
    await page.click(page_name, "nav a")
    if part:
        await page.click(part, ".part-tabs a")
    await page.sees(NOBODY)
    await page.until(NO_LOADER, "it loads for ever")
    await keep(page, pytestconfig, name)
    assert await page.complaints() == []
    await cut(page, False)
    await page.until(f"document.querySelector({there!r})?.checkVisibility()", f"no {there}")
    await page.sees_no(NOBODY)
    await page.close()


async def test_what_is_typed_stays_when_it_cannot_be_saved(demo: Demo, browser: Chromium):
    page = await opened(browser, demo, "/company#rooms")
    await page.click("", ".company-cards button")
    await page.fill("[role=dialog] input", "Board")
    await cut(page, True)
    await page.click("Save", "[role=dialog] button")
    await page.sees(NOBODY)
    assert await page.eval("document.querySelector('[role=dialog] input').value") == "Board"
    await cut(page, False)
    await page.click("Save", "[role=dialog] button")
    await page.until("document.querySelector('[role=dialog]') === null", "it is not saved")
    await page.sees("Board")
    await page.close()


async def test_a_page_says_that_control_is_silent_and_goes_on_when_it_is_not(
    victim: Demo, browser: Chromium, pytestconfig: pytest.Config
):
    with stopped(victim.reread().pids["control"]):
        page = await opened(browser, victim, "/live")
        await page.sees(SILENT)
        await page.until(NO_LOADER, "it loads for ever")
        await keep(page, pytestconfig, "live-control")
        await page.click("Phone", "nav a")
        await page.sees(SILENT)
        await keep(page, pytestconfig, "phone-control")
    await page.sees("Ready")
    await page.click("Live", "nav a")
    await page.sees("No calls at the moment")
    await page.close()


async def test_a_page_outlives_the_web_process_and_sees_what_happened_meanwhile(
    victim: Demo, browser: Chromium, phones: Phones, pytestconfig: pytest.Config
):
    minh, hoa = await phones.raw(victim.account("102")), await phones.raw(victim.account("103"))
    page = await opened(browser, victim, "/live")
    await page.sees("No calls at the moment")
    await page.watches_for("Connection lost. Trying again")
    os.kill(victim.reread().pids["web"], signal.SIGKILL)
    calling = asyncio.create_task(minh.call("103"))
    await (await hoa.rings()).accept()
    call = await calling
    await page.saw("Connection lost. Trying again")
    await page.until("document.querySelector('.live-call[data-state=talking]') !== null")
    await page.until("document.querySelector('output.lost') === null", "it stays lost")
    await call.hang_up()
    await page.sees("No calls at the moment")
    await page.close()
