"""Every page as it is seen: light and dark, in English on a laptop and in Vietnamese on a phone.

pytest tests/interop/test_every_page.py --screenshots DIR    # either on both, and leaves a picture of each
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import httpx
import msgspec
import pytest
from tests.interop.conftest import Phones, new_demo
from tests.interop.demo import Demo
from tests.interop.phones.browser import Chromium
from tests.interop.phones.sound import hears_beep
from tests.interop.phones.webpage import LAPTOP, PHONE, WebPage, cookies_of
from tests.interop.talk import talk

from tongdai.app.demo.secrets import FIXED_PASSWORDS

EMPLOYEE, ADMIN, PROVIDER = "minh@anphat.demo", "admin@anphat.demo", "provider@tongdai.demo"
SIZES = {"laptop": LAPTOP, "phone": PHONE}
SEEN = (("en", "laptop"), ("vi", "phone"))
ALSO = (("vi", "laptop"), ("en", "phone"))
"""Only for who wants to look at them: what is wrong there is wrong in one of the others, as a rule."""


class View(msgspec.Struct, frozen=True):
    """Something to look at: where it is, who sees it, what is clicked until it shows (selectors), and by what
    it is known (a selector) to be there. `before` is a script that runs first."""

    path: str
    who: str
    there: str
    clicks: tuple[str, ...] = ()
    before: str = ""


def tab(name: str) -> str:
    """A part of the Phone page: a tab, or where it is narrow a segment."""
    return f"[role=tab][id$='-tab-{name}'], input[type=radio][value='{name}']"


def answering(status: int) -> str:
    """The API answers so to everything but who one is."""
    body = '{"status": %d, "code": "control_silent", "detail": "Control is silent.", "remedy": "Wait."}'
    answer = f"new Response('{body % status}', {{ status: {status} }})"
    return (
        "const asked = window.fetch; const lists = /v1.(tenants|me.sessions)/; window.fetch = (what, how) =>"
        f" lists.test(what.url ?? what) ? Promise.resolve({answer}) : asked(what, how);"
    )


SECRET = (
    "const asked = window.fetch; window.fetch = (what, how) => what.method !== 'POST' ? asked(what, how) :"
    " Promise.resolve(Response.json({ id: 'device_1', username: 'hoa-2', password: 'x4kq-9m2v-tt7c-w3hd',"
    " server: { domain: 'anphat.demo', host: '203.0.113.5', udp: 5060 } }, { status: 201 }));"
)
"""A telephone that is added is this one, and not kept."""
FIRST = ".company-person"
"""The administrator, who is the last one."""

CARD = ".company-card"
VIEWS = {
    "sign-in": View("/", "", ".door .offer"),
    "phone": View("/phone", EMPLOYEE, ".whom .row"),
    "phone-recent": View("/phone", EMPLOYEE, ".recentCall", (tab("recent"),)),
    "phone-recent-none": View("/phone", "quang@anphat.demo", ".right h3", (tab("recent"),)),
    "phone-story": View("/phone", EMPLOYEE, ".live-step", (tab("recent"), ".recentOpen")),
    "phone-voicemail": View("/phone", EMPLOYEE, ".message", (tab("voicemail"),)),
    "phone-voicemail-none": View("/phone", "quang@anphat.demo", ".right h3", (tab("voicemail"),)),
    "phone-sound": View("/phone", EMPLOYEE, ".right .mantine-Select-root", (tab("sound"),)),
    "phone-diverted": View("/phone", "hoa@anphat.demo", ".diverted"),
    "live-none": View("/live", ADMIN, ".live-none"),
    "calls": View("/calls", ADMIN, ".history-row"),
    "calls-days": View("/calls?span=own&from=2026-01-01", ADMIN, "input[type=date]"),
    "calls-none": View("/calls?number=999999", ADMIN, ".page h3"),
    "calls-story": View("/calls", ADMIN, ".live-step", (".history-open",)),
    "company-welcome": View("/company#welcome", ADMIN, ".company-key"),
    "company-people": View("/company#people", ADMIN, ".company-person"),
    "company-person": View("/company#people", ADMIN, "[role=dialog] form", (".company-person",)),
    "company-secret": View(
        "/company#people",
        ADMIN,
        ".company-secret dd button",
        (FIRST, "[role=dialog] section[aria-label] .mantine-Button-root"),
        SECRET,
    ),
    "company-sure": View(
        "/company#people", ADMIN, ".sure", (FIRST, "[role=dialog] .mantine-Button-root[data-variant=subtle]")
    ),
    "company-refused": View(
        "/company#people",
        ADMIN,
        ".sure p",
        (FIRST, "[role=dialog] .mantine-Button-root[data-variant=subtle]", ".sure .mantine-Button-root"),
    ),
    "company-departments": View("/company#departments", ADMIN, CARD),
    "company-department": View("/company#departments", ADMIN, "[role=dialog] .part-hears", (CARD,)),
    "company-rooms": View("/company#rooms", ADMIN, CARD),
    "company-room": View("/company#rooms", ADMIN, "[role=dialog] .part-hears", (CARD,)),
    "company-numbers": View("/company#numbers", ADMIN, ".company-number"),
    "company-sound": View("/company#sound", ADMIN, ".part-section"),
    "company-phrases": View("/company#phrases", ADMIN, ".company-phrases li"),
    "company-phrase": View(
        "/company#phrases", ADMIN, "[role=dialog] textarea", (".company-phrases li > button:last-child",)
    ),
    "company-changes": View("/company#changes", ADMIN, ".audit-row"),
    "settings-calls": View("/settings#calls", "hoa@anphat.demo", ".settings-outcome li"),
    "settings-voicemail": View("/settings#voicemail", EMPLOYEE, ".part-section form"),
    "settings-phones": View("/settings#phones", EMPLOYEE, ".settings-list li"),
    "settings-account": View("/settings#account", EMPLOYEE, ".settings-list li"),
    "provider": View("/", PROVIDER, ".audit-row"),
    "provider-account": View("/settings", PROVIDER, ".settings-list li"),
    "nowhere": View("/nowhere", EMPLOYEE, ".main h1"),
    "outside": View("/outside", EMPLOYEE, ".split-phone .row"),
    "phone-fails": View("/phone", EMPLOYEE, ".right h3", (tab("recent"),), answering(503)),
    "live-fails": View("/live", ADMIN, ".main h3", before=answering(503)),
    "calls-fail": View("/calls", ADMIN, ".main h3", before=answering(503)),
    "company-fails": View("/company#numbers", ADMIN, ".main h3", before=answering(503)),
    "settings-fail": View("/settings#calls", EMPLOYEE, ".main h3", before=answering(503)),
}

KEYS = """
(() => {
  const said = [];
  const words = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (words.nextNode()) said.push(words.currentNode.textContent);
  for (const one of document.querySelectorAll("[aria-label], [title], [placeholder]"))
    for (const name of ["aria-label", "title", "placeholder"]) said.push(one.getAttribute(name) ?? "");
  const key = /\\{\\{|^[a-z]\\w*([.:][a-z]\\w*)+$/i;
  return said.map((one) => one.trim()).filter((one) => key.test(one) && !/\\.demo$/.test(one));
})()
"""
"""Where a text is missing its key is shown."""

WIDE = """
var boxes = ".main, .split-half, [role=dialog] section, [role=radiogroup]";
[document.scrollingElement, ...document.querySelectorAll(boxes)]
  .filter((one) => one.scrollWidth > one.clientWidth && one.checkVisibility())
  .map((one) => `${one.className}: ${one.scrollWidth} > ${one.clientWidth}`)
"""
"""What can be pushed sideways, or is cut off."""

HEADED = """
((found) => found === 1 ? [] : [`${found} headings of the page`])(document.querySelectorAll("h1").length)
"""


async def signed_in(demo: Demo, email: str) -> httpx.AsyncClient:
    """Somebody at the API."""
    cookies = await cookies_of(demo.facts.http, email, FIXED_PASSWORDS[email])
    return httpx.AsyncClient(base_url=demo.facts.http, cookies=cookies, timeout=20)


async def _happens(demo: Demo, phones: Phones) -> None:
    """What the pages have to show: calls that went well and not, a message, changes."""
    minh, hoa = [await phones.raw(demo.account(x)) for x in ("102", "103")]
    outside = await phones.raw(demo.carrier())
    near, far = await talk(minh, hoa, "103")
    await far.hang_up()
    await near.hung_up()
    near = await outside.call(demo.tenant().numbers["main"])
    await near.press("102")
    far = await (await minh.rings()).accept()
    await near.hang_up()
    await far.hung_up()
    near = await hoa.call("102", wait="sent")
    near.rtp.speak(None)
    await near.answered()
    await hears_beep(near)
    near.rtp.speak(hoa.tone)
    await asyncio.sleep(2)
    await near.hang_up()


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """A demo in which something has happened."""
    place = tmp_path_factory.mktemp("shown")
    with new_demo(place) as running:
        running.start()

        async def happens() -> None:
            phones = Phones(place)
            try:
                await _happens(running, phones)
            finally:
                await phones.close()
            async with await signed_in(running, ADMIN) as client:
                tenant = f"/api/v1/tenants/{running.tenant().id}"
                hoa = (await client.get(f"{tenant}/people", params={"q": "Hoa"})).json()["items"][0]["id"]
                preferences = {
                    "do_not_disturb": True,
                    "forward_busy": "102",
                    "forward_no_answer": "0912345678",
                }
                for path, change in (
                    (f"people/{hoa}/preferences", preferences),
                    (f"people/{hoa}", {"name": "Hoa Le Thi"}),
                    (f"people/{hoa}", {"name": "Hoa Le"}),
                ):
                    answer = await client.patch(f"{tenant}/{path}", json=change)
                    assert answer.status_code == 200, answer.text
            async with await signed_in(running, PROVIDER) as client:
                trunk = {"name": "Viettel", "gateways": [{"host": "203.0.113.5"}]}
                answer = await client.post("/api/v1/trunks", json=trunk)
                assert answer.status_code == 201, answer.text

        asyncio.run(happens())
        yield running


@pytest.mark.parametrize("name", VIEWS)
async def test_it_can_be_seen_read_and_used(
    shown: Demo, browser: Chromium, pytestconfig: pytest.Config, name: str
):
    view = VIEWS[name]
    cookies = await cookies_of(shown.facts.http, view.who, FIXED_PASSWORDS[view.who]) if view.who else None
    folder: Path | None = pytestconfig.getoption("--screenshots")
    wrong: list[str] = []
    for language, size in (*SEEN, *(ALSO if folder else ())):
        page = await WebPage.open(
            browser,
            shown.facts.http + view.path,
            cookies=cookies,
            language=language,
            size=SIZES[size],
            before=view.before,
        )
        for selector in view.clicks:
            await page.click("", selector)
        await page.until(f"document.querySelector({view.there!r})?.checkVisibility()", f"no {view.there}")
        await page.until("document.querySelector('.mantine-Loader-root') === null", "it loads for ever")
        await page.eval("document.fonts.ready.then(() => true)")
        for scheme in ("light", "dark"):
            await page.scheme(scheme)
            found = await page.complaints() + await page.eval(KEYS) + await page.eval(WIDE)
            found += await page.eval(HEADED)
            wrong += [f"{language}, {size}, {scheme}: {one}" for one in found]
            if folder:
                folder.mkdir(parents=True, exist_ok=True)
                picture = await page.screenshot()
                (folder / f"{name}-{size}-{scheme}-{language}.png").write_bytes(picture)
        await page.close()
    assert wrong == []
