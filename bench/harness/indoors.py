"""Control in this very process: all of it is real but the sockets, the engine and the web process."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from tongdai.app.control import Control
from tongdai.app.control_config import ControlConfig, Listening
from tongdai.app.demo.secrets import fixed_secrets
from tongdai.app.demo.seed import seed
from tongdai.app.process import rest_from_collecting
from tongdai.db import migrate, open_database
from tongdai.journal import LocalJournal
from tongdai.media import client, wire
from tongdai.sip.flow import Flow
from tongdai.tenants.config import load

HERE = "127.0.0.1"
_PORT = 5060
_NOWHERE = "/nonexistent"


class Indoors:
    """`control`, and what it has sent."""

    def __init__(self, control: Control) -> None:
        self.control = control
        self._sent: list[tuple[Flow, bytes]] = []

    def send(self, flow: Flow, data: bytes) -> None:
        self._sent.append((flow, data))

    def queue(self) -> tuple[int, int]:
        """Nothing waits."""
        return 0, 4 << 20

    def take(self) -> list[tuple[Flow, bytes]]:
        """What was sent since the last time."""
        sent, self._sent = self._sent, []
        return sent

    def deliver(self, data: bytes, flow: Flow) -> None:
        """A datagram comes in."""
        self.control.wires.on_datagram(data, flow)

    async def settle(self) -> None:
        """Wait until the call log is in the database."""
        while self.control.calllog._behind.backlog:
            await asyncio.sleep(0.02)


def flow_from(host: str, port: int) -> Flow:
    """A phone's way to control over UDP."""
    return Flow("udp", (HERE, _PORT), (host, port))


async def furnish(data: Path) -> None:
    """A database with the benchmark's accounts."""
    url = _url(data)
    await migrate(url)
    db = open_database(url)
    try:
        await seed(db, fixed_secrets(), bench=True, trunk_host=HERE, trunk_port=5070, ring_seconds=20)
    finally:
        await db.close()


@contextlib.asynccontextmanager
async def opened(data: Path) -> AsyncIterator[Indoors]:
    """A control process on a directory that was furnished, without what a start does beyond SIP. What one
    before has left in its journal is forgotten."""
    shutil.rmtree(data / "journal", ignore_errors=True)
    db = open_database(_url(data))
    provider = await load(db)
    await db.close()
    config = ControlConfig(
        listens=[Listening(HERE, -1, -1, -1, -1)],
        lifeline_fd=-1,
        ready_fd=-1,
        orphan_seconds=0,
        engine_socket=_NOWHERE,
        rpc_socket=_NOWHERE,
        tls_certificate=_NOWHERE,
        tls_key=_NOWHERE,
        data_dir=str(data),
        db_url=_url(data),
        sip_port=_PORT,
        tls_port=_PORT + 1,
        ws_port=8088,
        ws_tls=False,
    )
    control = Control(config, provider, LocalJournal(data / "journal"), asyncio.Event())
    await control.take_over(_reached(control), ())
    control.journal.on_pending = control.pulse.pending
    control._located()
    indoors = Indoors(control)
    control.wires._udp = {(HERE, _PORT): indoors}  # type: ignore[dict-item]
    control.rpc._followers.add(_Web())  # type: ignore[arg-type]
    rest_from_collecting()
    try:
        yield indoors
    finally:
        control.rpc._tell_now()
        await control.close()


def _url(data: Path) -> str:
    return f"sqlite+aiosqlite:///{data / 'tongdai.db'}"


class _Web:
    """Reads all news and says nothing."""

    @property
    def transport(self) -> _Web:
        return self

    def get_write_buffer_size(self) -> int:
        return 0

    def write(self, data: bytes) -> None:
        pass


def _reached(control: Control) -> Callable[[Mapping[str, bytes]], Awaitable[None]]:
    async def connect(entries: Mapping[str, bytes]) -> None:
        control.engine.use(_engine())

    return connect


def _engine() -> client.EngineClient:
    """Connected to an engine that has a port for everybody, and in which no sound ever comes."""
    engine = client.EngineClient(Path(_NOWHERE), on_event=lambda _: None, on_engine=lambda *_: None)
    connection = client._Connection(asyncio.get_running_loop(), engine._on_frame, 5.0)
    connection._transport = _Engine(connection)  # type: ignore[assignment]
    connection.deliver()
    engine._connection = connection
    engine.fingerprint = "sha-256 " + ":".join(["AB"] * 32)
    return engine


class _Engine:
    def __init__(self, connection: client._Connection) -> None:
        self._connection = connection
        self._reader = wire.FrameReader()
        self._port = 20000

    def write(self, data: bytes) -> None:
        replies = [self._reply(frame) for frame in self._reader.feed(data) if "id" in frame]
        if replies:
            asyncio.get_running_loop().call_soon(self._connection.data_received, b"".join(replies))

    def _reply(self, frame: dict[str, Any]) -> bytes:
        reply: dict[str, Any] = {"re": frame["id"], "ok": True}
        if frame["op"] == "open":
            self._port = 20000 + (self._port + 2) % 10000
            reply |= {"ip": HERE, "port": self._port, "rtcp_port": self._port + 1}
        elif frame["op"] == "close":
            reply["stats"] = msgspec.to_builtins(wire.Stats())
        elif frame["op"] == "list":
            reply |= {"sessions": [], "mixers": []}
        return wire.encode(reply)

    def close(self) -> None:
        pass
