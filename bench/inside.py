"""What a call or a registration costs control: all of its stack in this very process, function by function.

    python bench/inside.py [calls|register|challenge] [--count N] [--rounds N] [--profile FILE | --bytecodes]

The method is in bench/README.md.
"""

from __future__ import annotations

import argparse
import asyncio
import cProfile
import os
import statistics
import sys
import tempfile
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import uvloop

from harness.indoors import Indoors, furnish, opened
from harness.puppets import Calling, Puppets, Registering, Strangers
from harness.server import CALLEES, CALLERS
from tongdai.core.log import configure_logging
from tongdai.sip.flow import Flow

AT_ONCE = 20
_SHOWN = 60
"""Functions, of which the bytecodes are told."""
KINDS: dict[str, Callable[[int], Puppets]] = {
    "calls": Calling,
    "register": lambda first: Registering(CALLERS, first),
    "challenge": Strangers,
}


async def drive(indoors: Indoors, puppets: Puppets, count: int, tick: int) -> float:
    """Carry out so many, `AT_ONCE` at a time; control gets at most `tick` datagrams a turn of its loop.
    Returns the seconds of CPU of all threads but for what the phones took."""
    inbox: deque[tuple[bytes, Flow]] = deque()
    began = time.process_time()
    phones, begun, ended = 0.0, 0, 0
    while ended < count:
        at = time.thread_time()
        while begun < count and begun - ended < AT_ONCE:
            inbox.append(puppets.begin(begun))
            begun += 1
        for flow, data in indoors.take():
            ended += puppets.hear(flow, data, inbox)
        phones += time.thread_time() - at
        for _ in range(min(tick, len(inbox))):
            indoors.deliver(*inbox.popleft())
        await asyncio.sleep(0)
    await indoors.settle()
    return time.process_time() - began - phones


class Bytecodes:
    """How much Python the loop's thread executes, by function: nothing that the machine does changes it."""

    def __init__(self) -> None:
        self._executed: Counter[CodeType] = Counter()
        self._called: Counter[CodeType] = Counter()

    def _trace(self, frame: FrameType, event: str, _: Any) -> Any:
        if event == "opcode":
            self._executed[frame.f_code] += 1
        elif event == "call":
            self._called[frame.f_code] += 1
            frame.f_trace_opcodes, frame.f_trace_lines = True, False
        return self._trace

    @contextmanager
    def counted(self) -> Iterator[None]:
        sys.settrace(self._trace)
        try:
            yield
        finally:
            sys.settrace(None)

    def report(self, what: str, count: int) -> None:
        """Of each of so many, without what is the bench's own."""
        bench = Path(__file__).parent
        ours = [
            code for code, _ in self._executed.most_common() if bench not in Path(code.co_filename).parents
        ]
        executed = sum(map(self._executed.__getitem__, ours)) / count
        called = sum(map(self._called.__getitem__, ours)) / count
        print(f"{what}: {executed:.0f} bytecodes in {called:.0f} calls of functions each")
        for code in ours[:_SHOWN]:
            where = "/".join(Path(code.co_filename).parts[-3:])
            print(
                f"{self._executed[code] / count:8.1f} {self._called[code] / count:6.1f}"
                f"  {where}:{code.co_firstlineno} {code.co_qualname}"
            )


async def run(options: argparse.Namespace, data: Path) -> None:
    async with opened(data) as indoors:
        callees = Registering(CALLEES, 10_000_000, "127.0.0.3", 5064)
        await drive(indoors, callees, len(CALLEES), options.tick)
        make = KINDS[options.what]
        await drive(indoors, make(20_000_000), options.warm_up, options.tick)
        if options.bytecodes:
            bytecodes = Bytecodes()
            with bytecodes.counted():
                await drive(indoors, make(30_000_000), options.count, options.tick)
            bytecodes.report(options.what, options.count)
            return
        profile = cProfile.Profile(builtins=False) if options.profile else None
        values = []
        for turn in range(options.rounds):
            if profile is not None:
                profile.enable()
            seconds = await drive(indoors, make((30 + turn) * 1_000_000), options.count, options.tick)
            if profile is not None:
                profile.disable()
            values.append(1e3 * seconds / options.count)
    if profile is not None:
        profile.dump_stats(options.profile)
    rounds = " ".join(f"{value:.3f}" for value in values)
    print(f"{options.what}: {statistics.median(values):.3f} ms of CPU each (rounds: {rounds})")


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("what", nargs="?", choices=KINDS, default="calls")
    parser.add_argument("--count", type=int, default=500, help="how many a round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--warm-up", type=int, default=200, help="how many before")
    parser.add_argument("--tick", type=int, default=4, help="datagrams a turn of the loop")
    parser.add_argument("--data", type=Path, help="a directory to use again: making one takes seconds")
    parser.add_argument("--profile", help="write what cProfile says into this file")
    parser.add_argument("--bytecodes", action="store_true", help="count them instead of measuring CPU")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="tongdai-bench-") as directory, open(os.devnull, "w") as nowhere:
        configure_logging("json", "info", nowhere)
        data = options.data or Path(directory)
        data.mkdir(exist_ok=True)
        if not (data / "tongdai.db").exists():
            uvloop.run(furnish(data))
        uvloop.run(run(options, data))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
