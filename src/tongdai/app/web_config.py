"""What the supervisor tells a web process, written to a file of mode 0600 as `control_config` is."""

from __future__ import annotations

from typing import Literal

import msgspec

from tongdai.app.demo.outside_phone import OutsidePhone
from tongdai.core.proxies import Header
from tongdai.core.turn import TurnServers


class WebConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a web process needs to begin; of other versions as `ControlConfig`."""

    http_fd: int
    """Listening TCP socket of HTTP; connections queue in it while web restarts."""
    lifeline_fd: int
    """Listening Unix socket, on which the supervisor connects for as long as it lives (`app.lifeline`)."""
    ready_fd: int
    """Writing end of a pipe: web writes a line once it answers."""
    orphan_seconds: int
    """How long the process goes on without a supervisor."""
    rpc_socket: str
    """Path of the Unix socket at which control answers."""
    data_dir: str
    db_url: str
    tls_certificate: str
    """File of the certificate of HTTPS; empty for HTTP, which is for loopback only."""
    tls_key: str
    sip_host: str
    """Where phones find us; goes into what the API tells of them."""
    sip_port: int
    tls_port: int
    ws_port: int
    ws_tls: bool
    turn: TurnServers = TurnServers()
    metrics_networks: str = ""
    """Who may read the metrics beside this machine."""
    trusted_proxies: str = ""
    proxy_header: Header = "x-forwarded-for"
    piper_command: str | None = None
    outside: OutsidePhone | None = None
    """Only in a demo with a simulated carrier."""
    log_level: str = "info"
    log_format: Literal["json", "console"] = "json"
