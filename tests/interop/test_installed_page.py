"""The pages as an application: what the browser asks of one, without the server, and after an upgrade."""

from __future__ import annotations

import json

from tests.interop.conftest import Phones
from tests.interop.demo import Demo
from tests.interop.phones.browser import Chromium
from tests.interop.phones.webpage import LAN, Pages, WebPage

from tongdai.api.site import PAGES

CONTROLLED = "navigator.serviceWorker.controller !== null"
KEPT = "caches.keys().then((all) => Promise.all(all.map((one) => caches.open(one).then((it) => it.keys()))))"


async def test_the_browser_finds_nothing_that_keeps_it_from_installing(demo: Demo, browser: Chromium):
    page = await WebPage.open(browser, demo.facts.http + "/phone", shared=True)
    await page.until(CONTROLLED, "there is no worker")
    assert (await page.ask("Page.getInstallabilityErrors"))["installabilityErrors"] == []
    told = await page.ask("Page.getAppManifest")
    assert told["errors"] == []
    manifest = json.loads(told["data"])
    assert manifest["start_url"] == "/phone"
    icons = {(x["sizes"], x["purpose"]) for x in manifest["icons"]}
    assert {("192x192", "any"), ("512x512", "any"), ("512x512", "maskable")} <= icons
    for icon in manifest["icons"]:
        size = f"createImageBitmap(await (await fetch('{icon['src']}')).blob()).then((one) => one.width)"
        if icon["type"] == "image/png":
            assert f"{await page.eval(f'(async () => {size})()')}x" in icon["sizes"]
    await page.leave()


async def test_without_the_server_the_page_opens_and_says_so_and_comes_back(own_demo: Demo, pages: Pages):
    own_demo.start()
    admin = await pages.open(own_demo, "Administrator", LAN)
    await admin.until(CONTROLLED, "there is no worker")
    own_demo.stop()
    await admin.reload()
    await admin.sees("There is no connection to the server")
    answer = "fetch('/api/v1/me').then((one) => one.status, () => 'nothing')"
    assert await admin.eval(answer) == "nothing"
    kept = await admin.eval(f"{KEPT}.then((all) => all.flat().map((one) => new URL(one.url).pathname))")
    assert [x for x in kept if not x.startswith("/assets/")] == ["/phone"]
    # parts of pages that were not needed before are there, whatever the server has by now
    built = {f"/assets/{x.name}" for x in (PAGES / "assets").iterdir() if x.suffix in (".js", ".css")}
    assert built <= set(kept)
    parts = json.dumps(sorted(built))
    assert await admin.eval(
        f"Promise.all({parts}.map((x) => fetch(x))).then((all) => all.every((x) => x.ok))"
    )
    own_demo.start(fresh=False)
    await admin.click("Try again")
    await admin.click("Phone", "nav a")
    await admin.sees("Ready")


async def test_a_new_version_is_loaded_when_no_call_is_up(demo: Demo, phones: Phones, pages: Pages):
    lan = await pages.open(demo, "Lan Nguyen", LAN)
    await lan.type("Name or number", "*43")
    await lan.hears(LAN)
    await lan.eval("(window.same = true, 0)")
    # a part of the page is not on the server any more, as after an upgrade
    await lan.eval("dispatchEvent(new Event('vite:preloadError'))")
    await lan.sees("It is loaded after your call")
    assert await lan.eval("window.same") is True
    await lan.hide()
    await lan.hears(LAN)
    assert await lan.eval("window.same") is True
    await lan.click("Hang up")
    await lan.until("window.same === undefined && document.body.innerText.includes('Ready')")
