"""A real TURN server: coturn, with a secret that it shares with us."""

from __future__ import annotations

import secrets
from pathlib import Path

from tests.interop.phones.daemon import Daemon, installed
from tests.interop.ports import free_port


class Turn(Daemon):
    """coturn on loopback, relaying there as well, which it does only when told."""

    def __init__(self, directory: Path) -> None:
        self.port = free_port()
        self.secret = secrets.token_hex(16)
        first = free_port(size=20)
        command = [installed("turnserver"), "-n", "--no-cli", "--no-tls", "--no-dtls"]
        command += ["--allow-loopback-peers", "--verbose"]
        command += ["--listening-ip=127.0.0.1", f"--listening-port={self.port}", "--relay-ip=127.0.0.1"]
        command += [f"--min-port={first}", f"--max-port={first + 19}", "--realm=tongdai"]
        command += ["--use-auth-secret", f"--static-auth-secret={self.secret}", "--log-file=stdout"]
        command += [f"--pidfile={directory / 'turn.pid'}", f"--userdb={directory / 'turn.db'}"]
        super().__init__(command, directory / "turn.log", ("127.0.0.1", self.port))

    @property
    def url(self) -> str:
        return f"turn:127.0.0.1:{self.port}?transport=udp"
