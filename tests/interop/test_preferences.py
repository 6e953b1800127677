"""Do not disturb from a phone: the caller, the lamps, the API."""

from __future__ import annotations

from tests.interop.conftest import Phones
from tests.interop.demo import Demo
from tests.interop.lamps import subscription, told
from tests.interop.phones.raw import RawPhone


async def dial(phone: RawPhone, code: str) -> None:
    """The code is confirmed by a voice, and then its call is over."""
    call = await phone.call(code)
    await call.hung_up(within=15)


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
