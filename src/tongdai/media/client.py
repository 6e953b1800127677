"""The connection to the engine: pipelined commands, replies as futures, events to a callback, and coming back
after the engine or the connection was lost."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any, cast

import msgspec

from tongdai.core.log import get_logger
from tongdai.core.memory import end_without_memory
from tongdai.core.waiting import happens
from tongdai.media import wire
from tongdai.media.commands import Commands
from tongdai.media.errors import EngineError, EngineGone, EngineRefused
from tongdai.media.events import EngineEvent

log = get_logger(__name__)

BACKOFF = (0.01, 0.02, 0.05, 0.1)
"""Seconds between attempts to reach the engine again; the last one repeats."""


class EngineClient(Commands):
    """One controller's view of the engine.

    While there is no engine, `send` drops its command and `request` fails with `EngineGone`: a new engine
    knows nothing of the old sessions, and the owner rebuilds them in `on_engine`."""

    def __init__(
        self,
        path: Path,
        *,
        on_event: Callable[[EngineEvent], None],
        on_engine: Callable[[str, int], None],
        on_lost: Callable[[], None] | None = None,
        reply_seconds: float = 5.0,
        after: int = 0,
        lasting: bool = True,
    ) -> None:
        """`on_engine(engine_id, sessions)` is called at every connection, with the number of sessions that
        live in the engine (0 in a new one); before it, no event is delivered. `on_lost()` when the
        connection breaks. A reply that is later than `reply_seconds` fails its request with
        `EngineGone`. One that is not `lasting` has nobody after it on that path: when it is lost, it is
        over."""
        self._path = path
        self._on_event = on_event
        self._on_engine = on_engine
        self._on_lost = on_lost
        self._reply_seconds = reply_seconds
        self._lasting = lasting
        self._loop = asyncio.get_running_loop()
        self._connection: _Connection | None = None
        self._ids = count(1)
        self._task: asyncio.Task[None] | None = None
        self._closing = asyncio.Event()
        self.fingerprint = ""
        """Of that engine's certificate."""
        self.engine: str | None = None
        """Id of the engine that was greeted last."""
        self.last_event = after
        """`n` of the event that was handed over last. Who journals it and gives it as `after` to the next
        process loses none that a killed process was sent and did not come to."""
        self.dropped = 0
        """Commands that were dropped because no engine was there."""

    @classmethod
    async def connect(
        cls,
        path: Path,
        *,
        on_event: Callable[[EngineEvent], None],
        on_engine: Callable[[str, int], None],
        on_lost: Callable[[], None] | None = None,
        reply_seconds: float = 5.0,
        within: float = 10.0,
        after: int = 0,
        lasting: bool = True,
    ) -> EngineClient:
        """Connect, waiting up to `within` seconds for the engine to appear, unless it must be there already;
        then stay connected until `close`, or its end. Raises `EngineGone`."""
        client = cls(
            path,
            on_event=on_event,
            on_engine=on_engine,
            on_lost=on_lost,
            reply_seconds=reply_seconds,
            after=after,
            lasting=lasting,
        )
        try:
            async with asyncio.timeout(within):
                await (client._reach() if lasting else client._greet())
        except TimeoutError:
            raise EngineGone(f"No media engine answers on {path} after {within:g} s.") from None
        except (OSError, msgspec.ValidationError) as error:
            raise EngineGone(f"No media engine answers on {path}: {error}") from error
        client._task = asyncio.create_task(client._stay(), name="engine-client")
        return client

    @property
    def connected(self) -> bool:
        """Whether an engine was greeted and its connection lives."""
        return self._connection is not None and not self._connection.lost.is_set()

    def send(self, op: str, **fields: Any) -> None:
        """Send a command and ask for no reply; what fails comes back as the event `Failed`."""
        if self._connection is None:
            self.dropped += 1
            return
        self._connection.write({"op": op, **fields})

    def request(self, op: str, reply: type[Any] | None = None, **fields: Any) -> asyncio.Future[Any]:
        """Send a command; the future gives its reply (as `reply`, else a dict) or
        `EngineRefused`/`EngineGone`. The command is on its way already, in order with all others: waiting
        for the future is optional."""
        if self._connection is None:
            self.dropped += 1
            future: asyncio.Future[Any] = self._loop.create_future()
            future.set_exception(EngineGone(f"{op!r} not sent: no media engine"))
            future.exception()
            return future
        return self._connection.ask(next(self._ids), op, reply, fields)

    def flush(self) -> None:
        """Send what this tick has gathered now. Happens by itself at the beginning of the next tick."""
        if self._connection is not None:
            self._connection.flush()

    async def close(self) -> None:
        """Let go of the engine; its sessions go on."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None
        if self._connection is not None:
            self._connection.end()
            self._connection = None

    async def _stay(self) -> None:
        while True:
            connection = self._connection
            if connection is not None:
                await connection.lost.wait()
                self._connection = None
                log.warning("media engine lost", engine=self.engine)
                if self._on_lost is not None:
                    _tell("on_lost", self._on_lost)
                if not self._lasting:
                    return
            await self._reach()

    async def _reach(self) -> None:
        attempt = 0
        while True:
            try:
                await self._greet()
                return
            except (OSError, EngineError, msgspec.ValidationError) as error:
                log.debug("media engine unreachable", path=str(self._path), error=str(error))
            delay = BACKOFF[min(attempt, len(BACKOFF) - 1)]
            attempt += 1
            await happens(self._closing, delay)

    async def _greet(self) -> None:
        _, connection = await self._loop.create_unix_connection(
            lambda: _Connection(self._loop, self._on_frame, self._reply_seconds), str(self._path)
        )
        fields = {"proto": wire.PROTO, **({"after": self.last_event} if self.last_event else {})}
        try:
            hello: wire.Hello = await connection.ask(next(self._ids), "hello", wire.Hello, fields)
        except BaseException:
            connection.end()
            raise
        if hello.proto != wire.PROTO:
            connection.end()
            log.error(
                "media engine speaks another protocol",
                engine=hello.engine,
                theirs=hello.proto,
                ours=wire.PROTO,
            )
            raise EngineGone(f"the media engine speaks protocol {hello.proto}, this program {wire.PROTO}")
        self._connection = connection
        if hello.engine != self.engine and self.engine is not None:
            self.last_event = 0
        self.engine, self.fingerprint = hello.engine, hello.fingerprint
        log.info("media engine greeted", engine=hello.engine, version=hello.version, sessions=hello.sessions)
        if hello.lost:
            log.error("events of the media engine lost", count=hello.lost)
        _tell("on_engine", self._on_engine, hello.engine, hello.sessions)
        connection.deliver()

    def _on_frame(self, frame: dict[str, Any]) -> None:
        """Hand an event over."""
        try:
            event = msgspec.convert(frame, EngineEvent)
        except msgspec.ValidationError as error:
            log.warning("unknown event of the media engine", ev=frame.get("ev"), error=str(error))
            return
        self.last_event = event.n
        _tell("on_event", self._on_event, event)


class _Connection(asyncio.Protocol):
    """One connection: frames out, coalesced per tick; frames in, to their futures or to the client."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        on_frame: Callable[[dict[str, Any]], None],
        reply_seconds: float,
    ) -> None:
        self.lost = asyncio.Event()
        self._loop = loop
        self._on_frame = on_frame
        self._reply_seconds = reply_seconds
        self._reader = wire.FrameReader()
        self._out: list[bytes] = []
        self._waiting: dict[int, tuple[asyncio.Future[Any], str, type[Any] | None, float]] = {}
        """Requests, each with when its time is up: in that order, since all wait equally long."""
        self._timer: asyncio.TimerHandle | None = None
        self._early: list[dict[str, Any]] | None = []
        self._transport: asyncio.Transport | None = None

    # -- asyncio

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is no subclass

    def data_received(self, data: bytes) -> None:
        try:
            for frame in self._reader.feed(data):
                if "re" in frame:
                    self._reply(frame)
                elif self._early is not None:
                    self._early.append(frame)
                else:
                    self._on_frame(frame)
        except wire.OutOfStep as error:
            log.error("media engine out of step", error=str(error))
            self.end()

    def connection_lost(self, exc: Exception | None) -> None:
        log.debug("media engine connection ended", error=str(exc or ""))
        self._transport = None
        if self._timer is not None:
            self._timer.cancel()
        waiting, self._waiting = self._waiting, {}
        for future, op, _, _ in waiting.values():
            _fail(future, EngineGone(f"the media engine went away before it answered {op!r}"))
        self.lost.set()

    # -- out

    def write(self, frame: dict[str, Any]) -> None:
        if not self._out:
            self._loop.call_soon(self.flush)
        self._out.append(wire.encode(frame))

    def flush(self) -> None:
        out, self._out = self._out, []
        if out and self._transport is not None:
            self._transport.write(b"".join(out))

    def ask(
        self, number: int, op: str, reply: type[Any] | None, fields: dict[str, Any]
    ) -> asyncio.Future[Any]:
        future: asyncio.Future[Any] = self._loop.create_future()
        if self._transport is None:
            _fail(future, EngineGone(f"{op!r} not sent: the media engine went away"))
            return future
        due = self._loop.time() + self._reply_seconds
        self._waiting[number] = (future, op, reply, due)
        if self._timer is None:
            self._timer = self._loop.call_at(due, self._overdue)
        self.write({"op": op, "id": number, **fields})
        return future

    def end(self) -> None:
        if self._transport is not None:
            self.flush()
            self._transport.close()

    # -- in

    def deliver(self) -> None:
        """Hand over the events that came before the owner knew this engine; later ones go through at once."""
        early, self._early = self._early or [], None
        for frame in early:
            self._on_frame(frame)

    def _reply(self, frame: dict[str, Any]) -> None:
        asked = self._waiting.pop(frame["re"], None)
        if asked is None or asked[0].done():
            return
        future, op, reply, _ = asked
        if not frame.get("ok"):
            _fail(future, EngineRefused(op, str(frame.get("error", "failed")), str(frame.get("detail", ""))))
            return
        try:
            future.set_result(frame if reply is None else msgspec.convert(frame, reply))
        except msgspec.ValidationError as error:
            _fail(future, EngineRefused(op, "bad_reply", str(error)))

    def _overdue(self) -> None:
        """Fail every request whose time is up."""
        self._timer = None
        now = self._loop.time()
        for number, (future, op, _, due) in tuple(self._waiting.items()):
            if due > now:
                self._timer = self._loop.call_at(due, self._overdue)
                return
            del self._waiting[number]
            _fail(future, EngineGone(f"the media engine did not answer {op!r} in {self._reply_seconds:g} s"))


def _fail(future: asyncio.Future[Any], error: EngineError) -> None:
    """Fail a future whose owner may not look at it: asyncio shall not complain about that."""
    if not future.done():
        future.set_exception(error)
        future.exception()


def _tell(name: str, callback: Callable[..., None], *args: Any) -> None:
    """A bug in the owner's callback is logged and ends neither the connection nor the way back to it."""
    try:
        callback(*args)
    except Exception as error:
        end_without_memory(error)
        log.exception("callback of the media engine's client failed", callback=name)
