"""Linphone against the demo: another third-party phone, with a stack, codecs and habits of its own."""

from __future__ import annotations

import pytest
from tests.interop.conftest import Phones
from tests.interop.demo import Demo
from tests.interop.phones.sound import RATE, hears, hears_no, hears_something, now_at


@pytest.mark.parametrize("codec", ["opus", "PCMA"])
async def test_linphone_calls_is_heard_and_sends_keys(demo: Demo, phones: Phones, codec: str):
    lan = await phones.linphone(demo.account("101"), codec=codec)
    hoa = await phones.baresip(demo.account("103"))
    await lan.dial("103")
    await hoa.accept(within=40)
    await lan.event("call talking")
    await hears(lan, hoa.tone)
    await hears(hoa, lan.tone)
    await lan.press("42")
    await hoa.hears_keys("42", within=40)
    await hoa.press("17")
    await lan.hears_keys("17")
    await hoa.hang_up()
    await lan.hung_up()


async def test_linphone_is_called_and_puts_on_hold(demo: Demo, phones: Phones):
    lan = await phones.baresip(demo.account("101"))
    hoa = await phones.linphone(demo.account("103"))
    await lan.dial("103")
    await hoa.accept()
    await hears(lan, hoa.tone)
    await hears(hoa, lan.tone)
    await hoa.hold()
    held = now_at(lan) + RATE // 2  # what was on its way
    await hears_something(lan, mark=held)
    await hears_no(lan, hoa.tone, mark=held)
    await hoa.resume()
    await hears(lan, hoa.tone, mark=now_at(lan))
    await hoa.hang_up()
    await lan.hung_up(within=40)
