"""What relays sound, each in a process pinned to one core: the engine, rtpengine, and the barest relay.

All are set up through their own control protocols, so that no signalling is in the figures.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import sysconfig
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec

from harness import rtp
from harness.failure import BenchError
from harness.processes import Processes

PCMU, PCMA = 0, 8
_NAMES = {PCMU: "PCMU", PCMA: "PCMA"}
_WIDE = {"G722": 9, "opus": 111}
_NETWORK = f"127.{1 + os.getpid() // 250 % 250}.{1 + os.getpid() % 250}"
_SERVER, _PHONES = f"{_NETWORK}.1", f"{_NETWORK}.2"
_FIRST_PHONE, _FIRST_PORT, _LAST_PORT = 10000, 20000, 29999
_PATIENCE = 5.0
_SWEEP_US = 1000
"""Between two sweeps of the floor."""


class Phone(msgspec.Struct, frozen=True):
    """One stream's end, `number` from 0; an even one talks with the odd one behind it."""

    number: int
    codec: int = PCMU
    """What it speaks."""
    hears: str = ""
    """A codec that it would rather hear, `G722` or `opus`."""

    @property
    def port(self) -> int:
        return _FIRST_PHONE + 2 * self.number

    def line(self, to: int, *, marked: bool) -> str:
        """For the generator. Marked packets are looked for at the neighbour; others are noise, counted."""
        peer = self.number ^ 1 if marked else "-"
        return f"{_PHONES}:{self.port} {_SERVER}:{to} {peer} {self.codec}\n"


class Engine:
    """The command channel of `tongdai-media` (docs/engine.md)."""

    def __init__(self, path: Path, processes: Processes) -> None:
        self.processes = processes
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(_PATIENCE)
        self._socket.connect(str(path))
        self._replies = self._socket.makefile("rb")
        self._asked = 0
        self.fingerprint = self.ask("hello", proto=1)["fingerprint"]

    def ask(self, op: str, **fields: object) -> dict[str, object]:
        """One command's reply. Raises `BenchError` when it is refused."""
        self._asked += 1
        frame = msgspec.msgpack.encode({"op": op, "id": self._asked, **fields})
        self._socket.sendall(struct.pack(">I", len(frame)) + frame)
        while True:
            (length,) = struct.unpack(">I", self._replies.read(4))
            reply = msgspec.msgpack.decode(self._replies.read(length), type=dict[str, object])
            if reply.get("re") == self._asked:
                if not reply["ok"]:
                    raise BenchError(f"The engine refused {op}: {reply['detail']}")
                return reply

    def open(self, phone: Phone) -> int:
        """A session for a phone; its port."""
        opened = self.ask("open", session=str(phone.number))
        codecs = [{"name": _NAMES[phone.codec], "pt": phone.codec}]
        if phone.hears:
            codecs.insert(0, {"name": phone.hears, "pt": _WIDE[phone.hears]})
        self.ask(
            "remote",
            session=str(phone.number),
            ip=_PHONES,
            port=phone.port,
            codecs=codecs,
            dtmf=[{"pt": 101}],
            direction="sendrecv",
        )
        port = opened["port"]
        assert isinstance(port, int)
        return port

    def open_browser(self, phone: Phone, fingerprint: str) -> int:
        """A session for a peer that speaks ICE and DTLS as `examples/browserload.rs` does; its port."""
        opened = self.ask("open", session=str(phone.number))
        self.ask(
            "remote",
            session=str(phone.number),
            ip="0.0.0.0",
            port=9,
            codecs=[{"name": "opus", "pt": 111}],
            direction="sendrecv",
            rtcp_mux=True,
            ice={"ufrag": "lite", "pwd": "the0password0of0the0bench", "remote_ufrag": "full"},
            dtls={"setup": "passive", "fingerprints": [fingerprint]},
        )
        port = opened["port"]
        assert isinstance(port, int)
        return port

    def hear(self, phone: Phone, **source: object) -> None:
        """What a phone hears."""
        self.ask("hear", session=str(phone.number), source=source)

    def close(self) -> None:
        self._replies.close()
        self._socket.close()


@contextmanager
def engine(core: int) -> Iterator[Engine]:
    """An engine without sessions."""
    program = Path(sysconfig.get_path("scripts")) / "tongdai-media"
    if not program.is_file():
        raise BenchError(f"{program} is missing. Build it with `make setup`.")
    with tempfile.TemporaryDirectory(prefix="tongdai-bench-") as directory:
        path = Path(directory) / "media.sock"
        command: list[str | Path] = [program, "--socket", path, "--ip", _SERVER, "--log-level", "error"]
        with _running([*command, "--ports", f"{_FIRST_PORT}-{_LAST_PORT}"], core) as processes:
            _wait_for(path)
            client = Engine(path, processes)
            try:
                yield client
            finally:
                client.close()


@contextmanager
def relayed(core: int, phones: Sequence[Phone]) -> Iterator[tuple[Processes, list[str]]]:
    """Our engine with its phones bridged in pairs, and the lines for the generator."""
    with engine(core) as client:
        ports = [client.open(phone) for phone in phones]
        for phone in phones:
            client.hear(phone, kind="session", session=str(phone.number ^ 1))
        marked = len({phone.codec for phone in phones}) == 1
        yield client.processes, [p.line(to, marked=marked) for p, to in zip(phones, ports, strict=True)]


@contextmanager
def browsers(core: int, program: Path, count: int, seconds: int) -> Iterator[Processes]:
    """Our engine with so many peers that came as browsers do, and have talked in pairs for `seconds`."""
    with engine(core) as client:
        phones = [Phone(number) for number in range(count)]
        load = subprocess.Popen(
            [program, str(seconds), str(client.fingerprint)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            assert load.stdin is not None
            assert load.stdout is not None
            fingerprint = load.stdout.readline().strip()
            for phone in phones:
                port = client.open_browser(phone, fingerprint)
                load.stdin.write(f"{_PHONES}:{phone.port} {_SERVER}:{port}\n")
            for phone in phones:
                client.hear(phone, kind="session", session=str(phone.number ^ 1))
            load.stdin.close()
            word, *counts = load.stdout.readline().split() or [""]
            sent, opened = map(int, counts or (0, 0))
            if word != "stop" or opened < 0.9 * sent:
                raise BenchError(f"Of {sent} packets that browsers sent, {opened} were heard.")
            yield client.processes
        finally:
            load.kill()
            load.wait()


@contextmanager
def floor(core: int, phones: Sequence[Phone]) -> Iterator[tuple[Processes, list[str]]]:
    """The barest relay that sweeps its sockets (crates/media-engine/examples/floor.rs)."""
    addresses = "".join(f"{_PHONES}:{phone.port}\n" for phone in phones)
    command: list[str | Path] = [rtp.build("floor"), _SERVER, str(_FIRST_PORT), str(_SWEEP_US)]
    with _running(command, core, addresses) as processes:
        time.sleep(0.5)
        yield processes, [phone.line(_FIRST_PORT + phone.number, marked=True) for phone in phones]


def has_rtpengine() -> bool:
    """Whether Sipwise's rtpengine is there to be compared with (Debian: rtpengine-daemon)."""
    return shutil.which("rtpengine") is not None


@contextmanager
def rtpengine(core: int, phones: Sequence[Phone]) -> Iterator[tuple[Processes, list[str]]]:
    """rtpengine without its kernel module, with its phones in pairs, through its `ng` protocol."""
    port = 2223
    command = ["rtpengine", "--config-file=none", "--table=-1", f"--interface={_SERVER}", "--foreground"]
    command += [f"--listen-ng={_SERVER}:{port}", "--log-stderr", "--log-level=3", "--num-threads=2"]
    command += [f"--port-min={_FIRST_PORT}", f"--port-max={_LAST_PORT}"]
    with (
        _running(command, core) as processes,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control,
    ):
        control.bind((_PHONES, 0))
        control.connect((_SERVER, port))
        control.settimeout(_PATIENCE)
        _await_ng(control)
        lines = []
        for caller, callee in zip(phones[::2], phones[1::2], strict=True):
            call = {"call-id": str(caller.number), "from-tag": "caller"}
            for_callee = _ng(control, {"command": "offer", "sdp": _sdp(caller), **call})
            for_caller = _ng(control, {"command": "answer", "sdp": _sdp(callee), "to-tag": "callee", **call})
            lines += [caller.line(for_caller, marked=True), callee.line(for_callee, marked=True)]
        yield processes, lines


def _await_ng(control: socket.socket) -> None:
    """Waits until it answers; the first start of a day takes seconds."""
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            control.send(b"0 d7:command4:pinge")
            control.recv(65535)
        except ConnectionRefusedError:
            if time.monotonic() > deadline:
                raise BenchError("rtpengine does not start.") from None
            time.sleep(0.1)
        else:
            return


def _ng(control: socket.socket, command: dict[str, str]) -> int:
    """One command of rtpengine's `ng` protocol (a cookie, a bencoded dictionary); the port in its answer."""
    command = {**command, "ICE": "remove"}
    fields = "".join(f"{len(text)}:{text}" for item in sorted(command.items()) for text in item)
    control.send(f"{time.monotonic_ns()} d{fields}e".encode())
    answer = control.recv(65535)
    found = re.search(rb"m=audio (\d+)", answer)
    if found is None:
        raise BenchError(f"rtpengine refused a call: {answer[:500]!r}")
    return int(found[1])


def _sdp(phone: Phone) -> str:
    lines = ["v=0", f"o=- 1 1 IN IP4 {_PHONES}", "s=-", f"c=IN IP4 {_PHONES}", "t=0 0"]
    lines += [f"m=audio {phone.port} RTP/AVP {phone.codec} 101", "a=rtpmap:101 telephone-event/8000"]
    return "".join(f"{line}\r\n" for line in lines)


@contextmanager
def _running(command: Sequence[str | Path], core: int, text: str = "") -> Iterator[Processes]:
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
        preexec_fn=lambda: os.sched_setaffinity(0, {core}),
    )
    try:
        assert process.stdin is not None
        process.stdin.write(text)
        process.stdin.close()
        yield Processes(process.pid, {"media": process.pid})
        if process.poll() is not None:
            raise BenchError(f"{command[0]} ended by itself, with the code {process.returncode}.")
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_for(path: Path) -> None:
    end = time.monotonic() + _PATIENCE
    while not path.exists():
        if time.monotonic() > end:
            raise BenchError("The engine did not start.")
        time.sleep(0.01)
