"""What a supervisor that died has left: its processes go on, and the next one finds them by their
lifelines."""

from __future__ import annotations

import os
import select
import signal
import socket
import tempfile
from pathlib import Path

import msgspec

from tongdai.app.lifeline import Greeting

ENGINE = "media"
"""The name of the first engine; those that upgrades start beside it have a number behind it."""
PROCESSES = ("control", "web", "carrier")
"""The others."""
ELSEWHERE = "elsewhere"
"""Leads to the directory of the sockets, where it is another."""
_PATH_LIMIT = 80  # a Unix socket's path may have 107 bytes, and its name takes some
_GREETING_BYTES = 256
_MOST_FDS = 253  # SCM_MAX_FD of unix(7)
_ANSWER_SECONDS = 10.0
"""A process that has just been started answers once it runs; a dead one refuses at once."""
_DEATH_SECONDS = 5.0


def socket_directory(run: Path, *, make: bool = True) -> Path:
    """Where the Unix sockets of a run are: in its directory, unless that path is too long for one."""
    if len(os.fsencode(run)) <= _PATH_LIMIT:
        return run
    elsewhere = run / ELSEWHERE
    if make and not elsewhere.is_dir():
        elsewhere.unlink(missing_ok=True)
        elsewhere.symlink_to(tempfile.mkdtemp(prefix="tongdai-"))
    return elsewhere.resolve()


class Survivor(msgspec.Struct):
    """A process that a former supervisor has left."""

    pid: int
    ready: bool
    sockets: list[socket.socket]
    hold: socket.socket
    """Closing it is the end of our hold."""


def open_lifeline(path: Path) -> tuple[socket.socket, socket.socket]:
    """For a process that is to be started: what it inherits, and the hold on it."""
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(os.fspath(path))
    listener.listen()
    hold = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    hold.connect(os.fspath(path))
    return listener, hold


def lifeline_of(directory: Path, name: str) -> Path:
    """Of the process of that name; `directory` is that of the sockets."""
    return directory / f"{name}.lifeline"


def engine_names(directory: Path) -> list[str]:
    """Those of which there is a lifeline, the newest first."""
    names = [path.stem for path in directory.glob(f"{ENGINE}*.lifeline")]
    return sorted(names, key=lambda name: (len(name), name), reverse=True)


def end_survivors(run: Path, seconds: float) -> None:
    """End all that a dead supervisor has left, politely."""
    directory = socket_directory(run, make=False)
    for name in (*reversed(PROCESSES), *engine_names(directory)):
        if left := find_survivor(lifeline_of(directory, name)):
            for sock in left.sockets:
                sock.close()
            end(left, seconds)


def find_survivor(path: Path) -> Survivor | None:
    """The process whose lifeline is at `path`, if it lives and answers."""
    hold = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    hold.settimeout(_ANSWER_SECONDS)
    try:
        hold.connect(os.fspath(path))
        said, fds, _, _ = socket.recv_fds(hold, _GREETING_BYTES, _MOST_FDS)
        greeting = msgspec.json.decode(said, type=Greeting)
    except (OSError, msgspec.DecodeError):
        hold.close()
        return None
    return Survivor(greeting.pid, greeting.ready, [socket.socket(fileno=fd) for fd in fds], hold)


def end(survivor: Survivor, seconds: float) -> None:
    """Ask it to end (SIGTERM); when it has not after `seconds`, kill it."""
    try:
        pidfd = os.pidfd_open(survivor.pid)
    except ProcessLookupError:
        return
    try:
        for number, patience in ((signal.SIGTERM, seconds), (signal.SIGKILL, _DEATH_SECONDS)):
            if patience:
                signal.pidfd_send_signal(pidfd, number)
                if select.select([pidfd], [], [], patience)[0]:
                    return
    except ProcessLookupError:
        return
    finally:
        os.close(pidfd)
        survivor.hold.close()
