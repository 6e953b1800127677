"""The switchboard, the directory by name, and what a caller presses there."""

from __future__ import annotations

import asyncio

import pytest
from tests.interop.conftest import Phones
from tests.interop.demo import Demo
from tests.interop.phones.sound import (
    RATE,
    hears_silence,
    hears_something,
    likeness,
    now_at,
    sounding,
)
from tests.interop.talk import hear_each_other


async def test_every_company_has_a_short_greeting_of_its_own(demo: Demo, phones: Phones):
    greetings = []
    for domain in ("anphat.demo", "binhminh.demo"):
        caller = await phones.raw(demo.account("102", domain=domain))
        near = await caller.call("100")
        near.rtp.speak(None)
        greetings.append(near)
    for near in greetings:
        heard = await hears_silence(near, within=16, lasting=2.5)
        spans = sounding(heard, pause=2.0)
        assert spans[0].start < 1.0
        assert spans[0].end <= 12.5
    one, other = (near.samples()[: 2 * RATE] for near in greetings)
    assert likeness(one[RATE:], other) < 0.5


@pytest.mark.parametrize(
    ("keys", "extension"), [("0", "104"), ("103", "103"), ("101", "101"), ("105", "105")], ids=str
)
async def test_keys_work_while_the_greeting_speaks(demo: Demo, phones: Phones, keys: str, extension: str):
    caller = await phones.raw(demo.account("102"))
    callee = await phones.raw(demo.account(extension))
    near = await caller.call("100")
    await hears_something(near)
    await near.press(keys)
    far = await (await callee.rings()).accept()
    await hear_each_other(near, far)
    assert far.caller == "102"
    await far.hang_up()
    await near.hung_up()


async def test_one_waits_two_seconds_for_an_extension_and_is_sales_then(demo: Demo, phones: Phones):
    caller = await phones.raw(demo.account("103"))
    lan, minh = await phones.raw(demo.account("101")), await phones.raw(demo.account("102"))
    near = await caller.call("100")
    await hears_something(near)
    await near.press("1")
    await lan.stays_quiet(1.5)
    far = await (await lan.rings()).accept()
    losing = await minh.rings()
    ending = await losing.hung_up()
    assert ending is not None
    assert ending.method == "CANCEL"
    await hear_each_other(near, far)


async def test_two_is_support(demo: Demo, phones: Phones):
    caller, agent = await phones.raw(demo.account("103")), await phones.raw(demo.account("105"))
    near = await caller.call("100")
    await hears_something(near)
    await near.press("2")
    far = await (await agent.rings(within=15)).accept()
    await hear_each_other(near, far)


async def test_a_key_without_meaning_leaves_the_caller_in_the_menu(demo: Demo, phones: Phones):
    caller, operator = await phones.raw(demo.account("103")), await phones.raw(demo.account("104"))
    near = await caller.call("100")
    await hears_something(near)
    await near.press("7")
    await asyncio.sleep(1.0)
    await hears_something(near, mark=now_at(near), within=5)
    await near.press("0")
    far = await (await operator.rings()).accept()
    await hear_each_other(near, far)


async def test_a_silent_caller_hears_the_menu_once_more_and_then_the_operator(demo: Demo, phones: Phones):
    caller, operator = await phones.raw(demo.account("103")), await phones.raw(demo.account("104"))
    near = await caller.call("100")
    first = await hears_silence(near, within=16, lasting=2.5)
    first_end = sounding(first, pause=2.0)[0].end
    mark = now_at(near)
    await hears_something(near, mark=mark, within=5, lasting=1.0)
    again_from = mark / RATE + sounding(near.samples()[mark:])[0].start
    assert 4.0 <= again_from - first_end <= 6.5, (
        f"the menu came again {again_from - first_end:.1f} s after it"
    )
    piece = near.samples()[int((again_from + 0.2) * RATE) :][: RATE // 2]
    assert likeness(piece, first) > 0.8, "what is said again is not what was said before"
    far = await (await operator.rings(within=20)).accept()
    await hear_each_other(near, far)


async def test_the_main_number_from_outside_is_the_switchboard(demo: Demo, phones: Phones):
    outside, operator = await phones.raw(demo.carrier()), await phones.raw(demo.account("104"))
    near = await outside.call(demo.tenant().numbers["main"])
    await hears_something(near, within=1.5)
    await near.press("0")
    far = await (await operator.rings()).accept()
    await hear_each_other(near, far)
    await near.hang_up()
    await far.hung_up()


@pytest.mark.parametrize(
    ("spelled", "extension"), [("526#", "101"), ("648936#", "101"), ("462", "103"), ("86", "105")]
)
async def test_a_name_spelled_on_the_keypad_is_found_and_connected(
    demo: Demo, phones: Phones, spelled: str, extension: str
):
    caller, callee = await phones.raw(demo.account("102")), await phones.raw(demo.account(extension))
    near = await caller.call("411")
    await hears_something(near)
    await near.press(spelled)
    await asyncio.sleep(0.2 if spelled.endswith("#") else 2.2)
    await hears_something(near, mark=now_at(near), within=4, lasting=0.8)
    await near.press("1")
    far = await (await callee.rings(within=5)).accept()
    await hear_each_other(near, far)


async def test_the_directory_is_reached_from_the_menu_too(demo: Demo, phones: Phones):
    caller, callee = await phones.raw(demo.carrier()), await phones.raw(demo.account("106"))
    near = await caller.call(demo.tenant().numbers["main"])
    await hears_something(near)
    await near.press("9")
    await asyncio.sleep(0.5)
    await hears_something(near, mark=now_at(near), within=4)
    await near.press("624#")
    await asyncio.sleep(0.3)
    await hears_something(near, mark=now_at(near), within=4, lasting=0.8)
    await near.press("1")
    far = await (await callee.rings(within=5)).accept()
    await hear_each_other(near, far)


async def test_a_name_that_nobody_has_is_said_so(demo: Demo, phones: Phones):
    caller = await phones.raw(demo.account("102"))
    near = await caller.call("411")
    await hears_something(near)
    await near.press("99999#")
    await asyncio.sleep(0.3)
    await hears_something(near, mark=now_at(near), within=4)
    assert not near.ended.is_set()
