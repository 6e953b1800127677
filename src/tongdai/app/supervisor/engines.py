"""The engine in which sessions are opened, and those that upgrades have left, which end with their last."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Sequence
from pathlib import Path

from tongdai.app.supervisor.child import Child, Launch
from tongdai.app.supervisor.environment import Environment
from tongdai.app.supervisor.survivors import (
    ENGINE,
    Survivor,
    engine_names,
    find_survivor,
    lifeline_of,
    open_lifeline,
)
from tongdai.core.log import get_logger

log = get_logger(__name__)

RETIRE = b"retire\n"
"""Over the lifeline: end with the last session."""
WORKS_SECONDS = 10.0
"""How long an engine may take to work."""

MakeChild = Callable[[str, Callable[[], Launch], bool], Child]
"""A process of that name; whether nothing goes on without it."""


class Engines:
    """One at the beginning; each upgrade starts another beside it."""

    def __init__(
        self,
        directory: Path,
        environment: Environment,
        options: Sequence[str],
        make: MakeChild,
        *,
        patience: float,
    ) -> None:
        """`directory` is that of the sockets, `options` are those of every engine. One that was left is given
        `patience` seconds; whoever still talks then goes on in the current one."""
        self._directory = directory
        self._options = options
        self._make = make
        self._patience = patience
        self._left = self._survivors()
        name = next(iter(self._left), ENGINE)
        self.current = self._make(name, lambda: self._launch(name, environment), True)
        self.former: list[Child] = []
        """The newest first."""
        self._trial_pid = 0
        """Of the current one, while it may have to go again."""
        self._watching: set[asyncio.Task[None]] = set()

    def _survivors(self) -> dict[str, Survivor]:
        """What a former supervisor has left, the newest first."""
        found = {name: find_survivor(self._lifeline(name)) for name in engine_names(self._directory)}
        return {name: left for name, left in found.items() if left is not None}

    def begin(self) -> None:
        """Adopt what is left, or start one."""
        left, self._left = self._left, {}
        for name, survivor in reversed(left.items()):
            if name == self.current.name:
                self.current.adopt(survivor)
            else:
                child = self._make(name, lambda: self._no_more(), False)
                child.adopt(survivor)
                self._retire(child)
        if not left:
            self.current.start()

    @staticmethod
    def _no_more() -> Launch:
        raise AssertionError("an engine that retires is not started again")

    @property
    def socket(self) -> Path:
        """Where the current one is commanded."""
        return self._socket(self.current)

    @property
    def former_sockets(self) -> list[Path]:
        """Where those before it are."""
        return [self._socket(child) for child in self.former]

    # an upgrade

    async def start_next(self, environment: Environment) -> Child | None:
        """Start one of that version beside the current one; None when it does not come to work."""
        number = 1 + max(_number(child.name) for child in (self.current, *self.former))
        name = f"{ENGINE}-{number}"
        child = self._make(name, lambda: self._launch(name, environment), False)
        child.on_trial = True
        child.start()
        if await child.says(b"ready", WORKS_SECONDS):
            child.settle()
            return child
        await child.end()
        self._forget(child)
        return None

    def advance(self, child: Child) -> None:
        """Every control process that is started from now on opens sessions in this one."""
        self.former.insert(0, self.current)
        self.current, self._trial_pid = child, child.pid

    @property
    def is_steady(self) -> bool:
        """The current one has worked since `advance`."""
        return self.current.ready and self.current.pid == self._trial_pid

    def go_back(self) -> None:
        """It was no good: sessions are opened in the one before again."""
        if self._trial_pid:
            self._trial_pid = 0
            child, self.current = self.current, self.former.pop(0)
            self._retire(child)

    def settle(self) -> None:
        """It stays: the one before ends with its last session."""
        if self._trial_pid:
            self._trial_pid = 0
            self._retire(self.former.pop(0))

    def _retire(self, child: Child) -> None:
        self.former.insert(0, child)
        child.bow_out(RETIRE)
        task = asyncio.ensure_future(self._see_off(child))
        self._watching.add(task)
        task.add_done_callback(self._watching.discard)

    async def _see_off(self, child: Child) -> None:
        """Wait for its end. When it takes too long, its calls go on in the current one, as if it had died."""
        if not await child.ends(self._patience):
            log.warning("an engine of before is ended", process=child.name, pid=child.pid)
            await child.end()
        self.former.remove(child)
        self._forget(child)
        log.info("an engine of before has ended", process=child.name, pid=child.pid, left=len(self.former))

    # the end

    async def stop(self, seconds: float) -> None:
        """Ask all to end, and kill those that have not after so many seconds."""
        for task in tuple(self._watching):
            task.cancel()
        children = [self.current, *self.former]
        await asyncio.gather(*(child.stop(seconds) for child in children))
        for child in children:
            self._forget(child)

    # one of them

    def _launch(self, name: str, environment: Environment) -> Launch:
        lifeline, hold = open_lifeline(self._lifeline(name))
        command = [
            str(environment.engine),
            *("--socket", str(self._socket_of(name))),
            *("--lifeline-fd", str(lifeline.fileno())),
            *self._options,
        ]
        # what it says to who holds it is that it is ready
        ready = os.dup(hold.fileno())
        return Launch(command, fds=[lifeline.fileno()], ready=ready, closed=[lifeline.detach()], hold=hold)

    def _lifeline(self, name: str) -> Path:
        return lifeline_of(self._directory, name)

    def _socket(self, child: Child) -> Path:
        return self._socket_of(child.name)

    def _socket_of(self, name: str) -> Path:
        return self._directory / f"engine{name.removeprefix(ENGINE)}.sock"

    def _forget(self, child: Child) -> None:
        for path in (self._socket(child), self._lifeline(child.name)):
            path.unlink(missing_ok=True)


def _number(name: str) -> int:
    return int(name.removeprefix(ENGINE).removeprefix("-") or 0)
