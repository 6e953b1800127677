"""Control's end: answers on the signalling loop, so that nothing needs a lock, and tells what happens."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec

from tongdai.api.rpc import messages as m
from tongdai.core.clock import Clock
from tongdai.core.errors import TongdaiError
from tongdai.core.ids import new_id
from tongdai.core.log import get_logger

log = get_logger(__name__)

KEPT = 2000
"""News that are kept for a web process that comes back."""
GATHER_SECONDS = 0.02
"""How long news wait for company: a call makes a dozen, and each write wakes the web process."""
MOST_UNSENT = 32 << 20
"""Bytes that may wait for a web process that does not read; then its connection is cut."""

Handler = Callable[[m.Request], Awaitable[m.Answer]]


class RpcServer:
    """Serves whoever connects to the socket; only this machine's user can."""

    def __init__(self, path: Path, handler: Handler, clock: Clock) -> None:
        self._path = path
        self._handler = handler
        self._clock = clock
        self._feed = new_id("feed")
        self._seq = 0
        self._kept: deque[m.Told] = deque(maxlen=KEPT)
        self._untold: list[bytes] = []
        self._followers: set[asyncio.StreamWriter] = set()
        self._encode = msgspec.msgpack.Encoder().encode
        self._decode = msgspec.msgpack.Decoder(m.Asked).decode
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        self._path.unlink(missing_ok=True)
        self._server = await asyncio.start_unix_server(self._serve, self._path)
        self._path.chmod(0o600)

    async def close(self) -> None:
        self._tell_now()
        if self._server is not None:
            self._server.close()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def tell(self, news: m.News) -> None:
        """Something happened. Nobody waits for anybody here."""
        self._seq += 1
        told = m.Told(self._feed, self._seq, self._clock.wall(), news)
        self._kept.append(told)
        if self._followers:
            if not self._untold:
                asyncio.get_running_loop().call_later(GATHER_SECONDS, self._tell_now)
            self._untold.append(self._frame(m.Said(0, told=told)))

    def _tell_now(self) -> None:
        """Send the news that were gathered, before anything else: who asked for something to happen hears of
        it first."""
        if self._untold:
            news = b"".join(self._untold)
            self._untold.clear()
            for writer in tuple(self._followers):
                self._write(writer, news)

    def _frame(self, said: m.Said) -> bytes:
        body = self._encode(said)
        return len(body).to_bytes(m.HEADER, "big") + body

    def _write(self, writer: asyncio.StreamWriter, data: bytes) -> None:
        writer.write(data)
        if writer.transport.get_write_buffer_size() > MOST_UNSENT:
            log.error("the web process does not read; its connection is cut")
            writer.transport.abort()
            self._followers.discard(writer)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            with contextlib.suppress(EOFError, OSError, asyncio.CancelledError):
                while True:
                    size = int.from_bytes(await reader.readexactly(m.HEADER), "big")
                    if size > m.MOST_BYTES:
                        break
                    await self._answer(writer, self._decode(await reader.readexactly(size)))
        finally:
            self._tasks.discard(task)
            self._followers.discard(writer)
            writer.close()

    async def _answer(self, writer: asyncio.StreamWriter, asked: m.Asked) -> None:
        request = asked.request
        if isinstance(request, m.Follow):
            self._tell_now()
            self._write(writer, self._frame(m.Said(asked.number, m.Done(self._feed))))
            for told in self._kept:
                if request.feed == self._feed and told.seq > request.after:
                    self._write(writer, self._frame(m.Said(0, told=told)))
            self._followers.add(writer)
            return
        try:
            answer = await self._handler(request)
        except TongdaiError as error:
            answer = m.Refused(error.code, error.message, error.remedy)
        except Exception:
            log.exception("a request of the web process failed", request=type(request).__name__)
            answer = m.Refused(
                "control_failed", "The process that serves calls failed at this.", "Its log says why."
            )
        self._tell_now()
        self._write(writer, self._frame(m.Said(asked.number, answer)))
