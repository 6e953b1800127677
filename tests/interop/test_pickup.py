"""Call pickup by dialling and by a lamp's key."""

from __future__ import annotations

import re

from tests.interop.conftest import Phones
from tests.interop.demo import Demo
from tests.interop.lamps import subscription, told
from tests.interop.talk import hear_each_other

ELSEWHERE = 'SIP;cause=200;text="Call completed elsewhere"'


async def test_a_colleague_dials_the_code_and_has_the_call(demo: Demo, phones: Phones):
    caller, callee = await phones.raw(demo.account("101")), await phones.raw(demo.account("103"))
    other = await phones.raw(demo.account("105"))
    near = await caller.call("103", wait="ringing")
    await callee.rings()
    taken = await other.call("**103")
    await near.answered()
    await hear_each_other(near, taken)
    cancel = next(message for message in callee.received if message.method == "CANCEL")
    assert cancel.get("reason") == ELSEWHERE
    await taken.hang_up()
    await near.hung_up()


async def test_the_key_of_a_lamp_picks_up_what_it_shows(demo: Demo, phones: Phones):
    caller, callee = await phones.raw(demo.account("101")), await phones.raw(demo.account("103"))
    watcher = await phones.raw(demo.account("104"))
    await watcher.send(subscription(watcher, "103", "dialog"))
    near = await caller.call("103", wait="ringing")
    await callee.rings()
    lamp = await told(watcher, lambda body: "<state>early</state>" in body)
    shown = dict(re.findall(r'(call-id|local-tag|remote-tag)="([^"]+)"', lamp.body))
    replaces = f"{shown['call-id']};to-tag={shown['remote-tag']};from-tag={shown['local-tag']};early-only"
    taken = await watcher.call("103", headers=[("Replaces", replaces), ("Require", "replaces")])
    await near.answered()
    await hear_each_other(near, taken)
    await taken.hang_up()
    await near.hung_up()


async def test_another_company_picks_up_nothing(demo: Demo, phones: Phones):
    caller, callee = await phones.raw(demo.account("101")), await phones.raw(demo.account("102"))
    stranger = await phones.raw(demo.account("101", domain="binhminh.demo"))
    near = await caller.call("102", wait="ringing")
    await callee.rings()
    call = await stranger.call("**102", wait="sent")
    assert (await call.finished()).status == 404
    await near.cancel()
