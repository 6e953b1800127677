"""What people ask of a running supervisor, over a Unix socket: one request and its lines of answer a
connection."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

import msgspec

from tongdai.app.supervisor.environment import Environment
from tongdai.app.supervisor.upgrade import Upgrade
from tongdai.core.errors import TongdaiError
from tongdai.core.log import get_logger

log = get_logger(__name__)

REQUESTS = "supervisor.sock"
"""The name of the socket, beside the others."""
_LONGEST = 4096


class UpgradeTo(msgspec.Struct, frozen=True, tag="upgrade"):
    """Serve with the version in this directory."""

    environment: str


class Said(msgspec.Struct, frozen=True):
    """A line of the answer; the last one has `done`, with an `error` (and what to do about it) when it could
    not be."""

    line: str = ""
    done: bool = False
    error: str = ""


class Requests:
    """Answers them. Who may open the socket may ask: it is in a directory of the operator alone."""

    def __init__(self, path: Path, upgrade: Upgrade) -> None:
        self._path = path
        self._upgrade = upgrade
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        """Answer from now on."""
        self._path.unlink(missing_ok=True)
        self._server = await asyncio.start_unix_server(self._serve, self._path, limit=_LONGEST)

    async def close(self) -> None:
        """What is being done is given up."""
        for task in tuple(self._tasks):
            task.cancel()
        if self._server is not None:
            self._server.close()
            self._path.unlink(missing_ok=True)

    async def upgrade(self, environment: str) -> None:
        """An upgrade that nobody waits for: what goes wrong is in the log."""
        with contextlib.suppress(TongdaiError):
            await self._upgrade.to(_environment(environment), lambda line: log.info("upgrade", line=line))

    def upgrade_soon(self, environment: str) -> None:
        """Begin with it."""
        self._keep(asyncio.ensure_future(self.upgrade(environment)))

    def _keep(self, task: asyncio.Task[None]) -> None:
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        def say(said: Said) -> None:
            writer.write(msgspec.json.encode(said) + b"\n")

        task = asyncio.current_task()
        assert task is not None
        self._keep(task)
        try:
            asked = msgspec.json.decode(await reader.readline(), type=UpgradeTo)
            await self._upgrade.to(_environment(asked.environment), lambda line: say(Said(line)))
            say(Said(done=True))
        except TongdaiError as error:
            say(Said(done=True, error=str(error)))
        except (msgspec.DecodeError, ValueError, OSError) as error:
            log.warning("a request that cannot be read", error=str(error))
        finally:
            writer.close()


def _environment(path: str) -> Environment:
    """As people name it: a link stands for what it leads to now."""
    return Environment.at(Path(path).resolve())
