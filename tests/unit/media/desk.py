"""Sessions with an engine, prompts and recordings that a test answers for."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.unit.legs.doubles import MemoryJournal

from tongdai.calls import commands as c
from tongdai.calls import events as e
from tongdai.calls.prompts import Clip, Prompt, Text
from tongdai.core.errors import TongdaiError
from tongdai.media import EngineClient, wire
from tongdai.media.sessions import Sessions

GREETING, MENU = Text("Welcome."), Text("Press 1.")


class Engine(EngineClient):
    """Writes commands down; a test answers the requests."""

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []
        self.waiting: list[tuple[str, asyncio.Future[Any]]] = []
        self.there = True
        self.reserves = False
        """Whether a test answers for ports that are asked for ahead."""

    @property
    def connected(self) -> bool:
        return self.there

    def send(self, op: str, **fields: Any) -> None:
        self.sent.append({"op": op, **fields})

    def request(self, op: str, reply: type[Any] | None = None, **fields: Any) -> asyncio.Future[Any]:
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        if op == "reserve" and not self.reserves:
            return future
        self.sent.append({"op": op, **fields})
        self.waiting.append((op, future))
        return future

    def ops(self) -> list[str]:
        return [command["op"] for command in self.sent]

    def of(self, op: str) -> list[dict[str, Any]]:
        return [{k: v for k, v in x.items() if k != "op"} for x in self.sent if x["op"] == op]

    def answer(self, op: str, result: Any) -> None:
        """Answer the oldest request of this kind; an exception refuses it."""
        index = next(i for i, (waiting, _) in enumerate(self.waiting) if waiting == op)
        _, future = self.waiting.pop(index)
        if isinstance(result, Exception):
            future.set_exception(result)
        else:
            future.set_result(result)


class Prompts:
    """Prompts that exist, can be made, or cannot. A made one waits until the test lets it be finished."""

    def __init__(self) -> None:
        self.existing: set[Prompt] = {GREETING, MENU}
        self.impossible: set[Prompt] = set()
        self.making: dict[Prompt, asyncio.Event] = {}

    def _path(self, tenant: str, prompt: Prompt) -> Path:
        return Path(f"/speech/{tenant}/{prompt}")

    def ready(self, tenant: str, prompt: Prompt) -> Path | None:
        if isinstance(prompt, Clip):
            raise TongdaiError("no_recording", "There is none.")
        return self._path(tenant, prompt) if prompt in self.existing else None

    async def make(self, tenant: str, prompt: Prompt) -> Path:
        if isinstance(prompt, Clip) or prompt in self.impossible:
            raise TongdaiError("no_voice", "The voice is hoarse.")
        if prompt in self.making:
            await self.making[prompt].wait()
        return self._path(tenant, prompt)

    def music(self, tenant: str) -> Path:
        return Path(f"/music/{tenant}")

    def chime(self, joined: bool) -> Path:
        return Path(f"/chime/{joined}")


class Recordings:
    def __init__(self) -> None:
        self.count = 0
        self.place = Path("/blobs")

    def new(self, tenant: str) -> tuple[str, Path]:
        self.count += 1
        return f"blob{self.count}", self.place / tenant / f"blob{self.count}"


class Desk:
    """Sessions of a process that has taken over nothing, with a leg `a` and a leg `b` of tenant t."""

    def __init__(self) -> None:
        self.engine = Engine()
        self.now = 1000.0
        self.prompts = Prompts()
        self.recordings = Recordings()
        self.journal = MemoryJournal()
        self.posted: list[tuple[str, e.Event]] = []
        self.noted: list[tuple[str, str, object]] = []
        self.sessions = Sessions(
            self.prompts,
            self.recordings,
            self.journal,
            lambda *x: self.posted.append(x),
            lambda *x: self.noted.append(x),
            lambda: self.now,
        )
        self.sessions.use(self.engine)
        self.opened: list[tuple[wire.Opened | None, str]] = []
        self.listed: list[wire.SessionInfo] = []
        """What the engine says of sessions that live in it, beside their names."""

    async def begin(
        self,
        legs: dict[str, str] | None = None,
        *living: str,
        mixers: tuple[str, ...] = (),
        entries: Mapping[str, bytes] | None = None,
    ) -> set[str]:
        task = asyncio.create_task(self.sessions.adopt(legs or {}, entries or {}))
        await settled()
        lines = (*(wire.SessionInfo(name, 20000) for name in living), *self.listed)
        self.engine.answer("list", wire.Listing(lines, mixers))
        found = await task
        self.sessions.adopted()
        return found

    async def leg(self, name: str = "a", tenant: str = "t") -> str:
        self.sessions.open(tenant, name, lambda *x: self.opened.append(x))
        self.engine.answer("open", wire.Opened("192.0.2.1", 20000, 20001))
        await settled()
        return name

    def play(self, play: str, *prompts: Prompt, leg: str = "a") -> None:
        self.sessions.play("t", c.Play(leg, play, prompts))

    def files(self) -> list[tuple[str, list[str]]]:
        """What was played, by the ids of the plays."""
        return [(x["play"], [file.rpartition("/")[2] for file in x["files"]]) for x in self.engine.of("play")]


async def settled() -> None:
    """Let everything happen that needs no time."""
    loop = asyncio.get_running_loop()
    for _ in range(10):
        future: asyncio.Future[None] = loop.create_future()
        loop.call_soon(future.set_result, None)
        await future
