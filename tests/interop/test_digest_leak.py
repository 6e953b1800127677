"""Somebody in a call asks us for a password: he challenges our BYE or re-INVITE in the name of a carrier."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from tests.interop.conftest import Phones
from tests.interop.demo import Demo
from tests.interop.phones.call import RawCall
from tests.interop.phones.link import Reply
from tests.interop.phones.sip import Message
from tests.interop.phones.sound import PATIENCE
from tests.interop.talk import talk


def _asks_for_passwords(call: RawCall, realm: str) -> None:
    """From now on whatever we ask of this phone has to be authorized."""
    serve = call.on_request

    def ask(request: Message, reply: Reply) -> None:
        if request.method not in ("BYE", "INVITE", "UPDATE"):
            serve(request, reply)
            return
        call.requests.append(request)
        challenge = f'Digest realm="{realm}", nonce="5f2c", algorithm=MD5, qop="auth"'
        asked = {"proxy_authenticate": challenge}
        call.phone.respond(request, reply, 407, "Proxy Authentication Required", tag=call.local_tag, **asked)

    call.on_request = ask  # type: ignore[method-assign]


def _methods(call: RawCall) -> list[str]:
    return [request.method for request in call.requests]


@pytest.mark.parametrize("transport", ["udp", "tcp"])
@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
async def test_who_is_in_a_call_and_asks_for_a_password_gets_none(
    demo: Demo, phones: Phones, transport: str, host: str
):
    carrier = demo.facts.carrier
    assert carrier is not None
    caller = await phones.raw(demo.account("101"))
    account = replace(demo.account("103"), server=(host, demo.sip_address[1]), domain="anphat.demo")
    thief = await phones.raw(account, transport=transport, host=host)
    near, far = await talk(caller, thief, "103")
    _asks_for_passwords(far, carrier.host)
    assert (await near.reinvite(codecs=[8])).status == 200
    async with asyncio.timeout(PATIENCE):
        while "INVITE" not in _methods(far):  # it is offered what the other speaks now
            await asyncio.sleep(0.05)
    await near.hang_up()
    echo = await caller.call("*43")  # whatever we had to say to the thief is said then
    await echo.hang_up()
    assert "BYE" in _methods(far)
    for request in (message for message in thief.received if message.is_request):
        assert not request.all("authorization"), request
        assert not request.all("proxy-authorization"), request
