"""Networks of our own, in network namespaces: a server with an outside, an inside and an IPv6 interface, a
NAT with a home behind it, and phones in each. Needs root; all is gone when it is closed."""

from __future__ import annotations

import ctypes
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_CLONE_NEWNET = 0x40000000
OUTSIDE, INSIDE, SIX = "203.0.113.10", "10.77.0.1", "fd77::1"
HOME, NAT, OFFICE, SIX_PHONE = "192.168.77.5", "203.0.113.2", "10.77.0.9", "fd77::9"
STRANGER = "203.0.113.66"
"""Another address outside, in the namespace of the NAT."""
MOBILE = "192.168.78.5"
"""What home has behind the same NAT when it is in another network."""


class Networks:
    """Namespaces `server`, `nat`, `home` (behind it), `office` (inside) and `six` (IPv6 only)."""

    def __init__(self) -> None:
        self._prefix = f"td{os.getpid()}"
        self._made: list[str] = []

    def __enter__(self) -> Networks:
        try:
            for name in ("server", "nat", "home", "office", "six"):
                self._run("ip", "netns", "add", self.name(name))
                self._made.append(name)
                self.run(name, "ip", "link", "set", "lo", "up")
            self._join("server", f"{OUTSIDE}/24", "nat", f"{NAT}/24", "out")
            self._join("nat", "192.168.77.1/24", "home", f"{HOME}/24", "home")
            self._join("server", f"{INSIDE}/24", "office", f"{OFFICE}/24", "office")
            self._join("server", f"{SIX}/64", "six", f"{SIX_PHONE}/64", "six")
            self.run("home", "ip", "route", "add", "default", "via", "192.168.77.1")
            self.run("nat", "sysctl", "-qw", "net.ipv4.ip_forward=1")
            self.run("nat", "ip", "address", "add", f"{STRANGER}/24", "dev", "out")
            self.run("nat", "ip", "address", "add", "192.168.78.1/24", "dev", "home")
            masquerade = ("-s", "192.168.76.0/22", "-o", "out", "-j", "MASQUERADE", "--random")
            self.run("nat", "iptables", "-t", "nat", "-A", "POSTROUTING", *masquerade)
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        for name in self._made:
            subprocess.run(["ip", "netns", "del", self.name(name)], check=False)
        self._made.clear()

    def name(self, name: str) -> str:
        return f"{self._prefix}-{name}"

    def run(self, name: str, *command: str) -> None:
        """Run a command in a namespace; AssertionError with what it said when it fails."""
        self._run("ip", "netns", "exec", self.name(name), *command)

    def bind_anew(self) -> None:
        """Let the NAT forget all it has bound: what comes from home next comes from other ports."""
        self.run("nat", "ip", "link", "set", "out", "down")
        self.run("nat", "ip", "link", "set", "out", "up")

    def roam(self, address: str) -> None:
        """Home leaves the network that it is in and comes into that of `address` (`HOME` or `MOBILE`). Its
        connections end, as the systems of mobile phones see to."""
        left = HOME if address == MOBILE else MOBILE
        gateway = address.rpartition(".")[0] + ".1"
        self.run("home", "ip", "address", "add", f"{address}/24", "dev", "out")
        self.run("home", "ip", "route", "replace", "default", "via", gateway)
        self.run("home", "ip", "address", "del", f"{left}/24", "dev", "out")
        self.run("home", "ss", "-K", "-t", "state", "established", "src", left)

    @contextmanager
    def inside(self, name: str) -> Iterator[None]:
        """Sockets that are opened meanwhile (by this thread) are in that namespace, and stay there."""
        back = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        there = os.open(Path("/run/netns") / self.name(name), os.O_RDONLY)
        try:
            _enter(there)
            yield
        finally:
            _enter(back)
            os.close(there)
            os.close(back)

    def _join(self, one: str, address: str, other: str, its: str, link: str) -> None:
        """A cable between two namespaces: the interface `link` of the one, `out` of the other."""
        ends = (one, address, link), (other, its, "out")
        self._run(
            *("ip", "link", "add", ends[0][2], "netns", self.name(one), "type", "veth"),
            *("peer", "name", ends[1][2], "netns", self.name(other)),
        )
        for name, ip, device in ends:
            self.run(name, "ip", "address", "add", ip, "dev", device, *(("nodad",) if ":" in ip else ()))
            self.run(name, "ip", "link", "set", device, "up")

    @staticmethod
    def _run(*command: str) -> None:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        needs = "network namespaces need root, iproute2 and iptables"
        assert done.returncode == 0, f"{' '.join(command)}: {done.stderr.strip()} ({needs})"


def _enter(namespace: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(namespace, _CLONE_NEWNET):
        error = ctypes.get_errno()
        raise OSError(error, f"setns: {os.strerror(error)}")
