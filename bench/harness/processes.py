"""What processes use: CPU by role, memory, and how much of the machine went elsewhere."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Mapping
from pathlib import Path

import msgspec

_TICKS = os.sysconf("SC_CLK_TCK")
_PSS = re.compile(r"^Pss:\s+(\d+) kB", re.MULTILINE)


class Snapshot(msgspec.Struct, frozen=True):
    """Seconds of CPU so far: of the server's processes by role, of the load, of the whole machine."""

    at: float
    roles: dict[str, float]
    load: float
    machine: float


class Use(msgspec.Struct, frozen=True):
    """Seconds of CPU between two snapshots; `foreign_percent` is of all cores together."""

    wall: float
    roles: dict[str, float]
    load: float
    foreign_percent: float

    @property
    def server(self) -> float:
        """All of the server's processes together."""
        return sum(self.roles.values())


class Processes:
    """The processes below a supervisor, by role (`control`, `media`, … and `other` for those without)."""

    def __init__(self, supervisor: int, roles: Mapping[str, int]) -> None:
        self._supervisor = supervisor
        self._names = {pid: name for name, pid in roles.items()}

    def all(self) -> set[int]:
        """Those that run now."""
        return _descendants(self._supervisor, _parents())

    def snapshot(self) -> Snapshot:
        """What was used until now."""
        parents = _parents()
        server = _descendants(self._supervisor, parents)
        roles = dict.fromkeys([*self._names.values(), "other"], 0.0)
        for pid in server:
            roles[self._names.get(pid, "other")] += cpu_seconds(pid)
        load = sum(cpu_seconds(pid) for pid in _descendants(os.getpid(), parents) - server)
        return Snapshot(time.monotonic(), roles, load, _machine())

    def since(self, before: Snapshot) -> Use:
        """What was used since `before`."""
        after = self.snapshot()
        wall = after.at - before.at
        roles = {name: max(0.0, used - before.roles[name]) for name, used in after.roles.items()}
        load = after.load - before.load
        foreign = after.machine - before.machine - sum(roles.values()) - load
        return Use(wall, roles, load, max(0.0, 100 * foreign / wall / (os.cpu_count() or 1)))

    def pss_kib(self) -> dict[str, int]:
        """Memory by role: the proportional set size (what n processes share counts as one n-th in each)."""
        sizes = dict.fromkeys([*self._names.values(), "other"], 0)
        for pid in _descendants(self._supervisor, _parents()):
            sizes[self._names.get(pid, "other")] += _pss(pid)
        return sizes

    def wait_quiet(self, limit: float = 60.0, percent: float = 2.0) -> None:
        """Wait until the server used less than `percent` of a core for a second, at most for `limit` s."""
        end = time.monotonic() + limit
        while time.monotonic() < end:
            before = self.snapshot()
            time.sleep(1.0)
            if self.since(before).server < percent / 100:
                return


def _parents() -> dict[int, int]:
    found: dict[int, int] = {}
    for name in os.listdir("/proc"):
        if name.isdigit() and (fields := _stat(int(name))):
            found[int(name)] = int(fields[1])
    return found


def _descendants(top: int, parents: Mapping[int, int]) -> set[int]:
    """`top` and all below it."""
    children: dict[int, list[int]] = {}
    for pid, parent in parents.items():
        children.setdefault(parent, []).append(pid)
    found: set[int] = set()
    left = [top]
    while left:
        pid = left.pop()
        if pid not in found:
            found.add(pid)
            left += children.get(pid, [])
    return found


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat from the state on (proc(5)); empty when the process is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def cpu_seconds(pid: int) -> float:
    """Seconds of CPU of all its threads, and of the children that ended and were waited for."""
    return sum(int(field) for field in _stat(pid)[11:15]) / _TICKS


def _machine() -> float:
    """Seconds of CPU that all processes used: user, nice, system, irq, softirq."""
    fields = [int(field) for field in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:8]]
    return (fields[0] + fields[1] + fields[2] + fields[5] + fields[6]) / _TICKS


def _pss(pid: int) -> int:
    try:
        found = _PSS.search(Path(f"/proc/{pid}/smaps_rollup").read_text())
    except OSError:
        return 0
    return int(found[1]) if found else 0
