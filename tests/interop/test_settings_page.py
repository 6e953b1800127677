"""What somebody settles for himself: where his calls go, what his callers hear, where he is signed in."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest
from tests.interop.conftest import Phones, new_demo
from tests.interop.demo import Demo
from tests.interop.phones.browser import MICROPHONE, Chromium
from tests.interop.phones.sound import hears, hears_something
from tests.interop.phones.webpage import WebPage, cookies_of

from tongdai.app.demo.secrets import FIXED_PASSWORDS

MINH = "minh@anphat.demo"


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """A demo in which somebody changes what is his."""
    with new_demo(tmp_path_factory.mktemp("settings")) as running:
        running.start()
        yield running


class Browsers:
    def __init__(self, browser: Chromium, demo: Demo) -> None:
        self._browser = browser
        self._demo = demo
        self.opened: list[WebPage] = []

    async def open(self, part: str, email: str = MINH, password: str = "") -> WebPage:
        login = email, password or FIXED_PASSWORDS[email]
        page = await WebPage.open(self._browser, f"{self._demo.facts.http}/{part}", login=login)
        self.opened.append(page)
        return page


@pytest.fixture
async def pages(company: Demo, browser: Chromium) -> AsyncIterator[Browsers]:
    made = Browsers(browser, company)
    yield made
    for page in made.opened:
        await page.close()


async def test_calls_go_where_they_are_forwarded_and_ring_again_after(
    company: Demo, phones: Phones, pages: Browsers
):
    hoa, quang = [await phones.raw(company.account(x)) for x in ("103", "105")]
    page = await pages.open("settings#calls")
    await page.sees("The caller hears your greeting and may leave a message.")
    await page.fill("[aria-label='All my calls, at once']", "Qu")
    await page.click("Quang Vo (105)", "[role=option]")
    await page.click("Save forwarding", "button")
    await page.sees("All your calls go to Quang Vo (105) at once.")
    await page.sees("Saved. The next call goes this way.")
    near = await hoa.call("102", wait="ringing")
    far = await (await quang.rings()).accept()
    await near.answered()
    await hears(near, quang.tone)
    await far.hang_up()

    await page.click("Phone", "nav a")
    await page.sees("All your calls go to Quang Vo.")
    await page.click("Turn off", "button")
    await page.sees_no("All your calls go to Quang Vo.")
    near = await hoa.call("102", wait="ringing")
    await page.click("Answer", ".call button")  # the page is a phone of his
    await near.answered()
    await near.hang_up()


async def test_nobody_is_disturbed(company: Demo, phones: Phones, pages: Browsers):
    hoa, minh = [await phones.raw(company.account(x)) for x in ("103", "102")]
    page = await pages.open("settings#calls")
    await page.click("Do not disturb", "label")
    await page.sees("Your phones stay silent.")
    await page.until("document.querySelector('.settings-outcome').innerText.includes('departments')")
    call = await hoa.call("102")
    await hears_something(call)
    await call.hang_up()
    assert not [message for message in minh.received if message.method == "INVITE"]
    await page.click("Do not disturb", "label")
    await page.sees("Your phones ring for 3 seconds.")


async def test_what_cannot_be_called_is_refused_with_the_way_out(pages: Browsers):
    page = await pages.open("settings#calls")
    await page.fill("[aria-label='When I am busy or decline']", "nobody by that name")
    await page.sees("Choose somebody from the list, or type a number.")
    await page.fill("[aria-label='When I am busy or decline']", "999")
    await page.click("Save forwarding", "button")
    await page.sees("Calls cannot be forwarded to '999'.")


async def test_a_greeting_is_recorded_and_heard_by_who_calls_and_given_back(
    company: Demo, phones: Phones, pages: Browsers
):
    hoa = await phones.raw(company.account("103"))
    page = await pages.open("settings#voicemail")
    await page.sees("The voice of tongdai, with your name")
    await page.click("Start recording", "button")
    await page.records(2)
    await page.click("Stop", "button")
    await page.click("Listen", "button:not([aria-label])")
    await page.hears(MICROPHONE)
    await page.click("Use this greeting", "button")
    await page.sees("Your own greeting, then a tone.")
    call = await hoa.call("102")
    await hears(call, MICROPHONE)
    await call.hang_up()
    await page.click("Back to the voice of tongdai", "button")
    await page.sees("Callers hear the voice of tongdai again.")
    assert await page.complaints() == []


async def test_a_pin_is_set_with_which_messages_are_heard(company: Demo, phones: Phones, pages: Browsers):
    minh = await phones.raw(company.account("102"))
    page = await pages.open("settings#voicemail")
    await page.fill("input[inputmode=numeric]", "86420")
    await page.click("Save the PIN", "button")
    await page.sees("The new PIN works from now on.")
    call = await minh.call("*97")
    call.rtp.speak(None)
    await hears_something(call)
    await call.press("86420#")
    mark = len(call.samples())
    await hears_something(call, mark=mark + 1600)  # how many messages there are
    await call.hang_up()


async def test_sessions_are_seen_and_ended_and_a_new_password_ends_all_others(company: Demo, pages: Browsers):
    email = "mai@anphat.demo"
    page = await pages.open("settings#account", email)
    await page.sees("You are signed in here only.")
    other = await pages.open("phone", email)
    await other.sees("Ready")
    await page.reload()
    await page.click("Sign out python-httpx", ".settings-list button")
    await other.sees("Sign in to your company")  # by itself
    await page.sees("You are signed in here only.")
    await page.fill("[autocomplete=current-password]", "not the password")
    await page.fill("[autocomplete=new-password]", "four words that rhyme")
    await page.click("Change the password", "button")
    await page.sees("This is not your current password.")
    await page.fill("[autocomplete=current-password]", FIXED_PASSWORDS[email])
    await page.click("Change the password", "button")
    await page.sees("Changed. Every other browser was signed out.")
    assert await cookies_of(company.facts.http, email, "four words that rhyme")


async def test_the_pages_speak_another_language_at_once(pages: Browsers):
    page = await pages.open("settings#account")
    await page.click("Tiếng Việt", "label")
    await page.sees("Nơi bạn đang đăng nhập")
    await page.click("English", "label")
    await page.sees("Where you are signed in")


async def test_the_call_log_is_searched_told_and_exported(company: Demo, phones: Phones, pages: Browsers):
    hoa, quang = [await phones.raw(company.account(x)) for x in ("103", "105")]
    page = await pages.open("calls", "admin@anphat.demo")
    near = await hoa.call("105", wait="ringing")
    far = await (await quang.rings()).accept()
    await near.answered()
    await far.hang_up()
    await page.sees("Quang Vo")  # by itself
    await page.fill("search [inputmode=tel]", "105")
    await page.until("document.querySelectorAll('.history-row').length === 1")
    await page.click("Quang Vo", ".history-open")
    await page.sees("105 answered")
    assert await page.complaints() == []
    table = await page.eval("fetch(document.querySelector('a[download]').href).then((x) => x.text())")
    lines = table.strip().splitlines()
    assert len(lines) == 2, table
    assert "105" in lines[1]
    await page.press("Escape", 27)
    await page.click("Only missed", "label")
    await page.sees("No such calls")
    await page.click("Show all", "button")
    await page.until("document.querySelectorAll('.history-row').length >= 1")


async def test_a_phrase_is_spoken_by_the_company_itself_and_given_back(
    company: Demo, phones: Phones, pages: Browsers
):
    hoa = await phones.raw(company.account("103"))
    page = await pages.open("company#phrases", "admin@anphat.demo")
    phrase = "You are the first in the conference."
    await page.fill("input[aria-label='Find a phrase']", "first in the conference")
    await page.click(f"Replace: {phrase}", "button")
    await page.click("Speak", ".part-ways label")
    await page.click("Start recording", "button")
    await page.records(2)
    await page.click("Stop", "button")
    await page.click("Use it", "button")
    await page.sees("Your own sound")
    call = await hoa.call("600")
    await hears(call, MICROPHONE)
    await call.hang_up()
    await page.click("Back to the voice of tongdai", "button")
    await page.sees(f"“{phrase}”")
    await page.press("Escape", 27)
    await page.click("Changes", "nav a")
    await page.sees("Changed phrase")
    await page.sees("conference.alone")
    assert await page.complaints() == []


async def test_the_provider_sees_what_was_changed(company: Demo, pages: Browsers):
    await asyncio.to_thread(company.cli, "codes", "anphat.demo", "pickup=*2")
    page = await pages.open("", "provider@tongdai.demo")
    await page.sees("Who changed what, and when.")
    await page.click("", "input[role=combobox], input[aria-haspopup=listbox]")
    await page.click("An Phát Trading", "[role=option]")
    await page.sees("Changed company")
    assert await page.complaints() == []
