"""Outside calls over the trunk, numbers hosted here, and emergency calls."""

from __future__ import annotations

import pytest
from tests.interop.conftest import Phones
from tests.interop.demo import Demo
from tests.interop.phones.raw import Account
from tests.interop.phones.sip import user_of
from tests.interop.phones.sound import hears, hears_no, hears_something
from tests.interop.talk import hear_each_other

MAIN = "+842871234500"


@pytest.mark.parametrize("dialled", ["0908123456", "+84908123456"])
async def test_a_national_number_is_called_with_the_companys_number(demo: Demo, phones: Phones, dialled: str):
    caller, outside = await phones.raw(demo.account("101")), await phones.raw(demo.carrier())
    near = await caller.call(dialled, wait="ringing")
    far = await outside.rings()
    assert far.caller == MAIN
    assert "+84908123456" in far.dialled + far.invite_message.get("to")
    await far.accept()
    await near.answered()
    await hear_each_other(near, far)
    assert "101" not in far.invite_message.get("from")
    await near.hang_up()
    await far.hung_up()


async def test_keys_and_hanging_up_pass_over_the_trunk(demo: Demo, phones: Phones):
    caller, outside = await phones.raw(demo.account("101")), await phones.raw(demo.carrier())
    near = await caller.call("0908123456", wait="ringing")
    far = await (await outside.rings()).accept()
    await near.answered()
    await near.press("42")
    await far.hears_keys("42")
    await far.press("17")
    await near.hears_keys("17")
    await far.hang_up()
    await near.hung_up()


async def test_an_outside_call_is_cancelled_before_the_answer(demo: Demo, phones: Phones):
    caller, outside = await phones.raw(demo.account("101")), await phones.raw(demo.carrier())
    near = await caller.call("0908123456", wait="ringing")
    far = await outside.rings()
    assert (await near.cancel()).status == 487
    await far.hung_up()


async def test_a_busy_number_outside_is_busy(demo: Demo, phones: Phones):
    caller, outside = await phones.raw(demo.account("101")), await phones.raw(demo.carrier())
    near = await caller.call("0908123456", wait="sent")
    (await outside.rings()).reject(486)
    response = await near.finished()
    assert response.status in (486, 600) or (response.status == 200), str(response)


async def test_an_outside_number_without_a_phone_answers_and_echoes(demo: Demo, phones: Phones):
    caller = await phones.raw(demo.account("101"))
    near = await caller.call("0911222333")
    await hears(near, caller.tone, within=5)


@pytest.mark.parametrize(
    "dialled", ["+14155550100", "0014155550100", "+33123456789", "+882161234567", "+870773123456"]
)
async def test_other_countries_are_refused_with_words(demo: Demo, phones: Phones, dialled: str):
    caller, outside = await phones.raw(demo.account("101")), await phones.raw(demo.carrier())
    near = await caller.call(dialled, wait="sent")
    await hears_something(near, within=5)
    await outside.stays_quiet(0.5)
    await hears_no(near, caller.tone, mark=0, lasting=0.1)


@pytest.mark.parametrize("transferred", [False, True], ids=["dialled", "transferred"])
async def test_a_refused_country_is_not_reached_by_transfer_either(
    demo: Demo, phones: Phones, transferred: bool
):
    caller, outside = await phones.raw(demo.account("101")), await phones.raw(demo.carrier())
    callee = await phones.raw(demo.account("103"))
    near = await caller.call("103", wait="ringing")
    far = await (await callee.rings()).accept()
    await near.answered()
    if transferred:
        await far.refer("+14155550100")
    else:
        await callee.call("+14155550100", wait="sent")
    await outside.stays_quiet(1.5)


async def test_an_outside_caller_shows_their_number(demo: Demo, phones: Phones):
    carrier = demo.carrier()
    outside = await phones.raw(carrier)
    operator = await phones.raw(demo.account("104"))
    near = await outside.call(MAIN)
    await hears_something(near)
    await near.press("0")
    far = await operator.rings()
    assert far.caller != "100", "the switchboard shows itself instead of the caller"
    assert far.caller not in {person.extension for person in demo.tenant().people}


async def test_a_number_hosted_here_is_reached_without_the_trunk(demo: Demo, phones: Phones):
    clinic = demo.tenant("binhminh.demo")
    caller, outside = await phones.raw(demo.account("101")), await phones.raw(demo.carrier())
    callee = await phones.raw(demo.account("101", domain="binhminh.demo"))
    near = await caller.call(clinic.numbers["main"])
    await hears_something(near)
    await near.press("101")
    far = await (await callee.rings()).accept()
    assert far.caller == MAIN, "an outside call shows the company's number, never the extension"
    await hear_each_other(near, far)
    await outside.stays_quiet(0.2)


async def test_the_trunk_does_not_relay_to_the_trunk(demo: Demo, phones: Phones):
    outside = await phones.raw(demo.carrier())
    near = await outside.call("+84908123456", wait="sent")
    response = await near.finished()
    if response.status == 200:
        await hears_no(near, outside.tone, lasting=1.0)


async def test_an_outside_caller_dials_no_extension_of_the_company_directly(demo: Demo, phones: Phones):
    outside, lan = await phones.raw(demo.carrier()), await phones.raw(demo.account("101"))
    await outside.call("101", wait="sent")
    await lan.stays_quiet(1.0)


@pytest.mark.parametrize("number", ["112", "113", "114", "115"])
@pytest.mark.parametrize("domain", ["anphat.demo", "binhminh.demo"])
async def test_an_emergency_call_reaches_the_trunk_from_any_device(
    demo: Demo, phones: Phones, number: str, domain: str
):
    caller, outside = await phones.raw(demo.account("102", domain=domain)), await phones.raw(demo.carrier())
    near = await caller.call(number, wait="ringing")
    far = await outside.rings()
    assert user_of(far.invite_message.get("to")) == number
    assert far.caller == demo.tenant(domain).numbers["main"]
    await far.accept()
    await near.answered()
    await hear_each_other(near, far)


async def test_a_given_carrier_is_known_by_its_address_and_port(own_demo: Demo, phones: Phones):
    peer = await phones.raw(Account("+84908123456", "", own_demo.sip_address), register=False)
    own_demo.carried_by(peer.link.local)
    demo = own_demo.start()
    operator = await phones.raw(demo.account("104"))
    near = await peer.call(MAIN)
    await hears_something(near, within=10)  # a demo's first caller may meet a greeting that is being spoken
    await near.press("0")
    far = await (await operator.rings()).accept()
    await hear_each_other(near, far)
    await near.hang_up()
    await far.hung_up()
    outgoing = await operator.call("0908123456", wait="ringing")
    there = await peer.rings()
    assert there.caller == MAIN
    await there.accept()
    await outgoing.answered()
    await hear_each_other(outgoing, there)
    impostor = await phones.raw(Account("+84908123456", "", demo.server), register=False)
    call = await impostor.call(MAIN, wait="sent")
    assert (await call.finished()).status in (401, 403, 407)
    demo.stop()
