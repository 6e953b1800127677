"""What tests of outages share: a demo that tells a receiver of its alarms, its CDRs, and patience."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sqlite3
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import httpx
from tests.interop.conftest import Phones, new_demo
from tests.interop.demo import Demo
from tests.interop.phones.call import RawCall
from tests.interop.phones.raw import RawPhone
from tests.interop.phones.sound import hears, hears_beep, hears_something
from tests.interop.talk import hear_each_other, talk
from tests.receiver import Receiver

from tongdai.app.demo.secrets import FIXED_PASSWORDS

ALARM = 30.0
"""Seconds within which the provider is told."""
AGAIN = 10.0
"""Seconds after the end of an outage within which everything is as before."""
SLOW = 3.0
"""How many times longer that may take on a machine that does much else."""


PATIENCE = 30.0
"""Seconds that phones wait for control, which is back in one or two on a machine that does nothing else."""


def to(receiver: Receiver) -> dict[str, str]:
    """The settings by which the receiver is told of alarms."""
    return {"TONGDAI_ALARM_WEBHOOK": receiver.url, "TONGDAI_WEBHOOK_NETWORKS": "127.0.0.0/8"}


def told_demo(directory: Path, receiver: Receiver, *, unspoken: bool = False) -> Demo:
    """A demo that is not started yet, and tells the receiver of alarms."""
    return new_demo(directory, to(receiver), unspoken=unspoken)


@contextlib.asynccontextmanager
async def administrator(demo: Demo) -> AsyncIterator[tuple[httpx.AsyncClient, str]]:
    """Signed in, and where his company is."""
    email = "admin@anphat.demo"
    async with httpx.AsyncClient(base_url=demo.facts.http, timeout=30) as client:
        login = {"email": email, "password": FIXED_PASSWORDS[email]}
        me = (await client.post("/api/v1/sign-in", json=login)).json()
        yield client, f"/api/v1/tenants/{me['tenant']}"


def records(demo: Demo) -> list[str]:
    """The calls that have a CDR."""
    with contextlib.closing(sqlite3.connect(demo.directory / "tongdai.db", timeout=10)) as connection:
        return [row[0] for row in connection.execute("SELECT call FROM cdr ORDER BY started")]


def lengths(demo: Demo) -> list[float]:
    """Seconds of each call that has a CDR, all of whose times follow one another."""
    with contextlib.closing(sqlite3.connect(demo.directory / "tongdai.db", timeout=10)) as connection:
        found = connection.execute("SELECT started, answered_at, ended FROM cdr").fetchall()
    for started, answered, ended in found:
        assert started <= ended if answered is None else started <= answered <= ended, found
    return [ended - started for started, _, ended in found]


async def a_call(caller: RawPhone, called: RawPhone, extension: str) -> None:
    """They talk, and the caller hangs up."""
    near, far = await talk(caller, called, extension)
    await near.hang_up()
    await far.hung_up()


def intact(call: RawCall, mark: int) -> None:
    """Nothing of what it heard was lost, and it is the same stream."""
    assert call.rtp.lost(mark) == 0
    assert len(call.rtp.ssrcs()) == 1
    print(f"longest time without a packet: {call.rtp.longest_gap(mark) * 1000:.0f} ms")


@contextlib.asynccontextmanager
async def a_call_that_goes_on(demo: Demo, phones: Phones) -> AsyncIterator[tuple[RawCall, RawCall]]:
    """Of 101 and 103, whatever happens meanwhile: nothing is lost, and they hear each other at the end of it.
    Then they hang up."""
    lan, hoa = await phones.raw(demo.account("101")), await phones.raw(demo.account("103"))
    near, far = await talk(lan, hoa, "103")
    marks = len(near.rtp.received), len(far.rtp.received)
    yield near, far
    await hear_each_other(near, far)
    for end, mark in zip((near, far), marks, strict=True):
        intact(end, mark)
    assert (await near.hang_up()).status == 200
    await far.hung_up()


async def answers(phone: RawPhone) -> None:
    """Wait until control does."""
    host, port = phone.account.server
    request = phone.request("OPTIONS", f"sip:{host}:{port}", phone.account.aor)
    assert (await phone.transact(request, give_up=PATIENCE)).status == 200


async def kill_control(victim: Demo, watcher: RawPhone) -> float:
    """Kill it, and wait until it answers; after how many seconds that was."""
    os.kill(victim.reread().pids["control"], signal.SIGKILL)
    begun = time.monotonic()
    await answers(watcher)
    seconds = time.monotonic() - begun
    print(f"control answers {seconds:.2f} s after it was killed")
    return seconds


async def begin_a_message(phone: RawPhone) -> RawCall:
    """For Mai, who is away: after the beep the phone is heard."""
    call = await phone.call("106", wait="sent")
    await call.answered(within=PATIENCE)
    call.rtp.speak(None)
    await hears_beep(call)
    call.rtp.speak(phone.tone)
    return call


async def leave_a_message(phone: RawPhone, seconds: float) -> None:
    """So long a one."""
    call = await begin_a_message(phone)
    await asyncio.sleep(seconds)
    await call.hang_up()


async def messages(demo: Demo) -> list[float]:
    """The messages that Mai has, by their seconds."""
    async with administrator(demo) as (client, path):
        [mai] = (await client.get(f"{path}/people", params={"q": "Mai"})).json()["items"]
        return [x["seconds"] for x in (await client.get(f"{path}/mailboxes/{mai['id']}/messages")).json()]


async def listen_to_the_message(mai: RawPhone, pin: str, *tones: int) -> None:
    """She hears these in her message, and deletes it."""
    call = await mai.call("*97")
    call.rtp.speak(None)
    await hears_something(call)
    await call.press(pin + "#")
    for tone in tones:
        await hears(call, tone)
    await call.press("3")
    await call.hang_up()


async def is_quiet(phone: RawPhone, caller: RawPhone, extension: str) -> None:
    """Who calls gets the voicemail, and the phone does not ring."""
    before = len(phone.received)
    call = await caller.call(extension, wait="sent")
    await call.answered(within=PATIENCE)
    assert not [message for message in phone.received[before:] if message.method == "INVITE"]
    await call.hang_up()


async def until(what: Callable[[], bool], within: float, complaint: str) -> float:
    """Wait for it; how long that took."""
    begun = time.monotonic()
    while not what():
        assert time.monotonic() - begun < within, complaint
        await asyncio.sleep(0.1)
    return time.monotonic() - begun
