"""A group of processes that may use so much memory (the memory controller of cgroups, of either version), and
what uses it up."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

_V1, _V2 = Path("/sys/fs/cgroup/memory"), Path("/sys/fs/cgroup")

HOG = """
import os, sys
fd = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
for line in sys.stdin:
    left = int(line) << 20
    while left:
        try:
            left -= os.write(fd, bytes(min(left, 1 << 16)))
        except OSError:
            pass
    print("taken", flush=True)
"""
"""Takes as many MiB as each line says: in a file in memory, so that the kernel has no reason to end it."""


class Group:
    """One group, until `close`."""

    def __init__(self) -> None:
        """Skips the test when no group can be made."""
        v1 = _V1.is_dir()
        self._path = (_V1 if v1 else _V2) / f"tongdai-{uuid.uuid4().hex[:8]}"
        self._most = self._path / ("memory.limit_in_bytes" if v1 else "memory.max")
        self._used = self._path / ("memory.usage_in_bytes" if v1 else "memory.current")
        self._endless = "-1" if v1 else "max"
        try:
            self._path.mkdir()
            self._most.write_text(self._endless)
        except OSError as error:
            pytest.skip(f"no group with a limit of memory can be made here: {error}")

    @property
    def enter(self) -> list[str]:
        """Before a command: it runs in this group, and so does what it starts."""
        return ["sh", "-c", f'echo $$ > {self._path}/cgroup.procs && exec "$@"', "sh"]

    def take_in(self, pids: Iterable[int]) -> None:
        """These processes, and those that they start from now on. What they have had is not counted."""
        for pid in pids:
            (self._path / "cgroup.procs").write_text(str(pid))

    def limit(self, more: int) -> None:
        """All together may use so many bytes more than now."""
        self._most.write_text(str(int(self._used.read_text()) + more))

    def left(self) -> int:
        """Bytes until the limit; of files the kernel may have more to give up."""
        return int(self._most.read_text()) - int(self._used.read_text())

    def lift(self) -> None:
        """Without a limit again."""
        self._most.write_text(self._endless)

    def close(self) -> None:
        """When its last process has ended."""
        deadline = time.monotonic() + 10
        while (self._path / "cgroup.procs").read_text() and time.monotonic() < deadline:
            time.sleep(0.05)
        self._path.rmdir()


@contextlib.contextmanager
def group() -> Iterator[Group]:
    """One that is empty."""
    made = Group()
    try:
        yield made
    finally:
        made.close()


class Hog:
    """Uses memory up, and is not ended for it."""

    def __init__(self, within: Group) -> None:
        fd, name = tempfile.mkstemp(dir="/dev/shm", prefix="tongdai-hog-")
        os.close(fd)
        self._file = Path(name)
        self._file.unlink()
        self._process = subprocess.Popen(
            [sys.executable, "-c", HOG, name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
        )
        within.take_in([self._process.pid])

    def take(self, mebibytes: int) -> None:
        """So much more; returns when it has it."""
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        stdin.write(f"{mebibytes}\n")
        assert stdout.readline() == "taken\n", "it was ended itself"

    def close(self) -> None:
        """Give all of it back."""
        self._process.kill()
        self._process.communicate()
        self._file.unlink(missing_ok=True)


@contextlib.contextmanager
def hog(within: Group) -> Iterator[Hog]:
    """One that has nothing yet, in this group."""
    made = Hog(within)
    try:
        yield made
    finally:
        made.close()
