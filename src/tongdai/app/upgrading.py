"""`tongdai upgrade`: asks the supervisor that runs on a directory to serve with another version."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path

import msgspec

from tongdai.app.supervisor.environment import Environment
from tongdai.app.supervisor.requests import REQUESTS, Said, UpgradeTo
from tongdai.app.supervisor.survivors import socket_directory
from tongdai.core.errors import TongdaiError

SECONDS = 300.0
"""How long nothing may be heard of it: longer than every step may take."""


def upgrade(data: Path, environment: Path | None, say: Callable[[str], None]) -> None:
    """Serve with the version in `environment`, or the one that this is. Raises `TongdaiError` when the
    version before goes on to serve."""
    found = Environment.own() if environment is None else Environment.at(environment.absolute())
    path = socket_directory(data.absolute() / "run", make=False) / REQUESTS
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as asking:
        asking.settimeout(SECONDS)
        try:
            asking.connect(str(path))
            asking.sendall(msgspec.json.encode(UpgradeTo(str(found.path.absolute()))) + b"\n")
            with asking.makefile("rb") as answer:
                for line in answer:
                    said = msgspec.json.decode(line, type=Said)
                    if said.error:
                        raise TongdaiError("not_upgraded", said.error)
                    if said.done:
                        return
                    say(said.line)
        except OSError as error:
            raise TongdaiError(
                "not_running",
                f"No tongdai that could be upgraded runs on {data}: {error.strerror or error}.",
                "Start it by `tongdai serve`, or name its directory with --data.",
            ) from error
    raise TongdaiError(
        "not_upgraded", "The supervisor ended before the upgrade did.", "See its log, and start it again."
    )
