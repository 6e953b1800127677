"""What a benchmark may be told on its command line."""

from __future__ import annotations

import argparse
import os
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import NamedTuple


class Options(NamedTuple):
    """`wanted` are names of tests, in the order in which they run; `repeat` and `minutes` are 0 for what is
    usual."""

    quick: bool
    wanted: list[str]
    out: Path | None
    repeat: int
    minutes: float


def read_options(
    description: str | None, tests: Collection[str], measured: str, arguments: Sequence[str] | None
) -> Options:
    """Read the command line; ends the program with a message when that or this machine will not do.
    `measured` is what has a core of its own."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one short run of each: to see that it works")
    parser.add_argument("--only", metavar="NAMES", help=f"of {', '.join(tests)}, with commas between")
    parser.add_argument(
        "--repeat", metavar="N", type=int, default=0, help="runs of each test, instead of three"
    )
    parser.add_argument("--minutes", metavar="N", type=float, default=0.0, help="how long a long run lasts")
    parser.add_argument("--out", metavar="FILE", type=Path, help="also write the figures as JSON")
    options = parser.parse_args(arguments)
    wanted = [name.strip() for name in (options.only or ",".join(tests)).split(",") if name.strip()]
    if unknown := [name for name in wanted if name not in tests]:
        parser.error(f"there is no test {unknown[0]!r}: choose of {', '.join(tests)}")
    if len(os.sched_getaffinity(0)) < 2:
        parser.error(f"two cores are needed: one for the {measured} and one for the load")
    return Options(options.quick, wanted, options.out, options.repeat, options.minutes)
