"""A server of somebody else's that runs beside ours for a while."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from tests.interop.phones.link import Address


def installed(program: str) -> str:
    """Where it is; who is not root may have no /usr/sbin in his path."""
    found = shutil.which(program) or shutil.which(program, path="/usr/sbin")
    assert found is not None, f"{program} is missing: run `make test-packages`"
    return found


class Daemon:
    """One process, and what it says."""

    def __init__(self, command: Sequence[str], log: Path, listens: Address) -> None:
        """Start it, and wait until it listens there on TCP."""
        self._name = Path(command[0]).name
        self._log = log
        with log.open("wb") as file:
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=file, stderr=file)
        end = time.monotonic() + 10
        while time.monotonic() < end:
            assert self._process.poll() is None, f"{self._name} ended at once:\n{self.log()[-2000:]}"
            with socket.socket() as probe:
                if probe.connect_ex(listens) == 0:
                    return
            time.sleep(0.05)
        raise AssertionError(f"{self._name} does not listen:\n{self.log()[-2000:]}")

    def log(self) -> str:
        return self._log.read_text(errors="replace")

    def close(self) -> None:
        """End it; its own children end with it."""
        self._process.terminate()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
