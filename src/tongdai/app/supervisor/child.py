"""One process that is kept running."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
from collections.abc import Callable, Sequence

import msgspec

from tongdai.app.control_config import HAND_OVER, READY
from tongdai.app.supervisor.restarts import Restarts
from tongdai.app.supervisor.survivors import Survivor
from tongdai.core.clock import Clock
from tongdai.core.log import get_logger
from tongdai.core.memory import offer_to_kernel

log = get_logger(__name__)

OFFERED = {"control": 100, "web": 500}
"""How much sooner the kernel shall end these for want of memory than the engine and the supervisor."""
GIVE_UP = 3
"""Ends before it was ever ready, after which a process is not going to be."""


class Launch(msgspec.Struct, frozen=True):
    """How to start a process once. `ready` is a descriptor on which it will say that it works (None: it
    works as soon as it runs); `closed` are ours to close after the start, `hold` after its end."""

    command: Sequence[str]
    fds: Sequence[int] = ()
    ready: int | None = None
    closed: Sequence[int] = ()
    hold: socket.socket | None = None


class Child:
    """Starts a process, tells when it works, and starts it again whenever it ends, until it is stopped."""

    def __init__(
        self,
        name: str,
        launch: Callable[[], Launch],
        *,
        clock: Clock,
        stderr: int | None,
        on_change: Callable[[], None],
        on_hopeless: Callable[[str], None] | None,
        ready_within: float | None = None,
        on_trial: bool = False,
    ) -> None:
        """`on_change` is called when it became ready and when it has another pid; `on_hopeless(name)` when
        it ended `GIVE_UP` times without ever having been ready (None: it is tried for ever). What is not
        ready within so many seconds is killed, and counts as ended. One that is on trial is not started
        again when it ends, until it is settled."""
        self.name = name
        self.pid = 0
        self.ready = False
        self.on_trial = on_trial
        self._launch = launch
        self._clock = clock
        self._stderr = stderr
        self._on_change = on_change
        self._on_hopeless = on_hopeless
        self._ready_within = ready_within
        self._loop = asyncio.get_running_loop()
        self._restarts = Restarts()
        self._was_ever_ready = False
        self._process: subprocess.Popen[bytes] | None = None  # None: a former supervisor started it
        self._hold: socket.socket | None = None
        self._pidfd = -1
        self._ready_fd = -1
        self._started = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._patience: asyncio.TimerHandle | None = None
        self._stopping = False
        self._said = b""
        self._news = asyncio.Event()
        self._gone = asyncio.Event()

    def start(self) -> None:
        """Start it now."""
        self._timer = None
        launch = self._launch()
        try:
            self._process = subprocess.Popen(
                launch.command,
                stdin=subprocess.DEVNULL,
                stdout=self._stderr,
                stderr=self._stderr,
                pass_fds=launch.fds,
                process_group=0,  # Ctrl-C reaches the supervisor alone
            )
        finally:
            for fd in launch.closed:
                os.close(fd)
        self._hold = launch.hold
        self._watch(self._process.pid)
        offer_to_kernel(self.pid, OFFERED.get(self.name, 0))
        log.info("process started", process=self.name, pid=self.pid)
        if launch.ready is None:
            self._is_ready()
        else:
            self._ready_fd = launch.ready
            self._loop.add_reader(self._ready_fd, self._heard)
            if self._ready_within is not None:
                self._patience = self._loop.call_later(self._ready_within, self._not_ready)
            self._on_change()

    def adopt(self, survivor: Survivor) -> None:
        """Watch what a former supervisor has left, as if it had been started by this one."""
        self._hold = survivor.hold
        self._watch(survivor.pid)
        log.warning("process adopted", process=self.name, pid=self.pid)
        self._is_ready()

    def kill(self) -> None:
        """End it without goodbyes; it is started again, and goes on with the calls."""
        if self._pidfd >= 0:
            signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)

    # -- one that takes the place of another

    async def says(self, word: bytes, seconds: float) -> bool:
        """Whether it says this while it starts, before it ends and within so many seconds."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while word not in self._said and self._pidfd >= 0:
                    self._news.clear()
                    await self._news.wait()
        return word in self._said

    def tell(self, word: bytes) -> None:
        """Say something over its lifeline; when it is gone, nobody hears it."""
        if self._hold is not None:
            with contextlib.suppress(OSError):
                self._hold.send(word)

    async def ends(self, seconds: float) -> bool:
        """Whether it ends by itself within so many seconds."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._gone.wait()
        return self._gone.is_set()

    async def retire(self, seconds: float) -> None:
        """Let another one take its place; when it does not let go within so many seconds, it is killed."""
        self._stopping = True
        self._cancel_start()
        self.tell(HAND_OVER)
        if self._pidfd >= 0 and not await self.ends(seconds):
            log.error("process does not let go; killed", process=self.name, pid=self.pid, after=seconds)
            await self.end()

    def bow_out(self, word: bytes) -> None:
        """Say this over its lifeline, by which it ends when it is done; it is not started again."""
        self._stopping = True
        self._cancel_start()
        self.tell(word)

    async def end(self) -> None:
        """End it without goodbyes, for good."""
        self._stopping = True
        self._cancel_start()
        if self._pidfd >= 0:
            self.kill()
            await self._gone.wait()

    def settle(self) -> None:
        """It is past its trial: from now on it is started again whenever it ends."""
        self.on_trial = False
        if self._pidfd < 0 and not self._stopping:
            self.start()

    def _cancel_start(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    async def stop(self, seconds: float) -> None:
        """Ask it to end (SIGTERM), and kill it when it has not after `seconds`."""
        self._stopping = True
        self._cancel_start()
        if self._pidfd < 0:
            return
        signal.pidfd_send_signal(self._pidfd, signal.SIGTERM)
        try:
            async with asyncio.timeout(seconds):
                await self._gone.wait()
        except TimeoutError:
            log.error("process does not end; killed", process=self.name, pid=self.pid, after=seconds)
            self.kill()
            await self._gone.wait()

    def _watch(self, pid: int) -> None:
        self.pid = pid
        self._started = self._clock.monotonic()
        self._gone.clear()
        self._said = b""
        self._pidfd = os.pidfd_open(pid)
        self._loop.add_reader(self._pidfd, self._ended)

    def _heard(self) -> None:
        said = os.read(self._ready_fd, 64)
        self._said += said
        self._news.set()
        if said and READY not in self._said:
            return  # it has got somewhere, and has more to say
        self._forget_ready_fd()
        if said:
            self._is_ready()

    def _not_ready(self) -> None:
        log.error("process does not become ready; killed", process=self.name, pid=self.pid)
        self.kill()

    def _have_patience(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _is_ready(self) -> None:
        self._have_patience()
        self.ready = self._was_ever_ready = True
        log.info("process works", process=self.name, pid=self.pid, seconds=round(self._age(), 3))
        self._on_change()

    def _ended(self) -> None:
        self._have_patience()
        process, self._process = self._process, None
        status = process.wait() if process is not None else None
        self._loop.remove_reader(self._pidfd)
        os.close(self._pidfd)
        self._pidfd = -1
        if self._hold is not None:
            self._hold.close()
            self._hold = None
        if self._ready_fd >= 0:
            self._forget_ready_fd()
        was_ready, self.ready = self.ready, False
        self._gone.set()
        self._news.set()
        if self._stopping or self.on_trial:
            log.info("process ended", process=self.name, pid=self.pid, status=status)
            return
        delay = self._restarts.ended(self._age(), was_ready)
        log.error(
            "process ended by itself; started again",
            process=self.name,
            pid=self.pid,
            status=status,
            lived=round(self._age(), 3),
            times=self._restarts.streak,
            after=delay,
        )
        hopeless = not self._was_ever_ready and self._restarts.streak >= GIVE_UP
        if hopeless and self._on_hopeless is not None:
            self._on_hopeless(self.name)
        elif delay:
            self._timer = self._loop.call_later(delay, self.start)
        else:
            self.start()

    def _forget_ready_fd(self) -> None:
        self._loop.remove_reader(self._ready_fd)
        with contextlib.suppress(OSError):
            os.close(self._ready_fd)
        self._ready_fd = -1

    def _age(self) -> float:
        return self._clock.monotonic() - self._started
