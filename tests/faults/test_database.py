"""The database is gone for a while: who talks goes on, who is registered is reached, every call is logged
once, the API says so at once, and the provider is told."""

from __future__ import annotations

import time

import httpx
import pytest
from tests.faults.databases import Outage, a_file_that_is_gone, a_writer_that_stands_still
from tests.faults.outage import AGAIN, ALARM, SLOW, a_call, administrator, records, until
from tests.interop.conftest import Phones
from tests.interop.demo import Demo
from tests.interop.talk import hear_each_other, talk
from tests.receiver import Receiver

pytestmark = pytest.mark.faults


async def refused(client: httpx.AsyncClient, path: str) -> float:
    """A change gets 503; after how long."""
    begun = time.monotonic()
    answer = await client.post(f"{path}/rooms", json={"name": "Board", "extension": "650"})
    seconds = time.monotonic() - begun
    assert answer.status_code == 503, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert int(answer.headers["retry-after"]) > 0
    return seconds


@pytest.mark.parametrize("outage", [a_writer_that_stands_still, a_file_that_is_gone])
async def test_calls_go_on_while_the_database_is_gone(
    demo: Demo, phones: Phones, receiver: Receiver, outage: Outage
):
    demo.start()
    lan, hoa = await phones.raw(demo.account("101")), await phones.raw(demo.account("103"))
    minh, quang = await phones.raw(demo.account("102")), await phones.raw(demo.account("105"))
    near, far = await talk(lan, hoa, "103")
    marks = len(near.rtp.received), len(far.rtp.received)
    async with administrator(demo) as (client, path):
        begun = time.monotonic()
        with outage(demo.directory / "tongdai.db"):
            for _ in range(3):
                await a_call(minh, quang, "105")
            seconds = [await refused(client, path) for _ in range(3)]
            print(f"503 after {max(seconds):.2f} s")
            assert max(seconds) < SLOW
            told = await receiver.hears("database", "on", within=ALARM * SLOW)
            print(f"alarm after {time.monotonic() - begun:.1f} s: {told['detail']}")
            assert '"alarm"' in demo.service_log()
            metrics = (await client.get("/metrics/control")).text
            assert "tongdai_control_alarm_database 1.0" in metrics
            await hear_each_other(near, far)
            for end, mark in zip((near, far), marks, strict=True):
                assert end.rtp.lost(mark) == 0
        took = await until(lambda: len(records(demo)) >= 3, AGAIN * SLOW, "the calls were not stored")
        print(f"stored {took:.1f} s after the outage")
        made = await client.post(f"{path}/rooms", json={"name": "Board", "extension": "650"})
        assert made.status_code == 201, made.text
    await near.hang_up()
    await far.hung_up()
    await receiver.hears("database", "over", within=ALARM * SLOW)
    await until(lambda: len(records(demo)) >= 4, AGAIN * SLOW, "the last call was not stored")
    assert len(records(demo)) == len(set(records(demo))) == 4
    demo.stop()
