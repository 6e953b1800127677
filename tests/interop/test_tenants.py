"""Two companies on one server: the same extensions, and no way across but the telephone number."""

from __future__ import annotations

import asyncio

import pytest
from tests.interop.conftest import Phones
from tests.interop.demo import Demo
from tests.interop.phones.call import RawCall
from tests.interop.phones.raw import Account
from tests.interop.phones.rtp import G722, OPUS, PCMU
from tests.interop.phones.sound import hears_no, hears_something, leaks
from tests.interop.talk import hear_each_other, passed_on, talk

OTHER = "binhminh.demo"


async def test_the_same_extension_rings_in_ones_own_company(demo: Demo, phones: Phones):
    here, there = await phones.raw(demo.account("101")), await phones.raw(demo.account("101", domain=OTHER))
    caller = await phones.raw(demo.account("102"))
    neighbour = await phones.raw(demo.account("102", domain=OTHER))
    near, far = await talk(caller, here, "101")
    elsewhere, other = await talk(neighbour, there, "101")
    await hear_each_other(near, far)
    await hear_each_other(elsewhere, other)


@pytest.mark.parametrize(
    "target", ["sip:101@binhminh.demo", "sip:100@binhminh.demo", "sip:600@binhminh.demo"]
)
async def test_the_other_companys_domain_leads_nowhere(demo: Demo, phones: Phones, target: str):
    caller = await phones.raw(demo.account("103"))
    there = await phones.raw(demo.account("101", domain=OTHER))
    absent = await caller.call(target.replace(OTHER, "nobody.example"), wait="sent")
    nowhere = await absent.finished()
    call = await caller.call(target, wait="sent")
    response = await call.finished()
    assert (response.status, response.reason) == (nowhere.status, nowhere.reason)
    await there.stays_quiet(0.5)


async def test_the_other_companys_device_name_cannot_be_called(demo: Demo, phones: Phones):
    there = await phones.raw(demo.account("101", domain=OTHER))
    caller = await phones.raw(demo.account("103"))
    for target in (
        there.account.username,
        f"sip:{there.account.username}@{OTHER}",
        there.contact.strip("<>"),
    ):
        call = await caller.call(target, wait="sent")
        assert (await call.finished()).status >= 400
    await there.stays_quiet(0.3)


async def test_a_device_registers_in_its_own_company_only(demo: Demo, phones: Phones):
    own = demo.account("103")
    spy = await phones.raw(Account(own.username, own.password, demo.server, OTHER), register=False)
    response = await spy.register()
    there = await phones.raw(demo.account("102", domain=OTHER))
    call = await there.call("103", wait="sent")
    await spy.stays_quiet(1.0)
    if response.status != 200:
        assert response.status in (401, 403, 404)
    await call.finished()


async def test_a_transfer_does_not_cross_the_border(demo: Demo, phones: Phones):
    caller, callee = await phones.raw(demo.account("101")), await phones.raw(demo.account("103"))
    there = await phones.raw(demo.account("101", domain=OTHER))
    near, far = await talk(caller, callee, "103")
    response = await far.refer(f"sip:101@{OTHER}")
    await there.stays_quiet(1.0)
    if response.status == 202:
        assert await far.transferred() >= 400
    await hear_each_other(near, far)


async def test_a_call_of_the_other_company_cannot_be_taken_over(demo: Demo, phones: Phones):
    caller, callee = await phones.raw(demo.account("101")), await phones.raw(demo.account("103"))
    spy, accomplice = (
        await phones.raw(demo.account("101", domain=OTHER)),
        await phones.raw(demo.account("102", domain=OTHER)),
    )
    near, far = await talk(caller, callee, "103")
    own, _ = await talk(spy, accomplice, "102")
    response = await own.refer("", replaces=near)
    if response.status == 202:
        assert await own.transferred() >= 400
    await hear_each_other(near, far)


async def test_rooms_and_parking_places_are_ones_own(demo: Demo, phones: Phones):
    caller, callee = await phones.raw(demo.account("101")), await phones.raw(demo.account("103"))
    spy = await phones.raw(demo.account("101", domain=OTHER))
    near, far = await talk(caller, callee, "103")
    assert (await far.refer("703")).status == 202
    assert await far.transferred() == 200
    for number in ("703", "600"):
        call = await spy.call(number, wait="sent")
        await call.finished()
        await asyncio.sleep(0.5)
        assert not leaks(call.samples(), caller.tone)
        assert not leaks(near.samples(), spy.tone)
    taken = await callee.call("703")
    await hear_each_other(near, taken)


async def test_the_other_companys_voicemail_is_not_opened_by_its_pin(demo: Demo, phones: Phones):
    spy = await phones.raw(demo.account("102", domain=OTHER))
    near = await spy.call("*97", wait="sent")
    response = await near.finished()
    if response.status == 200:
        await hears_something(near)
        await near.press(demo.tenant().person("101").voicemail_pin + "#")
        await hears_no(near, 2300, lasting=2.0)


async def test_the_other_company_is_called_by_its_outside_number(demo: Demo, phones: Phones):
    there = await phones.raw(demo.account("102", domain=OTHER))
    caller = await phones.raw(demo.account("103"))
    near = await caller.call(demo.tenant(OTHER).numbers["main"])
    await hears_something(near)
    await near.press("102")
    far = await (await there.rings()).accept()
    await hear_each_other(near, far)
    assert far.caller == demo.tenant().numbers["main"]


@pytest.mark.parametrize("codec", [OPUS, G722])
async def test_between_two_companies_nothing_is_decoded_that_both_speak(
    demo: Demo, phones: Phones, codec: int
):
    """It all went through PCMU: two good phones sounded like old ones."""
    there, caller = await phones.raw(demo.account("102", domain=OTHER)), await phones.raw(demo.account("103"))
    there.codecs = caller.codecs = [codec, PCMU]
    near = await (await caller.call(demo.tenant(OTHER).numbers["main"])).answered()
    await near.press("102")
    far = await (await there.rings()).accept()
    await passed_on(near, far, codec)
    await passed_on(far, near, codec)
    # Music of the one company for the phone of the other comes as that speaks, and then the phone again.
    await far.hold()
    await now_comes_something_else(near, codec)
    await far.resume()
    await passed_on(far, near, codec)
    await near.hang_up()
    await far.hung_up()


async def now_comes_something_else(call: RawCall, codec: int) -> None:
    """What is made for it, in its own codec."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + 15
    while True:
        last = call.rtp.received[-10:]
        if len({x.payload for x in last}) > 5 and all(x.payload_type == codec for x in last):
            return
        assert loop.time() < deadline, f"it hears {[(x.payload_type, x.payload[:4]) for x in last]}"
        await asyncio.sleep(0.1)
