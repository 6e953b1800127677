"""What the supervisor tells the simulated carrier's process."""

from __future__ import annotations

from typing import Literal

import msgspec


class CarrierConfig(msgspec.Struct, frozen=True, kw_only=True):
    """What the supervisor hands down. `udp_fd` is a bound socket."""

    udp_fd: int
    lifeline_fd: int
    orphan_seconds: int
    host: str
    port: int
    pbx_host: str
    pbx_port: int
    username: str
    password: str
    log_level: str
    log_format: Literal["json", "console"]
