"""How much memory is left: no call is begun for which there is none, before the kernel ends something.

Two things can run out: the machine's, and what a group that we run in may use (cgroup of either version;
`MemoryMax=` of systemd). What the kernel keeps of files counts as left, as far as it would give that up."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from tongdai.core.log import get_logger
from tongdai.core.waiting import happens

log = get_logger(__name__)

EVERY_SECONDS = 1.0
_LEAST, _MOST = 16 << 20, 64 << 20
_SHARE = 50
_ENOUGH_AGAIN = 1.5
"""So many times the least must be left before calls are taken again: each takes some of it."""
_ENDLESS = 1 << 60
"""What the first version of cgroups says without a limit is near 2^63."""


class Left(msgspec.Struct, frozen=True):
    """So many bytes of `most` are left."""

    where: str
    bytes: int
    most: int

    @property
    def least(self) -> int:
        """With less than this no call is begun: a fiftieth, but not less than control may take until the next
        look, nor more than needs to be free on a large machine."""
        return min(_MOST, max(_LEAST, self.most // _SHARE))


class Memory:
    """Whether there is memory for another call, as of a second ago at most."""

    def __init__(self, read: Callable[[], list[Left]] | None = None) -> None:
        self.shortage = ""
        """What is wrong; empty when there is enough."""
        self.left = 0
        """Bytes, of what runs out first."""
        self._read = read or memory_left

    async def run(self, stopping: asyncio.Event) -> None:
        """Look again and again."""
        while not stopping.is_set():
            try:
                self.take(await asyncio.to_thread(self._read))
            except Exception as error:
                log.exception("how much memory is left cannot be read", error=str(error))
                self.shortage = ""
            await happens(stopping, EVERY_SECONDS)

    def take(self, readings: list[Left]) -> None:
        """It stands so now."""
        factor = _ENOUGH_AGAIN if self.shortage else 1.0
        short = [x for x in readings if x.bytes < x.least * factor]
        self.left = min((x.bytes for x in readings), default=0)
        least = min(short, key=lambda x: x.bytes, default=None)
        self.shortage = f"{least.where} has {least.bytes >> 20} MiB of memory left" if least else ""


def memory_left(proc: Path = Path("/proc"), groups: Path = Path("/sys/fs/cgroup")) -> list[Left]:
    """Of the machine, and of each group with a limit that we are in. What cannot be read is left out."""
    found = []
    with contextlib.suppress(OSError, KeyError, ValueError):
        of = _numbers(proc / "meminfo")
        found.append(Left("the machine", of["MemAvailable:"] << 10, of["MemTotal:"] << 10))
    with contextlib.suppress(OSError):
        for line in (proc / "self" / "cgroup").read_text().splitlines():
            _, controllers, path = line.split(":", 2)
            if not controllers:
                found += _of_groups(groups, path, _of_group)
            elif "memory" in controllers.split(","):
                found += _of_groups(groups / "memory", path, _of_group_1)
    return found


def _of_groups(base: Path, path: str, of: Callable[[Path], Left | None]) -> Iterator[Left]:
    """From the group itself up to what is mounted. In a container its path may be that outside."""
    group = base / path.lstrip("/")
    if not group.is_dir():
        group = base
    for directory in (group, *group.parents):
        with contextlib.suppress(OSError, KeyError, ValueError):
            left = of(directory)
            if left is not None:
                yield left
        if directory == base:
            return


def _of_group(directory: Path) -> Left | None:
    limits = [(directory / name).read_text().strip() for name in ("memory.max", "memory.high")]
    limit = min((int(x) for x in limits if x != "max"), default=_ENDLESS)
    return _left(directory, limit, "memory.current", "")


def _of_group_1(directory: Path) -> Left | None:
    limit = int((directory / "memory.limit_in_bytes").read_text())
    return _left(directory, limit, "memory.usage_in_bytes", "total_")


def _left(directory: Path, limit: int, usage: str, total: str) -> Left | None:
    if limit >= _ENDLESS:
        return None
    used = int((directory / usage).read_text())
    kept = _numbers(directory / "memory.stat")
    # as the kernel reckons MemAvailable: half of the files that are in use stays needed
    freed = kept[f"{total}inactive_file"] + kept[f"{total}active_file"] // 2
    return Left(f"the group {directory.name}", max(limit - used + freed, 0), limit)


def _numbers(file: Path) -> dict[str, int]:
    """By the first word of each line."""
    return {
        words[0]: int(words[1]) for words in map(str.split, file.read_text().splitlines()) if len(words) > 1
    }
