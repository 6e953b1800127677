"""Control dies while the database is gone: the next one serves what the journal has kept, and everything is
stored once the database is back."""

from __future__ import annotations

import pytest
from tests.faults.databases import (
    Outage,
    a_file_that_is_damaged,
    a_file_that_is_gone,
    a_file_that_is_read_only,
    a_writer_that_stands_still,
)
from tests.faults.outage import (
    AGAIN,
    ALARM,
    SLOW,
    a_call,
    administrator,
    is_quiet,
    kill_control,
    leave_a_message,
    records,
    until,
)
from tests.interop.conftest import Phones
from tests.interop.demo import Demo
from tests.interop.talk import dial, hear_each_other, talk
from tests.receiver import Receiver

pytestmark = pytest.mark.faults

CALLS = 15
"""That are made here, codes and both ends of a room among them."""


@pytest.mark.parametrize(
    "outage",
    [a_writer_that_stands_still, a_file_that_is_gone, a_file_that_is_damaged, a_file_that_is_read_only],
)
async def test_a_control_that_dies_meanwhile_is_replaced_by_one_that_serves_everything(
    demo: Demo, phones: Phones, receiver: Receiver, outage: Outage
):
    demo.start()
    lan, hoa = await phones.raw(demo.account("101")), await phones.raw(demo.account("103"))
    minh, quang = await phones.raw(demo.account("102")), await phones.raw(demo.account("105"))
    anna = await phones.raw(demo.account("104"))
    async with administrator(demo) as (client, path):
        board = {"name": "Board", "extension": "650"}
        assert (await client.post(f"{path}/rooms", json=board)).status_code == 201
    await leave_a_message(minh, 2.0)
    await dial(anna, "*78")
    near, far = await talk(lan, hoa, "103")
    marks = len(near.rtp.received), len(far.rtp.received)
    async with administrator(demo) as (client, path):
        mai = (await client.get(f"{path}/people", params={"q": "Mai"})).json()["items"][0]["id"]
        await until(lambda: len(records(demo)) == 2, AGAIN * SLOW, "the first calls were not stored")
        with outage(demo.directory / "tongdai.db"):
            await kill_control(demo, hoa)
            await a_call(minh, quang, "105")
            # what was set before is known, what is set now is not forgotten when it happens again
            await is_quiet(anna, minh, "104")
            await leave_a_message(minh, 2.0)
            await dial(quang, "*78")
            await kill_control(demo, hoa)
            await is_quiet(anna, minh, "104")
            await is_quiet(quang, minh, "105")
            await quang.registered()
            await dial(quang, "*79")
            await a_call(minh, quang, "105")
            await receiver.hears("database", "on", within=ALARM * SLOW)
            room = await minh.call("650"), await quang.call("650")
            await hear_each_other(*room)
            answer = await client.post(f"{path}/rooms", json={"name": "Attic", "extension": "651"})
            assert answer.status_code == 503, answer.text
            await hear_each_other(near, far)
            for end, mark in zip((near, far), marks, strict=True):
                assert end.rtp.lost(mark) == 0
        await receiver.hears("database", "over", within=ALARM * SLOW)
        made = await client.post(f"{path}/rooms", json={"name": "Attic", "extension": "651"})
        assert made.status_code == 201, made.text
        messages = (await client.get(f"{path}/mailboxes/{mai}/messages")).json()
        assert len(messages) == 2
        attic = await lan.call("651"), await minh.call("651")
        await hear_each_other(*attic)
    for call in (*room, *attic, near):
        await call.hang_up()
    await far.hung_up()
    await until(lambda: len(records(demo)) >= CALLS, AGAIN * SLOW, "not every call was stored")
    assert len(records(demo)) == len(set(records(demo))) == CALLS
    demo.stop()
