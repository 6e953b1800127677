"""The Phone page beside other phones: whatever one does with calls, heard at every end."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from tests.interop.conftest import Phones
from tests.interop.demo import Demo
from tests.interop.phones.call import RawCall
from tests.interop.phones.raw import RawPhone
from tests.interop.phones.sound import (
    PATIENCE,
    RATE,
    hears,
    hears_beep,
    hears_no,
    hears_something,
    leaks,
    now_at,
    since,
)
from tests.interop.phones.webpage import LAN, MINH, Pages, WebPage
from tests.interop.talk import dial, hear_each_other

OTHER_MICROPHONE = 1530


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """One whose phones ring as long as people's do."""
    with Demo(tmp_path_factory.mktemp("phone") / "demo", ring_seconds=20) as running:
        running.start()
        yield running


async def calls(page: WebPage, caller: RawPhone, number: str = "101") -> RawCall:
    """`caller` calls, and the page answers."""
    call = await caller.call(number, wait="ringing")
    await page.click("Answer", ".call.ringing button")
    await call.answered()
    await page.hears(caller.tone)
    return call


async def ask(page: WebPage, callee: RawPhone, number: str, how: str) -> RawCall:
    """The page calls somebody beside the call that it has; he answers."""
    await page.click(how, ".call.talking .control")
    await page.type("Name or number", number, "[role=dialog]")
    if how == "Transfer":
        await page.click("Ask first", "[role=dialog] button")
    call = await (await callee.rings()).accept()
    await page.hears(callee.tone)
    return call


async def two_calls(demo: Demo, phones: Phones, pages: Pages, how: str) -> tuple[WebPage, RawCall, RawCall]:
    """Lan's page, the call that Hoa made to it, and the one that it made to Quang beside that."""
    hoa, quang = await phones.raw(demo.account("103")), await phones.raw(demo.account("105"))
    lan = await pages.open(demo, "Lan Nguyen", LAN)
    first = await calls(lan, hoa)
    return lan, first, await ask(lan, quang, "105", how)


async def hears_the_page(call: RawCall) -> None:
    await hears(call, LAN, mark=now_at(call))


async def on_hold(call: RawCall) -> None:
    """It comes to hear music, and nothing of the page."""
    end = asyncio.get_running_loop().time() + PATIENCE
    while True:
        mark = now_at(call)
        await hears_something(call, mark=mark, lasting=1.0)
        try:
            await hears_no(call, LAN, mark=mark, lasting=0.1)
        except AssertionError:
            if asyncio.get_running_loop().time() > end:
                raise
        else:
            return


async def muted(call: RawCall) -> None:
    """It comes to hear nothing of the page any more."""
    async with asyncio.timeout(PATIENCE):
        mark = now_at(call)
        while leaks(since(call, mark), LAN) or now_at(call) < mark + RATE:
            if leaks(since(call, mark), LAN):
                mark = now_at(call)
            await asyncio.sleep(0.05)


async def passes(call: RawCall, seconds: float) -> None:
    """So much has been heard, from now on."""
    mark = now_at(call)
    async with asyncio.timeout(PATIENCE):
        while now_at(call) < mark + seconds * RATE:
            await asyncio.sleep(0.05)


# one phone in several tabs


async def test_one_tab_is_the_phone_and_another_can_take_it(demo: Demo, phones: Phones, pages: Pages):
    """Both tabs rang and registered, each as a phone of its own."""
    hoa = await phones.raw(demo.account("103"))
    one = await pages.open(demo, "Lan Nguyen", LAN)
    other = await one.tab(demo.facts.http, LAN)
    await other.sees("Your phone is open in another tab")
    call = await hoa.call("101", wait="ringing")
    await one.until("document.querySelector('.call.ringing') !== null")
    assert await other.eval("document.querySelector('.call') === null")
    await call.cancel()
    await one.sees_no("Calling you")

    await other.click("Use it here")
    await other.sees("Ready")
    await one.sees("Your phone is open in another tab")
    call = await calls(other, hoa)
    assert await one.eval("document.querySelector('.call') === null")
    await one.click("Use it here")
    await one.sees("There is a call in the other tab")
    await hears_the_page(call)
    assert await other.eval("document.querySelector('.call.talking') !== null")
    await call.hang_up()
    await one.sees("Ready")
    await other.sees("Your phone is open in another tab")


async def test_closing_the_tab_that_is_the_phone_hands_over_with_its_call(
    demo: Demo, phones: Phones, pages: Pages
):
    hoa = await phones.raw(demo.account("103"))
    one = await pages.open(demo, "Lan Nguyen", LAN)
    other = await one.tab(demo.facts.http, MINH)
    await other.sees("Your phone is open in another tab")
    call = await calls(one, hoa)
    await one.leave()
    await other.hears(hoa.tone)
    await hears(call, MINH, mark=now_at(call))
    await call.hang_up()
    await other.sees("Ready")


async def test_a_tab_that_is_loaded_again_stays_the_phone(demo: Demo, phones: Phones, pages: Pages):
    hoa = await phones.raw(demo.account("103"))
    one = await pages.open(demo, "Lan Nguyen", LAN)
    other = await one.tab(demo.facts.http, MINH)
    await other.sees("Your phone is open in another tab")
    call = await calls(one, hoa)
    await one.reload()
    await one.hears(hoa.tone)
    await hears_the_page(call)
    await other.sees("Your phone is open in another tab")
    await call.hang_up()


# several calls


async def test_attended_transfer(demo: Demo, phones: Phones, pages: Pages):
    lan, first, second = await two_calls(demo, phones, pages, "Transfer")
    await on_hold(first)
    await hears_the_page(second)
    await lan.click("Connect Hoa Le with Quang Vo")
    await hear_each_other(first, second)
    await lan.sees_no("Hang up")
    await first.hang_up()
    await second.hung_up()


async def test_whoever_calls_meanwhile_is_connected_with_the_first(demo: Demo, phones: Phones, pages: Pages):
    """Call waiting: JsSIP names the dialog of a call that came in the wrong way round in Replaces."""
    hoa, quang = await phones.raw(demo.account("103")), await phones.raw(demo.account("105"))
    lan = await pages.open(demo, "Lan Nguyen", LAN)
    first = await calls(lan, hoa)
    second = await calls(lan, quang)
    await on_hold(first)
    await hears_the_page(second)
    await lan.click("Resume")
    await hears_the_page(first)
    await on_hold(second)
    await lan.hears(hoa.tone)
    await lan.click("Connect Quang Vo with Hoa Le")
    await hear_each_other(first, second)
    await lan.sees_no("Hang up")
    await first.hang_up()


async def test_all_are_joined_and_the_muted_one_still_lets_the_others_hear_each_other(
    demo: Demo, phones: Phones, pages: Pages
):
    lan, first, second = await two_calls(demo, phones, pages, "Add call")
    await lan.click("Join all")
    await hear_each_other(first, second)
    for call in (first, second):
        await hears_the_page(call)
    await lan.hears(first.phone.tone)
    await lan.hears(second.phone.tone)

    await lan.click("Mute", ".call.talking .control")
    await muted(first)
    mark = now_at(first)
    await hear_each_other(first, second)
    await hears_no(first, LAN, mark=mark, lasting=0.1)
    await lan.click("Unmute", ".call.talking .control")
    await hears_the_page(first)

    await second.hang_up()
    await hears_the_page(first)
    await lan.hears(first.phone.tone)
    await first.hang_up()


async def test_a_joined_call_goes_on_through_a_reload(demo: Demo, phones: Phones, pages: Pages):
    lan, first, second = await two_calls(demo, phones, pages, "Add call")
    await lan.click("Join all")
    await hear_each_other(first, second)
    await lan.reload()
    await lan.sees("All together")
    await hear_each_other(first, second)
    await hears_the_page(first)
    await first.hang_up()
    await second.hang_up()


async def test_the_right_one_of_two_calls_from_one_number_is_parked_and_fetched_back(
    demo: Demo, phones: Phones, pages: Pages
):
    """The page looked for the call by the number, and refused when there were two."""
    hoa = await phones.raw(demo.account("103"))
    lan = await pages.open(demo, "Lan Nguyen", LAN)
    first = await calls(lan, hoa)
    second = await calls(lan, hoa)
    await on_hold(first)
    await lan.until("document.querySelectorAll('.call.talking').length === 2")
    await lan.eval("[...document.querySelectorAll('.call')].at(-1).dataset.which = 'second'")
    await lan.click("Park", "[data-which=second] .control")
    await lan.sees("Parked at 70")
    await lan.until("document.querySelectorAll('.call.talking').length === 1")
    await on_hold(second)
    await on_hold(first)
    await lan.click("Take it back")
    await hears_the_page(second)
    await on_hold(first)
    await first.hang_up()
    await second.hang_up()


# hold, keys, mute


async def test_hold_from_either_side_and_mute(demo: Demo, phones: Phones, pages: Pages):
    hoa = await phones.raw(demo.account("103"))
    lan = await pages.open(demo, "Lan Nguyen", LAN)
    call = await calls(lan, hoa)
    await lan.click("Hold")
    await on_hold(call)
    await lan.hears_no(hoa.tone)
    await lan.click("Resume")
    await hears_the_page(call)
    await call.hold()
    await lan.hears_no(hoa.tone)
    await lan.until("heard().length > 2", "there is no music")
    await call.resume()
    await lan.hears(hoa.tone)
    await hears_the_page(call)
    await lan.click("Mute", ".control")
    await muted(call)
    mark = now_at(call)
    await lan.hears(hoa.tone)
    await hears_no(call, LAN, mark=mark, lasting=0.1)
    await lan.click("Unmute", ".control")
    await hears_the_page(call)
    await call.hang_up()


async def test_a_menu_hears_the_keys_of_the_page(demo: Demo, phones: Phones, pages: Pages):
    minh = await phones.raw(demo.account("102"))
    lan = await pages.open(demo, "Lan Nguyen", LAN)
    await lan.type("Name or number", "100")
    await lan.until("heard().length > 2", "the menu says nothing")
    await lan.click("Keypad", "[aria-pressed=false].control")
    await lan.click("1", '.call .keypad [aria-label="1"]')
    call = await (await minh.rings()).accept()
    await lan.hears(minh.tone)
    await hears_the_page(call)
    await call.hang_up()


async def test_how_it_sounds_is_said_in_words(demo: Demo, phones: Phones, pages: Pages):
    hoa = await phones.raw(demo.account("103"))
    lan = await pages.open(demo, "Lan Nguyen", LAN)
    call = await calls(lan, hoa)
    words = "['Clear line', 'Some noise', 'Bad line']"
    await lan.until(f"{words}.includes(document.querySelector('.call .quality')?.innerText)")
    assert await lan.complaints() == []
    await call.hang_up()


async def test_a_phone_that_sends_nothing_is_no_clear_line(demo: Demo, phones: Phones, pages: Pages):
    """The line from the server was perfect, and said so of somebody who was not heard."""
    hoa = await phones.raw(demo.account("103"))
    lan = await pages.open(demo, "Lan Nguyen", LAN)
    call = await calls(lan, hoa)
    await lan.until("document.querySelector('.call .quality') !== null")
    call.rtp.mute(True)
    await lan.sees("Hoa Le is not heard")
    await lan.until("document.querySelector('.call .quality') === null", "it says how the line is")
    assert await lan.complaints() == []
    await lan.reload()
    await lan.until("document.querySelector('.call.talking') !== null")
    await lan.sees("Hoa Le is not heard")
    call.rtp.mute(False)
    await lan.sees_no("is not heard")
    await lan.hears(hoa.tone)
    await lan.until("document.querySelector('.call .quality') !== null")
    await call.hang_up()


# voicemail

BARS = (
    "[...document.querySelectorAll('.message .wave')[0]?.querySelectorAll('rect') ?? []]"
    ".map((bar) => Number(bar.getAttribute('height')))"
)
MESSAGES = "document.querySelectorAll('.message').length"


async def test_a_message_is_seen_heard_and_deleted_when_that_is_meant(
    demo: Demo, phones: Phones, pages: Pages
):
    hoa = await phones.raw(demo.account("103"))
    quang = await pages.open(demo, "Quang Vo", LAN)
    await quang.click("Voicemail", "[role=tab]")
    await quang.until(f"{MESSAGES} > 0 || document.querySelector('.right h3') !== null")
    before = await quang.eval(MESSAGES)
    call = await hoa.call("105", wait="ringing")
    call.rtp.speak(None)
    await quang.click("Decline", ".call.ringing button")
    await call.answered()
    await hears_beep(call)
    await passes(call, 1.5)  # nothing is said, then something
    call.rtp.speak(hoa.tone)
    await passes(call, 1.5)
    await call.hang_up()
    await quang.until(f"{MESSAGES} === {before + 1}", "the message does not come")
    await quang.until(f"{BARS}.some((high) => high > 25)", "its loud half is flat")
    bars = await quang.eval(BARS)
    assert min(bars) < 5, "its silent half is as high"
    assert bars.index(max(bars)) > len(bars) / 4, "the second half is the loud one"
    await quang.click("Play", ".message:first-child button")
    await quang.hears(hoa.tone)
    await quang.until("document.querySelector('.message:first-child .new') === null")

    async def asks() -> None:
        await quang.click("Menu: Hoa Le", ".message:first-child button")
        await quang.click("Delete message", "[role=menuitem]")
        await quang.sees("Delete the message of Hoa Le for good?")
        await quang.until("document.querySelector('[role=menu]') === null", "its menu stays")

    await asks()
    assert await quang.complaints() == []
    await quang.click("Cancel", "[role=alert] button")
    await quang.sees_no("for good?")
    assert await quang.eval(MESSAGES) == before + 1
    await asks()
    await quang.click("Delete", "[role=alert] button")
    await quang.until(f"{MESSAGES} === {before}", "it is still there")


# what stays in the browser


async def test_no_secret_is_kept_by_the_scripts_of_a_page(demo: Demo, pages: Pages):
    """A script of a stranger, should one ever get in, finds nothing with which to come back."""
    lan = await pages.open(demo, "Lan Nguyen", LAN)
    await lan.type("Name or number", "*43")
    await lan.hears(LAN)
    phone = "fetch('/api/v1/me/phone', { method: 'PUT' }).then((answer) => answer.json())"
    secrets = [await lan.eval(f"{phone}.then((one) => one.password)")]
    secrets += [x["value"] for x in (await lan.ask("Network.getCookies"))["cookies"]]
    kept = await lan.eval("JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie])")
    assert "tongdai.rejoin" in kept, "the call can be stepped into again"
    assert len(secrets) == 2
    assert not [x for x in secrets if x in kept]
    assert await lan.eval("indexedDB.databases().then((all) => all.length)") == 0
    await lan.click("Hang up")


# devices


async def test_another_microphone_speaker_and_ring_tone_are_taken_in_mid_call(
    demo: Demo, phones: Phones, pages: Pages
):
    hoa = await phones.raw(demo.account("103"))
    lan = await pages.open(demo, "Lan Nguyen", LAN)
    await lan.eval("(window.wanted = [], 0)")
    call = await calls(lan, hoa)
    await lan.click("Sound", "[role=tab]")
    await lan.eval(f"window.tone = {OTHER_MICROPHONE}")
    await lan.choose("Microphone", "Fake Audio Input 2")
    await hears(call, OTHER_MICROPHONE, mark=now_at(call))
    assert await lan.eval("wanted.at(-1).audio.deviceId.ideal") != ""
    for what in ("echoCancellation", "noiseSuppression", "autoGainControl"):
        assert await lan.eval(f"wanted.every((one) => one.audio.{what} === true)")
    await lan.choose("Speaker", "Fake Audio Output 2")
    await lan.until("[...ears.keys()].some((one) => one.sinkId.length > 8)", "the speaker stayed")
    await lan.hears(hoa.tone)
    await lan.choose("Ring tone", "Soft")
    assert await lan.eval("JSON.parse(localStorage['tongdai.devices']).ring") == "soft"
    await call.hang_up()


@pytest.mark.parametrize(
    ("why", "words"),
    [
        ("NotAllowedError", "does not let this page use the microphone"),
        ("NotFoundError", "No microphone was found"),
        ("NotReadableError", "Another program uses the microphone"),
    ],
)
async def test_without_a_microphone_the_page_says_what_to_do(demo: Demo, pages: Pages, why: str, words: str):
    lan = await pages.open(demo, "Lan Nguyen", LAN)
    await lan.eval(
        "(window.opened = navigator.mediaDevices.getUserMedia, navigator.mediaDevices.getUserMedia = "
        f"() => Promise.reject(new DOMException('', '{why}')), 0)"
    )
    await lan.type("Name or number", "*43")
    await lan.sees(words)
    assert await lan.complaints() == []
    await lan.eval("(navigator.mediaDevices.getUserMedia = window.opened, 0)")
    await lan.type("Name or number", "*43")
    await lan.hears(LAN)
    await lan.sees_no(words)
    await lan.click("Hang up")


async def test_a_microphone_that_is_unplugged_is_replaced(demo: Demo, phones: Phones, pages: Pages):
    hoa = await phones.raw(demo.account("103"))
    lan = await pages.open(demo, "Lan Nguyen", LAN)
    call = await calls(lan, hoa)
    await lan.eval(f"window.tone = {OTHER_MICROPHONE}")
    await lan.eval("(microphones.at(-1).stop(), microphones.at(-1).dispatchEvent(new Event('ended')))")
    await lan.sees("Your microphone was unplugged")
    await hears(call, OTHER_MICROPHONE, mark=now_at(call))
    await call.hang_up()


# beside other phones


async def test_what_somebody_else_answers_stops_ringing_and_says_who(
    demo: Demo, phones: Phones, pages: Pages
):
    hoa, minh, desk = [await phones.raw(demo.account(x)) for x in ("103", "102", "101")]
    lan = await pages.open(demo, "Lan Nguyen", LAN)
    call = await hoa.call("200", wait="ringing")
    await lan.until("document.querySelector('.call.ringing') !== null")
    await desk.rings()
    await lan.watches_for("Minh Tran answered")
    far = await (await minh.rings()).accept()
    await lan.saw("Minh Tran answered")
    await hear_each_other(await call.answered(), far)
    await call.hang_up()
    await lan.until("document.querySelector('.call') === null")

    call = await hoa.call("101", wait="ringing")
    await lan.until("document.querySelector('.call.ringing') !== null")
    await lan.watches_for("Answered on another phone")
    far = await (await desk.rings()).accept()
    await lan.saw("Answered on another phone")
    await call.hang_up()


async def test_calls_that_ring_unseen_are_told_by_the_browser_and_answered_there(
    demo: Demo, phones: Phones, pages: Pages
):
    hoa, desk = await phones.raw(demo.account("103")), await phones.raw(demo.account("101"))
    lan = await pages.open(demo, "Lan Nguyen", LAN)
    await lan.allow("notifications")
    await lan.until("navigator.serviceWorker.controller !== null", "there is no worker")
    await lan.hide()
    shown = "navigator.serviceWorker.ready.then((one) => one.getNotifications())"
    told = f"{shown}.then((all) => all.map((one) => one.title).join())"
    call = await hoa.call("101", wait="ringing")
    await lan.becomes(told, "Hoa Le is calling")
    assert await lan.eval("document.title") == "Hoa Le is calling · tongdai"
    far = await (await desk.rings()).accept()
    await lan.becomes(told, "")
    await call.hang_up()
    await far.hung_up()

    call = await hoa.call("101", wait="ringing")
    await lan.becomes(told, "Hoa Le is calling")
    await lan.click_notification("answer")
    await lan.becomes(told, "")
    await call.answered()
    await hears_the_page(call)
    await call.hang_up()

    call = await hoa.call("101", wait="sent")
    await lan.becomes(told, "Hoa Le is calling")
    await lan.click_notification("decline")
    await lan.becomes(told, "")


async def test_missed_calls_are_counted_until_somebody_looks(demo: Demo, phones: Phones, pages: Pages):
    hoa = await phones.raw(demo.account("103"))
    lan = await pages.open(demo, "Lan Nguyen", LAN)
    assert await lan.eval("document.title") == "tongdai"
    for count in (1, 2):
        call = await hoa.call("101", wait="ringing")
        await call.cancel()
        await lan.until(f"document.title === '({count}) tongdai'")
    assert "icon-news" in await lan.eval("document.querySelector('link[rel=icon]').href")
    await lan.until("named('Recent', '[role=tab]').innerText.includes('2')")
    await lan.eval("dispatchEvent(new PointerEvent('pointermove'))")
    await lan.until("document.title === 'tongdai'")


async def test_a_link_asks_before_it_calls(demo: Demo, phones: Phones, pages: Pages):
    hoa = await phones.raw(demo.account("103"))
    lan = await pages.open(demo, "Lan Nguyen", LAN, path="/phone?call=tel%3A103")
    await lan.sees("A link asks to call")
    await lan.until("document.querySelector('[role=dialog]').innerText.includes('Hoa Le')")
    assert await lan.complaints() == []
    assert await lan.eval("document.querySelector('.call') === null")
    await lan.click("Call", "[role=dialog] button[data-autofocus]")
    call = await (await hoa.rings()).accept()
    await lan.hears(hoa.tone)
    await call.hang_up()
    assert await lan.eval("location.search") == ""


async def test_the_browser_is_asked_to_tell_of_calls_after_the_first_one(
    demo: Demo, phones: Phones, pages: Pages
):
    hoa = await phones.raw(demo.account("103"))
    lan = await pages.open(demo, "Lan Nguyen", LAN)
    await lan.until("Notification.permission === 'default'")
    assert await lan.eval("named('Yes, tell me', 'button') === undefined")
    call = await calls(lan, hoa)
    await call.hang_up()
    await lan.click("Not now")
    await lan.sees_no("Yes, tell me")


async def test_the_directory_shows_who_is_free_as_it_changes(demo: Demo, phones: Phones, pages: Pages):
    hoa, quang = await phones.raw(demo.account("103")), await phones.raw(demo.account("105"))
    lan = await pages.open(demo, "Lan Nguyen", LAN)
    row = "named('Hoa Le', '.row')?.innerText"
    await lan.until(f"{row}.includes('Available')")
    call = await hoa.call("105", wait="ringing")
    await lan.until(f"{row}.includes('Ringing')")
    far = await (await quang.rings()).accept()
    await call.answered()
    await lan.until(f"{row}.includes('On a call')")
    await far.hang_up()
    await lan.until(f"{row}.includes('Available')")
    await dial(hoa, "*78")
    try:
        await lan.until(f"{row}.includes('Do not disturb')")
    finally:
        await dial(hoa, "*79")
    await lan.until(f"{row}.includes('Available')")
