"""A machine on which systemd runs, beside this one: its files are a copy of ours, its network is ours."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("machine.sh")
BOOT = 60.0


class Machine:
    """One that boots."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path) -> None:
        self._process = process
        self._log = log
        self._first = 0

    def wait(self) -> None:
        """Until it has booted; skips the test when it cannot be done here."""
        deadline = time.monotonic() + BOOT
        while not self._first or self.run("systemctl", "is-system-running", check=False) != "running":
            if self._process.poll() is not None or time.monotonic() > deadline:
                pytest.skip(f"systemd cannot be booted here: {self._log.read_text().strip()[-500:]}")
            time.sleep(0.05)
            self._first = self._first or self._find()

    def _find(self) -> int:
        """Its first process, when that is systemd: before, what is run there would be run on this machine."""
        for unshared in _children(self._process.pid):
            for first in _children(unshared):
                with contextlib.suppress(OSError):
                    if Path(f"/proc/{first}/comm").read_text() == "systemd\n":
                        return first
        return 0

    def run(self, *command: str | Path, check: bool = True) -> str:
        """What it says; AssertionError when it fails."""
        done = subprocess.run(
            ["nsenter", f"--target={self._first}", "--all", "--root", "--wd", *map(str, command)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0 or not check, f"{command}:\n{done.stdout}\n{done.stderr}"
        return done.stdout.strip()

    def close(self) -> None:
        if self._first:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._first, signal.SIGKILL)  # and with it all that it has started
        else:
            self._process.kill()
        self._process.wait()


def _children(pid: int) -> list[int]:
    try:
        return [int(x) for x in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


@contextlib.contextmanager
def booted(directory: Path, bound: Mapping[Path, str]) -> Iterator[Machine]:
    """One that has some directories of ours under other names."""
    if os.geteuid():
        pytest.skip("only root can boot a machine beside this one")
    directory.mkdir()
    log = directory / "log"
    pairs = [str(x) for pair in bound.items() for x in pair]
    with log.open("wb") as output:
        process = subprocess.Popen(
            ["unshare", "--mount", "sh", str(SCRIPT), "boot", str(directory), *pairs],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # what interrupts the tests does not keep it from tidying up
        )
    machine = Machine(process, log)
    try:
        machine.wait()
        yield machine
    finally:
        machine.close()
