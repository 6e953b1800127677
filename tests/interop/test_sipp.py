"""SIPp against the demo: signalling to the letter, by a phone that others wrote."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from tests.interop.carriers import use
from tests.interop.conftest import Phones
from tests.interop.demo import Demo
from tests.interop.phones.raw import Account
from tests.interop.phones.sound import hears, hears_beep, hears_something, now_at
from tests.interop.ports import bound


async def register_at(port: int, account: Account, phones: Phones) -> None:
    """Have the account at that port, which is free when this returns."""
    phone = await phones.raw(account, port=port)
    phone.vanish()
    async with asyncio.timeout(5):
        while bound(port):  # the loop closes it
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("transport", ["u1", "t1"], ids=["udp", "tcp"])
async def test_sipp_registers_and_unregisters(demo: Demo, phones: Phones, transport: str):
    await phones.sipp("register", demo.account("103"), transport=transport).run()


@pytest.mark.parametrize("transport", ["u1", "t1"], ids=["udp", "tcp"])
async def test_sipp_calls_the_echo_test_again_and_again(demo: Demo, phones: Phones, transport: str):
    await phones.sipp("call", demo.account("103"), target="*43", transport=transport, calls=3).run()


@pytest.mark.parametrize("transport", ["u1", "t1"], ids=["udp", "tcp"])
async def test_a_sipp_on_ipv6_calls_a_phone_on_ipv4(demo: Demo, phones: Phones, transport: str):
    callee = await phones.raw(demo.account("102"))
    six = replace(demo.account("103"), server=("::1", demo.sip_address[1]))
    run = await phones.sipp("call", six, target="102", transport=transport).open()
    far = await (await callee.rings()).accept()
    await run.finished()
    await far.hung_up()


async def test_sipp_calls_a_person(demo: Demo, phones: Phones):
    callee = await phones.raw(demo.account("102"))
    run = await phones.sipp("call", demo.account("103"), target="102").open()
    far = await (await callee.rings()).accept()
    await run.finished()
    ending = await far.hung_up()
    assert ending is not None
    assert ending.method == "BYE"


async def test_sipp_calls_without_an_offer(demo: Demo, phones: Phones):
    callee = await phones.raw(demo.account("102"))
    run = await phones.sipp("late_offer", demo.account("103"), target="102").open()
    far = await (await callee.rings()).accept()
    await run.finished()
    await far.hung_up()


async def test_sipp_holds_and_resumes(demo: Demo, phones: Phones):
    callee = await phones.raw(demo.account("102"))
    run = await phones.sipp("hold", demo.account("103"), target="102").open()
    far = await (await callee.rings()).accept()
    await hears_something(far, lasting=0.4, within=3)
    await run.finished()
    await far.hung_up()


async def test_sipp_cancels_a_ringing_call(demo: Demo, phones: Phones):
    callee = await phones.raw(demo.account("102"))
    run = await phones.sipp("cancel", demo.account("103"), target="102").open()
    far = await callee.rings()
    await run.finished()
    await far.hung_up()


async def test_sipp_is_refused_with_a_wrong_password(demo: Demo, phones: Phones):
    wrong = Account(demo.account("103").username, "wrong", demo.server)
    await phones.sipp("wrong_password", wrong, target="102").run()


async def test_a_busy_sipp_sends_the_caller_to_voicemail(demo: Demo, phones: Phones):
    busy = phones.sipp("busy", demo.account("102"))
    await register_at(busy.port, demo.account("102"), phones)
    await busy.open()
    caller = await phones.raw(demo.account("101"))
    near = await caller.call("102", wait="sent")
    await near.answered()
    await busy.finished()
    await hears_beep(near)
    await (await phones.raw(demo.account("102"), port=busy.port)).unregister()


@pytest.mark.parametrize("ack", ["1", "7"], ids=["of the challenged INVITE", "of none"])
@pytest.mark.parametrize("transport", ["u1", "t1"], ids=["udp", "tcp"])
async def test_an_ack_of_another_invite_confirms_nothing(
    demo: Demo, phones: Phones, transport: str, ack: str
):
    account = demo.account("103")
    await phones.sipp("wrong_ack", account, target="*43", transport=transport, repeats=False, ack=ack).run()


async def test_a_call_whose_acks_are_of_another_invite_is_ended(demo: Demo, phones: Phones):
    account = demo.account("103")
    await phones.sipp("wrong_ack_only", account, target="*43", seconds=45, repeats=False, ack="3").run()


async def test_a_call_whose_hold_is_acknowledged_wrongly_is_ended(demo: Demo, phones: Phones):
    callee = await phones.raw(demo.account("102"))
    wrong = phones.sipp(
        "wrong_ack_of_hold", demo.account("103"), target="102", seconds=45, repeats=False, ack="2"
    )
    await wrong.open()
    far = await (await callee.rings()).accept()
    await far.hung_up(within=45)
    await wrong.finished()


async def test_a_call_of_a_carrier_that_acknowledges_wrongly_is_ended(trunked: Demo, phones: Phones):
    nobody = Account("carrier", "", trunked.sip_address)
    carrier = phones.sipp(
        "carrier_wrong_ack",
        nobody,
        target="+842871234500",
        seconds=45,
        repeats=False,
        sender="+84908123456",
        ack="7",
    )
    await use(trunked, f"127.0.0.1:{carrier.port}", "--options=0")
    await carrier.run()


BROKEN = {
    "no description": "this is no description\r\n",
    "no such line": "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4\r\nm=audio RTP/AVP\r\n",
    "cut off": "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 40",
    "no codec of ours": "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
    "m=audio 4000 RTP/AVP 96\r\na=rtpmap:96 telegraph/8000\r\n",
}


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN.keys())
@pytest.mark.parametrize("role", ["phone", "carrier"])
async def test_a_call_is_answered_after_a_183_that_cannot_be_read(
    trunked: Demo, phones: Phones, role: str, broken: str
):
    called = phones.sipp("broken_183", trunked.account("102"), broken=broken)
    target = "102"
    if role == "carrier":
        await use(trunked, f"127.0.0.1:{called.port}", "--options=0")
        target = "0908123456"
    else:
        await register_at(called.port, trunked.account("102"), phones)
    await called.open()
    caller = await phones.raw(trunked.account("101"))
    near = await caller.call(target, wait="sent")
    await near.answered()
    assert all(not response.body for response in near.provisional), "what could not be read was passed on"
    assert near.provisional[-1].status in (180, 183)
    await near.hang_up()
    await called.finished()
    if role == "phone":
        await (await phones.raw(trunked.account("102"), port=called.port)).unregister()


async def test_sipp_as_the_carrier_is_called_and_calls(own_demo: Demo, phones: Phones):
    nobody = Account("carrier", "", own_demo.sip_address)
    answers = phones.sipp("carrier_answers", nobody)
    own_demo.carried_by(("127.0.0.1", answers.port))
    own_demo.start()
    await answers.open()
    caller = await phones.raw(own_demo.account("101"))
    near = await caller.call("0908123456")
    await near.hang_up()
    await answers.finished()
    early = phones.sipp("carrier_early", nobody, port=answers.port)
    await early.open()
    near = await caller.call("0908123456")
    await near.hang_up()
    await early.finished()
    await early.open()
    await phones.sipp("early_offer", own_demo.account("103"), target="0908123456").run()
    await early.finished()
    number = "+842871234500"
    await phones.sipp("carrier_calls", nobody, target=number, port=answers.port, sender="+84908123456").run()
    own_demo.stop()


async def test_the_echo_is_heard_while_sipp_calls(demo: Demo, phones: Phones):
    run = await phones.sipp("call", demo.account("103"), target="*43", calls=5, seconds=20).open()
    caller = await phones.raw(demo.account("101"))
    near = await caller.call("*43")
    await hears(near, caller.tone, mark=now_at(near), within=15)
    await run.finished()
    assert near.rtp.lost() == 0
