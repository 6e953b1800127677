"""Calls that fail or are abandoned give back every port of the engine and every descriptor."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.interop.conftest import Phones, new_demo
from tests.interop.demo import Demo
from tests.interop.phones.call import RawCall
from tests.interop.phones.raw import Account, RawPhone
from tests.interop.ports import BLOCK

from tongdai.media.reserve import PAIRS

ROUNDS = int(os.environ.get("TONGDAI_SOAK_ROUNDS", "6"))
RESERVED = 2 * PAIRS
"""Ports that are bound while nobody calls."""


def ports(demo: Demo) -> int:
    """How many UDP ports of the engine's are bound."""
    first = demo.first_media_port
    lines = Path("/proc/net/udp").read_text().splitlines()[1:]
    return sum(first <= int(line.split()[1].rpartition(":")[2], 16) < first + BLOCK for line in lines)


def descriptors(demo: Demo) -> dict[str, int]:
    """Of control and the engine."""
    pids = demo.reread().pids
    return {role: len(os.listdir(f"/proc/{pids[role]}/fd")) for role in ("control", "media")}


async def settles(demo: Demo, most_ports: int, most_files: dict[str, int]) -> bool:
    """No more than these are open, within a minute."""
    for _ in range(300):
        files = descriptors(demo)
        if ports(demo) <= most_ports and all(files[role] <= most for role, most in most_files.items()):
            return True
        await asyncio.sleep(0.2)
    return False


async def refused(stranger: RawPhone) -> None:
    call = await stranger.call("102", wait="sent")
    assert (await call.finished()).status == 401


async def cancelled(caller: RawPhone) -> None:
    call = await caller.call("102", wait="ringing")
    assert (await call.cancel()).status == 487


async def ended(caller: RawPhone, target: str) -> None:
    """Answered, by a phone or a mailbox, and hung up."""
    call = await caller.call(target)
    await call.hang_up()


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    """Of its own, since calls of other tests may hold something; the process that speaks runs from the start,
    and its pipes are counted."""
    with new_demo(tmp_path, unspoken=True) as running:
        yield running.start()


async def test_calls_that_fail_give_everything_back(demo: Demo, phones: Phones):
    await phones.raw(demo.account("102"))  # rings
    busy, answering = await phones.raw(demo.account("103")), await phones.raw(demo.account("105"))
    answers: set[asyncio.Task[RawCall]] = set()
    busy.on_invite = lambda call: call.reject()
    answering.on_invite = lambda call: answers.add(asyncio.ensure_future(call.accept()))
    caller = await phones.raw(demo.account("101"))
    stranger = await phones.raw(Account("nobody", "guess", demo.server), register=False)

    async def a_round() -> None:
        await asyncio.gather(
            refused(stranger),
            cancelled(caller),
            cancelled(caller),
            ended(caller, "103"),
            ended(caller, "105"),
            ended(caller, "105"),
        )
        await asyncio.gather(*answers)
        answers.clear()

    await a_round()
    assert await settles(demo, RESERVED, {})
    before = descriptors(demo)
    for _ in range(ROUNDS):
        await a_round()
    given_back = await settles(demo, RESERVED, before)
    assert given_back, f"{ports(demo)} ports, {descriptors(demo)} where {before} were"
