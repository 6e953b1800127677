"""Web's end: connects, asks, and passes on what control tells. Connects again whenever control is
replaced."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Protocol, TypeVar

import msgspec

from tongdai.api.rpc import messages as m
from tongdai.core.log import get_logger

log = get_logger(__name__)

ANSWER_SECONDS = 2.0
_AGAIN_SECONDS = 0.2

A = TypeVar("A")


class Control(Protocol):
    """What routes need; tests have one in memory."""

    async def ask(self, request: m.Request, expected: type[A]) -> A:
        """Raises `Declined` when control refuses, `ControlSilent` when it does not answer within 2 s."""


class RpcClient:
    """Implements `Control`. `on_told` gets everything that happens, `on_gap` is called when some of it may
    have been missed."""

    def __init__(self, path: Path, *, on_told: Callable[[m.Told], None], on_gap: Callable[[], None]) -> None:
        self._path = path
        self._on_told = on_told
        self._on_gap = on_gap
        self._encode = msgspec.msgpack.Encoder().encode
        self._decode = msgspec.msgpack.Decoder(m.Said).decode
        self._writer: asyncio.StreamWriter | None = None
        self._connected = asyncio.Event()
        self._waiting: dict[int, asyncio.Future[m.Answer]] = {}
        self._number = 0
        self._feed = ""
        self._seq = 0

    @property
    def connected(self) -> bool:
        return self._connected.is_set()

    async def ask(self, request: m.Request, expected: type[A]) -> A:
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                await self._connected.wait()
                answer = await self._ask(request)
        except (TimeoutError, OSError):
            raise m.ControlSilent from None
        if isinstance(answer, m.Refused):
            raise m.Declined(answer)
        assert isinstance(answer, expected), f"{type(answer).__name__} answers {type(request).__name__}"
        return answer

    async def _ask(self, request: m.Request) -> m.Answer:
        if self._writer is None:
            raise OSError("not connected")
        self._number += 1
        number = self._number
        self._waiting[number] = future = asyncio.get_running_loop().create_future()
        try:
            body = self._encode(m.Asked(number, request))
            self._writer.write(len(body).to_bytes(m.HEADER, "big") + body)
            answer: m.Answer = await future
            return answer
        finally:
            self._waiting.pop(number, None)

    async def run(self) -> None:
        """Be connected for ever; ends by being cancelled."""
        while True:
            with contextlib.suppress(OSError, EOFError):
                await self._serve(*await asyncio.open_unix_connection(self._path))
            pause = asyncio.Event()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_AGAIN_SECONDS):
                    await pause.wait()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        following = asyncio.create_task(self._follow())
        try:
            while True:
                size = int.from_bytes(await reader.readexactly(m.HEADER), "big")
                body = await reader.readexactly(size)
                try:
                    said = self._decode(body)
                except msgspec.ValidationError:  # a later version tells of something that is new
                    log.info("control tells of what this version does not know")
                    continue
                if said.told is not None:
                    self._take(said.told)
                elif (future := self._waiting.get(said.number)) is not None and not future.done():
                    assert said.answer is not None
                    future.set_result(said.answer)
        finally:
            self._writer = None
            self._connected.clear()
            following.cancel()
            writer.close()
            for future in self._waiting.values():
                if not future.done():
                    future.set_exception(OSError("control is gone"))
            log.info("control is gone")

    async def _follow(self) -> None:
        answer = await self._ask(m.Follow(self._feed, self._seq))
        assert isinstance(answer, m.Done)
        if self._feed and answer.detail != self._feed:
            self._on_gap()
        self._feed = answer.detail
        self._connected.set()
        log.info("connected to control", feed=self._feed)

    def _take(self, told: m.Told) -> None:
        """What cannot be passed on is missed by those who listen; everything else goes on."""
        self._seq = told.seq
        try:
            self._on_told(told)
        except Exception:
            log.exception("an event could not be passed on", event_type=type(told.news).__name__)
            self._on_gap()
