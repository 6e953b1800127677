"""What every route may use."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated

import msgspec
from fastapi import Depends
from starlette.requests import HTTPConnection

from tongdai.api.guesses import Guesses
from tongdai.api.hub import Hub
from tongdai.api.metrics import WebMetrics
from tongdai.api.rpc import messages as m
from tongdai.api.rpc.client import Control
from tongdai.api.writing import Writer
from tongdai.blobs import Blobs
from tongdai.core.clock import Clock
from tongdai.core.proxies import Proxies
from tongdai.core.turn import TurnServers
from tongdai.db import Database
from tongdai.speech import Speech


class SipAddress(msgspec.Struct, frozen=True):
    """Where phones find us."""

    host: str
    udp: int
    tcp: int
    tls: int
    ws: int
    """Port of SIP over WebSocket, for browsers."""
    ws_tls: bool
    """Whether that is wss."""


class Context(msgspec.Struct, frozen=True, kw_only=True):
    """Composed by the web process, or by a test."""

    db: Database
    control: Control
    writer: Writer
    hub: Hub
    blobs: Blobs
    speech: Speech
    guesses: Guesses
    metrics: WebMetrics
    clock: Clock
    key: bytes
    """The server's secret."""
    sip: SipAddress
    turn: TurnServers = TurnServers()
    watchers: Sequence[IPv4Network | IPv6Network] = ()
    """Who may read how we fare, beside this machine."""
    proxies: Proxies = Proxies()
    """Ours, which are believed about whom a request is from."""
    secure: bool
    """Whether we speak TLS ourselves; a proxy of ours may where we do not (`access.is_https`)."""
    presence: dict[str, tuple[float, int, m.Presence]] = msgspec.field(default_factory=dict)
    """What control said last of a tenant, when it was asked (monotonic seconds), and after which news."""
    data: Path
    offers: Path
    """Left by the seed of a demo whose passwords are no secrets; else there is no such file."""


def context(connection: HTTPConnection) -> Context:
    found = connection.app.state.context
    assert isinstance(found, Context)
    return found


Ctx = Annotated[Context, Depends(context)]
