from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from tongdai.app.control_config import GO, READY, STANDBY
from tongdai.app.supervisor.child import GIVE_UP, Child, Launch
from tongdai.app.supervisor.survivors import Survivor, open_lifeline
from tongdai.core.clock import SystemClock

WAITS = [sys.executable, "-S", "-c", "import signal; signal.pause()"]
SAYS_READY = [
    sys.executable,
    "-S",
    "-c",
    """import os, signal, sys
if sys.argv[2] == "deaf":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
os.write(int(sys.argv[1]), b"ready")
while True:
    signal.pause()
""",
]
ENDS = ["/bin/false"]


class Owner:
    """Waits for what the child tells, instead of sleeping."""

    def __init__(
        self,
        launch: Callable[[], Launch],
        *,
        vital: bool = True,
        ready_within: float | None = None,
        on_trial: bool = False,
    ) -> None:
        self.changes: asyncio.Queue[tuple[int, bool]] = asyncio.Queue()
        self.hopeless: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.child = Child(
            "test",
            launch,
            clock=SystemClock(),
            stderr=None,
            on_change=lambda: self.changes.put_nowait((self.child.pid, self.child.ready)),
            on_hopeless=self.hopeless.set_result if vital else None,
            ready_within=ready_within,
            on_trial=on_trial,
        )

    async def change(self) -> tuple[int, bool]:
        async with asyncio.timeout(10):
            return await self.changes.get()


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def test_what_is_killed_is_started_again_at_once():
    owner = Owner(lambda: Launch(WAITS))
    owner.child.start()
    first, ready = await owner.change()
    assert ready
    os.kill(first, signal.SIGKILL)
    second, ready = await owner.change()
    assert ready
    assert second != first
    assert not alive(first)
    await owner.child.stop(5)
    assert not alive(second)


def says_ready(manner: str) -> Callable[[], Launch]:
    """A process that says that it works, and then is `deaf` to SIGTERM or not."""

    def launch() -> Launch:
        ready, says = os.pipe()
        return Launch([*SAYS_READY, str(says), manner], fds=[says], ready=ready, closed=[says])

    return launch


async def test_it_is_ready_when_it_says_so():
    owner = Owner(says_ready("polite"))
    owner.child.start()
    pid, ready = await owner.change()
    assert not ready
    assert await owner.change() == (pid, True)
    await owner.child.stop(5)


async def test_what_ends_before_it_ever_worked_is_given_up():
    def launch() -> Launch:
        ready, says_ready = os.pipe()
        return Launch(ENDS, fds=[says_ready], ready=ready, closed=[says_ready])

    owner = Owner(launch)
    owner.child.start()
    async with asyncio.timeout(10):
        assert await owner.hopeless == "test"
    assert owner.changes.qsize() == GIVE_UP
    await owner.child.stop(1)


async def test_what_is_not_vital_is_tried_for_ever():
    """A web process that could not start, a file of its libraries being broken, ended every call."""
    ready_at = GIVE_UP + 2
    starts = 0

    def launch() -> Launch:
        nonlocal starts
        starts += 1
        ready, says = os.pipe()
        command = ENDS if starts < ready_at else [*SAYS_READY, str(says), "polite"]
        return Launch(command, fds=[says], ready=ready, closed=[says])

    owner = Owner(launch, vital=False)
    owner.child.start()
    while not (await owner.change())[1]:
        pass
    assert starts == ready_at
    await owner.child.stop(5)


async def test_what_hangs_before_it_works_is_killed_and_started_again():
    starts = 0

    def launch() -> Launch:
        nonlocal starts
        starts += 1
        ready, says = os.pipe()
        command = WAITS if starts == 1 else [*SAYS_READY, str(says), "polite"]
        return Launch(command, fds=[says], ready=ready, closed=[says])

    owner = Owner(launch, vital=False, ready_within=0.05)
    owner.child.start()
    first, _ = await owner.change()
    second, _ = await owner.change()
    assert second != first
    assert not alive(first)
    await owner.child.stop(5)


async def test_what_does_not_end_is_killed():
    owner = Owner(says_ready("deaf"))
    owner.child.start()
    while not (await owner.change())[1]:
        pass
    pid = owner.child.pid
    await owner.child.stop(0.01)
    assert not alive(pid)


async def test_a_child_is_in_a_process_group_of_its_own_so_that_ctrl_c_reaches_only_the_supervisor():
    owner = Owner(lambda: Launch(WAITS))
    owner.child.start()
    pid, _ = await owner.change()
    assert os.getpgid(pid) == pid
    await owner.child.stop(5)


async def test_stopping_what_never_ran_is_fine():
    await Owner(lambda: Launch(WAITS)).child.stop(1)


async def test_what_a_former_supervisor_left_is_watched_as_if_it_were_ours(tmp_path: Path):
    owner = Owner(lambda: Launch(WAITS))
    listener, hold = open_lifeline(tmp_path / "x.lifeline")
    left = await asyncio.create_subprocess_exec(*WAITS)
    owner.child.adopt(Survivor(left.pid, True, [], hold))
    assert await owner.change() == (left.pid, True)
    owner.child.kill()
    next_pid, ready = await owner.change()
    assert ready
    assert next_pid != left.pid
    assert await left.wait() == -signal.SIGKILL
    assert hold.fileno() == -1, "our hold on it ends with it"
    await owner.child.stop(5)
    listener.close()


SAYS_TWO_THINGS = [
    sys.executable,
    "-S",
    "-c",
    """import os, signal, socket, sys
ready, lifeline = int(sys.argv[1]), socket.socket(fileno=int(sys.argv[2]))
os.write(ready, b"standby")
supervisor, _ = lifeline.accept()
if supervisor.recv(64) == b"go\\n":
    os.write(ready, b"ready")
    if supervisor.recv(64) == b"hand over\\n":
        sys.exit(0)
""",
]


def takes_a_place(path: Path) -> Callable[[], Launch]:
    """A process that waits, works when told to, and gives way when told to."""

    def launch() -> Launch:
        ready, says = os.pipe()
        lifeline, hold = open_lifeline(path)
        command = [*SAYS_TWO_THINGS, str(says), str(lifeline.fileno())]
        return Launch(
            command, fds=[says, lifeline.fileno()], ready=ready, closed=[says, lifeline.detach()], hold=hold
        )

    return launch


async def test_one_that_takes_the_place_of_another_waits_until_it_is_told(tmp_path: Path):
    child = Owner(takes_a_place(tmp_path / "x.lifeline"), on_trial=True).child
    child.start()
    assert await child.says(STANDBY, 10)
    assert not child.ready
    assert not await child.says(READY, 0.05)
    child.tell(GO)
    assert await child.says(READY, 10)
    assert child.ready
    child.settle()
    await child.retire(10)
    assert await child.ends(0), "it gave way, and was not started again"


async def test_one_that_does_not_give_way_is_killed(tmp_path: Path):
    child = Owner(takes_a_place(tmp_path / "x.lifeline")).child
    child.start()
    assert await child.says(STANDBY, 10)
    await child.retire(0.05)
    assert not alive(child.pid)


async def test_one_on_trial_is_not_started_again_until_it_is_settled():
    owner = Owner(lambda: Launch(ENDS), vital=False, on_trial=True)
    owner.child.start()
    first = owner.child.pid
    assert await owner.child.ends(10)
    assert owner.child.pid == first
    assert not await owner.child.says(READY, 10), "who has ended says nothing more"
    owner.child.settle()
    assert owner.child.pid != first
    await owner.child.end()
