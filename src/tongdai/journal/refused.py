"""What a store refuses for good, or a process cannot read that another version journaled: kept in a file, so
that it holds up nothing behind it and is not lost."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import msgspec

from tongdai.core.clock import Clock
from tongdai.core.log import get_logger

log = get_logger(__name__)

DIRECTORY = "refused"
"""In the data directory: a file for each store, a JSON object in each line."""


class Refused:
    """The records that stores refused. A file is there for as long as somebody has to look at it."""

    def __init__(self, data: Path, clock: Clock) -> None:
        self._directory = data / DIRECTORY
        self._clock = clock

    def keep(self, store: str, record: Any, error: Exception) -> None:
        """Put a record (what msgspec can encode) on the disk. Raises OSError when that cannot be."""
        why = str(getattr(error, "orig", None) or error) or type(error).__name__
        line = msgspec.json.encode({"at": self._clock.wall(), "error": why, "record": record}) + b"\n"
        self._directory.mkdir(mode=0o700, exist_ok=True)
        path = self._directory / f"{store}.jsonl"
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        with open(fd, "wb") as file:
            file.write(line)
            file.flush()
            os.fsync(fd)
        log.error("a record cannot be stored; it is set aside", path=str(path), error=why)

    def keep_unread(self, store: str, key: str, value: bytes, error: Exception) -> bool:
        """The same with what stands in the journal; False when it cannot be: leave it there."""
        try:
            record = msgspec.msgpack.decode(value)
        except msgspec.DecodeError:
            record = value
        try:
            self.keep(store, {"key": key, "value": record}, error)
        except OSError as full:
            log.error("a journaled entry cannot be read, nor set aside", key=key, error=str(full))
            return False
        return True


def refused(data: Path) -> str:
    """Which files there are to look at; empty when the stores have taken everything."""
    found = sorted(path.name for path in (data / DIRECTORY).glob("*.jsonl"))
    return f"records could not be stored, see {data / DIRECTORY}: {', '.join(found)}" if found else ""
