"""The power was away: every phone comes back in the same moment."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from tests.interop.conftest import Phones
from tests.interop.demo import Demo
from tests.interop.phones.raw import Account, RawPhone
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
