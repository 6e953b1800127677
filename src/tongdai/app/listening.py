"""The SIP transports as they are configured: which sockets are served how, and by which certificate."""

from __future__ import annotations

import asyncio
import functools
import ipaddress
from pathlib import Path

from tongdai.app.alarms.outbound import read_networks
from tongdai.app.certificate import Certificate
from tongdai.app.control_config import ControlConfig
from tongdai.app.wires import Wires
from tongdai.core.errors import TongdaiError
from tongdai.core.log import get_logger
from tongdai.core.proxies import Proxies
from tongdai.core.waiting import happens
from tongdai.sip.transport.stream import Identity
from tongdai.sip.transport.websocket import Origins, WebSocketFraming, origins

log = get_logger(__name__)

_RENEW_SECONDS = 30.0
"""How often the files of the TLS certificate are looked at."""


async def open_wires(wires: Wires, config: ControlConfig, identity: Identity) -> Certificate | None:
    """Serve every transport; returns the certificate of those that have one. Without a good certificate
    everything else goes on. `identity` says to whom we open connections of tls ourselves."""
    proxies = Proxies(read_networks(config.trusted_proxies), config.proxy_header)
    framing = functools.partial(WebSocketFraming, _origins(config), proxies)
    for here in config.listens:
        await wires.open_udp(here.udp_fd, (here.advertised, config.sip_port))
        await wires.open_stream("tcp", here.tcp_fd, (here.advertised, config.sip_port))
        if not config.ws_tls:
            await wires.open_stream("ws", here.ws_fd, (here.advertised, config.ws_port), framing=framing)
    try:
        certificate = Certificate(Path(config.tls_certificate), Path(config.tls_key))
    except TongdaiError as error:
        log.error("no SIP over TLS", error=str(error))
        return None
    tls = certificate.context
    for here in config.listens:
        await wires.open_stream(
            "tls", here.tls_fd, (here.advertised, config.tls_port), tls=tls, identity=identity
        )
        if config.ws_tls:
            await wires.open_stream(
                "wss", here.ws_fd, (here.advertised, config.ws_port), framing=framing, tls=tls
            )
    return certificate


async def renew(certificate: Certificate, stopping: asyncio.Event) -> None:
    """Follow the files of the certificate until told to stop."""
    while not stopping.is_set():
        await happens(stopping, _RENEW_SECONDS)
        try:
            if certificate.refresh():
                log.info("another TLS certificate")
        except TongdaiError as error:
            log.error("the new TLS certificate cannot be used; the old one stays", error=str(error))


def _origins(config: ControlConfig) -> Origins:
    """Whose pages may open a WebSocket: those of the names that this server has, and those of the setting."""
    addresses = [listening.advertised for listening in config.listens]
    hosts = [*addresses, *config.names]
    if all(ipaddress.ip_address(address).is_loopback for address in addresses):
        hosts += ["localhost", "127.0.0.1", "::1"]
    return origins(hosts, [origin.strip() for origin in config.ws_origins.split(",") if origin.strip()])
