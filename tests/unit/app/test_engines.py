"""Engines beside each other, as the supervisor has them: each here is a small program that ends, told to
retire, once a file is gone."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from tongdai.app.supervisor.child import Child, Launch
from tongdai.app.supervisor.engines import Engines
from tongdai.app.supervisor.environment import Environment
from tongdai.core.clock import SystemClock

WITHIN = 30.0
ENGINE = f"""#!{sys.executable} -S
import os, socket, sys, threading, time
options = dict(zip(sys.argv[1::2], sys.argv[2::2]))
listener = socket.socket(fileno=int(options["--lifeline-fd"]))

def serve(supervisor):
    supervisor.send(b'{{"pid":%d,"ready":true}}' % os.getpid())
    while said := supervisor.recv(64):
        while os.path.exists(options["--socket"] + ".busy"):
            time.sleep(0.01)
        os._exit(0)

while True:
    threading.Thread(target=serve, args=listener.accept()[:1]).start()
"""


class Place:
    """A directory of sockets, the program, and the supervisor's part of making children."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        program = directory / "engine"
        program.write_text(ENGINE)
        program.chmod(0o755)
        self.environment = Environment(directory, sys.executable, program)

    def engines(self, patience: float = 3600.0) -> Engines:
        return Engines(self.directory, self.environment, [], self._child, patience=patience)

    def _child(self, name: str, launch: Callable[[], Launch], vital: bool) -> Child:
        return Child(
            name,
            launch,
            clock=SystemClock(),
            stderr=None,
            on_change=lambda: None,
            on_hopeless=None,
        )

    def busy(self, socket: Path) -> Path:
        """It has sessions until this is gone."""
        path = socket.with_name(socket.name + ".busy")
        path.touch()
        return path

    async def until(self, holds: Callable[[], bool]) -> None:
        """Wait for what processes do, and whoever watches them."""
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(WITHIN):
            while not holds():
                looking = loop.create_future()
                loop.call_later(0.01, looking.set_result, None)
                await looking


@pytest.fixture
async def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


@pytest.fixture
async def engines(place: Place) -> AsyncIterator[Engines]:
    engines = place.engines()
    engines.begin()
    await place.until(lambda: engines.current.ready)
    yield engines
    await engines.stop(WITHIN)


async def advanced(engines: Engines, place: Place) -> Child:
    before = engines.current
    child = await engines.start_next(place.environment)
    assert child is not None
    engines.advance(child)
    assert engines.is_steady
    assert engines.former == [before]
    return before


async def test_the_one_before_ends_with_its_last_session(engines: Engines, place: Place):
    first = engines.socket
    busy = place.busy(first)
    before = await advanced(engines, place)
    assert (engines.socket.name, engines.former_sockets) == ("engine-1.sock", [first])
    engines.settle()
    assert not await before.ends(0.2)
    assert engines.former_sockets == [first]
    busy.unlink()
    assert await before.ends(WITHIN)
    await place.until(lambda: not engines.former)
    assert sorted(path.name for path in place.directory.glob("*.lifeline")) == ["media-1.lifeline"]


async def test_one_that_is_no_good_goes_again_and_the_one_before_stays(engines: Engines, place: Place):
    before = await advanced(engines, place)
    unfit = engines.current
    engines.go_back()
    engines.go_back()
    assert engines.current is before
    assert await unfit.ends(WITHIN)
    await place.until(lambda: not engines.former)
    os.kill(before.pid, signal.SIGKILL)
    await place.until(lambda: before.ready)  # it is watched as ever


async def test_one_that_ends_by_itself_is_started_again_and_was_not_steady(engines: Engines, place: Place):
    await advanced(engines, place)
    pid = engines.current.pid
    os.kill(pid, signal.SIGKILL)
    await place.until(lambda: engines.current.ready and engines.current.pid != pid)
    assert not engines.is_steady


@pytest.mark.parametrize("program", ["#!/bin/false\n", "#!/bin/sh\nexit 3\n"])
async def test_one_that_does_not_come_to_work_is_none(engines: Engines, place: Place, program: str):
    before = engines.current
    broken = place.directory / "broken"
    broken.write_text(program)
    broken.chmod(0o755)
    environment = Environment(place.directory, sys.executable, broken)
    assert await engines.start_next(environment) is None
    assert (engines.current, engines.former) == (before, [])
    assert sorted(path.name for path in place.directory.glob("*.lifeline")) == ["media.lifeline"]


async def test_one_that_has_sessions_for_too_long_is_killed(place: Place):
    engines = place.engines(patience=0.2)
    engines.begin()
    await place.until(lambda: engines.current.ready)
    place.busy(engines.socket)
    before = await advanced(engines, place)
    engines.settle()
    assert await before.ends(WITHIN)
    await place.until(lambda: not engines.former)
    await engines.stop(WITHIN)


async def test_there_may_be_more_than_two(engines: Engines, place: Place):
    sockets = [engines.socket]
    for _ in range(2):
        place.busy(engines.socket)
        child = await engines.start_next(place.environment)
        assert child is not None
        engines.advance(child)
        engines.settle()
        sockets.insert(0, engines.socket)
    assert [path.name for path in sockets] == ["engine-2.sock", "engine-1.sock", "engine.sock"]
    assert [engines.socket, *engines.former_sockets] == sockets


async def test_the_next_supervisor_finds_all_and_the_one_before_still_ends(engines: Engines, place: Place):
    busy = place.busy(engines.socket)
    before = await advanced(engines, place)
    engines.settle()
    current = engines.current
    again = place.engines()
    again.begin()
    assert (again.current.pid, [child.pid for child in again.former]) == (current.pid, [before.pid])
    busy.unlink()
    await place.until(lambda: not again.former)
    await again.stop(WITHIN)
