"""What conference rooms cost the media engine: percent of a core, by size, codec, and how many speak.

    python bench/rooms.py [--quick]

The method is in bench/README.md.
"""

from __future__ import annotations

import argparse
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from harness import rtp
from harness.failure import BenchError
from harness.processes import cpu_seconds
from tongdai.core.binary import engine_binary
from tongdai.media.wire import PROTO, FrameReader, encode

ENGINE_CORE, LOAD_CORE = 0, 1
_IP = "127.0.0.1"
_CODECS = {
    "PCMU": {"name": "PCMU", "pt": 0},
    "G722": {"name": "G722", "pt": 9},
    "opus": {"name": "opus", "pt": 111, "fmtp": "useinbandfec=1"},
}


class Room(msgspec.Struct, frozen=True):
    """So many members of whom so many send (PCMU); the others have `codec` and send nothing."""

    members: int
    speakers: int
    codec: str = "PCMU"
    music: bool = False
    """The others hear music in place of the room: what as many sends cost at least."""

    @property
    def name(self) -> str:
        others = f"{self.members - self.speakers} listeners of {self.codec}"
        if self.speakers == self.members:
            return f"room of {self.members}, all sending"
        if self.music:
            return f"room of {self.speakers}, all sending, and {others} to music"
        return f"room of {self.members}: {self.speakers} speakers, {others}"


ROOMS = (
    Room(100, 100),
    Room(500, 3),
    Room(500, 3, music=True),
    Room(500, 3, "G722"),
    Room(500, 3, "opus"),
)


class Engine:
    """An engine on a core of its own, commanded without an event loop."""

    def __init__(self, directory: Path) -> None:
        path = directory / "media.sock"
        arguments = [engine_binary(), "--socket", path, "--ip", _IP, "--ports", "30000-33999"]
        self.process = subprocess.Popen(
            [str(argument) for argument in arguments],
            stderr=subprocess.DEVNULL,
            preexec_fn=lambda: os.sched_setaffinity(0, {ENGINE_CORE}),
        )
        self._socket = socket.socket(socket.AF_UNIX)
        deadline = time.monotonic() + 5.0
        while self._socket.connect_ex(str(path)):
            if time.monotonic() > deadline:
                raise BenchError("The media engine does not start.")
            time.sleep(0.02)
        self._frames = FrameReader()
        self._id = 0
        self.ask("hello", proto=PROTO)

    def ask(self, op: str, **fields: Any) -> dict[str, Any]:
        self._id += 1
        self._socket.sendall(encode({"op": op, "id": self._id, **fields}))
        while True:
            for frame in self._frames.feed(self._socket.recv(65536)):
                if frame.get("re") == self._id:
                    if not frame["ok"]:
                        raise BenchError(f"{op}: {frame['detail']}")
                    return frame

    def close(self) -> None:
        self._socket.close()
        self.process.kill()
        self.process.wait()


@contextmanager
def _standing(room: Room, directory: Path) -> Iterator[tuple[Engine, list[tuple[int, int]]]]:
    """The room, and of its speakers the ports here and there."""
    engine = Engine(directory)
    here = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(room.members)]
    try:
        music = directory / "music.wav"
        music.write_bytes(_noise(4.0))
        engine.ask("mixer_open", mixer="m")
        speakers = []
        for n, phone in enumerate(here):
            phone.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)  # never read: it soon holds no more
            phone.bind((_IP, 0))
            port, speaks = phone.getsockname()[1], n < room.speakers
            opened = engine.ask("open", session=str(n))
            codec = _CODECS["PCMU" if speaks else room.codec]
            engine.ask("remote", session=str(n), ip=_IP, port=port, codecs=[codec], direction="sendrecv")
            source = {"kind": "music", "file": str(music)} if room.music and not speaks else None
            engine.ask("hear", session=str(n), source=source or {"kind": "mixer", "mixer": "m"})
            if speaks:
                speakers.append((port, opened["port"]))
        for phone in here[: room.speakers]:
            phone.close()  # the load binds these ports itself
        yield engine, speakers
    finally:
        engine.close()
        for phone in here:
            phone.close()


def _noise(seconds: float) -> bytes:
    """A WAV file of 8 kHz."""
    data = os.urandom(int(seconds * 8000) * 2)
    head = b"fmt " + (16).to_bytes(4, "little") + b"\x01\0\x01\0" + (8000).to_bytes(4, "little")
    head += (16000).to_bytes(4, "little") + b"\x02\0\x10\0data" + len(data).to_bytes(4, "little")
    return b"RIFF" + (len(data) + 36).to_bytes(4, "little") + b"WAVE" + head + data


def measure(room: Room, program: Path, seconds: float) -> float:
    """Percent of a core that the engine used while the speakers sent noise, 50 packets a second each."""
    with (
        tempfile.TemporaryDirectory(prefix="tongdai-bench-") as directory,
        _standing(room, Path(directory)) as (engine, speakers),
    ):
        lines = "".join(f"{_IP}:{here} {_IP}:{there} 0 0\n" for here, there in speakers)
        load = subprocess.Popen(
            [program, "3", str(seconds), "0.2"],  # listeners come to the shared encoder in a second
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert load.stdin is not None
        assert load.stdout is not None
        try:
            load.stdin.write(lines)
            load.stdin.close()
            if load.stdout.readline() != "start\n":
                raise BenchError("The RTP load did not start.")
            before, began = cpu_seconds(engine.process.pid), time.monotonic()
            sent = engine.ask("stats")["stats"]["tx_packets"]
            load.stdout.readline()
            used, passed = cpu_seconds(engine.process.pid) - before, time.monotonic() - began
            sent = engine.ask("stats")["stats"]["tx_packets"] - sent
        finally:
            load.kill()
            load.wait()
    if sent < 0.98 * 50 * room.members * passed:
        raise BenchError(f"{room.name}: only {sent / passed:.0f} packets a second were sent.")
    return 100 * used / passed


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one short run of each: to see that it works")
    options = parser.parse_args(arguments)
    repeat, seconds = (1, 2.0) if options.quick else (3, 8.0)
    try:
        program = rtp.build()
        os.sched_setaffinity(0, {LOAD_CORE})
        print("| what | % of a core, median | runs |\n|---|---|---|")
        for room in ROOMS:
            runs = [measure(room, program, seconds) for _ in range(repeat)]
            shown = " ".join(f"{run:.1f}" for run in runs)
            print(f"| {room.name} | {statistics.median(runs):.1f} | {shown} |", flush=True)
    except BenchError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
