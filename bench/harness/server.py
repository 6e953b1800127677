"""The product under test: a demo with the benchmark's accounts, on a loopback address of its own."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sysconfig
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx
import msgspec

from harness.failure import BenchError
from harness.processes import Processes

DATABASE = "tongdai.db"
DOMAIN = "bench.demo"
PASSWORD = "secret"
CALLERS, CALLEES = range(10000, 11000), range(20000, 21000)

_START, _STOP = 120.0, 10.0
_MEDIA_PORTS = "20000-29999"


class _Facts(msgspec.Struct):
    pids: dict[str, int]
    http: str


class Server(msgspec.Struct, frozen=True):
    """A running demo. `callers` and `callees` are addresses for phones."""

    ip: str
    port: int
    pids: dict[str, int]
    processes: Processes
    callers: str
    callees: str
    started: float
    """Seconds from the command to the first answer over SIP."""
    http: str
    """Where the API is."""

    def metrics(self) -> dict[str, float]:
        """What control says of itself, by the names of Prometheus."""
        lines = httpx.get(f"{self.http}/metrics/control", timeout=30).raise_for_status().text.splitlines()
        return {name: float(value) for name, value in (x.split() for x in lines if not x.startswith("#"))}


@contextmanager
def demo(
    core: int, data: Path | None = None, environment: Mapping[str, str] | None = None
) -> Iterator[Server]:
    """Run a demo pinned to `core`, on what is in `data` or else in a directory that is removed with it.
    `environment` has what no option sets. Raises `BenchError`.

    A loopback address of its own makes every port free, whatever else runs on the machine.
    """
    network = f"127.{1 + os.getpid() // 250 % 250}.{1 + os.getpid() % 250}"
    ip = f"{network}.1"
    program = Path(sysconfig.get_path("scripts")) / "tongdai"
    if not program.is_file():
        raise BenchError(f"{program} is missing. Build it with `make setup`.")
    ports = _free_ports(ip, 4)
    with tempfile.TemporaryDirectory(prefix="tongdai-bench-") as directory:
        data, output = data or Path(directory) / "demo", Path(directory) / "output"
        facts = data / "demo.json"
        facts.unlink(missing_ok=True)
        options = [f"--{name}-port={port}" for name, port in zip(_PORTS, ports, strict=True)]
        options.append(f"--media-ports={_MEDIA_PORTS}")
        began = time.monotonic()
        with output.open("wb") as log:
            process = subprocess.Popen(
                [str(program), "demo", "--bench", f"--data={data}", f"--host={ip}", *options],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env={**os.environ, **(environment or {})},
                # the processes that it starts inherit the core
                preexec_fn=lambda: os.sched_setaffinity(0, {core}),
            )
        try:
            if not answers(ip, ports[0], _START, lambda: process.poll() is None):
                raise BenchError(f"The demo did not start:\n{output.read_text(errors='replace')[-4000:]}")
            started = time.monotonic() - began
            while not facts.exists() and process.poll() is None:
                time.sleep(0.01)
            told = msgspec.json.decode(facts.read_bytes(), type=_Facts)
            processes = Processes(process.pid, told.pids)
            phones = f"{network}.2", f"{network}.3"
            yield Server(ip, ports[0], told.pids, processes, *phones, started, told.http)
        finally:
            _stop(process)


def answers(ip: str, port: int, seconds: float, alive: Callable[[], bool] = lambda: True) -> bool:
    """Wait until a REGISTER over UDP is answered, with anything; False when none was within `seconds`."""
    branch = f"z9hG4bK{time.monotonic_ns()}"
    end = time.monotonic() + seconds
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as phone:
        phone.bind((ip, 0))
        phone.connect((ip, port))
        phone.settimeout(0.02)
        here = f"{ip}:{phone.getsockname()[1]}"
        request = (
            f"REGISTER sip:{DOMAIN} SIP/2.0\r\nVia: SIP/2.0/UDP {here};branch={branch}\r\n"
            f"Max-Forwards: 70\r\nFrom: <sip:10000@{DOMAIN}>;tag=p\r\nTo: <sip:10000@{DOMAIN}>\r\n"
            f"Call-ID: {branch}\r\nCSeq: 1 REGISTER\r\nContact: <sip:10000@{here}>\r\n"
            "Content-Length: 0\r\n\r\n"
        ).encode()
        while time.monotonic() < end and alive():
            try:
                phone.send(request)
                if phone.recv(65535):
                    return True
            except TimeoutError:
                continue
            except ConnectionRefusedError:
                time.sleep(0.02)
    return False


_PORTS = ("sip", "tls", "http", "ws")


def _free_ports(ip: str, count: int) -> list[int]:
    """Ports below those of sound that are free for UDP and TCP."""
    found = []
    for port in range(5060, 20000):
        try:
            for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
                with socket.socket(socket.AF_INET, kind) as probe:
                    probe.bind((ip, port))
        except OSError:
            continue
        found.append(port)
        if len(found) == count:
            return found
    raise BenchError(f"No ports are free on {ip}. Stop what listens on all addresses.")


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End the demo as an operator does, and by force if that does not help: its session is its own."""
    process.terminate()
    try:
        process.wait(_STOP)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
