"""What one run of tongdai is: decided by the command line, carried out by the supervisor in a process of
its own, which needs nothing of the command line's libraries."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal, TypeVar

import msgspec

from tongdai.app.alarms.outbound import AlarmHook
from tongdai.core.proxies import Header
from tongdai.core.turn import TurnServers


class DemoPlan(msgspec.Struct, frozen=True, kw_only=True):
    """What is different in a demo. Without `carrier` (host, port) one is simulated."""

    carrier: tuple[str, int] | None
    bench: bool
    fixed_passwords: bool


class Listen(msgspec.Struct, frozen=True):
    """An address that SIP is served on, and what it is called outside (behind a NAT, or for 0.0.0.0)."""

    host: str
    advertised: str


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """A run. `log_file` takes everybody's logs, None: stderr."""

    data_dir: str
    db_url: str
    listens: list[Listen]
    """At least one; the first stands for the server where only one can."""
    sip_port: int
    tls_port: int
    ws_port: int
    ws_tls: bool
    http_port: int
    http_plain: bool
    tls_certificate: str
    tls_key: str
    sip_names: str
    ws_origins: str
    dns_servers: str = ""
    media_ports: str
    media_interfaces: str = ""
    media_latch: str = "signalled"
    turn: TurnServers = TurnServers()
    ring_seconds: float | None
    piper_command: str | None
    orphan_seconds: int = 60
    former_engine_hours: float = 24.0
    alarms: AlarmHook = AlarmHook()
    metrics_networks: str = ""
    trusted_proxies: str = ""
    proxy_header: Header = "x-forwarded-for"
    environment: str = ""
    """Directory of the environment that `tongdai` was started from, by the name that was used: a link may
    lead to another version later."""
    log_level: str
    log_format: Literal["json", "console"]
    log_file: str | None = None
    demo: DemoPlan | None = None

    @property
    def data(self) -> Path:
        return Path(self.data_dir)

    @property
    def host(self) -> str:
        """The address that everything is served on."""
        return self.listens[0].host

    @property
    def advertised_ip(self) -> str:
        """The address that phones are told to send to."""
        return self.listens[0].advertised


def hand_over(config: msgspec.Struct) -> int:
    """Put a struct into a file that has no name; returns its descriptor, for a program that is started to
    inherit."""
    fd = os.memfd_create("tongdai", os.MFD_CLOEXEC)
    os.write(fd, msgspec.json.encode(config))
    os.lseek(fd, 0, os.SEEK_SET)
    return fd


S = TypeVar("S", bound=msgspec.Struct)


def take_over(fd: int, kind: type[S]) -> S:
    """Read what `hand_over` wrote."""
    with open(fd, "rb") as file:
        return msgspec.json.decode(file.read(), type=kind)
