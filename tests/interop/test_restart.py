"""Starting again, stopping politely, and `kill -9` of control in the middle of a call."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
from collections.abc import Iterator

import pytest
from tests.interop.conftest import Phones
from tests.interop.demo import TONGDAI, Demo
from tests.interop.lamps import subscription, told
from tests.interop.phones.raw import Account
from tests.interop.phones.sound import hears, hears_beep, hears_something
from tests.interop.talk import hear_each_other, heard_all_the_time, talk

pytestmark = pytest.mark.faults


@pytest.fixture(scope="module")
def shared_victim(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    victim = Demo(tmp_path_factory.mktemp("victim") / "demo")
    with victim:
        victim.start()
        yield victim


@pytest.fixture
def victim(shared_victim: Demo) -> Demo:
    """A running demo that the test may stop or maim; the next test gets it healthy again."""
    if shared_victim.running:
        shared_victim.reread()
    else:
        shared_victim.start(fresh=False)
    return shared_victim


async def test_a_second_start_finds_registrations_voicemail_and_secrets(own_demo: Demo, phones: Phones):
    own_demo.start()
    away, caller = own_demo.account("106"), own_demo.account("101")
    registered = await phones.raw(own_demo.account("103"))
    lan = await phones.raw(caller)
    near = await lan.call("106", wait="sent")
    await near.answered()
    near.rtp.speak(None)
    await hears_beep(near)
    near.rtp.speak(2300)
    await asyncio.sleep(1.5)
    await near.hang_up()
    own_demo.stop()
    own_demo.start(fresh=False)
    assert own_demo.account("106") == away
    assert own_demo.account("101") == caller
    secrets = own_demo.directory / "secrets.json"
    assert secrets.stat().st_mode & 0o777 == 0o600
    near, far = await talk(lan, registered, "103")
    await near.hang_up()
    await far.hung_up()
    mai = await phones.raw(away)
    near = await mai.call("*97")
    near.rtp.speak(None)
    await hears_something(near)
    await near.press(own_demo.tenant().person("106").voicemail_pin + "#")
    await hears(near, 2300, within=15)
    own_demo.stop()


@pytest.mark.parametrize("with_signal", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
async def test_stopping_ends_calls_in_progress_with_a_bye(victim: Demo, phones: Phones, with_signal: int):
    caller, callee = await phones.raw(victim.account("101")), await phones.raw(victim.account("103"))
    waiting = await phones.raw(victim.account("102"))
    near, far = await talk(caller, callee, "103")
    queued = await waiting.call("300")
    ringing = await phones.raw(victim.account("105"))
    await ringing.rings(within=15)
    await asyncio.to_thread(victim.stop, with_signal=with_signal)
    for call in (near, far, queued):
        ending = await call.hung_up(within=0.5)
        assert ending is not None
        assert ending.method == "BYE"


@pytest.mark.alone
async def test_killing_control_interrupts_no_call(victim: Demo, phones: Phones):
    caller, callee = await phones.raw(victim.account("101")), await phones.raw(victim.account("103"))
    earlier = victim.cli("calls").splitlines()
    near, far = await talk(caller, callee, "103")
    marks = len(near.rtp.received), len(far.rtp.received)
    before = victim.facts.pids["control"]
    os.kill(before, signal.SIGKILL)
    await asyncio.sleep(3.0)
    for end, other, mark in zip((near, far), (far, near), marks, strict=True):
        assert end.rtp.lost(mark) == 0
        assert len(end.rtp.ssrcs()) == 1
        heard_all_the_time(end, other, mark)
    await hear_each_other(near, far)
    assert victim.reread().pids["control"] != before, "pids in demo.json still name the process that is gone"
    assert (await near.hang_up()).status == 200
    await far.hung_up()
    again, there = await talk(callee, caller, "101")
    await there.hang_up()
    await again.hung_up()
    await asyncio.sleep(0.5)
    added = [line for line in victim.cli("calls").splitlines() if line not in earlier]
    assert len(added) == 2, f"two calls were made, these are listed: {added}"


async def test_killing_the_supervisor_interrupts_no_call_and_the_next_one_has_it(
    victim: Demo, phones: Phones
):
    caller, callee = await phones.raw(victim.account("101")), await phones.raw(victim.account("103"))
    near, far = await talk(caller, callee, "103")
    marks = len(near.rtp.received), len(far.rtp.received)
    before = dict(victim.facts.pids)
    victim.kill_supervisor()
    other, there = await talk(
        await phones.raw(victim.account("102")), await phones.raw(victim.account("105")), "105"
    )
    await asyncio.to_thread(victim.start, fresh=False)
    for name in ("media", "control"):
        assert victim.facts.pids[name] == before[name]
    for end, mark in zip((near, far), marks, strict=True):
        assert end.rtp.lost(mark) == 0
        assert len(end.rtp.ssrcs()) == 1
    await hear_each_other(other, there)
    for one, two in ((near, far), (there, other)):
        assert (await one.hang_up()).status == 200
        await two.hung_up()


async def test_the_callee_hangs_up_while_control_is_gone(victim: Demo, phones: Phones):
    caller, callee = await phones.raw(victim.account("101")), await phones.raw(victim.account("103"))
    near, far = await talk(caller, callee, "103")
    os.kill(victim.facts.pids["control"], signal.SIGKILL)
    callee.give_up = 60.0  # a process starts slowly where much else runs
    assert (await far.hang_up()).status == 200
    ending = await near.hung_up(within=60)
    assert ending is not None
    assert ending.method == "BYE"


async def test_a_lamp_outlives_the_process(victim: Demo, phones: Phones):
    watcher = await phones.raw(victim.account("104"))
    caller, callee = await phones.raw(victim.account("101")), await phones.raw(victim.account("103"))
    answer = await watcher.send(subscription(watcher, "103", "dialog"))
    near, far = await talk(caller, callee, "103")
    busy = await told(watcher, lambda body: "<state>confirmed</state>" in body)
    os.kill(victim.facts.pids["control"], signal.SIGKILL)
    await far.hang_up()
    free = await told(watcher, lambda body: "<dialog " not in body, within=8)
    await near.hung_up(within=8)
    assert free.call_id == busy.call_id
    assert free.cseq[0] > busy.cseq[0]
    again = await watcher.send(subscription(watcher, "103", "dialog", after=answer))
    assert again.status == 200, str(again)


async def test_calls_can_be_made_again_soon_after_control_was_killed(victim: Demo, phones: Phones):
    caller, callee = await phones.raw(victim.account("101")), await phones.raw(victim.account("103"))
    os.kill(victim.facts.pids["control"], signal.SIGKILL)
    near = await caller.call("103", wait="sent")
    far = await (await callee.rings(within=8)).accept()
    await near.answered()
    await hear_each_other(near, far)


async def test_a_port_in_use_is_named(tmp_path, demo: Demo):
    command = [
        str(TONGDAI),
        "demo",
        f"--data={tmp_path / 'second'}",
        f"--sip-port={demo.server[1]}",
        "--fresh",
    ]
    done = await asyncio.to_thread(
        subprocess.run, command, capture_output=True, text=True, timeout=30, check=False
    )
    said = done.stdout + done.stderr
    assert done.returncode != 0
    assert str(demo.server[1]) in said, said
    assert "Traceback" not in said, said


async def test_running_out_of_media_ports_is_a_clean_refusal(own_demo: Demo, phones: Phones):
    own_demo.media_ports(8)
    own_demo.start()
    caller = await phones.raw(own_demo.account("101"))
    calls = [await caller.call("*43", wait="sent") for _ in range(8)]
    answers = [await call.finished(within=10) for call in calls]
    refused = [answer.status for answer in answers if answer.status != 200]
    assert refused
    assert set(refused) == {503}
    for call, answer in zip(calls, answers, strict=True):
        if answer.status == 200:
            await call.hang_up()
    await asyncio.sleep(3.0)
    echo = await caller.call("*43")
    await hears(echo, caller.tone, within=15)
    own_demo.stop()


async def test_demo_json_says_what_the_page_promises(demo: Demo):
    facts = json.loads((demo.directory / "demo.json").read_text())
    assert facts["sip"]["host"] == "127.0.0.1"
    assert {"supervisor", "control", "media"} <= set(facts["pids"])
    assert all(os.path.exists(f"/proc/{facts['pids'][name]}") for name in ("supervisor", "control", "media"))
    assert {"email", "password"} <= set(facts["provider"])
    first = next(tenant for tenant in facts["tenants"] if tenant["domain"] == "anphat.demo")
    assert first["name"] == "An Phát Trading"
    assert first["numbers"] == {"main": "+842871234500", "conference": "+842871234560"}
    assert first["conference_pin"] == "2468"
    assert {"email", "password"} <= set(first["admin"])
    people = {person["extension"]: person for person in first["people"]}
    assert set(people) == {"101", "102", "103", "104", "105", "106"}
    assert people["101"]["name"] == "Lan Nguyen"
    assert people["101"]["voicemail_pin"] == "4101"
    names = [d["username"] for t in facts["tenants"] for p in t["people"] for d in p["devices"]]
    assert len(names) == len(set(names)), "device names are unique anywhere"
    carrier = Account(facts["carrier"]["username"], facts["carrier"]["password"], demo.server)
    assert carrier.username not in names
