"""What the control process asks of Python and of the system."""

from __future__ import annotations

import gc
import resource
import sys

MOST_FILES = 100_000
"""Descriptors that are asked for: a phone over TCP, TLS or WebSocket takes one."""
SWITCH_SECONDS = 0.0005
"""How long a thread that stores or reads may keep the interpreter when the signalling loop wants it.
Python's own 5 ms were waited for, perhaps at each message that came in meanwhile."""


def rest_from_collecting() -> None:
    """What is there after the start stays: looking through it again and again cost about an eighth of the
    signalling of a call. The young are looked through in small portions, since all calls wait meanwhile; all
    objects only when two millions are new, as nearly all that a call leaves behind goes without this."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 10, 20)


def give_way_to_signalling() -> None:
    """The loop goes on soon though something is being stored."""
    sys.setswitchinterval(SWITCH_SECONDS)


def open_many_files() -> None:
    """Most systems give a process 1,024 until it asks for more: with so many idle connections of a stranger
    nobody else could connect, and no file could be written."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_FILES if hard == resource.RLIM_INFINITY else min(MOST_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
