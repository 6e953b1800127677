"""How long calls take to ring while the receiver of alarms and the process that speaks hang.

    python bench/hanging.py [--quick] [--repeat N] [--minutes N] [--out FILE]

The method is in bench/README.md.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
import msgspec

from harness import ring, sipp
from harness.failure import BenchError
from harness.figures import Figures
from harness.options import read_options
from harness.server import CALLEES, CALLERS, Server, demo

_SERVER_CORE, _LOAD_CORE = 0, 1
_RATE = 50.0
_WITHIN = 60.0
_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
_WORKER = b"tongdai.speech.worker"


class Sink:
    """Takes webhooks. While it hangs it takes connections and says nothing on them."""

    def __init__(self) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}/"
        self.hangs = False
        self._silent: list[socket.socket] = []
        threading.Thread(target=self._serve, daemon=True).start()

    def kept_waiting(self) -> int:
        """How many were told nothing since it hangs."""
        return len(self._silent)

    def go_on(self) -> None:
        """Hang no more."""
        self.hangs = False
        while self._silent:
            self._silent.pop().close()

    def close(self) -> None:
        self.go_on()
        self._listening.close()

    def _serve(self) -> None:
        while True:
            try:
                taken, _ = self._listening.accept()
            except OSError:
                return
            if self.hangs:
                self._silent.append(taken)
                continue
            with taken:
                taken.recv(65536)
                taken.sendall(_ANSWER)


class Speaker:
    """Makes control want something spoken, and has the process that speaks stand still meanwhile."""

    def __init__(self, server: Server, data: Path) -> None:
        self._server = server
        self._facts = msgspec.json.decode((data / "demo.json").read_bytes())
        self._stopped: list[int] = []
        self._names = 0

    def hang(self) -> None:
        """Somebody is given another name, which callers hear in the directory."""
        company = self._facts["tenants"][0]
        with httpx.Client(base_url=self._facts["http"] + "/api/v1", timeout=30) as client:
            client.post("/sign-in", json=company["admin"]).raise_for_status()
            people = f"/tenants/{company['id']}/people"
            person = client.get(people).raise_for_status().json()["items"][0]["id"]
            self._names += 1
            name = f"Somebody {time.time_ns()} {self._names}"
            client.patch(f"{people}/{person}", json={"name": name}).raise_for_status()
        _until(lambda: bool(self._workers()), "Nothing was spoken.")
        self._stopped = self._workers()
        for pid in self._stopped:
            os.kill(pid, signal.SIGSTOP)

    def hangs(self) -> bool:
        """Whether those that were stopped are still there."""
        return bool(self._stopped) and set(self._stopped) <= set(self._workers())

    def go_on(self) -> None:
        """Hang no more."""
        for pid in self._stopped:
            os.kill(pid, signal.SIGCONT)
        self._stopped = []

    def _workers(self) -> list[int]:
        return [pid for pid in self._server.processes.all() if _WORKER in _command(pid)]


@contextmanager
def hanging(sink: Sink, speaker: Speaker, data: Path) -> Iterator[None]:
    """Both hang; an alarm is on, which control cannot tell."""
    refused = data / "refused" / "bench.jsonl"
    sink.hangs = True
    refused.parent.mkdir(exist_ok=True)
    refused.write_text("{}\n")
    try:
        _until(lambda: sink.kept_waiting() > 0, "No alarm was told.")
        speaker.hang()
        yield
        if not speaker.hangs():
            raise BenchError("The process that speaks was ended meanwhile; no figure.")
    finally:
        speaker.go_on()
        refused.unlink()
        sink.go_on()


def measure(figures: Figures, data: Path, repeat: int, seconds: float) -> None:
    """Runs without and with what hangs, in turn, beside other calls."""
    sink = Sink()
    told = {"TONGDAI_ALARM_WEBHOOK": sink.url, "TONGDAI_WEBHOOK_NETWORKS": "127.0.0.0/8"}
    probe = CALLERS[-1], CALLEES[-1]
    found: dict[str, list[float]] = {"without": [], "with": []}
    with demo(_SERVER_CORE, data, told) as server, sipp.phones(server) as phones:
        speaker = Speaker(server, data)
        server.processes.wait_quiet()
        phones.register(list(CALLEES), server.callees, sipp.CALLEE_PORT, rate=60)
        with phones.callees(), ring.pair(server, *probe) as pair, ThreadPoolExecutor(1) as beside:

            def run(name: str) -> None:
                server.processes.wait_quiet(10.0)
                before = server.processes.snapshot()
                others = beside.submit(
                    phones.call, CALLERS[:-1], CALLEES[:-1], rate=_RATE, count=int(_RATE * seconds)
                )
                delays = ring.delays_ms(pair, probe[1], seconds)
                others.result()
                use = server.processes.since(before)
                found[name] += delays
                for share, what in _SHARES:
                    figures.add(f"delay of ringing, {what}: {name}", "ms", _below(delays, share), use)

            phones.call(CALLERS, CALLEES, rate=_RATE, count=int(_RATE * 2))
            for _ in range(repeat):
                run("without")
                with hanging(sink, speaker, data):
                    run("with")
    sink.close()
    for share, what in _SHARES:
        growth = _below(sorted(found["with"]), share) - _below(sorted(found["without"]), share)
        figures.add(f"delay of ringing, {what}, of all runs together: growth", "ms", growth)


_SHARES = ((0.5, "half below"), (0.99, "99 % below"))


def _below(delays: list[float], share: float) -> float:
    return delays[int(share * (len(delays) - 1))]


def _command(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def _until(true: Callable[[], bool], complaint: str) -> None:
    end = time.monotonic() + _WITHIN
    while not true():
        if time.monotonic() > end:
            raise BenchError(complaint)
        time.sleep(0.02)


def main() -> int:
    options = read_options(__doc__, ["hanging"], "server", None)
    figures = Figures()
    repeat, seconds = (1, 5.0) if options.quick else (5, 30.0)
    try:
        sipp.require()
        os.sched_setaffinity(0, {_LOAD_CORE})
        with tempfile.TemporaryDirectory(prefix="tongdai-bench-") as directory:
            data = Path(directory) / "demo"
            with demo(_SERVER_CORE, data):  # what is spoken at a first start
                pass
            measure(figures, data, options.repeat or repeat, 60 * options.minutes or seconds)
    except (BenchError, httpx.HTTPError) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    figures.tell(options.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
