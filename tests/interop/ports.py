"""Ports that nobody uses: for phones, and for one more demo beside those that run."""

from __future__ import annotations

import random
import socket

_LOWEST, _HIGHEST = 16000, 19999


def free_port(*, pair: bool = False, host: str = "127.0.0.1") -> int:
    """A port that is free for UDP and TCP; with `pair` the next one is free too (baresip takes it)."""
    for _ in range(200):
        port = random.randrange(_LOWEST, _HIGHEST, 2)
        if all(_is_free(host, port + offset) for offset in range(2 if pair else 1)):
            return port
    raise OSError(f"no free port between {_LOWEST} and {_HIGHEST} on {host}")


def free_range(size: int, host: str = "127.0.0.1") -> tuple[int, int]:
    """The first and last of `size` neighbouring UDP ports of which a sample is free."""
    for _ in range(100):
        first = random.randrange(20000, 32000 - size, 2)
        if all(_is_free(host, first + offset) for offset in range(0, size, max(1, size // 20))):
            return first, first + size - 1
    raise OSError(f"no {size} free neighbouring ports on {host}")


def _is_free(host: str, port: int) -> bool:
    for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
        with socket.socket(socket.AF_INET, kind) as probe:
            try:
                probe.bind((host, port))
            except OSError:
                return False
    return True
