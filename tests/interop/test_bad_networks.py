"""Calls over networks that lose, repeat, delay and reorder: all are set up and ended, keys arrive once."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from tests.interop.conftest import Phones
from tests.interop.demo import Demo
from tests.interop.network import Network, Weather
from tests.interop.phones.call import RawCall
from tests.interop.phones.raw import RawPhone
from tests.interop.phones.rtp import G722, PCMU
from tests.interop.phones.sound import PATIENCE, hears, now_at

_FIFTH_LOST = Weather(lost=0.2)
_STORM = Weather(repeated=0.05, late=0.05, jitter=0.01)
_KEYS = "1234567890*#"


async def _calls(demo: Demo) -> list[str]:
    return (await asyncio.to_thread(demo.cli, "calls", "--limit", "1000")).splitlines()


async def test_a_call_is_set_up_held_resumed_and_ended_while_a_fifth_of_all_sip_is_lost(
    demo: Demo, phones: Phones
):
    callee = await phones.raw(demo.account("103"))
    before = await _calls(demo)
    async with Network(demo.server, _FIFTH_LOST, seed=4) as network:
        caller = await phones.raw(replace(demo.account("101"), server=network.address), register=False)
        near = await caller.call("103", wait="sent")
        far = await (await callee.rings(within=10)).accept()
        await near.answered(within=10)
        await hears(far, caller.tone, mark=now_at(far))
        await near.hold()
        await near.resume()
        await hears(far, caller.tone, mark=now_at(far))
        await near.hang_up()
        await far.hung_up(within=5)
        assert network.lost > 0
    await asyncio.sleep(0.3)
    added = [line for line in await _calls(demo) if line not in before]
    assert len(added) == 1, added


async def test_our_own_bye_gets_through_while_a_fifth_of_all_sip_is_lost(demo: Demo, phones: Phones):
    callee = await phones.raw(demo.account("103"))
    async with Network(demo.server, _FIFTH_LOST, seed=9) as network:
        caller = await phones.raw(replace(demo.account("101"), server=network.address), register=False)
        for _ in range(3):
            near = await caller.call("103", wait="sent")
            far = await (await callee.rings(within=10)).accept()
            await near.answered(within=10)
            await far.hang_up()
            bye = await near.hung_up(within=20)  # our BYE waits for its ACK
            assert bye is not None
            assert bye.method == "BYE"
        assert network.lost > 0


async def test_baresip_calls_and_is_called_while_a_fifth_of_all_sip_is_lost(demo: Demo, phones: Phones):
    async with Network(demo.server, _FIFTH_LOST, seed=17) as network:
        account = replace(demo.account("101"), server=network.address, domain=demo.server[0])
        soft = await phones.baresip(account, register=False)
        await soft.registered(within=15)
        hoa = await phones.raw(demo.account("103"))
        mark = len(soft.events)
        await soft.dial("103")
        far = await (await hoa.rings(within=10)).accept()
        await soft.event("CALL_ESTABLISHED", within=10, mark=mark)
        await hears(far, soft.tone)
        await soft.hang_up()
        await far.hung_up(within=10)
        near = await hoa.call("101", wait="sent")
        await soft.accept(within=10)
        await near.answered(within=10)
        await hears(near, soft.tone)
        mark = len(soft.events)
        await near.hang_up()
        await soft.event("CALL_CLOSED", within=10, mark=mark)
        assert network.lost > 0


async def test_sipp_calls_again_and_again_while_a_fifth_of_all_sip_is_lost(demo: Demo, phones: Phones):
    before = await _calls(demo)
    async with Network(demo.server, _FIFTH_LOST, seed=5) as network:
        account = replace(demo.account("103"), server=network.address, domain=demo.server[0])
        await phones.sipp("call", account, target="*43", calls=4, seconds=45).run()
        assert network.lost > 0
    await asyncio.sleep(0.3)
    added = [line for line in await _calls(demo) if line not in before]
    assert len(added) == 4, added


@pytest.mark.parametrize("lost", [0.05, 0.1, 0.2])
async def test_tones_and_keys_get_through_when_much_of_the_sound_is_lost_and_the_rest_comes_in_disorder(
    demo: Demo, phones: Phones, lost: float
):
    caller, callee = await phones.raw(demo.account("101")), await phones.raw(demo.account("103"))
    async with _talk_through(caller, callee, replace(_STORM, lost=lost)) as (near, far, network):
        await hears(far, caller.tone, mark=now_at(far))
        await hears(near, callee.tone, mark=now_at(near))
        first = len(near.rtp.received), len(far.rtp.received)
        await asyncio.gather(near.press(_KEYS), far.press(_KEYS))
        await far.hears_keys(_KEYS)
        await near.hears_keys(_KEYS)
        for call, mark in zip((near, far), first, strict=True):
            assert lost / 4 < _lost_share(call, mark) < lost * 2.5
            assert len(call.rtp.ssrcs()) == 1
        await near.hang_up()
        await far.hung_up()
        assert network.lost > 200 * lost


async def test_what_was_lost_concealed_and_reported_stands_with_the_call(demo: Demo, phones: Phones):
    """A tenth is lost on the way of the one, both ways. The other has another codec: all of it is decoded."""
    caller, callee = await phones.raw(demo.account("101")), await phones.raw(demo.account("103"))
    caller.codecs, callee.codecs = [G722], [PCMU]
    began = time.time()
    async with _talk_through(caller, callee, replace(_STORM, lost=0.1)) as (near, far, _):
        near.rtp.reporting = far.rtp.reporting = True
        async with asyncio.timeout(PATIENCE):
            while min(near.rtp.reported, far.rtp.reported) < 100:  # they are due every 5 s
                await asyncio.sleep(0.1)
        await near.hang_up()
        await far.hung_up()
    bad, good = await _qualities(demo, began)
    for share in ("lost", "heard_lost"):
        assert 0.03 < bad[share] < 0.3, bad
        assert good[share] < 0.03, good
    # A machine that stalls makes packets late: all else may be worse than the network, and never better.
    assert bad["concealed"] > 0.03, bad
    assert bad["jitter_ms"] > 3, bad
    for quality, worst in ((bad, 4.2), (good, 4.5)):
        assert 1 <= quality["mos"] < worst, quality
        assert 1 <= quality["heard_mos"] < worst, quality
        assert quality["round_trip_ms"] >= 0, quality


@asynccontextmanager
async def _talk_through(
    caller: RawPhone, callee: RawPhone, weather: Weather
) -> AsyncIterator[tuple[RawCall, RawCall, Network]]:
    """The caller's sound goes through a network, either way."""
    near = await caller.call("103", wait="ringing")
    near.rtp.mute(True)  # until it takes that way
    far = await (await callee.rings()).accept()
    await near.answered()
    assert near.rtp.remote is not None
    async with Network(near.rtp.remote, weather, seed=7) as network:
        near.rtp.start(network.address, near.rtp.codec, near.rtp.event_payload)
        near.rtp.mute(False)
        yield near, far, network


async def _qualities(demo: Demo, since: float) -> list[dict[str, Any]]:
    """Of the legs of the one call that began since, when it has its record."""
    async with asyncio.timeout(PATIENCE):
        while True:
            latest = json.loads(await asyncio.to_thread(demo.cli, "calls", "--json", "--limit", "1"))
            if latest and latest[0]["started"] >= since:
                return [leg["quality"] for leg in latest[0]["legs"]]
            await asyncio.sleep(0.1)


def _lost_share(call: RawCall, mark: int) -> float:
    came = {packet.sequence for packet in call.rtp.received[mark:]}
    return call.rtp.lost(mark) / (len(came) + call.rtp.lost(mark))
