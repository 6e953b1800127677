"""A real TURN server: coturn, with a secret that it shares with us."""

from __future__ import annotations

import secrets
import shutil
import socket
import subprocess
import time
from pathlib import Path

from tests.interop.ports import free_port


class Turn:
    """coturn on loopback, relaying there as well, which it does only when told."""

    def __init__(self, directory: Path) -> None:
        program = shutil.which("turnserver")
        assert program is not None, "coturn is missing: run `make test-packages`"
        self.port = free_port()
        self.secret = secrets.token_hex(16)
        self._log = directory / "turn.log"
        first = free_port(size=20)
        command = [program, "-n", "--no-cli", "--no-tls", "--no-dtls", "--allow-loopback-peers", "--verbose"]
        command += ["--listening-ip=127.0.0.1", f"--listening-port={self.port}", "--relay-ip=127.0.0.1"]
        command += [f"--min-port={first}", f"--max-port={first + 19}", "--realm=tongdai"]
        command += ["--use-auth-secret", f"--static-auth-secret={self.secret}", "--log-file=stdout"]
        command += [f"--pidfile={directory / 'turn.pid'}", f"--userdb={directory / 'turn.db'}"]
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self._wait()

    @property
    def url(self) -> str:
        return f"turn:127.0.0.1:{self.port}?transport=udp"

    def log(self) -> str:
        return self._log.read_text(errors="replace")

    def _wait(self) -> None:
        """It listens on TCP too."""
        end = time.monotonic() + 10
        while time.monotonic() < end:
            assert self._process.poll() is None, f"coturn ended at once:\n{self.log()[-2000:]}"
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.05)
        raise AssertionError(f"coturn does not listen:\n{self.log()[-2000:]}")

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
