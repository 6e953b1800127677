"""Upgrades while calls are set up: how many fail, and how long control answers nobody.

    python bench/upgrade.py [--quick] [--out FILE]

The method is in bench/README.md.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import sysconfig
import tempfile
import time
from pathlib import Path

from harness import sipp
from harness.failure import BenchError
from harness.figures import Figures
from harness.options import read_options
from harness.server import CALLEES, CALLERS, demo

_PAUSE = re.compile(r"control: works ([0-9.]+) s after")
_SERVER_CORE, _LOAD_CORE = 0, 1
_RATE = 40.0
_BETWEEN = 3.0
"""Seconds that everything goes its way between two upgrades."""


def _upgrade(data: Path) -> float:
    """To the version that serves; returns the seconds of the hand-over."""
    program = Path(sysconfig.get_path("scripts")) / "tongdai"
    done = subprocess.run(
        [str(program), "upgrade", f"--data={data}"], capture_output=True, text=True, check=False
    )
    found = _PAUSE.search(done.stdout)
    if done.returncode or found is None:
        raise BenchError(f"The upgrade failed:\n{done.stdout}{done.stderr}")
    return float(found[1])


def measure(figures: Figures, data: Path, upgrades: int, count: int) -> None:
    """As many calls as that at 40 a second, each hung up when it is answered, and upgrades one after the
    other meanwhile."""
    with demo(_SERVER_CORE, data) as server, sipp.phones(server) as phones:
        phones.register(list(CALLEES), server.callees, sipp.CALLEE_PORT, rate=60)
        with (
            phones.callees(),
            phones.calling(CALLERS, CALLEES, rate=_RATE, count=count) as load,
        ):
            time.sleep(_BETWEEN)
            for _ in range(upgrades):
                figures.add("hand-over of control", "s", _upgrade(data))
                time.sleep(_BETWEEN)
            if not load.runs():
                raise BenchError("The calls ended before the upgrades did; no figure.")
            outcome = load.wait(count / _RATE + 60)
        what = f"of {count} calls at {_RATE:.0f}/s across {upgrades} upgrades"
        figures.add(f"{what}: failed", "calls", outcome.failed)
        figures.add(f"{what}: retransmissions", "messages", outcome.retransmissions)
        if outcome.failed:
            print(load.errors(), file=sys.stderr)


def main() -> int:
    options = read_options(__doc__, ["upgrade"], "server", None)
    figures = Figures()
    try:
        sipp.require()
        os.sched_setaffinity(0, {_LOAD_CORE})
        with tempfile.TemporaryDirectory(prefix="tongdai-bench-") as directory:
            upgrades, count = (1, 2000) if options.quick else (5, 10_000)
            measure(figures, Path(directory) / "demo", upgrades, count)
    except BenchError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    figures.tell(options.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
