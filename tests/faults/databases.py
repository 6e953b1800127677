"""What becomes of a database: it is locked or gone for a while."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

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


Outage = Callable[[Path], contextlib.AbstractContextManager[None]]
