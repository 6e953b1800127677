"""What the media engine costs, alone: CPU per packet of relays, music and rooms, and memory per session.

    python bench/engine.py [--quick] [--only relay,room] [--out FILE]

Relays are measured beside the least that a relay can cost, and beside rtpengine where that is installed.
The method is in bench/README.md.
"""

from __future__ import annotations

import array
import itertools
import math
import os
import sys
import tempfile
import time
import wave
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

import msgspec

from harness import engines, rtp
from harness.engines import PCMA, PCMU, Phone
from harness.failure import BenchError
from harness.figures import Figures
from harness.options import read_options
from harness.processes import Processes

SERVER_CORE, LOAD_CORE = 0, 1


class Effort(msgspec.Struct, frozen=True):
    """How much is measured: `repeat` runs of `seconds` each."""

    repeat: int
    seconds: float


FULL = Effort(3, 8.0)
QUICK = Effort(1, 2.0)
_PAIRS = 7
"""Alternating runs of a relay without and with conversion, of which each gives a ratio."""


class Bench(Figures):
    """How much is measured, and what it gave."""

    def __init__(self, effort: Effort) -> None:
        super().__init__()
        self.effort = effort


Setup = AbstractContextManager[tuple[Processes, list[str]]]


def measure_relay(figures: Bench) -> None:
    """PCMU on both sides, 50 packets a second in each direction: floor, engine, rtpengine in turn."""
    program = rtp.build()
    for calls in (300, 500):
        phones = [Phone(number) for number in range(2 * calls)]
        relays: dict[str, Callable[[int, list[Phone]], Setup]] = {
            "floor": engines.floor,
            "engine": engines.relayed,
        }
        if engines.has_rtpengine():
            relays["rtpengine"] = engines.rtpengine
        for _ in range(figures.effort.repeat):
            each = {}
            for name, setup in relays.items():
                each[name] = _relay(
                    figures, f"relay of {calls} calls: {name}", program, setup(SERVER_CORE, phones)
                )
            for other in each.keys() - {"engine"}:
                figures.add(f"relay of {calls} calls", f"of {other}'s CPU", each["engine"] / each[other])


def _relay(figures: Bench, what: str, program: Path, setup: Setup) -> float:
    with setup as (processes, lines):
        metered, use = rtp.load(program, lines, processes, figures.effort.seconds)
    each = 1e6 * use.server / max(1, metered.received)
    figures.add(what, "µs of CPU a packet", each, use)
    figures.add(what, "% of a core", 100 * use.server / use.wall, use)
    figures.add(what, "packets lost", metered.sent - metered.received, use)
    if metered.delay_us.p50 is not None and metered.delay_us.p99 is not None:
        figures.add(f"{what}: delay, half below", "ms", metered.delay_us.p50 / 1e3, use)
        figures.add(f"{what}: delay, 99 % below", "ms", metered.delay_us.p99 / 1e3, use)
    return each


def measure_convert(figures: Bench) -> None:
    """100 calls PCMU to PCMA beside 100 without conversion."""
    program = rtp.build()
    for _ in range(_PAIRS if figures.effort.repeat > 1 else 1):
        each = []
        for codec in (PCMU, PCMA):
            phones = [Phone(number, codec if number % 2 else PCMU) for number in range(200)]
            with engines.relayed(SERVER_CORE, phones) as (processes, lines):
                metered, use = rtp.load(program, lines, processes, figures.effort.seconds)
            each.append(1e6 * use.server / max(1, metered.received))
        figures.add("PCMU to PCMA, 100 calls", "µs of CPU a packet", each[1])
        figures.add("PCMU to PCMA, 100 calls", "of a relay's CPU", each[1] / each[0])


def measure_music(figures: Bench) -> None:
    """Listeners of one piece of music, in PCMU, G.722 and Opus, who send noise themselves."""
    program = rtp.build()
    with tempfile.TemporaryDirectory(prefix="tongdai-bench-") as directory:
        music = Path(directory) / "music.wav"
        _write_tone(music)
        for hears, listeners in itertools.product(("", "G722", "opus"), (100, 300)):
            for _ in range(figures.effort.repeat):
                what = f"music for {listeners}{' of ' if hears else ''}{hears}"
                source: dict[str, object] = {"kind": "music", "file": str(music)}
                _many(figures, what, program, listeners, source, hears)


def measure_room(figures: Bench) -> None:
    """A room whose members all send noise."""
    program = rtp.build()
    for _ in range(figures.effort.repeat):
        _many(figures, "room of 100", program, 100, {"kind": "mixer", "mixer": "room"})


def _many(
    figures: Bench, what: str, program: Path, count: int, source: dict[str, object], hears: str = ""
) -> None:
    with engines.engine(SERVER_CORE) as client:
        if "mixer" in source:
            client.ask("mixer_open", mixer=source["mixer"])
        lines = []
        for number in range(count):
            phone = Phone(number, hears=hears)
            lines.append(phone.line(client.open(phone), marked=False))
            client.hear(phone, **source)
            time.sleep(0.02 / count)  # phones do not begin all at one moment
        metered, use = rtp.load(program, lines, client.processes, figures.effort.seconds)
    figures.add(what, "µs of CPU a packet", 1e6 * use.server / max(1, metered.received), use)
    figures.add(what, "% of a core", 100 * use.server / use.wall, use)


def measure_memory(figures: Bench) -> None:
    """Growth of the proportional set size from 50 to 250 sessions that talk in pairs: plain ones in PCMU, and
    such as browsers have (ICE, DTLS, SRTP) in Opus."""
    program, browsers = rtp.build(), rtp.build("browserload")
    for _ in range(figures.effort.repeat):
        sizes = []
        for count in (50, 250):
            phones = [Phone(number) for number in range(count)]
            with engines.relayed(SERVER_CORE, phones) as (processes, lines):
                rtp.load(program, lines, processes, 1.0)
                sizes.append(sum(processes.pss_kib().values()))
        figures.add("memory of a plain session", "KiB (PSS)", (sizes[1] - sizes[0]) / 200)
        sizes = []
        for count in (50, 250):
            with engines.browsers(SERVER_CORE, browsers, count, 3) as processes:
                sizes.append(sum(processes.pss_kib().values()))
        figures.add("memory of a WebRTC session", "KiB (PSS)", (sizes[1] - sizes[0]) / 200)


def _write_tone(path: Path) -> None:
    samples = array.array("h", [int(8000 * math.sin(i * 0.3)) for i in range(160_000)])
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes(samples.tobytes())


TESTS: dict[str, Callable[[Bench], None]] = {
    "relay": measure_relay,
    "convert": measure_convert,
    "music": measure_music,
    "room": measure_room,
    "memory": measure_memory,
}


def main(arguments: Sequence[str] | None = None) -> int:
    options = read_options(__doc__, TESTS, "engine", arguments)
    figures = Bench(QUICK if options.quick else FULL)
    try:
        for name in ("rtpload", "floor"):
            rtp.build(name)
        os.sched_setaffinity(0, {LOAD_CORE})
        for name in options.wanted:
            print(f"{name} …", file=sys.stderr, flush=True)
            TESTS[name](figures)
    except BenchError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    figures.tell(options.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
