"""`tongdai calls` and `tongdai explain`: what happened, in plain words."""

from __future__ import annotations

import asyncio
import re

from tests.interop.conftest import Phones
from tests.interop.demo import Demo
from tests.interop.phones.sound import hears_something
from tests.interop.talk import hear_each_other, talk


async def _calls(demo: Demo) -> list[str]:
    return (await asyncio.to_thread(demo.cli, "calls", "--limit", "1000")).splitlines()


async def test_a_call_is_listed_once_and_explained(demo: Demo, phones: Phones):
    caller, callee = await phones.raw(demo.account("101")), await phones.raw(demo.account("103"))
    before = await _calls(demo)
    near, far = await talk(caller, callee, "103")
    await far.hang_up()
    await near.hung_up()
    await asyncio.sleep(0.3)
    added = [line for line in await _calls(demo) if line not in before]
    assert len(added) == 1, added
    assert "101" in added[0]
    assert "103" in added[0]
    explained = await asyncio.to_thread(demo.cli, "explain", _id_in(added[0]))
    for word in ("101", "103", "answered", "hung up"):
        assert word in explained, explained


async def test_a_call_through_the_switchboard_is_explained_step_by_step(demo: Demo, phones: Phones):
    outside = await phones.raw(demo.carrier())
    lan, minh = await phones.raw(demo.account("101")), await phones.raw(demo.account("102"))
    before = await _calls(demo)
    near = await outside.call(demo.tenant().numbers["main"])
    await hears_something(near)
    await near.press("1")
    far = await (await minh.rings(within=6)).accept()
    await lan.rings()
    await hear_each_other(near, far)
    await far.hang_up()
    await near.hung_up()
    await asyncio.sleep(0.3)
    added = [line for line in await _calls(demo) if line not in before]
    ours = [line for line in added if "2871234500" in re.sub(r"\s", "", line)]
    assert ours, added
    explained = await asyncio.to_thread(demo.cli, "explain", _id_in(ours[0]))
    for word in ("pressed 1", "Sales", "101", "102", "answered", "hung up"):
        assert word in explained, explained


async def test_a_phone_that_sends_nothing_for_a_while_is_named(demo: Demo, phones: Phones):
    caller, callee = await phones.raw(demo.account("101")), await phones.raw(demo.account("103"))
    before = await _calls(demo)
    near, far = await talk(caller, callee, "103")
    far.rtp.mute(True)
    await asyncio.sleep(6.0)
    far.rtp.mute(False)
    await hear_each_other(near, far)
    await far.hang_up()
    await near.hung_up()
    await asyncio.sleep(0.3)
    (added,) = [line for line in await _calls(demo) if line not in before]
    explained = await asyncio.to_thread(demo.cli, "explain", _id_in(added))
    assert re.search(r"103 could not be heard for [67] s: the phone sent nothing", explained), explained


async def test_explaining_an_unknown_call_says_so(demo: Demo):
    try:
        said = await asyncio.to_thread(demo.cli, "explain", "no-such-call")
    except AssertionError as refused:
        said = str(refused)
    assert "no-such-call" in said
    assert "Traceback" not in said


def _id_in(line: str) -> str:
    """The call's id: the word in its line that begins with call_."""
    return next(word for word in line.split() if word.startswith("call_"))
