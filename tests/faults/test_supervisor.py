"""The demo as a whole: its processes are killed, and it must go on; it is stopped, and nothing may be
left."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from tests.interop.ports import BLOCK, free_port, reserve_block

pytestmark = pytest.mark.faults

OPTIONS = (
    "OPTIONS sip:{host}:{port} SIP/2.0\r\n"
    "Via: SIP/2.0/UDP {me};branch=z9hG4bK{n};rport\r\n"
    "From: <sip:test@{me}>;tag=1\r\n"
    "To: <sip:{host}:{port}>\r\n"
    "Call-ID: {n}@test\r\n"
    "CSeq: 1 OPTIONS\r\n"
    "Max-Forwards: 70\r\n"
    "Content-Length: 0\r\n\r\n"
)


def wait(what: Callable[[], Any], seconds: float) -> Any:
    """The first true value of `what`."""
    end = time.monotonic() + seconds
    while not (value := what()):
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.01)
    return value


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


class Running:
    def __init__(self, data: Path) -> None:
        self.data = data
        self.output = data.parent / "output.txt"
        first, self.guard = reserve_block()
        self._ports = [f"--media-ports={first}-{first + BLOCK - 1}"]
        self._ports += [f"--{kind}-port={free_port()}" for kind in ("tls", "http", "ws")]

    def start(self, *more: str) -> None:
        command = [
            sys.executable,
            "-m",
            "tongdai.app.cli",
            "demo",
            "--data",
            str(self.data),
            "--sip-port",
            "0",
        ]
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [*command, *self._ports, *more], stdout=output, stderr=subprocess.STDOUT
            )
        wait(lambda: self.works() or self.process.poll() is not None, 60)
        assert self.process.poll() is None, self.output.read_text()

    def works(self) -> bool:
        """Not a demo.json that a killed demo has left."""
        return bool((told := self.told()) and told["pids"]["supervisor"] == self.process.pid)

    def settled(self) -> dict[str, int]:
        """The processes, once even the last to start works."""

        def answers() -> bool:
            with (
                suppress(OSError),
                urllib.request.urlopen(self.told()["http"] + "/healthz", timeout=5) as answer,
            ):
                return bool(answer.status == 200)
            return False

        wait(answers, 30)
        pids: dict[str, int] = self.told()["pids"]
        return pids

    def told(self) -> dict[str, Any]:
        try:
            content: dict[str, Any] = json.loads((self.data / "demo.json").read_text("utf-8"))
        except FileNotFoundError:
            return {}
        return content

    def pid(self, name: str) -> int:
        return int(self.told()["pids"][name])

    def stop(self, number: signal.Signals = signal.SIGTERM) -> float:
        begun = time.monotonic()
        self.process.send_signal(number)
        assert self.process.wait(10) == 0, self.output.read_text()
        return time.monotonic() - begun

    @property
    def address(self) -> tuple[str, int]:
        return self.told()["sip"]["host"], self.told()["sip"]["udp"]

    def ask(self, sock: socket.socket, n: int) -> None:
        host, port = self.address
        me = ":".join(map(str, sock.getsockname()))
        sock.sendto(OPTIONS.format(host=host, port=port, me=me, n=n).encode(), (host, port))


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One directory for all tests, so that prompts are spoken once."""
    return tmp_path_factory.mktemp("demo") / "data"


@pytest.fixture
def demo(place: Path) -> Iterator[Running]:
    demo = Running(place)
    demo.start()
    yield demo
    if demo.process.poll() is None:
        demo.process.terminate()
        demo.process.wait()
    demo.guard.close()


@pytest.fixture
def phone() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        sock.settimeout(15)
        yield sock


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_within_five_seconds_and_leaves_nothing(demo: Running, number: signal.Signals):
    pids = list(demo.told()["pids"].values())
    assert demo.stop(number) < 5
    assert not [pid for pid in pids if alive(pid)]
    assert not (demo.data / "demo.json").exists()
    assert sorted(path.name for path in (demo.data / "run").iterdir()) == ["lock"]
    assert not [line for line in Path("/proc/net/unix").read_text().splitlines() if str(demo.data) in line]


def test_a_killed_control_is_back_on_the_same_sockets_and_answers_what_came_meanwhile(
    demo: Running, phone: socket.socket
):
    demo.ask(phone, 1)
    assert phone.recv(4096).startswith(b"SIP/2.0 200")
    media, control = demo.pid("media"), demo.pid("control")
    os.kill(control, signal.SIGKILL)
    demo.ask(phone, 2)
    assert phone.recv(4096).startswith(b"SIP/2.0 200")
    assert demo.pid("control") != control
    assert demo.pid("media") == media, "the engine went on"
    demo.stop()


def test_a_killed_control_is_started_again(demo: Running):
    control = demo.pid("control")
    os.kill(control, signal.SIGKILL)
    wait(lambda: demo.pid("control") != control, 15)
    demo.stop()


def test_a_killed_engine_is_replaced_and_control_finds_it(demo: Running, phone: socket.socket):
    media, control = demo.pid("media"), demo.pid("control")
    os.kill(media, signal.SIGKILL)
    wait(lambda: demo.pid("media") != media, 5)
    demo.ask(phone, 1)
    assert phone.recv(4096).startswith(b"SIP/2.0 200")
    assert demo.pid("control") == control
    demo.stop()


def test_calls_go_on_while_the_web_process_cannot_start(demo: Running, phone: socket.socket):
    """A web process that ended before it ever worked took everything down with it."""
    killed = {0}
    for n in range(1, 6):
        pid = wait(lambda: (web := demo.pid("web")) not in killed and web, 10)
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        killed.add(pid)
        demo.ask(phone, n)
        assert phone.recv(65535)
    assert demo.process.poll() is None
    assert demo.settled()["web"] not in killed
    assert demo.told()["pids"]["control"] == demo.pid("control")


def test_when_the_supervisor_is_killed_and_no_other_comes_the_others_end_by_themselves(
    place: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("TONGDAI_ORPHAN_SECONDS", "1")
    demo = Running(place)
    demo.start()
    pids = demo.told()["pids"]
    demo.process.kill()
    demo.process.wait()
    wait(lambda: not [pid for pid in pids.values() if alive(pid)], 15)
    demo.guard.close()


def test_the_next_supervisor_adopts_what_a_killed_one_has_left_and_stops_it(
    demo: Running, phone: socket.socket
):
    pids, address = demo.settled(), demo.told()["sip"]
    demo.process.kill()
    demo.process.wait()
    demo.ask(phone, 1)
    assert phone.recv(4096).startswith(b"SIP/2.0 200"), "served without a supervisor"
    demo.start()
    assert demo.told()["sip"] == address
    assert {name: pid for name, pid in demo.settled().items() if pid != pids[name]} == {
        "supervisor": demo.process.pid
    }
    os.kill(pids["control"], signal.SIGKILL)
    demo.ask(phone, 2)
    assert phone.recv(4096).startswith(b"SIP/2.0 200"), "the adopted is started again like any other"
    demo.stop()
    assert not [pid for pid in pids.values() if alive(pid)]
    assert sorted(path.name for path in (demo.data / "run").iterdir()) == ["lock"]


def test_the_next_supervisor_with_other_settings_replaces_what_they_are_for(
    demo: Running, phone: socket.socket
):
    pids = demo.settled()
    demo.process.kill()
    demo.process.wait()
    demo.start("--ring-seconds=7")
    changed = {name for name, pid in demo.settled().items() if pid != pids[name]}
    assert changed == {"supervisor", "control"}
    demo.ask(phone, 1)
    assert phone.recv(4096).startswith(b"SIP/2.0 200")
    demo.stop()


def test_a_fresh_start_ends_what_a_killed_supervisor_has_left(demo: Running):
    pids = demo.told()["pids"]
    demo.process.kill()
    demo.process.wait()
    demo.start("--fresh")
    assert not [pid for pid in pids.values() if alive(pid)]
    demo.stop()


def test_a_second_demo_on_the_same_data_is_refused_and_harms_nothing(demo: Running, phone: socket.socket):
    command = [sys.executable, "-m", "tongdai.app.cli", "demo", "--data", str(demo.data), "--sip-port", "0"]
    refused = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    assert refused.returncode == 2
    assert f"pid {demo.process.pid}" in refused.stderr
    assert refused.stderr.count("\n") == 1
    demo.ask(phone, 1)
    assert phone.recv(4096).startswith(b"SIP/2.0 200")
    demo.stop()


def test_a_port_in_use_is_one_line_that_names_it(place: Path, phone: socket.socket):
    port = phone.getsockname()[1]
    command = [sys.executable, "-m", "tongdai.app.cli", "demo", "--data", str(place), "--sip-port", str(port)]
    refused = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    assert refused.returncode == 2
    assert f"Port {port}" in refused.stderr
    assert "--sip-port" in refused.stderr
    assert refused.stderr.count("\n") == 1


class Service(Running):
    """`tongdai serve` on what a demo has left."""

    def __init__(self, data: Path) -> None:
        super().__init__(data)
        self._ports.append(f"--sip-port={free_port()}")

    @property
    def address(self) -> tuple[str, int]:
        return "127.0.0.1", int(self._ports[-1].partition("=")[2])

    def start(self, *more: str) -> None:
        command = [sys.executable, "-m", "tongdai.app.cli", "serve", "--data", str(self.data)]
        with self.output.open("ab") as output:
            self.process = subprocess.Popen(
                [*command, *self._ports, *more], stdout=output, stderr=subprocess.STDOUT
            )

    def answers(self, sock: socket.socket, n: int) -> bool:
        """Whoever serves: asked again as a phone would."""
        for _ in range(60):
            self.ask(sock, n)
            with suppress(TimeoutError):
                while True:
                    answer = sock.recv(4096)
                    if f"Call-ID: {n}@test".encode() in answer:
                        return answer.startswith(b"SIP/2.0 200")
        return False

    def control(self) -> int:
        """Its process, by what it was started with."""
        mark = str(self.data / "run" / "control.json").encode()
        for entry in Path("/proc").iterdir():
            with suppress(OSError):
                if entry.name.isdigit() and mark in (entry / "cmdline").read_bytes().split(b"\0"):
                    return int(entry.name)
        return 0


def test_the_next_supervisor_goes_on_although_the_database_is_gone_and_makes_no_other(
    demo: Running, phone: socket.socket
):
    """It ended all that served, since the data could not be made ready; an empty database would be worse."""
    demo.stop()
    service, database, away = Service(demo.data), demo.data / "tongdai.db", demo.data / "away"
    phone.settimeout(1)
    service.start()
    try:
        assert service.answers(phone, 1)
        control = service.control()
        service.process.kill()
        service.process.wait()
        database.rename(away)
        service.start()
        wait(lambda: "what serves goes on" in service.output.read_text(), 60)
        assert service.control() == control
        assert service.answers(phone, 2)
        os.kill(control, signal.SIGKILL)
        assert service.answers(phone, 3), "from what was kept"
        assert service.control() not in (0, control)
        assert not database.exists()
        away.rename(database)
        service.stop()
        database.rename(away)
        service.start()
        assert service.process.wait(60) != 0
        assert "The database" in service.output.read_text()
        assert not database.exists()
    finally:
        if away.exists():
            away.rename(database)
        if service.process.poll() is None:
            service.process.kill()
        service.guard.close()
