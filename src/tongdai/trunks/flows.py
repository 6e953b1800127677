"""The transports of gateways as flows name them."""

from __future__ import annotations

from tongdai.sip.flow import Transport as FlowTransport
from tongdai.tenants.trunk.model import Transport

KINDS: dict[Transport, FlowTransport] = {
    Transport.UDP: "udp",
    Transport.TCP: "tcp",
    Transport.TLS: "tls",
}
