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


async def _added(demo: Demo, before: list[str], what: str = "") -> str:
    """The line of the call that has been listed since; `what` is in it, but for spaces. The list comes after
    the call."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + 20
    while True:
        added = [line for line in await _calls(demo) if line not in before]
        ours = [line for line in added if what in re.sub(r"\s", "", line)]
        if ours:
            assert what or len(ours) == 1, added
            return ours[0]
        assert loop.time() < deadline, added
        await asyncio.sleep(0.1)


async def test_a_call_is_listed_once_and_explained(demo: Demo, phones: Phones):
    caller, callee = await phones.raw(demo.account("101")), await phones.raw(demo.account("103"))
    before = await _calls(demo)
    near, far = await talk(caller, callee, "103")
    await far.hang_up()
    await near.hung_up()
    added = await _added(demo, before)
    assert "101" in added
    assert "103" in added
    explained = await asyncio.to_thread(demo.cli, "explain", _id_in(added))
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
    explained = await asyncio.to_thread(demo.cli, "explain", _id_in(await _added(demo, before, "2871234500")))
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
    explained = await asyncio.to_thread(demo.cli, "explain", _id_in(await _added(demo, before)))
    # as long as it was, and longer where the machine has other things to do
    told = re.search(r"103 could not be heard for (\d+) s: the phone sent nothing", explained)
    assert told is not None, explained
    assert int(told[1]) in range(6, 30), explained


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
