"""Phones that come over a connection, of somebody else's make: control is killed while they talk, and with it
their connections."""

from __future__ import annotations

import asyncio
import os
import signal

import pytest
from tests.faults.outage import PATIENCE, SLOW, records, until
from tests.interop.conftest import Phones
from tests.interop.demo import Demo
from tests.interop.phones.baresip import Baresip
from tests.interop.phones.sound import hears, now_at

pytestmark = pytest.mark.faults

AGAIN = 90.0
"""Seconds after which baresip 1.0 has registered again: it waits for half a minute or a whole one when its
connection is lost."""


async def hear_each_other(one: Baresip, other: Baresip) -> None:
    """Each hears the tone of the other from now on."""
    marks = now_at(one), now_at(other)
    await hears(one, other.tone, mark=marks[0])
    await hears(other, one.tone, mark=marks[1])


async def talk(caller: Baresip, called: Baresip, target: str) -> None:
    mark = len(caller.events)
    await caller.dial(target)
    await called.accept(within=PATIENCE)
    await caller.event("CALL_ESTABLISHED", within=PATIENCE, mark=mark)
    await hear_each_other(caller, called)


@pytest.mark.parametrize(
    ("transport", "protect", "first"), [("tcp", "", "who was called"), ("tls", "srtp-mand", "the caller")]
)
async def test_phones_on_connections_go_on_talking_hang_up_and_call_again(
    victim: Demo, phones: Phones, transport: str, protect: str, first: str
):
    lan, hoa = [
        await phones.baresip(
            victim.account(name, transport=transport), transport=transport, protect=protect, watchful=True
        )
        for name in ("101", "103")
    ]
    before = len(records(victim))
    await talk(lan, hoa, "103")
    control, registered = victim.facts.pids["control"], (lan.registrations(), hoa.registrations())
    os.kill(control, signal.SIGKILL)
    await hear_each_other(lan, hoa)
    await until(lambda: victim.reread().pids["control"] != control, PATIENCE, "control is not back")
    await hear_each_other(lan, hoa)
    one, other = (hoa, lan) if first == "who was called" else (lan, hoa)
    mark = len(other.events)
    await one.hang_up()
    await other.event("CALL_CLOSED", within=AGAIN, mark=mark)
    await asyncio.gather(lan.registered(AGAIN, mark=registered[0]), hoa.registered(AGAIN, mark=registered[1]))
    await talk(hoa, lan, "101")
    mark = len(hoa.events)
    await lan.hang_up()
    await hoa.event("CALL_CLOSED", mark=mark)
    await until(lambda: len(records(victim)) == before + 2, 10 * SLOW, "there is no CDR, or too many")
