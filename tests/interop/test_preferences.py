"""What somebody sets at his phone: do not disturb, with its lamp, and forwarding."""

from __future__ import annotations

import asyncio

from tests.interop.conftest import Phones
from tests.interop.demo import Demo
from tests.interop.lamps import subscription, told
from tests.interop.phones.sound import hears_something
from tests.interop.talk import dial, hear_each_other


async def test_a_phone_turns_do_not_disturb_on_and_lamps_show_it(demo: Demo, phones: Phones):
    caller, quiet = await phones.raw(demo.account("101")), await phones.raw(demo.account("103"))
    watcher = await phones.raw(demo.account("104"))
    await watcher.send(subscription(watcher, "103", "dialog"))
    try:
        await dial(quiet, "*78")
        await told(watcher, lambda body: "<state>confirmed</state>" in body)
        call = await caller.call("103")  # the voicemail answers
        assert not [message for message in quiet.received if message.method == "INVITE"]
        await call.hang_up()
    finally:
        await dial(quiet, "*79")
    await told(watcher, lambda body: "<dialog " not in body)
    near = await caller.call("103", wait="ringing")
    await quiet.rings()
    await near.cancel()


async def test_calls_are_forwarded_outside(demo: Demo, phones: Phones):
    caller, away = await phones.raw(demo.account("101")), await phones.raw(demo.account("103"))
    outside = await phones.raw(demo.carrier())
    try:
        await dial(away, "*720908123456")
        near = await caller.call("103", wait="ringing")
        far = await outside.rings()
        await far.accept()
        await near.answered()
        await hear_each_other(near, far)
        await near.hang_up()
        assert not [message for message in away.received if message.method == "INVITE"]
    finally:
        await dial(away, "*73")


async def test_who_answers_at_a_mobile_takes_the_call_by_a_key(demo: Demo, phones: Phones):
    """Its own voicemail answers, too, and presses no key."""
    caller, away = await phones.raw(demo.account("101")), await phones.raw(demo.account("103"))
    outside = await phones.raw(demo.carrier())
    await asyncio.to_thread(demo.cli, "person", "anphat.demo", "103", "--forward-confirm")
    try:
        await dial(away, "*720908123456")
        near = await caller.call("103", wait="ringing")
        far = await outside.rings()
        await far.accept()
        await hears_something(far)
        await far.press("1")
        await near.answered()
        await hear_each_other(near, far)
        await near.hang_up()
        near = await caller.call("103", wait="ringing")
        far = await outside.rings()
        await far.accept()
        await hears_something(far)
        await far.hang_up()
        await near.answered()  # by the company's voicemail
        await near.hang_up()
        told = await asyncio.to_thread(demo.cli, "explain", "last")
        assert "did not press 1" in told
    finally:
        await asyncio.to_thread(demo.cli, "person", "anphat.demo", "103", "--no-forward-confirm")
        await dial(away, "*73")


async def test_a_phone_sends_its_call_to_a_colleague(demo: Demo, phones: Phones):
    caller, away = await phones.raw(demo.account("101")), await phones.raw(demo.account("103"))
    other = await phones.raw(demo.account("104"))
    near = await caller.call("103", wait="sent")
    (await away.rings()).send_on("104")
    far = await other.rings()
    assert "103" in far.invite_message.get("diversion")
    await far.accept()
    await near.answered()
    await hear_each_other(near, far)
    await near.hang_up()


async def test_a_company_dials_a_code_of_its_own(demo: Demo, phones: Phones):
    caller, callee = await phones.raw(demo.account("101")), await phones.raw(demo.account("103"))
    other = await phones.raw(demo.account("105"))
    demo.cli("codes", "anphat.demo", "pickup=*2")
    try:
        await asyncio.sleep(2)  # a tongdai that runs follows within a second
        near = await caller.call("103", wait="ringing")
        await callee.rings()
        taken = await other.call("*2103")
        await near.answered()
        await hear_each_other(near, taken)
        await taken.hang_up()
    finally:
        demo.cli("codes", "anphat.demo", "pickup=**")
