"""Ports that nobody uses: for phones, and for one more demo beside those that run."""

from __future__ import annotations

import random
import resource
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

BLOCK = 400
_LOWEST, _HIGHEST = 16000, 19999

_claims: list[socket.socket] = []


def free_port(*, size: int = 1, host: str = "127.0.0.1") -> int:
    """The first of so many neighbouring ports that are free for UDP and TCP: baresip takes two, SIPp four for
    its sound.

    None is given twice, in this process or in another that runs tests beside it: a demo that was not started
    yet and the carrier that waited for it once had the same one, and the demo called itself. And none is
    tried that somebody else has claimed: a SIPp once found its port in use, by a process that just looked.
    """
    ports = list(range(_LOWEST, _HIGHEST - size, 2))
    random.shuffle(ports)
    for port in ports:
        wanted = range(port, port + size)
        if all(_claim(one) for one in wanted[::2]) and all(_is_free(host, one) for one in wanted):
            return port
    raise OSError(f"no free port between {_LOWEST} and {_HIGHEST} on {host}")


def _claim(port: int) -> bool:
    """Make a port this process's until its end. The name of a socket that stands in no file system does: it
    goes with the process, however that ends."""
    claim = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        claim.bind(f"\0tongdai-tests-port-{port}")
    except OSError:
        claim.close()
        return False
    _claims.append(claim)
    return True


def reserve_block(host: str = "127.0.0.1") -> tuple[int, socket.socket]:
    """The first of `BLOCK` neighbouring UDP ports, and a guard to be kept while they are used.

    A demo binds its media ports only when it needs them, so being free now says nothing: whoever holds the
    TCP port of that number has the block.
    """
    blocks = list(range(20000, 32000, BLOCK))
    random.shuffle(blocks)
    for first in blocks:
        guard = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            guard.bind((host, first))
            return first, guard
        except OSError:
            guard.close()
    raise OSError(f"every block of {BLOCK} ports is taken on {host}")


def _is_free(host: str, port: int) -> bool:
    for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
        with socket.socket(socket.AF_INET, kind) as probe:
            try:
                probe.bind((host, port))
            except OSError:
                return False
    return True


def bound(port: int) -> bool:
    """Whether a socket of this machine has that UDP or TCP port; unlike a try to bind, it disturbs nobody."""
    wanted = f":{port:04X}"
    for kind in ("udp", "tcp", "udp6", "tcp6"):
        lines = Path(f"/proc/net/{kind}").read_text().splitlines()[1:]
        if any(line.split()[1].endswith(wanted) for line in lines):
            return True
    return False


@contextmanager
def many_files(wanted: int) -> Iterator[None]:
    """This process may have thousands of sockets."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, wanted), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
