"""Replacing the processes by those of another version while calls go on, and back again when it is unfit."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from tongdai.app.control_config import GO, READY, STANDBY
from tongdai.app.introduction import Introduction
from tongdai.app.supervisor.child import Child
from tongdai.app.supervisor.engines import Engines
from tongdai.app.supervisor.environment import Environment
from tongdai.core.errors import TongdaiError
from tongdai.core.log import get_logger

log = get_logger(__name__)

STANDBY_SECONDS = 60.0
"""How long a new control may take to load; meanwhile the old one serves."""
HANDOVER_SECONDS = 5.0
"""How long the old one may take to let go; then it is killed, and the new one goes on from the journal."""
READY_SECONDS = 15.0
"""How long the new control may take to work; nobody serves meanwhile."""
STEADY_SECONDS = 3.0
"""For so long it must go on to work."""
WEB_SECONDS = 60.0
"""How long the new web process may take to work, beside the old one."""

Say = Callable[[str], None]


class Running(Protocol):
    """What is replaced: the supervisor."""

    environment: Environment
    engines: Engines
    control: Child
    web: Child

    def successor(self, name: str, environment: Environment) -> Child:
        """A process of that name and version that is not started yet. It waits beside the one that serves."""

    def promote(self, child: Child) -> None:
        """It is the process of its name from now on."""

    async def prepare(self, environment: Environment) -> None:
        """Bring the data up to what that version needs. Raises `TongdaiError`."""

    def where_logs_are(self) -> str:
        """For people."""


class Upgrade:
    """One replacement at a time."""

    def __init__(self, running: Running, *, engine_proto: int) -> None:
        """`engine_proto` is the protocol of the engine that runs."""
        self._running = running
        self._engine_proto = engine_proto
        self._busy = False

    async def to(self, environment: Environment, say: Say) -> Introduction:
        """Serve with that version; `say` tells a person how it goes. Raises `TongdaiError` with the reason
        when the version before goes on to serve."""
        if self._busy:
            raise TongdaiError("upgrading", "Another upgrade is in progress.", "Wait for its end.")
        if not self._running.control.ready:
            raise TongdaiError("not_serving", "tongdai does not work yet.", "Wait until it takes calls.")
        self._busy = True
        try:
            return await self._replace(environment, say)
        except TongdaiError as error:
            log.error("not upgraded", environment=str(environment.path), why=str(error))
            raise
        finally:
            self._busy = False

    async def _replace(self, environment: Environment, say: Say) -> Introduction:
        running, before = self._running, self._running.environment
        introduction = await asyncio.to_thread(environment.introduce)
        say(f"version {introduction.version} in {environment.path}")
        if introduction.engine_proto != self._engine_proto:
            raise TongdaiError(
                "other_engine",
                f"It speaks protocol {introduction.engine_proto} with the engine, and the engine that runs "
                f"{self._engine_proto}.",
                "Restart tongdai with that version when no calls are in progress.",
            )
        await running.prepare(environment)
        await self._engine(environment, introduction, say)
        await self._control(environment, say)
        running.environment = environment
        try:
            if introduction.several_engines and not running.engines.is_steady:
                raise self._unfit("Its engine ends by itself")
            await self._web(environment, say)
        except TongdaiError:
            say(f"back to the version in {before.path}")
            running.environment = before
            running.engines.go_back()
            await self._control(before, say)
            raise
        running.engines.settle()
        log.info("upgraded", version=introduction.version, environment=str(environment.path))
        return introduction

    async def _engine(self, environment: Environment, introduction: Introduction, say: Say) -> None:
        """Start another engine, for the sessions that the next control opens."""
        engines = self._running.engines
        if not introduction.several_engines:
            if engines.former:
                raise TongdaiError(
                    "former_engines",
                    "It commands one engine only, and calls of before the last upgrade are still in another.",
                    "Wait until these calls have ended.",
                )
            return
        engine = await engines.start_next(environment)
        if engine is None:
            raise self._unfit("Its engine does not work")
        engines.advance(engine)
        say("engine: works beside the one before")

    async def _control(self, environment: Environment, say: Say) -> None:
        """Let another control go on with every call. When it does not come to work, or ends by itself, one of
        the version before is started as after a crash."""
        running, old = self._running, self._running.control
        new = running.successor("control", environment)
        new.start()
        if not await new.says(STANDBY, STANDBY_SECONDS):
            await new.end()
            running.engines.go_back()
            raise self._unfit("Its control cannot be loaded")
        say("control: loaded; taking over")
        began = asyncio.get_running_loop().time()
        await old.retire(HANDOVER_SECONDS)
        running.promote(new)
        new.tell(GO)
        if await new.says(READY, READY_SECONDS):
            seconds = asyncio.get_running_loop().time() - began
            log.info("control was replaced", pid=new.pid, after=round(seconds, 3))
            say(f"control: works {seconds:.2f} s after the one before was told to let go")
            if not await new.ends(STEADY_SECONDS):
                new.settle()
                return
        await new.end()
        say(f"control: does not work; back to the version in {running.environment.path}")
        running.engines.go_back()
        again = running.successor("control", running.environment)
        again.start()
        await again.says(STANDBY, STANDBY_SECONDS)
        running.promote(again)
        again.tell(GO)
        await again.says(READY, READY_SECONDS)
        again.settle()
        raise self._unfit("Its control does not work")

    async def _web(self, environment: Environment, say: Say) -> None:
        running, old = self._running, self._running.web
        new = running.successor("web", environment)
        new.start()
        if not await new.says(READY, WEB_SECONDS):
            await new.end()
            raise self._unfit("Its web process does not work")
        running.promote(new)
        new.settle()
        await old.stop(HANDOVER_SECONDS)
        say("web: works")

    def _unfit(self, what: str) -> TongdaiError:
        return TongdaiError(
            "unfit_version",
            f"{what}; the version before serves.",
            f"See why in {self._running.where_logs_are()}.",
        )
