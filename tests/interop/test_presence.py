"""Lamps of phones: messages that wait, colleagues who talk, parking places that are taken."""

from __future__ import annotations

import asyncio

from tests.interop.conftest import Phones
from tests.interop.demo import Demo
from tests.interop.lamps import subscription, told
from tests.interop.phones.sound import hears, hears_beep
from tests.interop.talk import talk


async def test_a_lamp_shows_a_colleague_ringing_talking_and_free(demo: Demo, phones: Phones):
    watcher = await phones.raw(demo.account("104"))
    caller, callee = await phones.raw(demo.account("101")), await phones.raw(demo.account("103"))
    answer = await watcher.send(subscription(watcher, "103", "dialog"))
    assert answer.status == 200, str(answer)
    first = await told(watcher, lambda body: 'state="full"' in body and "<dialog " not in body)
    assert first.get("subscription-state").startswith("active")
    assert first.get("event") == "dialog"
    near = await caller.call("103", wait="ringing")
    ringing = await told(watcher, lambda body: "<state>early</state>" in body)
    assert 'direction="recipient"' in ringing.body
    assert "sip:101@" in ringing.body
    assert 'display="Lan Nguyen"' in ringing.body
    far = await (await callee.rings()).accept()
    await near.answered()
    await told(watcher, lambda body: "<state>confirmed</state>" in body)
    await far.hang_up()
    await told(watcher, lambda body: "<dialog " not in body)


async def test_the_message_lamp_lights_and_goes_out(demo: Demo, phones: Phones):
    owner, caller = await phones.raw(demo.account("106")), await phones.raw(demo.account("103"))
    answer = await owner.send(subscription(owner, owner.account.username, "message-summary"))
    assert answer.status == 200, str(answer)
    before = await told(owner, lambda body: "Voice-Message:" in body)
    owner.on_invite = lambda call: call.reject(486)
    call = await caller.call("106")
    call.rtp.speak(None)
    await hears_beep(call)
    call.rtp.speak(1150)
    await asyncio.sleep(1.5)
    await call.hang_up()
    after = await told(owner, lambda body: body != before.body and "Messages-Waiting: yes" in body)
    assert "/0 (0/0)" in after.body
    box = await owner.call("*97")
    await box.press(demo.tenant().person("106").voicemail_pin + "#")
    await hears(box, 1150, within=15)
    await box.press("3")
    await told(owner, lambda body: body == before.body, within=6)
    await box.hang_up()


async def test_a_lamp_shows_a_parking_place(demo: Demo, phones: Phones):
    watcher = await phones.raw(demo.account("104"))
    caller, callee = await phones.raw(demo.account("101")), await phones.raw(demo.account("103"))
    await watcher.send(subscription(watcher, "705", "dialog"))
    near, far = await talk(caller, callee, "103")
    await far.refer("705")
    await told(watcher, lambda body: "sip:101@" in body)
    await near.hang_up()
    await told(watcher, lambda body: "<dialog " not in body)


async def test_what_is_not_there_and_what_is_another_companys_look_the_same(demo: Demo, phones: Phones):
    phone = await phones.raw(demo.account("102", domain="binhminh.demo"))
    answers = {}
    for target in ("103", "199", "sip:101@anphat.demo", "sip:101@nowhere.example", "anphat-101"):
        answer = await phone.send(subscription(phone, target, "dialog"))
        answers[target] = (answer.status, sorted(name.lower() for name, _ in answer.headers))
    assert len({str(answer) for answer in answers.values()}) == 1, answers
    assert answers["103"][0] == 404
    answer = await phone.send(subscription(phone, "101", "message-summary"))
    assert answer.status == 404, "nobody watches a colleague's mailbox"
    answer = await phone.send(subscription(phone, "101", "weather"))
    assert answer.status == 489
    assert "message-summary" in answer.get("allow-events")
    stranger = await phones.raw(demo.account("102"), register=False)
    answer = await stranger.transact(subscription(stranger, "103", "dialog"))
    assert answer.status == 401
