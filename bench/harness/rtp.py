"""The RTP load: `crates/media-engine/examples/rtpload.rs`, built here, run on calls that stand."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import msgspec

from harness.failure import BenchError
from harness.processes import Processes, Use
from harness.server import Server
from harness.sipp import Sound

WARM_UP, DRAIN = 1.0, 0.3
"""Seconds before and after the measured window."""

_CHECKOUT = Path(__file__).parents[2]


class Delays(msgspec.Struct, frozen=True):
    """Microseconds from before the sending call to the kernel's arrival stamp; None when nothing came."""

    p50: float | None
    p99: float | None
    max: float | None


class Metered(msgspec.Struct, frozen=True):
    """What the generator counted in its window. `late` packets left over 5 ms after they were due."""

    sent: int
    received: int
    unknown: int
    refused: int
    delay_us: Delays
    late: int
    latest_us: int


def build(example: str = "rtpload") -> Path:
    """The generator (or another example of the engine), built when it is older than its source.
    Raises `BenchError`."""
    cargo = shutil.which("cargo") or shutil.which("cargo", path=str(Path.home() / ".cargo/bin"))
    if cargo is None:
        raise BenchError("cargo is missing: the RTP load is written in Rust. Install Rust.")
    command = [
        cargo,
        "build",
        "--release",
        "--locked",
        "--quiet",
        "--package=media-engine",
        f"--example={example}",
    ]
    if subprocess.run(command, cwd=_CHECKOUT, check=False).returncode:
        raise BenchError(f"The {example} could not be built; cargo says why above.")
    return Path(os.environ.get("CARGO_TARGET_DIR", _CHECKOUT / "target")) / "release/examples" / example


def relay(
    program: Path, server: Server, calls: Sequence[tuple[Sound, Sound]], seconds: float
) -> tuple[Metered, Use]:
    """Send from both ends of each call for `seconds`, and say what arrived and what the server used."""
    lines = []
    for number, (caller, callee) in enumerate(calls):
        lines.append(f"{server.callers}:{caller.local} {server.ip}:{caller.remote} {2 * number + 1} 0\n")
        lines.append(f"{server.callees}:{callee.local} {server.ip}:{callee.remote} {2 * number} 0\n")
    return load(program, lines, server.processes, seconds)


def load(program: Path, lines: Sequence[str], processes: Processes, seconds: float) -> tuple[Metered, Use]:
    """Let the generator run with these streams (see its source) for `seconds`."""
    process = subprocess.Popen(
        [program, str(WARM_UP), str(seconds), str(DRAIN)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        process.stdin.write("".join(lines))
        process.stdin.close()
        # the generator ends by itself: its time is bounded by its arguments
        if process.stdout.readline() != "start\n":
            raise BenchError(f"The RTP load did not start: {process.stderr.read()}")
        before = processes.snapshot()
        process.stdout.readline()
        use = processes.since(before)
        return msgspec.json.decode(process.stdout.readline(), type=Metered), use
    finally:
        process.kill()
        process.wait()
