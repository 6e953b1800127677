"""SIPp: scenarios, what came of them, and the ports that held calls agreed on."""

from __future__ import annotations

import csv
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec

from harness.failure import BenchError
from harness.server import DOMAIN, PASSWORD, Server

CALLER_PORT = CALLEE_PORT = 5080
_MEDIA_BASE = 10000
"""SIPp binds this port itself; the scenarios name those above it, four for a call."""

_SCENARIOS = Path(__file__).with_name("sipp")
_ANSWER_MS = 5000


class Outcome(msgspec.Struct, frozen=True):
    """What SIPp counted."""

    succeeded: int
    failed: int
    retransmissions: int
    seconds: float
    """From its start to the end of the last call."""


class Sound(msgspec.Struct, frozen=True):
    """One side's agreed RTP ports: its own, and the server's."""

    local: int
    remote: int


class Sipp:
    """One SIPp process; its files live as long as the directory."""

    def __init__(
        self,
        server: Server,
        scenario: str,
        ip: str,
        port: int,
        directory: Path,
        options: Sequence[str],
        keys: Mapping[str, str] | None = None,
        nice: int = 0,
    ) -> None:
        """With `nice`, other loads go first."""
        self._scenario = scenario
        self._name = directory / f"{scenario}-{time.monotonic_ns()}"
        command = ["sipp", f"{server.ip}:{server.port}", "-sf", str(_SCENARIOS / f"{scenario}.xml")]
        command += ["-i", ip, "-p", str(port), "-mi", ip, "-mp", str(_MEDIA_BASE), "-nostdin"]
        command += ["-buff_size", str(4 << 20), "-recv_timeout", str(_ANSWER_MS)]
        command += ["-trace_stat", "-stf", self._file("stat"), "-fd", "1"]
        command += ["-trace_err", "-error_file", self._file("errors")]
        command += ["-trace_logs", "-log_file", self._file("log")]
        for key, value in {"domain": DOMAIN, **(keys or {})}.items():
            command += ["-key", key, value]
        self._process = subprocess.Popen(
            [*command, *options],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            preexec_fn=lambda: os.nice(nice),
        )

    def wait(self, seconds: float) -> Outcome:
        """Wait for the end of all its calls. Raises `BenchError` when that takes longer."""
        try:
            _, said = self._process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            raise BenchError(
                f"SIPp's {self._scenario} did not end within {seconds:.0f} s.\n{self.errors()}"
            ) from None
        rows = list(csv.DictReader(self._read("stat").splitlines(), delimiter=";"))
        if not rows:
            raise BenchError(f"SIPp's {self._scenario} did not run:\n{said.decode(errors='replace')[-2000:]}")
        last = rows[-1]
        return Outcome(
            int(last["SuccessfulCall(C)"]),
            int(last["FailedCall(C)"]),
            int(last["Retransmissions(C)"]),
            _seconds(last["CurrentTime"]) - _seconds(last["StartTime"]),
        )

    def sounds(self) -> dict[str, Sound]:
        """By the callee's name: the ports of its call."""
        found = {}
        for line in self._read("log").splitlines():
            if line:  # SIPp only knows its port behind a line's beginning and the word audio
                _, callee, local, remote = line.split()
                found[callee] = Sound(int(local), int(remote))
        return found

    def begun(self) -> int:
        """How many calls were begun, by its statistics of each second."""
        rows = list(csv.DictReader(self._read("stat").splitlines(), delimiter=";"))
        return int(rows[-1]["TotalCallCreated"]) if rows else 0

    def done(self) -> int:
        """How many calls were made wholly, so far."""
        return self._read("log").splitlines().count("done")

    def errors(self) -> str:
        """The first of what SIPp complained about."""
        return self._read("errors")[:2000]

    def runs(self) -> bool:
        """Not all its calls have ended."""
        return self._process.poll() is None

    def stop(self) -> None:
        """End it, if it still runs."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.communicate()

    def _file(self, suffix: str) -> str:
        return f"{self._name}.{suffix}"

    def _read(self, suffix: str) -> str:
        path = Path(self._file(suffix))
        return path.read_text(errors="replace") if path.exists() else ""


class Phones:
    """Loads on one server: registrations, and calls from the callers' accounts to the callees'."""

    def __init__(self, server: Server, directory: Path) -> None:
        self._server = server
        self._directory = directory

    def register(
        self, accounts: Sequence[int], ip: str, port: int, *, rate: float, count: int = 0, at_once: int = 0
    ) -> Outcome:
        """Register accounts in turn, `count` times (once each), each time with a challenge; never more than
        `at_once` at a time."""
        count = count or len(accounts)
        options = ["-r", str(rate), "-m", str(count), "-l", str(at_once or count)]
        options += ["-inf", self._users(accounts)]
        load = Sipp(self._server, "register", ip, port, self._directory, options)
        try:
            return _good(load, count, count / rate + 30)
        finally:
            load.stop()

    @contextmanager
    def callees(self) -> Iterator[Sipp]:
        """Phones that answer at once, at the address and port where the callees are registered."""
        phones = Sipp(self._server, "callee", self._server.callees, CALLEE_PORT, self._directory, [])
        try:
            time.sleep(0.5)
            yield phones
        finally:
            phones.stop()

    @contextmanager
    def calling(
        self,
        callers: Sequence[int],
        callees: Sequence[int],
        *,
        rate: float,
        count: int,
        hold: float = 0.0,
        at_once: int = 0,
    ) -> Iterator[Sipp]:
        """Callers that call callees pairwise in turn and hang up after `hold` seconds; never more than
        `at_once` calls at a time."""
        options = ["-r", str(rate), "-m", str(count), "-l", str(at_once or count)]
        options += ["-d", str(int(hold * 1000))]
        options += ["-inf", self._users(callers, callees)]
        load = Sipp(self._server, "caller", self._server.callers, CALLER_PORT, self._directory, options)
        try:
            yield load
        finally:
            load.stop()

    def call(
        self, callers: Sequence[int], callees: Sequence[int], *, rate: float, count: int, at_once: int = 0
    ) -> Outcome:
        """`count` calls that are hung up as soon as they are answered."""
        with self.calling(callers, callees, rate=rate, count=count, at_once=at_once) as load:
            return _good(load, count, count / rate + 30)

    @contextmanager
    def held(
        self, callers: Sequence[int], callees: Sequence[int], *, rate: float, count: int, hold: float
    ) -> Iterator[list[tuple[Sound, Sound]]]:
        """`count` calls that stand, as (caller's, callee's) ports; they last `hold` seconds from their
        answer, and leaving waits for their end."""
        with (
            self.callees() as answering,
            self.calling(callers, callees, rate=rate, count=count, hold=hold) as load,
        ):
            deadline = time.monotonic() + count / rate + 10
            while len(load.sounds()) < count:
                if time.monotonic() > deadline:
                    raise BenchError(
                        f"Only {len(load.sounds())} of {count} calls were answered.\n{load.errors()}"
                    )
                time.sleep(0.1)
            time.sleep(0.5)
            theirs = answering.sounds()
            yield [(ours, theirs[callee]) for callee, ours in load.sounds().items()]
            _good(load, count, hold + 30)

    def flood(
        self, callers: Sequence[int], callees: Sequence[int], *, rate: float, seconds: float
    ) -> tuple[float, float]:
        """Begin calls at a rate, whatever becomes of them; how many a second were begun, and made wholly. The
        first two seconds do not count. The callees, on the same core, go first: else calls would fail since
        nobody answers them."""
        options = ["-r", str(rate), "-rp", "1000", "-m", str(int(rate * (seconds + 30)))]
        options += ["-l", "100000", "-inf", self._users(callers, callees)]
        load = Sipp(
            self._server, "flood", self._server.callers, CALLER_PORT, self._directory, options, nice=10
        )
        try:
            time.sleep(2.0)
            begun, done, began = load.begun(), load.done(), time.monotonic()
            time.sleep(seconds)
            passed = time.monotonic() - began
            return (load.begun() - begun) / passed, (load.done() - done) / passed
        finally:
            load.stop()

    def _users(self, accounts: Sequence[int], callees: Sequence[int] = ()) -> str:
        """A file that SIPp takes the accounts from, line by line."""
        pairs = zip(accounts, callees or accounts, strict=True)
        lines = [f"{one};[authentication username={one} password={PASSWORD}];{other}" for one, other in pairs]
        path = self._directory / f"users-{time.monotonic_ns()}.csv"
        path.write_text("\n".join(["SEQUENTIAL", *lines, ""]))
        return str(path)


@contextmanager
def phones(server: Server) -> Iterator[Phones]:
    """Phones for this server."""
    with tempfile.TemporaryDirectory(prefix="tongdai-bench-") as directory:
        yield Phones(server, Path(directory))


def require() -> None:
    """Raises `BenchError` when SIPp is missing."""
    if shutil.which("sipp") is None:
        raise BenchError("SIPp is missing. Install it: make test-packages.")


def _seconds(text: str) -> float:
    """The time of SIPp's `2026-11-23<tab>08:25:00.123456<tab>1795422300.123456`, in seconds."""
    return float(text.rsplit("\t", maxsplit=1)[-1])


def _good(load: Sipp, count: int, seconds: float) -> Outcome:
    outcome = load.wait(seconds)
    if outcome.succeeded < count:
        raise BenchError(f"{count - outcome.succeeded} of {count} failed; no figure.\n{load.errors()}")
    return outcome
