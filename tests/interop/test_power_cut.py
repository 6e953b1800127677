"""The power was away: every phone comes back in the same moment."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count

import pytest
from tests.interop.conftest import Phones
from tests.interop.demo import Demo
from tests.interop.phones.raw import Account, RawPhone
from tests.interop.phones.sip import Message
from tests.interop.phones.sound import TONES
from tests.interop.talk import hear_each_other, talk

PHONES = 600
AT_MOST = 90.0
"""Seconds until the last of them must be in."""


@pytest.fixture
async def returning(crowded: Demo) -> AsyncIterator[list[RawPhone]]:
    """Phones that have just got power, each at an address of its own."""
    made = []
    for number in range(PHONES):
        account = Account(str(10000 + number), "secret", crowded.server, "bench.demo")
        host = f"127.9.{number // 250}.{number % 250 + 1}"
        made.append(await RawPhone(account, tone=TONES[number % len(TONES)], host=host).open())
    yield made
    for phone in made:
        for call in phone.calls:
            await call.drop()
        phone.vanish()
    await asyncio.sleep(0)  # the loop closes them


async def _register(phone: RawPhone) -> None:
    """Try until it is in, as a Retry-After says."""
    while (answer := await phone.register()).status != 200:
        assert answer.status in (408, 503), str(answer)
        await asyncio.sleep(int(answer.get("retry-after") or 1))


@asynccontextmanager
async def scanned(server: tuple[str, int]) -> AsyncIterator[None]:
    """Meanwhile somebody tries names, 2,500 a second and of every method, and listens to no answer."""

    async def scan(sock: socket.socket) -> None:
        for number in count():
            if number % 50 == 0:
                await asyncio.sleep(0.02)
            method = ("REGISTER", "OPTIONS", "INVITE", "SUBSCRIBE")[number % 4]
            sock.sendto(_probe(method, number), server)

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.setblocking(False)
        sock.bind(("127.66.0.1", 0))
        scanning = asyncio.create_task(scan(sock))
        yield
        assert not scanning.done(), "it scanned to the end"
        scanning.cancel()


def _probe(method: str, number: int) -> bytes:
    request = Message(method=method, uri="sip:bench.demo")
    request.add("Via", f"SIP/2.0/UDP 127.66.0.1:5060;branch=z9hG4bK{number};rport")
    request.add("Max-Forwards", "70")
    request.add("From", f"<sip:{number}@bench.demo>;tag={number}")
    request.add("To", f"<sip:{number}@bench.demo>")
    request.add("Call-ID", str(number))
    request.add("CSeq", f"1 {method}")
    request.add("Contact", "<sip:x@127.66.0.1:5060>")
    return request.encode()


async def test_all_phones_come_back_while_somebody_scans(crowded: Demo, returning: list[RawPhone]):
    async with asyncio.timeout(AT_MOST), scanned(crowded.server):
        await asyncio.gather(*(_register(phone) for phone in returning))
    near, far = await talk(returning[0], returning[-1], returning[-1].account.username)
    await near.hang_up()
    await far.hung_up()


async def test_all_phones_come_back_at_once_and_who_talks_notices_nothing(
    crowded: Demo, phones: Phones, returning: list[RawPhone]
):
    caller, callee = await phones.raw(crowded.account("101")), await phones.raw(crowded.account("102"))
    near, far = await talk(caller, callee, "102")
    async with asyncio.timeout(AT_MOST):
        storm = [asyncio.create_task(_register(phone)) for phone in returning]
        await near.hold()
        await near.resume()
        assert not all(task.done() for task in storm), "the call was held while they came"
        await asyncio.gather(*storm)
    await hear_each_other(near, far)
    await near.hang_up()
    await far.hung_up()
    near, far = await talk(returning[0], returning[-1], returning[-1].account.username)
    await near.hang_up()
    await far.hung_up()
