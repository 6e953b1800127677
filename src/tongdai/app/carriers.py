"""Carriers as the configuration has them: limits, and who they are over TLS."""

from __future__ import annotations

import ssl
from collections.abc import Iterable
from functools import lru_cache

from tongdai.core.log import get_logger
from tongdai.sip.flow import Address
from tongdai.sip.transport.stream import Peer
from tongdai.tenants.config import ProviderConfig
from tongdai.tenants.trunk.model import Transport, Trunk
from tongdai.trunks import Limit

log = get_logger(__name__)


def limits_of(provider: ProviderConfig) -> dict[str, Limit]:
    """What each tenant may have at once and begin."""
    return {str(x.id): Limit(x.outside_calls, x.outside_per_second) for x in provider.tenants}


def peer_at(trunks: Iterable[Trunk], address: Address) -> Peer | None:
    """The carrier whose gateway is there over TLS, and the certificates for it; None for everybody else."""
    for trunk in trunks:
        for gateway in trunk.gateways:
            if gateway.address == address and gateway.transport is Transport.TLS:
                settings = trunk.settings
                try:
                    context = _context(settings.tls_certificate, settings.tls_key, settings.tls_ca)
                except (OSError, ssl.SSLError) as error:
                    log.error("a trunk's certificates cannot be used", trunk=trunk.name, error=str(error))
                    return None
                return Peer(context, settings.domain or gateway.asked.host)
    return None


@lru_cache(maxsize=256)
def _context(certificate: str, key: str, authority: str) -> ssl.SSLContext:
    """A client's: TLS 1.2 and 1.3, and the carrier proves its name. With a certificate of ours, mutual."""
    context = ssl.create_default_context(cafile=authority or None)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if certificate:
        context.load_cert_chain(certificate, key, password=lambda: "")
    return context
