"""What the supervisor tells a control process. One struct, written to a file of mode 0600 and named by
`--config`.

File descriptors are inherited under the same number. They outlive any single control process, except
`ready_fd`, which is made new for each."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal, TypeVar

import msgspec

from tongdai.app.alarms.outbound import AlarmHook
from tongdai.core.errors import TongdaiError
from tongdai.core.interfaces import read_servers
from tongdai.core.proxies import Header

READY = b"ready"
"""What a process writes to `ready_fd` once it does its work."""
STANDBY = b"standby"
"""What control writes there before that, when it waits for another one to let go."""
HAND_OVER = b"hand over\n"
"""Over the lifeline: end, so that another control goes on."""
GO = b"go\n"
"""Over the lifeline: the other one has ended; go on."""


class Listening(msgspec.Struct, frozen=True):
    """The sockets of SIP at one address."""

    advertised: str
    """IP address that goes into Via, Contact and SDP: another than the sockets are bound to behind a NAT or
    for 0.0.0.0."""
    udp_fd: int
    """Bound; packets queue in it while control restarts."""
    tcp_fd: int
    """Listening, on the same port."""
    tls_fd: int
    """Listening, for SIP over TLS."""
    ws_fd: int
    """Listening, for SIP over WebSocket."""

    @property
    def fds(self) -> tuple[int, int, int, int]:
        return self.udp_fd, self.tcp_fd, self.tls_fd, self.ws_fd


class ControlConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a control process needs to begin. The supervisor that writes it may be of another version:
    a field that a later version adds has a default, and one that it has no more is ignored."""

    listens: list[Listening]
    """Every address that SIP is served on, at the same ports; at least one."""
    lifeline_fd: int
    """Listening Unix socket, on which the supervisor connects for as long as it lives (`app.lifeline`)."""
    ready_fd: int
    """Writing end of a pipe: control writes `READY` once and closes it."""
    waits: bool = False
    """Load everything, write `STANDBY` to `ready_fd`, and begin when told to `GO`."""
    orphan_seconds: int
    """How long the process goes on without a supervisor."""
    engine_socket: str
    """Path of the media engine's command socket."""
    former_engine_sockets: list[str] = []
    """Those of engines that upgrades have left, which end with their last sessions; the newest first."""
    rpc_socket: str
    """Path of the Unix socket on which the web process asks (`api.rpc`)."""
    data_dir: str
    """Directory of everything that is kept. It exists."""
    db_url: str
    """SQLAlchemy URL of the database; its migrations were run."""
    sip_port: int
    tls_port: int
    ws_port: int
    ws_tls: bool
    """Whether the WebSocket is one over TLS (wss)."""
    tls_certificate: str
    """File of the certificate of TLS."""
    tls_key: str
    media_interfaces: str = ""
    """Addresses of sound, as in the setting of that name."""
    sip_names: str = ""
    """Host names by which phones know this server, separated by commas."""
    ws_origins: str = ""
    """Origins of pages that may connect beside our own, separated by commas."""
    trusted_proxies: str = ""
    """Addresses and networks of proxies before the WebSocket, separated by commas."""
    proxy_header: Header = "x-forwarded-for"
    """Header in which they say whom a connection is from."""
    dns_servers: str = ""
    """Servers of DNS, separated by commas; empty: those of the system."""
    ring_seconds: float | None = None
    """How long phones ring; None: each tenant's own setting."""
    alarms: AlarmHook = AlarmHook()
    """Who is told of alarms."""
    piper_command: str | None = None
    """Command line of a Piper voice that the operator supplies for Vietnamese; None: espeak-ng."""
    log_level: str = "info"
    log_format: Literal["json", "console"] = "json"

    @property
    def data(self) -> Path:
        """`data_dir` as a path."""
        return Path(self.data_dir)

    @property
    def engines(self) -> tuple[Path, list[Path]]:
        """The sockets of the engine in which sessions are opened, and of those that upgrades have left."""
        return Path(self.engine_socket), [Path(socket) for socket in self.former_engine_sockets]

    @property
    def name_servers(self) -> list[tuple[str, int]]:
        """`dns_servers` one by one."""
        return read_servers(self.dns_servers)

    @property
    def names(self) -> list[str]:
        """`sip_names` one by one."""
        return [name.strip().lower() for name in self.sip_names.split(",") if name.strip()]


def write_config(path: Path, config: msgspec.Struct) -> None:
    """Write atomically, readable by the owner only (a database URL may hold a password)."""
    temporary = path.with_name(path.name + ".new")
    fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with open(fd, "wb") as file:
        file.write(msgspec.json.encode(config))
    temporary.replace(path)


C = TypeVar("C", bound=msgspec.Struct)


def serves(begun: C, wanted: C) -> bool:
    """Whether a process that was begun with the one does what the other asks for. It may know of engines that
    have ended since."""
    return _bare(begun) == _bare(wanted) and set(_former(wanted)) <= set(_former(begun))


def _former(config: msgspec.Struct) -> list[str]:
    return config.former_engine_sockets if isinstance(config, ControlConfig) else []


def _bare(config: C) -> C:
    """The same whatever numbers the descriptors have, however it began, and whichever engines were left."""
    fields = config.__struct_fields__
    changes: dict[str, object] = {name: -1 for name in fields if name.endswith("_fd")}
    if isinstance(config, ControlConfig):
        changes["listens"] = [_bare(listening) for listening in config.listens]
        changes |= {"former_engine_sockets": [], "waits": False}
    return msgspec.structs.replace(config, **changes)


def read_config(path: Path, kind: type[C]) -> C:
    """Read what `write_config` wrote. Raises `TongdaiError` when the file is not that."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except (OSError, msgspec.DecodeError) as error:
        raise TongdaiError(
            "bad_process_config",
            f"The process cannot read its configuration {path}: {error}.",
            "Start it by `tongdai serve` or `tongdai demo`, which write this file.",
        ) from error
