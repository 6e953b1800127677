"""Carriers of the tests, the trunks that lead to them, and a call through one."""

from __future__ import annotations

import asyncio
import secrets
import time
from pathlib import Path

from tests.interop.conftest import Phones
from tests.interop.demo import Demo
from tests.interop.phones.call import RawCall
from tests.interop.phones.raw import Account, RawPhone
from tests.interop.ports import free_port
from tests.interop.talk import hear_each_other

from tongdai.app.commands import app

DNS_PORT = free_port()
DOMAIN, MAIN = "anphat.demo", "+842871234500"
NUMBER = "0908123456"


async def carrier(phones: Phones, demo: Demo) -> RawPhone:
    return await phones.raw(Account("carrier", "", demo.server), register=False)


def at(phone: RawPhone) -> str:
    host, port = phone.link.local
    return f"{host}:{port}"


async def use(demo: Demo, *arguments: str) -> str:
    """Make a trunk with these arguments the only way out, in place of the one before; returns its name."""
    name = f"T{secrets.token_hex(3)}"
    await command(demo, "trunk", "add", name, *arguments)
    await change(demo, "trunk", "open", DOMAIN, name)
    if former := _used.pop(demo.directory, ""):  # its port may be another carrier's by and by
        await change(demo, "trunk", "remove", former, of="")
    _used[demo.directory] = name
    return name


_used: dict[Path, str] = {}
"""Which trunk a demo uses now."""


async def change(demo: Demo, *arguments: str, of: str = f'"{DOMAIN}"') -> None:
    """A command that changes something `of` the tenant, or of none, until control goes by it."""
    followed = f'"tenants": [{of}]'
    follows = demo.service_log().count(followed)
    await command(demo, *arguments)
    async with asyncio.timeout(5):
        while demo.service_log().count(followed) == follows:
            await asyncio.sleep(0.05)


async def command(demo: Demo, *arguments: str) -> None:
    """A command of `tongdai`, in this process: a new one takes longer than what it does."""
    given = [*arguments, "--data", str(demo.directory)]
    await asyncio.to_thread(app, given, standalone_mode=False)


async def connect(demo: Demo, phones: Phones, gateway: RawPhone) -> tuple[RawCall, RawCall, float]:
    """Lan calls a number outside, `gateway` takes it; they hear each other. Also the seconds it took."""
    caller = await phones.raw(demo.account("101"))
    began = time.monotonic()
    near = await caller.call(NUMBER, wait="sent")
    far = await gateway.rings(within=8)
    await far.accept()
    await near.answered()
    took = time.monotonic() - began
    await hear_each_other(near, far)
    return near, far, took
