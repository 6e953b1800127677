from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from tongdai.app.lifeline import Lifeline
from tongdai.app.supervisor.survivors import end, find_survivor, lifeline_of, open_lifeline, socket_directory


@contextmanager
def a_process(path: Path, patience: float, sockets: Sequence[socket.socket] = ()) -> Iterator[Process]:
    """One in this process: it holds a lifeline, and its supervisor is there."""
    listener, hold = open_lifeline(path)
    over = asyncio.Event()
    fds = [sock.fileno() for sock in sockets]
    lifeline = Lifeline(listener.detach(), patience, sockets=fds, on_over=over.set)
    yield Process(lifeline, hold, over)
    lifeline.close()
    hold.close()


class Process(NamedTuple):
    lifeline: Lifeline
    hold: socket.socket
    over: asyncio.Event


async def test_it_is_over_when_the_supervisor_is_gone_and_no_other_came(tmp_path: Path):
    with a_process(tmp_path / "x.lifeline", 0.01) as process:
        process.hold.close()
        async with asyncio.timeout(10):
            await process.over.wait()


async def test_the_next_supervisor_gets_the_sockets_back(tmp_path: Path):
    """So that the addresses that phones know go on, whoever opened them first."""
    path = tmp_path / "x.lifeline"
    with socket.create_server(("127.0.0.1", 0)) as served, socket.socket(type=socket.SOCK_DGRAM) as udp:
        udp.bind(("127.0.0.1", 0))
        with a_process(path, 600, [served, udp]) as process:
            process.hold.close()
            gone, says_ready = os.pipe()
            os.close(gone)
            process.lifeline.say_ready(says_ready)  # to nobody, which is no fault of the process
            left = await asyncio.to_thread(find_survivor, path)
            assert left is not None
            assert (left.pid, left.ready) == (os.getpid(), True)
            assert [x.getsockname() for x in left.sockets] == [served.getsockname(), udp.getsockname()]
            assert not {x.fileno() for x in left.sockets} & {served.fileno(), udp.fileno()}
            assert not process.over.is_set()
            for sock in (*left.sockets, left.hold):
                sock.close()


async def test_a_supervisor_that_comes_while_there_is_one_takes_its_place(tmp_path: Path):
    path = tmp_path / "x.lifeline"
    with a_process(path, 0.01) as process:
        second = await asyncio.to_thread(find_survivor, path)
        assert second is not None
        process.hold.close()
        third = await asyncio.to_thread(find_survivor, path)  # a round in which the first's end would be seen
        assert third is not None
        assert not process.over.is_set()
        second.hold.close()
        third.hold.close()


def test_nothing_is_left_where_nothing_was_or_all_is_dead(tmp_path: Path):
    path = tmp_path / "x.lifeline"
    assert find_survivor(path) is None
    listener, hold = open_lifeline(path)
    listener.close()
    hold.close()
    assert find_survivor(path) is None


def test_what_is_left_is_ended_even_when_it_does_not_want_to(tmp_path: Path):
    listener, hold = open_lifeline(tmp_path / "x.lifeline")
    program = """
import os, signal, socket, sys
signal.signal(signal.SIGTERM, signal.SIG_IGN)
listener = socket.socket(fileno=int(sys.argv[1]))
for _ in range(2):
    one, _ = listener.accept()
    one.send(b'{"pid": %d, "ready": false}' % os.getpid())
while True:
    signal.pause()
"""
    process = subprocess.Popen(
        [sys.executable, "-S", "-c", program, str(listener.fileno())], pass_fds=[listener.fileno()]
    )
    left = find_survivor(tmp_path / "x.lifeline")
    assert left is not None
    assert not left.ready
    end(left, 0.01)
    assert process.wait() == -9
    end(left, 1)
    hold.close()
    listener.close()


def test_sockets_are_elsewhere_when_the_path_is_too_long_and_the_next_supervisor_finds_them(tmp_path: Path):
    assert socket_directory(tmp_path) == tmp_path
    deep = tmp_path / ("x" * 100)
    deep.mkdir()
    elsewhere = socket_directory(deep)
    assert elsewhere.stat().st_mode & 0o777 == 0o700
    assert socket_directory(deep) == socket_directory(deep, make=False) == elsewhere
    listener, hold = open_lifeline(lifeline_of(elsewhere, "control"))
    listener.close()
    hold.close()
    lifeline_of(elsewhere, "control").unlink()
    elsewhere.rmdir()
