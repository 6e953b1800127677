"""The demo company as a process: start it on free ports, read demo.json, stop it, look for remains."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import sysconfig
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec
from tests.interop.phones.raw import Account
from tests.interop.ports import BLOCK, free_port, reserve_block

TONGDAI = Path(sysconfig.get_path("scripts")) / "tongdai"
_START = 90.0
_STOP = 5.0
_MARK = "TONGDAI_INTEROP"
SPOKEN = "TONGDAI_TESTS_SPOKEN"
"""Names the directory of what the demos of this run have had spoken."""


class Device(msgspec.Struct):
    username: str
    password: str


class Person(msgspec.Struct):
    name: str
    extension: str
    voicemail_pin: str
    devices: list[Device]


class Tenant(msgspec.Struct):
    name: str
    domain: str
    numbers: dict[str, str]
    people: list[Person]
    id: str = ""
    conference_pin: str = ""

    def person(self, extension: str) -> Person:
        return next(person for person in self.people if person.extension == extension)


class Sip(msgspec.Struct):
    host: str
    udp: int
    tcp: int
    tls: int = 0
    ws: str = ""


class Carrier(msgspec.Struct):
    host: str
    udp: int
    username: str
    password: str


class Facts(msgspec.Struct):
    """demo.json, as far as the suite needs it; `carrier` is missing when another carrier was given."""

    sip: Sip
    pids: dict[str, int]
    tenants: list[Tenant]
    carrier: Carrier | None = None
    http: str = ""


class Demo:
    """A running demo. `stop` (or leaving the `with`) ends it and checks that nothing is left."""

    def __init__(
        self,
        directory: Path,
        *,
        options: Sequence[str] = (),
        ring_seconds: int = 3,
        environment: Mapping[str, str] | None = None,
        within: Sequence[str] = (),
        unspoken: bool = False,
        tongdai: Path = TONGDAI,
    ) -> None:
        """`environment` has what no option sets; `within` is a command that runs it elsewhere, in a
        network namespace; `unspoken`: what others have had spoken is spoken anew, and kept in `directory`."""
        self.directory = directory
        self._unspoken = unspoken
        self._tongdai = tongdai
        self._within = list(within)
        self._environment = dict(environment or {})
        self.facts = Facts(Sip("", 0, 0), {}, [])
        self.sip_address = ("127.0.0.1", free_port())
        self._ports = [
            "--host=127.0.0.1,::1",
            f"--sip-port={self.sip_address[1]}",
            f"--tls-port={free_port()}",
            f"--http-port={free_port()}",
            f"--ws-port={free_port()}",
            f"--ring-seconds={ring_seconds}",
        ]
        self._options = list(options)
        self.first_media_port, self._guard = reserve_block()
        self.media_ports(BLOCK)
        self._process: subprocess.Popen[bytes] | None = None

    def media_ports(self, size: int) -> None:
        """Give it so many UDP ports for sound, at most BLOCK."""
        first, last = self.first_media_port, self.first_media_port + size - 1
        self._options = [option for option in self._options if not option.startswith("--media-ports")]
        self._options.append(f"--media-ports={first}-{last}")

    @property
    def settings(self) -> dict[str, str]:
        """Those by which `tongdai serve` is reached where this demo is."""
        pairs = [option.removeprefix("--").partition("=") for option in (*self._ports, *self._options)]
        return {name.replace("-", "_"): value for name, _, value in pairs}

    def carried_by(self, peer: tuple[str, int]) -> None:
        """Use that SIP peer as the carrier instead of the simulated one."""
        self._options.append(f"--carrier={peer[0]}:{peer[1]}")

    def start(self, *, fresh: bool = True) -> Demo:
        """Start and wait until demo.json is written."""
        path = self.directory / "demo.json"
        path.unlink(missing_ok=True)
        self._share_speech()
        command = [
            *self._within,
            str(self._tongdai),
            "demo",
            f"--data={self.directory}",
            *self._ports,
            *self._options,
        ]
        with self.log_path.open("ab") as log:
            self._process = subprocess.Popen(
                [*command, *(["--fresh"] if fresh else [])],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env={**os.environ, **self._environment, _MARK: str(self.directory)},
            )
        began = time.monotonic()
        while not path.exists():
            assert self._process.poll() is None, f"the demo ended at start:\n{self.log()[-4000:]}"
            if time.monotonic() - began > _START:
                self.kill()
                raise AssertionError(f"no demo.json within {_START} s:\n{self.log()[-4000:]}")
            time.sleep(0.05)
        self.reread()
        return self

    def _share_speech(self) -> None:
        """Speaking takes more of the processor than all else of a start. Files are named by what is said in
        them, and appear whole, so a demo may well find those of another, as it finds its own again."""
        speech, shared = self.directory / "speech", os.environ.get(SPOKEN)
        if shared and not self._unspoken and not speech.exists():
            self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            speech.symlink_to(shared)

    def reread(self) -> Facts:
        """Read demo.json again: process ids change when a process is replaced."""
        self.facts = msgspec.json.decode((self.directory / "demo.json").read_bytes(), type=Facts)
        return self.facts

    def stop(self, *, with_signal: int = signal.SIGTERM) -> None:
        """Stop as an operator does; AssertionError when it takes over 5 s, fails or leaves a process."""
        assert self._process is not None, "the demo was not started"
        if self._process.poll() is not None:
            raise AssertionError(
                f"the demo ended by itself ({self._process.returncode}):\n{self.log()[-4000:]}"
            )
        self._process.send_signal(with_signal)
        try:
            code = self._process.wait(_STOP)
        except subprocess.TimeoutExpired:
            left = self.processes()
            self.kill()
            raise AssertionError(f"not stopped in {_STOP} s; {left} left:\n{self.log()[-4000:]}") from None
        left = self.processes()
        self.kill()
        assert not left, f"stopped, but these processes are left: {left}"
        assert code in (0, 128 + with_signal, -with_signal), f"stopped with {code}:\n{self.log()[-4000:]}"

    def kill_supervisor(self) -> None:
        """End it alone, and at once; what it has started goes on."""
        assert self._process is not None, "the demo was not started"
        self._process.kill()
        self._process.wait()

    def close(self) -> None:
        """Be done with it: end whatever still runs, give the ports back."""
        self.kill()
        self._guard.close()

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def kill(self) -> None:
        """End every process of this demo at once, whatever state it is in."""
        for pid in self.processes():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        if self._process is not None:
            self._process.wait()

    def processes(self) -> dict[int, str]:
        """The processes of this demo that still run: all inherited a variable of their own."""
        mark = f"{_MARK}={self.directory}".encode()
        found: dict[int, str] = {}
        for entry in Path("/proc").iterdir():
            try:
                if entry.name.isdigit() and mark in (entry / "environ").read_bytes().split(b"\0"):
                    found[int(entry.name)] = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            except OSError:
                continue
        return {pid: command for pid, command in found.items() if command}

    @property
    def log_path(self) -> Path:
        return self.directory.with_suffix(".log")

    def log(self) -> str:
        """What it printed."""
        return self.log_path.read_text(errors="replace")

    def service_log(self) -> str:
        """What its processes logged."""
        path = self.directory / "tongdai.log"
        return path.read_text(errors="replace") if path.exists() else ""

    @property
    def server(self) -> tuple[str, int]:
        return self.facts.sip.host, self.facts.sip.udp

    def tenant(self, domain: str = "anphat.demo") -> Tenant:
        return next(tenant for tenant in self.facts.tenants if tenant.domain == domain)

    def account(
        self,
        extension: str,
        *,
        domain: str = "anphat.demo",
        device: int = 0,
        full: bool = False,
        transport: str = "udp",
    ) -> Account:
        """What a person's phone is given; `full` puts the tenant's domain into its URIs."""
        login = self.tenant(domain).person(extension).devices[device]
        host = self.facts.sip.host
        servers = {"tls": (host, self.facts.sip.tls), "ws": (host, int(self.facts.sip.ws.rpartition(":")[2]))}
        server = servers.get(transport, self.server)
        return Account(login.username, login.password, server, domain if full else "")

    def carrier(self) -> Account:
        """The account of a phone in the outside world."""
        carrier = self.facts.carrier
        assert carrier is not None, "this demo was started with another carrier"
        return Account(carrier.username, carrier.password, (carrier.host, carrier.udp))

    def cli(self, *arguments: str) -> str:
        """Run `tongdai ARGUMENTS --data DIR`; returns its output, AssertionError when it fails."""
        done = subprocess.run(
            [str(self._tongdai), *arguments, "--data", str(self.directory)],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, f"tongdai {' '.join(arguments)} failed:\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def __enter__(self) -> Demo:
        return self

    def __exit__(self, *_: object) -> None:
        try:
            if self.running:
                self.stop()
        finally:
            self.close()


def available() -> bool:
    """Whether the product can be started here at all."""
    return TONGDAI.exists() and sys.platform == "linux"
