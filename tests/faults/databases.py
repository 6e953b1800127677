"""What becomes of a database: it is locked, gone, damaged or read-only for a while."""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

WRITER = """
import sqlite3, sys, time
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN IMMEDIATE")
print("locked", flush=True)
time.sleep(3600)
"""


@contextlib.contextmanager
def a_writer_that_stands_still(database: Path) -> Iterator[None]:
    """Another process holds the lock of who writes, and is stopped in that moment."""
    writer = subprocess.Popen([sys.executable, "-c", WRITER, str(database)], stdout=subprocess.PIPE)
    assert writer.stdout is not None
    try:
        assert writer.stdout.readline() == b"locked\n"
        os.kill(writer.pid, signal.SIGSTOP)
        yield
    finally:
        writer.kill()
        writer.wait()
        writer.stdout.close()


@contextlib.contextmanager
def a_file_that_is_gone(database: Path) -> Iterator[None]:
    """Somebody has moved it away."""
    away = database.with_suffix(".away")
    database.rename(away)
    try:
        yield
    finally:
        assert not database.exists(), "a new one was made in its place"
        away.rename(database)


@contextlib.contextmanager
def a_file_that_is_damaged(database: Path) -> Iterator[None]:
    """Something else is in its place."""
    away = database.with_suffix(".away")
    database.rename(away)
    database.write_bytes(b"what a broken copy leaves " * 1000)
    try:
        yield
    finally:
        away.rename(database)


@contextlib.contextmanager
def a_file_that_is_read_only(database: Path) -> Iterator[None]:
    """Nobody can write to it, whoever he is and however long he has had it open. (Its `-shm` is left out: who
    writes to memory that is mapped from such a file is killed by the kernel, and started again.)"""
    files = [database.with_name(database.name + part) for part in ("", "-wal")]
    try:
        for file in files:
            _set_immutable(file, True)
        yield
    finally:
        for file in files:
            _set_immutable(file, False)


_GET_FLAGS, _SET_FLAGS, _IMMUTABLE = 0x80086601, 0x40086602, 0x10  # FS_IOC_GETFLAGS and so on, linux/fs.h


def _set_immutable(file: Path, immutable: bool) -> None:
    fd = os.open(file, os.O_RDONLY)
    try:
        [flags] = struct.unpack("l", fcntl.ioctl(fd, _GET_FLAGS, bytes(8)))
        flags = flags | _IMMUTABLE if immutable else flags & ~_IMMUTABLE
        fcntl.ioctl(fd, _SET_FLAGS, struct.pack("l", flags))
    except OSError as error:
        pytest.fail(f"no file can be made immutable here: {error}")
    finally:
        os.close(fd)


Outage = Callable[[Path], contextlib.AbstractContextManager[None]]
