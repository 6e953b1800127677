"""What a process before this one has journaled, read by who goes on with it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TypeVar

import msgspec

from tongdai.core.log import get_logger
from tongdai.journal.port import Journal

log = get_logger(__name__)

T = TypeVar("T")


def decoded(
    journal: Journal, entries: Mapping[str, bytes], prefix: str, decode: Callable[[bytes], T]
) -> Iterator[tuple[str, T]]:
    """The entries under a prefix, by their keys. One that cannot be read is logged and deleted."""
    for key, value in entries.items():
        if not key.startswith(prefix):
            continue
        try:
            found = decode(value)
        except msgspec.DecodeError as error:
            log.error("a journaled entry cannot be read; dropped", key=key, error=str(error))
            journal.delete(key)
            continue
        yield key, found
