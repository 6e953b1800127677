"""The database is gone for a while: who talks goes on, who is registered is reached, every call is logged
once, the API says so at once, and the provider is told."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sqlite3
import time

import httpx
import pytest
from tests.faults.databases import (
    Outage,
    a_file_that_is_gone,
    a_file_that_is_read_only,
    a_writer_that_stands_still,
)
from tests.faults.outage import AGAIN, ALARM, SLOW, a_call, administrator, kill_control, records, until
from tests.interop.conftest import Phones
from tests.interop.demo import Demo
from tests.interop.phones.raw import RawPhone
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


@pytest.mark.parametrize(
    "outage", [a_writer_that_stands_still, a_file_that_is_gone, a_file_that_is_read_only]
)
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


OUTAGE = float(os.environ.get("TONGDAI_FAULTS_OUTAGE", "10"))
"""Seconds; 600 in `make faults`."""
REGISTER_AGAIN = 60.0
"""Seconds between the registrations of a phone, which hold for 300."""


async def calls_until(end: float, caller: RawPhone, called: RawPhone, extension: str) -> tuple[int, int]:
    """One call after the other; how many, and how many of them were none."""
    made, failed = 0, 0
    while time.monotonic() < end:
        made += 1
        try:
            await a_call(caller, called, extension)
        except (AssertionError, TimeoutError) as error:
            failed += 1
            print(f"call {made} failed: {error}")
    return made, failed


@pytest.mark.parametrize("outage", [a_writer_that_stands_still, a_file_that_is_gone])
async def test_who_is_registered_is_reached_for_as_long_as_it_lasts(
    demo: Demo, phones: Phones, outage: Outage
):
    demo.start()
    lan, hoa = await phones.raw(demo.account("101")), await phones.raw(demo.account("103"))
    minh, quang = await phones.raw(demo.account("102")), await phones.raw(demo.account("105"))
    there = [await phones.raw(demo.account(name, domain="binhminh.demo")) for name in ("101", "102")]
    all_of_them = (lan, hoa, minh, quang, *there)
    near, far = await talk(lan, hoa, "103")
    marks = len(near.rtp.received), len(far.rtp.received)
    async with administrator(demo) as (client, path):
        with outage(demo.directory / "tongdai.db"):
            end = time.monotonic() + OUTAGE
            calling = asyncio.gather(
                calls_until(end, minh, quang, "105"), calls_until(end, there[0], there[1], "102")
            )
            waited = []
            again = time.monotonic() + REGISTER_AGAIN
            while not calling.done():
                if time.monotonic() >= again:
                    again += REGISTER_AGAIN
                    answers = await asyncio.gather(*(phone.register() for phone in all_of_them))
                    assert [answer.status for answer in answers] == [200] * len(all_of_them)
                waited.append(await refused(client, path))
                await asyncio.sleep(1)
            made, failed = map(sum, zip(*await calling, strict=True))
            await hear_each_other(near, far)
        took = await until(lambda: len(records(demo)) >= made - failed, AGAIN * SLOW, "not all were stored")
    waited.sort()
    print(
        f"{failed} of {made} calls failed in {OUTAGE:.0f} s; stored {took:.1f} s afterwards; 503 after "
        f"{waited[len(waited) // 2]:.2f} s (median), {waited[-1]:.2f} s at most"
    )
    assert failed <= made // 100
    for call, mark in zip((near, far), marks, strict=True):
        assert call.rtp.lost(mark) == 0
    await near.hang_up()
    await far.hung_up()
    demo.stop()


async def test_a_record_that_the_database_refuses_holds_up_nobody_and_is_an_alarm_until_it_was_looked_at(
    demo: Demo, phones: Phones, receiver: Receiver
):
    demo.start()
    lan, hoa = await phones.raw(demo.account("101")), await phones.raw(demo.account("103"))
    minh, quang = await phones.raw(demo.account("102")), await phones.raw(demo.account("105"))
    near, far = await talk(lan, hoa, "103")
    mark = len(near.rtp.received)
    with contextlib.closing(sqlite3.connect(demo.directory / "tongdai.db", isolation_level=None)) as db:
        db.execute(
            "CREATE TRIGGER picky BEFORE INSERT ON cdr WHEN new.dialled = '105' "
            "BEGIN SELECT RAISE(ABORT, 'not this one'); END"
        )
        await a_call(minh, quang, "105")
        told = await receiver.hears("refused", "on", within=ALARM * SLOW)
        assert "calls.jsonl" in told["detail"]
        await a_call(quang, minh, "102")
        await until(lambda: len(records(demo)) == 1, AGAIN * SLOW, "the call after it was not stored")
        await kill_control(demo, hoa)
        db.execute("DROP TRIGGER picky")
    await a_call(minh, quang, "105")
    await until(lambda: len(records(demo)) == 2, AGAIN * SLOW, "it is not as before")
    file = demo.directory / "refused" / "calls.jsonl"
    [line] = file.read_bytes().splitlines()
    kept = json.loads(line)
    assert "not this one" in kept["error"]
    assert [fact["seq"] for fact in kept["record"]] == list(range(1, len(kept["record"]) + 1))
    assert "CallEnded" in [fact["fact"]["type"] for fact in kept["record"]]
    file.rename(file.with_suffix(".seen"))
    await receiver.hears("refused", "over", within=ALARM * SLOW)
    await hear_each_other(near, far)
    assert near.rtp.lost(mark) == 0
    await near.hang_up()
    await far.hung_up()
    await until(lambda: len(records(demo)) == 3, AGAIN * SLOW, "the long call was not stored")
    demo.stop()
