"""IP addresses that mean something else, or nothing, to who is in another network."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network


def _networks(*texts: str) -> Sequence[IPv4Network | IPv6Network]:
    return tuple(ip_network(text) for text in texts)


_PRIVATE = _networks(
    *("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"),  # RFC 1918
    *("100.64.0.0/10", "169.254.0.0/16", "127.0.0.0/8"),  # RFC 6598, 3927, 1122
    *("fc00::/7", "fe80::/10", "::1/128"),  # RFC 4193, 4291
)
_NOBODY = _networks(
    *("0.0.0.0/8", "224.0.0.0/4", "240.0.0.0/4"),  # RFC 6890, 5771, 1112
    *("::/128", "ff00::/8", "::ffff:0:0/96"),  # RFC 4291
)


@lru_cache(4096)
def is_private(host: str) -> bool:
    """It is an address of a network that anybody may have: of a company, a carrier's customers, a link, or a
    machine with itself. Not those that `ipaddress` calls private as well, which documentation has."""
    return _in(_PRIVATE, host)


@lru_cache(4096)
def is_nobodys(host: str) -> bool:
    """It is an address to which nothing can be sent that is for one alone."""
    return _in(_NOBODY, host)


def _in(networks: Sequence[IPv4Network | IPv6Network], host: str) -> bool:
    try:
        address = ip_address(host)
    except ValueError:
        return False
    return any(address in network for network in networks)
