"""What legs are played: prompts are made, begun, ended, and gone on with in the next engine when one died."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import msgspec

from tongdai.calls import commands as c
from tongdai.calls import events as e
from tongdai.calls.prompts import Prompt
from tongdai.core.errors import TongdaiError
from tongdai.core.log import get_logger
from tongdai.media.engines import Engine
from tongdai.media.errors import EngineGone

log = get_logger(__name__)

PATIENCE = 10.0
"""What takes longer than this to be spoken is left out: a caller shall not wait in silence for a voice that
hangs."""


class Prompts(Protocol):
    """Turns prompts into files that the engine plays (WAV or Ogg/Opus)."""

    def ready(self, tenant: str, prompt: Prompt) -> Path | None:
        """The file when it exists already."""

    async def make(self, tenant: str, prompt: Prompt) -> Path:
        """The file, made if need be."""

    def music(self, tenant: str) -> Path:
        """The tenant's hold music."""

    def chime(self, joined: bool) -> Path:
        """What a room hears when somebody comes or leaves."""


class _Playing(msgspec.Struct):
    """What a leg is being played; `since` in the clock's seconds, None while it is still being made."""

    tenant: str
    leg: str
    play: str
    files: list[str] = []
    since: float | None = None


class Players:
    """One prompt a leg at most: another one replaces it."""

    def __init__(
        self,
        engine: Callable[[str], Engine],
        prompts: Prompts,
        post: Callable[[str, e.Event], None],
        clock: Callable[[], float],
        silenced: Callable[[str], bool],
        patience: float = PATIENCE,
    ) -> None:
        """`engine` is that of a leg. `silenced` says of a leg that its engine died, and the next one does not
        know its peer yet.
        `patience`: seconds that a caller waits for a prompt that is still being made."""
        self._engine = engine
        self._prompts = prompts
        self._post = post
        self._clock = clock
        self._silenced = silenced
        self._wanted: dict[str, _Playing] = {}
        self._patience = patience
        self._tasks: set[asyncio.Task[Any]] = set()

    def begin(self, tenant: str, command: c.Play) -> None:
        self._wanted[command.leg] = playing = _Playing(tenant, command.leg, command.play)
        files = [self._ready(tenant, prompt) for prompt in command.prompts]
        if all(file is not None for file in files):
            playing.files = [str(file) for file in files]
            self._start(playing)
            return
        self._engine(command.leg).client.stop(command.leg)
        task = asyncio.get_running_loop().create_task(self._prepare(playing, command))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _ready(self, tenant: str, prompt: Prompt) -> Path | None:
        try:
            return self._prompts.ready(tenant, prompt)
        except TongdaiError:
            return None  # `_prepare` meets the same error, logs it and leaves the prompt out

    async def _prepare(self, playing: _Playing, command: c.Play) -> None:
        files = []
        try:
            async with asyncio.timeout(self._patience):
                for prompt in command.prompts:
                    # it is made to its end, for who hears it next
                    making = asyncio.ensure_future(self._made(playing.tenant, prompt))
                    self._tasks.add(making)
                    making.add_done_callback(self._tasks.discard)
                    if (file := await asyncio.shield(making)) is not None:
                        files.append(file)
        except TimeoutError:
            log.error("a prompt takes too long; left out", tenant=playing.tenant, leg=playing.leg)
        if self._wanted.get(playing.leg) is not playing:
            return
        if files:
            playing.files = [str(file) for file in files]
            self._start(playing)
        else:
            self._failed(playing)

    async def _made(self, tenant: str, prompt: Prompt) -> Path | None:
        try:
            return await self._prompts.make(tenant, prompt)
        except Exception:
            log.exception("a prompt could not be made", tenant=tenant, prompt=str(prompt))
            return None

    def _start(self, playing: _Playing, played: float = 0.0) -> None:
        """Play from its beginning, or as if it had been played for `played` seconds."""
        playing.since = self._clock() - played
        if self._silenced(playing.leg):
            return  # it is begun when its peer is known
        engine = self._engine(playing.leg)

        def later(is_there: bool) -> None:
            if not is_there:
                self._failed(playing)

        def refused(future: asyncio.Future[object]) -> None:
            error = None if future.cancelled() else future.exception()
            if isinstance(error, EngineGone):
                engine.outage.wait(later)
            elif error is not None and self._wanted.get(playing.leg) is playing:
                where = {"tenant": playing.tenant, "leg": playing.leg}
                log.error("the engine cannot play a prompt", **where, error=str(error))
                self._failed(playing)

        engine.client.play(playing.leg, playing.play, playing.files).add_done_callback(refused)
        if played:
            engine.client.seek(playing.leg, playing.play, ms=round(played * 1000))

    def _failed(self, playing: _Playing) -> None:
        if self._wanted.get(playing.leg) is playing:
            del self._wanted[playing.leg]
            self._post(playing.tenant, e.PlayDone(playing.leg, playing.play, failed=True))

    def go_on(self, leg: str, until: float) -> None:
        """The next engine knows the leg: play on from where the one before had come to at `until`."""
        playing = self._wanted.get(leg)
        if playing is not None and playing.since is not None:
            self._start(playing, max(until - playing.since, 0.0))

    def stop(self, leg: str) -> None:
        """Nothing is wanted any more."""
        self._wanted.pop(leg, None)

    def ended(self, leg: str, play: str) -> None:
        """The engine has played it to its end, or could not."""
        playing = self._wanted.get(leg)
        if playing is not None and playing.play == play:
            del self._wanted[leg]

    def plays(self, play: str) -> bool:
        """Whether this is being played, or will be."""
        return any(playing.play == play for playing in self._wanted.values())
