"""The pages of the company: what is changed there is what the next caller hears."""

from __future__ import annotations

import asyncio
import io
import json
import wave
from collections.abc import Iterator
from pathlib import Path

import httpx
import numpy as np
import pytest
from tests.interop.conftest import Phones, new_demo
from tests.interop.demo import Demo
from tests.interop.phones.browser import MICROPHONE, Chromium
from tests.interop.phones.raw import RawPhone
from tests.interop.phones.sound import RATE, Sound, hears, likeness, write_tone
from tests.interop.phones.webpage import WebPage, cookies_of
from tests.interop.talk import hear_each_other

from tongdai.app.demo.secrets import FIXED_PASSWORDS

ADMIN = "admin@anphat.demo"
UPLOADED = 1870
"""Hz."""
SECTIONS = ("welcome", "people", "departments", "rooms", "numbers", "sound", "phrases", "changes")


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """A demo whose company is changed by these tests."""
    with new_demo(tmp_path_factory.mktemp("company")) as running:
        running.start()
        yield running


async def opened(browser: Chromium, demo: Demo, section: str) -> WebPage:
    login = ADMIN, FIXED_PASSWORDS[ADMIN]
    return await WebPage.open(browser, f"{demo.facts.http}/company#{section}", login=login)


async def beginning_of(caller: RawPhone, extension: str) -> Sound:
    """The first three seconds that a caller hears."""
    call = await caller.call(extension)
    call.rtp.speak(None)
    async with asyncio.timeout(15):
        while len(call.samples()) < 3 * RATE:
            await asyncio.sleep(0.05)
    await call.hang_up()
    return call.samples()


async def spoken(demo: Demo, text: str) -> Sound:
    """What tongdai says with these words, at the rate of a telephone."""
    http = json.loads((demo.directory / "demo.json").read_text())["http"]
    async with httpx.AsyncClient(base_url=http, timeout=30) as client:
        login = {"email": ADMIN, "password": FIXED_PASSWORDS[ADMIN]}
        tenant = (await client.post("/api/v1/sign-in", json=login)).json()["tenant"]
        answer = await client.post(f"/api/v1/tenants/{tenant}/speech", json={"text": text})
    with wave.open(io.BytesIO(answer.content)) as file:
        step = file.getframerate() // RATE
        return np.frombuffer(file.readframes(file.getnframes()), "<i2")[::step] / 32768


async def test_a_greeting_is_typed_and_the_next_caller_hears_it(
    company: Demo, phones: Phones, browser: Chromium
):
    text = "A happy new year from all of us."
    caller = await phones.raw(company.account("101"))
    wanted = await spoken(company, text)
    before = await beginning_of(caller, "100")
    page = await opened(browser, company, "welcome")
    await page.sees("Thank you for calling An Phát Trading.")
    await page.fill("textarea", text)
    await page.click("Listen", "button")
    await page.click("Use this greeting", "button")
    await page.sees("Saved. The next call hears it.")
    after = await beginning_of(caller, "100")
    assert likeness(wanted[:RATE], after) > 0.6 > likeness(wanted[:RATE], before)
    await page.sees(f"“{text}”")
    await page.close()


async def test_a_greeting_is_spoken_into_the_microphone(company: Demo, phones: Phones, browser: Chromium):
    page = await opened(browser, company, "welcome")
    await page.click("Speak", ".part-ways label")
    await page.click("Start recording", "button")
    await page.records(2)
    await page.click("Stop", "button")
    await page.click("Use this greeting", "button")
    await page.sees("Saved. The next call hears it.")
    await page.sees("A recording of your own is played.")
    caller = await phones.raw(company.account("101"))
    call = await caller.call("100")
    await hears(call, MICROPHONE)
    await call.hang_up()
    await page.close()


async def test_a_greeting_is_uploaded(company: Demo, phones: Phones, browser: Chromium, tmp_path: Path):
    sound = tmp_path / "greeting.wav"
    write_tone(sound, UPLOADED, 4)
    page = await opened(browser, company, "welcome")
    await page.click("Upload", ".part-ways label")
    await page.offer("input[type=file]", sound)
    await page.sees("greeting.wav")
    await page.click("Use this greeting", "button")
    await page.sees("Saved. The next call hears it.")
    await page.sees("A recording of your own is played.")
    caller = await phones.raw(company.account("101"))
    call = await caller.call("100")
    await hears(call, UPLOADED)
    await call.hang_up()
    await page.close()


async def test_a_new_department_is_behind_a_key_and_a_number_and_can_be_called_at_once(
    company: Demo, phones: Phones, browser: Chromium
):
    lan, quang = [await phones.raw(company.account(x)) for x in ("101", "105")]
    outside = await phones.raw(company.carrier())
    page = await opened(browser, company, "departments")
    await page.click("Add a department", "button")
    await page.fill("[role=dialog] input", "Accounts")
    await page.fill("[role=dialog] input[inputmode=numeric]", "210")
    await page.choose("Members", "Quang Vo")
    await page.press("Escape", 27)
    await page.sees("The phones of Quang Vo ring together.")
    await page.click("Save", "[role=dialog] button")
    await page.click("Accounts", ".company-card")
    await page.click("Call it now", "[role=dialog] button")
    await page.click("Lan Nguyen", "[role=menuitem]")
    await page.sees("The phone of Lan Nguyen rings.")
    near = await (await lan.rings()).accept()
    far = await (await quang.rings()).accept()
    await hear_each_other(near, far)
    await near.hang_up()
    await far.hung_up()
    await page.click("Close", "[role=dialog] button")

    await page.click("Greeting and menu", ".part-tabs a")
    await page.click("Add a key", "button")
    mark = "[...document.querySelectorAll('.company-key')].at(-1).querySelector('[aria-label=\"Leads to\"]')"
    await page.eval(f"({mark}.id = 'new', 0)")
    await page.choose("", "Accounts", "#new")
    await page.click("Save the menu", "button")
    await page.sees("Saved. The next call hears it.")
    key = await page.eval(
        "[...document.querySelectorAll('.company-key')].at(-1).querySelector('input').value"
    )
    call = await lan.call("100")
    await call.press(str(key))
    far = await (await quang.rings()).accept()
    await hear_each_other(call, far)
    await call.hang_up()
    await far.hung_up()

    await page.click("Numbers", ".part-tabs a")
    await page.choose("", "Accounts", ".company-number [aria-label='Leads to']")
    await page.sees("reach Accounts")
    near = await outside.call(company.tenant().numbers["main"], wait="ringing")
    far = await (await quang.rings()).accept()
    await hear_each_other(await near.answered(), far)
    await near.hang_up()
    await page.close()


async def test_a_room_is_made_and_people_meet_in_it(company: Demo, phones: Phones, browser: Chromium):
    lan, quang = [await phones.raw(company.account(x)) for x in ("101", "105")]
    page = await opened(browser, company, "rooms")
    await page.click("Add a room", "button")
    await page.fill("[role=dialog] input", "Board")
    await page.fill("[role=dialog] input[inputmode=numeric]", "601")
    await page.sees("Colleagues who dial 601 are in the room at once.")
    await page.click("Save", "[role=dialog] button")
    await page.sees("Board")
    near, far = await lan.call("601"), await quang.call("601")
    await hear_each_other(near, far)
    await near.hang_up()
    await far.hang_up()
    await page.click("Board", ".company-card")
    await page.click("Delete", "[role=dialog] button")
    await page.sees("Delete the room Board?")
    assert await page.complaints() == []
    await page.click("Delete", "[role=alert] button")
    await page.until("document.querySelector('[role=dialog]') === null")
    await page.sees_no("Board")
    near = await lan.call("601", wait="sent")
    assert (await near.finished()).status == 404
    await page.close()


async def test_what_callers_are_led_to_is_not_deleted_and_it_is_said_by_what(
    company: Demo, browser: Chromium
):
    page = await opened(browser, company, "departments")
    await page.click("Sales", ".company-card")
    await page.click("Delete", "[role=dialog] button")
    await page.click("Delete", "[role=alert] button")
    await page.sees("Main menu (1)")
    await page.click("Cancel", "[role=alert] button")
    await page.sees_no("Main menu (1)")
    await page.close()


async def test_what_somebody_forwards_to_is_not_deleted_until_that_is_turned_off(
    company: Demo, browser: Chromium
):
    """Forwarded calls went on to a department that was gone."""
    cookies = await cookies_of(company.facts.http, ADMIN, FIXED_PASSWORDS[ADMIN])
    async with httpx.AsyncClient(base_url=company.facts.http, cookies=cookies, timeout=30) as client:
        tenant = f"/api/v1/tenants/{company.tenant().id}"
        made = await client.post(f"{tenant}/departments", json={"name": "Billing", "extension": "219"})
        assert made.status_code == 201, made.text
        hoa = (await client.get(f"{tenant}/people", params={"q": "Hoa"})).json()["items"][0]["id"]
        preferences = f"{tenant}/people/{hoa}/preferences"
        assert (await client.patch(preferences, json={"forward": "219"})).status_code == 200
        page = await opened(browser, company, "departments")
        for refused in (True, False):
            await page.click("Billing", ".company-card")
            await page.click("Delete", "[role=dialog] button")
            await page.click("Delete", "[role=alert] button")
            if not refused:
                continue
            await page.sees("Calls of these people are forwarded to 219: Hoa Le.")
            assert await page.complaints() == []
            await page.click("Cancel", "[role=dialog] button")
            await page.click("People", ".part-tabs a")
            await page.click("Hoa Le", ".company-person")
            await page.sees("All calls go to Billing (219) at once")
            assert await page.complaints() == []
            await page.click("Turn off", "[role=dialog] button")
            await page.sees_no("All calls go to Billing")
            await page.click("Cancel", "[role=dialog] button")
            await page.click("Departments", ".part-tabs a")
        await page.until("document.querySelector('[role=dialog]') === null")
        await page.sees_no("Billing")
        refusal = await client.patch(preferences, json={"forward": "219"})
        assert refusal.json()["code"] == "cannot_forward", "there is nothing to forward to any more"
    await page.close()


async def test_what_is_asked_stays_in_sight_when_a_list_above_it_comes_late(company: Demo, browser: Chromium):
    """The telephones pushed the question down, and its buttons below the edge."""
    late = """
        const fetched = window.fetch;
        window.fetch = async (asked, ...more) => {
          if (String(asked.url ?? asked).endsWith("/devices")) await new Promise((go) => (window.lists = go));
          return fetched(asked, ...more);
        };
    """
    login = ADMIN, FIXED_PASSWORDS[ADMIN]
    cookies = await cookies_of(company.facts.http, *login)
    async with httpx.AsyncClient(base_url=company.facts.http, cookies=cookies, timeout=30) as client:
        people = f"/api/v1/tenants/{company.tenant().id}/people"
        made = await client.post(people, json={"name": "Binh Do"})
        assert made.status_code == 201, made.text
        for _ in range(4):
            added = await client.post(f"{people}/{made.json()['id']}/devices", json={})
            assert added.status_code == 201, added.text
    page = await WebPage.open(browser, f"{company.facts.http}/company#people", login=login, before=late)
    await page.click("Binh Do", ".company-person")
    await page.until("window.lists !== undefined")
    await page.click("Delete", "[role=dialog] button")
    question = "named('Delete', '[role=alert] button').getBoundingClientRect()"
    await page.until(f"{question}.bottom <= innerHeight")
    await page.settled()
    before = await page.eval(f"{question}.bottom")
    await page.eval("lists()")
    shown = "document.querySelector('[aria-label=Telephones]').innerText"
    await page.until(f"{shown}.match(/Off/g)?.length === 4")
    await page.until(f"Math.abs({question}.bottom - {before}) < 2", "it went below the edge")
    await page.click("Delete", "[role=alert] button")
    await page.sees_no("Binh Do")
    await page.close()


async def test_people_come_out_of_a_file_after_a_look_at_it(company: Demo, phones: Phones, browser: Chromium):
    page = await opened(browser, company, "people")
    await page.click("Import CSV", "button")
    lines = "name,extension,email\nThu Ha,137,ha@example.com\nTuan,101,\n,138,\nViet,139,"
    await page.fill("textarea", lines)
    await page.sees("2 people can be added. 2 lines need a look.")
    await page.sees("This extension is in use.")
    assert await page.complaints() == []
    await page.click("Add them", "button")
    await page.sees("2 people were added.")
    await page.click("Close", "button")
    await page.sees("Thu Ha")
    await page.click("Thu Ha", ".company-person")
    await page.click("Add a telephone", "button")
    await page.sees("Type this into the telephone.")
    await page.until(
        "document.querySelector('.company-secret').getBoundingClientRect().bottom <= innerHeight",
        "what it is set up with is below the edge",
    )
    caller = await phones.raw(company.account("101"))
    call = await caller.call("137")  # nobody answers: her voicemail does
    await call.hang_up()
    await page.close()


@pytest.mark.parametrize("section", SECTIONS)
async def test_nothing_is_in_the_way_of_anybody(company: Demo, browser: Chromium, section: str):
    page = await opened(browser, company, section)
    await page.until(f"document.querySelector('[data-section={section}]')?.children.length > 0")
    assert await page.complaints() == []
    await page.size(390, 844)
    wide = "document.querySelector('.main').scrollWidth - document.querySelector('.main').clientWidth"
    assert await page.eval(wide) == 0, "it can be pushed sideways on a phone"
    await page.close()
