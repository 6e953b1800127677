"""What the switchboard costs: CPU per registration, per call and per relayed packet, memory, starts.

    python bench/pbx.py [--quick] [--only relay,calls] [--out FILE]

The method is in bench/README.md.
"""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path

import msgspec

from harness import ring, rtp, sipp
from harness.failure import BenchError
from harness.figures import Figures
from harness.options import read_options
from harness.processes import Use
from harness.server import CALLEES, CALLERS, DATABASE, Server, answers, demo

SERVER_CORE, LOAD_CORE = 0, 1
_STEADY = 300.0
_PARKED_PORT = 5090
"""Where the callers' accounts register; nobody calls them there."""


class Effort(msgspec.Struct, frozen=True):
    """How much is measured: `repeat` runs of `seconds` each, and `burst` units as fast as they go."""

    repeat: int
    seconds: float
    burst: int
    relays: tuple[int, ...]
    minutes: float


FULL = Effort(3, 8.0, 4000, (100, 300, 500), 3.0)
QUICK = Effort(1, 3.0, 1000, (100,), 0.5)


class Bench:
    """How much is measured, on what, and what each run gave."""

    def __init__(self, effort: Effort, data: Path) -> None:
        self.effort = effort
        self.data = data
        self.figures = Figures()

    def add(self, what: str, unit: str, value: float, use: Use | None = None) -> None:
        self.figures.add(what, unit, value, use)

    @contextmanager
    def server(self) -> Iterator[tuple[Server, sipp.Phones]]:
        """A demo that spoke its prompts before (another process does that) and knows of no registration."""
        shutil.rmtree(self.data / "journal", ignore_errors=True)
        with demo(SERVER_CORE, self.data) as server, sipp.phones(server) as phones:
            server.processes.wait_quiet()
            yield server, phones


@contextmanager
def _used(server: Server) -> Iterator[Callable[[], Use]]:
    """CPU from here on."""
    before = server.processes.snapshot()
    yield lambda: server.processes.since(before)


def measure_register(bench: Bench) -> None:
    """REGISTER, 401, REGISTER with digest, 200."""
    with bench.server() as (server, phones):
        accounts = list(CALLERS)
        phones.register(accounts, server.callers, _PARKED_PORT, rate=200, count=400)
        for _ in range(bench.effort.repeat):
            for name, rate, count, at_once in (
                ("at 60/s", 60.0, int(60 * bench.effort.seconds), 0),
                ("as fast as it goes", 1e5, bench.effort.burst, 100),
            ):
                server.processes.wait_quiet()
                with _used(server) as used:
                    done = phones.register(
                        accounts, server.callers, _PARKED_PORT, rate=rate, count=count, at_once=at_once
                    )
                    use = used()
                bench.add(f"REGISTER {name}", "ms of CPU each", 1e3 * use.server / count, use)
                if at_once:
                    bench.add("REGISTER at most", "each second", count / done.seconds, use)


def measure_calls(bench: Bench) -> None:
    """INVITE, 401, ACK, INVITE, 180, 200, ACK, BYE, 200 on the caller's side, and the callee's leg."""
    with bench.server() as (server, phones):
        _register_callees(server, phones)
        with phones.callees():
            phones.call(CALLERS, CALLEES, rate=60, count=120)
            for _ in range(bench.effort.repeat):
                for name, rate, count, at_once in (
                    ("at 60/s", 60.0, int(60 * bench.effort.seconds), 0),
                    ("as fast as it goes", 1e5, bench.effort.burst // 2, 20),
                ):
                    server.processes.wait_quiet()
                    with _used(server) as used:
                        done = phones.call(CALLERS, CALLEES, rate=rate, count=count, at_once=at_once)
                        server.processes.wait_quiet(10.0, 10.0)  # the call log is written behind
                        use = used()
                    for role in ("control", "media"):
                        each = 1e3 * use.roles[role] / count
                        bench.add(f"call {name}: {role}", "ms of CPU each", each, use)
                    if at_once:
                        bench.add("calls at most", "each second", count / done.seconds, use)


def measure_steady(bench: Bench) -> None:
    """Calls at half of what is asked for at most, for a minute: nothing may fail, or be sent twice."""
    count = 5 * bench.effort.burst
    what = f"{count} calls at {_STEADY:.0f}/s"
    probe = CALLERS[-1], CALLEES[-1]
    with bench.server() as (server, phones):
        _register_callees(server, phones)
        with phones.callees(), ring.pair(server, *probe) as pair, ThreadPoolExecutor(1) as beside:
            phones.call(CALLERS, CALLEES, rate=60, count=120)
            for _ in range(bench.effort.repeat):
                server.processes.wait_quiet()
                with _used(server) as used:
                    ringing = beside.submit(ring.delays_ms, pair, probe[1], 0.9 * count / _STEADY)
                    done = phones.call(CALLERS[:-1], CALLEES[:-1], rate=_STEADY, count=count)
                    delays = ringing.result()
                    server.processes.wait_quiet(10.0, 10.0)
                    use = used()
                each = 1e3 * _both(use) / (count + len(delays))
                bench.add(f"{what}: control and media", "ms of CPU each", each, use)
                bench.add(f"{what}: retransmissions", "messages", done.retransmissions, use)
                for share, name in ((0.5, "half below"), (0.99, "99 % below")):
                    delay = delays[int(share * (len(delays) - 1))]
                    bench.add(f"{what}: delay of ringing, {name}", "ms", delay, use)
            metrics = server.metrics()
            for name, of in (("unwritten", "the file"), ("unsynced", "the disk")):
                most = 1e3 * metrics[f"tongdai_control_journal_{name}_most_seconds"]
                bench.add(f"{what}: journal, {of} behind by at most", "ms", most)


def measure_overload(bench: Bench) -> None:
    """What comes of calls at once, three times and ten times as many as can be made, and how long it takes
    until one call after the other goes through again."""
    with bench.server() as (server, phones):
        _register_callees(server, phones)
        with phones.callees():
            capacity = _capacity(bench, phones)
            bench.add("calls at most", "each second", capacity)
            memory = sum(server.processes.pss_kib().values())
            for _ in range(bench.effort.repeat):
                for factor in (1, 3, 10):
                    server.processes.wait_quiet()
                    with _used(server) as used:
                        begun, done = phones.flood(
                            CALLERS[:-1],
                            CALLEES[:-1],
                            rate=factor * capacity,
                            seconds=2 * bench.effort.seconds,
                        )
                        use = used()
                    what = f"calls at {factor} × capacity"
                    bench.add(f"{what}: begun", "each second", begun, use)
                    bench.add(f"{what}: the load itself", "% of its core", 100 * use.load / use.wall, use)
                    bench.add(f"{what}: made", "% of capacity", 100 * done / capacity, use)
                    grown = sum(server.processes.pss_kib().values()) / memory - 1
                    bench.add(f"{what}: memory", "% more (PSS)", 100 * grown)
                    bench.add(f"{what}: normal again", "s later", _normal_again(server))


def _capacity(bench: Bench, phones: sipp.Phones) -> float:
    """Calls a second, 20 at a time: the median of three runs, each so long that the log, which is written
    behind, has its share in it."""

    def rate(count: int) -> float:
        run = phones.call(CALLERS[:-1], CALLEES[:-1], rate=1e5, count=count, at_once=20)
        return count / run.seconds

    count = int(2 * bench.effort.seconds * rate(bench.effort.burst // 2))
    return statistics.median(rate(count) for _ in range(3))


def measure_half(bench: Bench) -> None:
    """Half of the calls there can be, for minutes: memory, and how many of them are in the log."""
    with bench.server() as (server, phones):
        _register_callees(server, phones)
        with phones.callees():
            rate = _capacity(bench, phones) / 2
            server.processes.wait_quiet(20.0, 10.0)  # the log is written behind
            before = _logged(bench.data)
            count = int(60 * bench.effort.minutes * rate)
            sizes: list[float] = []
            with _used(server) as used, phones.calling(CALLERS, CALLEES, rate=rate, count=count) as load:
                # what a call leaves behind goes within 32 s (RFC 3261), so it is level after a minute
                time.sleep(min(60.0, 20 * bench.effort.minutes))
                while load.runs():
                    sizes.append(sum(server.processes.pss_kib()[role] for role in ("control", "media")))
                    time.sleep(2.0)
                done = load.wait(60.0)
                use = used()
            what = f"half of it for {bench.effort.minutes:g} minutes"
            end = time.monotonic() + 10.0
            while _logged(bench.data) < before + count and time.monotonic() < end:
                time.sleep(0.2)
            bench.add(f"{what}: calls", "", count, use)
            bench.add(f"{what}: failed", "calls", done.failed, use)
            bench.add(f"{what}: retransmissions", "messages", done.retransmissions, use)
            bench.add(f"{what}: in the log", "% of calls", 100 * (_logged(bench.data) - before) / count)
            third = max(1, len(sizes) // 3)
            first, last = statistics.median(sizes[:third]), statistics.median(sizes[-third:])
            bench.add(f"{what}: control and media", "MiB (PSS)", last / 1024)
            bench.add(f"{what}: growth from the first third to the last", "%", 100 * (last / first - 1))
            bench.add(f"{what}: control and media", "ms of CPU each", 1e3 * _both(use) / count, use)


def _logged(data: Path) -> int:
    """How many calls have their record in the database."""
    with closing(sqlite3.connect(f"file:{data / DATABASE}?mode=ro", uri=True)) as database:
        (count,) = database.execute("SELECT count(*) FROM cdr").fetchone()
    return int(count)


def _both(use: Use) -> float:
    """CPU seconds of control and media."""
    return use.roles["control"] + use.roles["media"]


def _normal_again(server: Server) -> float:
    """Seconds until a phone can register and is called."""
    began = time.monotonic()
    while True:
        try:
            with ring.pair(server, CALLERS[-1], CALLEES[-1]) as pair:
                ring.delays_ms(pair, CALLEES[-1], 0.01)
        except BenchError:
            if time.monotonic() - began > 60:
                raise
        else:
            return time.monotonic() - began


def measure_relay(bench: Bench) -> None:
    """PCMU on both sides, 50 packets a second in each direction."""
    program = rtp.build()
    for calls in bench.effort.relays:
        with bench.server() as (server, phones):
            _register_callees(server, phones)
            window = rtp.WARM_UP + bench.effort.seconds + rtp.DRAIN + 1.0
            hold = calls / 30 + 3.0 + bench.effort.repeat * window
            with phones.held(CALLERS, CALLEES, rate=30, count=calls, hold=hold) as sounds:
                for _ in range(bench.effort.repeat):
                    metered, use = rtp.relay(program, server, sounds, bench.effort.seconds)
                    what = f"relay of {calls} calls"
                    each = 1e6 * use.server / max(1, metered.received)
                    bench.add(what, "µs of CPU a packet", each, use)
                    bench.add(f"{what}: lost", "packets", metered.sent - metered.received, use)
                    if metered.delay_us.p50 is not None and metered.delay_us.p99 is not None:
                        bench.add(f"{what}: delay, half below", "ms", metered.delay_us.p50 / 1e3, use)
                        bench.add(f"{what}: delay, 99 % below", "ms", metered.delay_us.p99 / 1e3, use)
                    bench.add(f"{what}: sent late by the load", "packets", metered.late, use)


def measure_memory(bench: Bench) -> None:
    """Proportional set size: idle, then the growth from 200 to 2,000 devices and from 50 to 500 calls."""
    few, devices = 200, 2000
    for _ in range(bench.effort.repeat):
        with bench.server() as (server, phones):
            idle = server.processes.pss_kib()
            for role, kib in idle.items():
                bench.add(f"memory idle: {role}", "MiB (PSS)", kib / 1024)
            phones.register(list(CALLEES)[:few], server.callees, sipp.CALLEE_PORT, rate=250)
            before = server.processes.pss_kib()
            phones.register(list(CALLEES)[few:], server.callees, sipp.CALLEE_PORT, rate=250)
            phones.register(list(CALLERS), server.callers, _PARKED_PORT, rate=250)
            registered = server.processes.pss_kib()
            grown = registered["control"] - before["control"]
            bench.add("memory of a registered device", "KiB (PSS)", grown / (devices - few))
            _memory_of_a_call(bench, server, phones)


def _memory_of_a_call(bench: Bench, server: Server, phones: sipp.Phones) -> None:
    """From the moment when 50 calls stand to that when 500 do, while they come at 30 a second."""
    few, many, rate = 50, 500, 30.0
    with (
        phones.callees(),
        phones.calling(CALLERS, CALLEES, rate=rate, count=many, hold=many / rate + 5.0) as load,
    ):
        marks: list[tuple[int, dict[str, int]]] = []
        for wanted in (few, many):
            end = time.monotonic() + many / rate + 10.0
            while len(load.sounds()) < wanted:
                if time.monotonic() > end:
                    raise BenchError(f"Fewer than {wanted} calls were answered.\n{load.errors()}")
                time.sleep(0.05)
            marks.append((len(load.sounds()), server.processes.pss_kib()))
        (low, before), (high, after) = marks
        for role in ("control", "media"):
            grown = after[role] - before[role]
            bench.add(f"memory of a call: {role}", "KiB (PSS)", grown / (high - low))
        if (failed := load.wait(many / rate + 30.0).failed) > 0:
            raise BenchError(f"{failed} of {many} calls failed; no figure.\n{load.errors()}")


def measure_start(bench: Bench) -> None:
    """From the command to the first answer over SIP: with an empty directory, and with what that left."""
    for _ in range(bench.effort.repeat):
        with tempfile.TemporaryDirectory(prefix="tongdai-bench-") as directory:
            for name in ("first start", "second start"):
                with demo(SERVER_CORE, Path(directory)) as server:
                    bench.add(name, "s to an answer", server.started)
                    server.processes.wait_quiet()


def measure_kill(bench: Bench) -> None:
    """`kill -9` of control while ten calls talk: when SIP is answered again, and what sound was lost."""
    program, calls = rtp.build(), 10
    for _ in range(bench.effort.repeat):
        with bench.server() as (server, phones):
            _register_callees(server, phones)
            back: list[float] = []
            # it hangs up after the new process is there, and that must work
            with phones.held(CALLERS, CALLEES, rate=30, count=calls, hold=10.0) as sounds:
                killing = threading.Timer(rtp.WARM_UP + 1.0, _kill, [server, back])
                killing.start()
                metered, use = rtp.relay(program, server, sounds, 6.0)
                killing.join()
            if not back:
                raise BenchError("SIP was not answered again within 20 s of kill -9.")
            bench.add("kill -9 of control: SIP is answered", "s later", back[0], use)
            bench.add("kill -9 of control: lost", "packets", metered.sent - metered.received, use)


def _kill(server: Server, back: list[float]) -> None:
    began = time.monotonic()
    os.kill(server.pids["control"], signal.SIGKILL)
    if answers(server.ip, server.port, 20.0):
        back.append(time.monotonic() - began)


def _register_callees(server: Server, phones: sipp.Phones) -> None:
    phones.register(list(CALLEES), server.callees, sipp.CALLEE_PORT, rate=250)


TESTS: dict[str, Callable[[Bench], None]] = {
    "start": measure_start,
    "kill": measure_kill,
    "memory": measure_memory,
    "relay": measure_relay,
    "calls": measure_calls,
    "steady": measure_steady,
    "half": measure_half,
    "overload": measure_overload,
    "register": measure_register,
}


def main(arguments: Sequence[str] | None = None) -> int:
    options = read_options(__doc__, TESTS, "server", arguments)
    try:
        sipp.require()
        rtp.build()
        os.sched_setaffinity(0, {LOAD_CORE})
        with tempfile.TemporaryDirectory(prefix="tongdai-bench-") as directory:
            effort = QUICK if options.quick else FULL
            effort = msgspec.structs.replace(
                effort, repeat=options.repeat or effort.repeat, minutes=options.minutes or effort.minutes
            )
            bench = Bench(effort, Path(directory))
            print("prompts …", file=sys.stderr, flush=True)
            with bench.server():
                pass
            for name in options.wanted:
                print(f"{name} …", file=sys.stderr, flush=True)
                TESTS[name](bench)
    except BenchError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    bench.figures.tell(options.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
