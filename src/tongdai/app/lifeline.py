"""The supervisor's hold on a process: it is connected as long as it lives. Without one the process goes on
for a while, so that the next supervisor finds it, and gets back the sockets that it must hold."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import Callable, Sequence

import msgspec

from tongdai.app.control_config import READY
from tongdai.core.log import get_logger

log = get_logger(__name__)


class Greeting(msgspec.Struct, frozen=True):
    """What a process says to a supervisor that connects; its sockets come along (SCM_RIGHTS)."""

    pid: int
    ready: bool
    """Whether it does its work already."""


class Lifeline:
    """The end that the process holds."""

    def __init__(
        self, fd: int, patience: float, *, sockets: Sequence[int] = (), on_over: Callable[[], None]
    ) -> None:
        """`fd` is a listening Unix socket that the supervisor handed down. `on_over` is called when none was
        connected for `patience` seconds. `sockets` are handed to each that connects, in this order."""
        self.ready = False
        self._loop = asyncio.get_running_loop()
        self._patience = patience
        self._sockets = sockets
        self._on_over = on_over
        self.on_told: Callable[[bytes], None] = lambda words: None
        """Gets what the supervisor says."""
        self._supervisor: socket.socket | None = None
        self._listener = socket.socket(fileno=fd)
        self._listener.setblocking(False)
        self._timer: asyncio.TimerHandle | None = None
        self._wait()
        self._loop.add_reader(self._listener, self._came)

    def say_ready(self, fd: int) -> None:
        """This process works from now on: told through `fd`, which is closed, and to who comes later."""
        self.ready = True
        with contextlib.suppress(BrokenPipeError):  # the supervisor died meanwhile
            os.write(fd, READY)
        os.close(fd)

    def close(self) -> None:
        """This process ends."""
        self._forget()
        self._loop.remove_reader(self._listener)
        self._listener.close()

    def _came(self) -> None:
        try:
            supervisor, _ = self._listener.accept()
        except OSError:  # it is gone again, or there are no descriptors left
            return
        try:
            greeting = msgspec.json.encode(Greeting(os.getpid(), self.ready))
            socket.send_fds(supervisor, [greeting], self._sockets)
        except OSError:
            supervisor.close()
            return
        supervisor.setblocking(False)
        self._forget()
        self._supervisor = supervisor
        self._loop.add_reader(supervisor, self._heard)

    def _heard(self) -> None:
        assert self._supervisor is not None
        try:
            if words := self._supervisor.recv(64):
                self.on_told(words)
                return
        except BlockingIOError:
            return
        except ConnectionError:
            pass
        log.error("the supervisor is gone; waiting for the next", seconds=self._patience)
        self._forget()
        self._wait()

    def _forget(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._supervisor is not None:
            self._loop.remove_reader(self._supervisor)
            self._supervisor.close()
            self._supervisor = None

    def _wait(self) -> None:
        self._timer = self._loop.call_later(self._patience, self._on_over)
