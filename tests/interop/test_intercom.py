"""Phones that answer by themselves hear who speaks to them."""

from __future__ import annotations

from tests.interop.conftest import Phones
from tests.interop.demo import Demo
from tests.interop.phones.sound import hears, hears_no
from tests.interop.talk import hear_each_other


async def test_a_colleagues_phone_is_asked_to_answer(demo: Demo, phones: Phones):
    caller, callee = await phones.raw(demo.account("101")), await phones.raw(demo.account("103"))
    near = await caller.call("*80103", wait="sent")
    far = await callee.rings()
    assert "answer-after=0" in far.invite_message.get("call-info")
    assert "info=alert-autoanswer" in far.invite_message.get("alert-info")
    await far.accept()
    await near.answered()
    await hear_each_other(near, far)
    await near.hang_up()
    await far.hung_up()


async def test_all_phones_of_a_department_hear_and_are_not_heard(demo: Demo, phones: Phones):
    caller = await phones.raw(demo.account("103"))
    members = [await phones.raw(demo.account(extension)) for extension in ("101", "102")]
    near = await caller.call("*80200", wait="sent")
    heard = [await (await member.rings()).accept() for member in members]
    await near.answered()
    for far in heard:
        await hears(far, caller.tone)
    await hears_no(near, members[0].tone, lasting=0.5)
    await near.hang_up()
    for far in heard:
        await far.hung_up()


async def test_another_company_is_not_spoken_to(demo: Demo, phones: Phones):
    callee = await phones.raw(demo.account("103"))
    stranger = await phones.raw(demo.account("101", domain="binhminh.demo"))
    call = await stranger.call("*80103", wait="sent")
    assert (await call.finished()).status == 404
    await callee.stays_quiet(0.5)
