"""Where a webhook may go. Whoever names an address for us to call could name one that only we can reach: a
machine of ours, or the cloud's metadata. So what an address resolves to is looked at when we connect, and we
connect to that and nothing else: no name is looked up twice, and no redirect is followed."""

from __future__ import annotations

import ipaddress
from urllib.parse import SplitResult, urlsplit

import msgspec

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
IpNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network

_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


class AlarmHook(msgspec.Struct, frozen=True):
    """Who is told of alarms: a URL (empty: nobody), the secret that what is sent is signed with, and the
    networks beside the public Internet where it may be."""

    url: str = ""
    secret: str = ""
    networks: str = ""


def read_url(url: str) -> SplitResult:
    """Raises ValueError saying what is wrong with it."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https"):
        raise ValueError(f"{url!r} is no http or https URL")
    if not parts.hostname:
        raise ValueError(f"{url!r} names no host")
    if parts.username is not None or parts.password is not None:
        raise ValueError("a URL with a user name shows its password to whoever reads it")
    _ = parts.port  # raises ValueError for what is no port
    return parts


def read_networks(text: str) -> list[IpNetwork]:
    """`10.0.0.0/8, ::1` as networks. Raises ValueError saying what is wrong."""
    return [ipaddress.ip_network(part.strip()) for part in text.split(",") if part.strip()]


def may_be_called(address: str, networks: list[IpNetwork]) -> bool:
    """Whether an address is one of the public Internet, or of these networks; also when it hides another
    inside of it (mapped, translated, tunnelled)."""
    found: IpAddress = ipaddress.ip_address(address.partition("%")[0])
    inner = _inside(found)
    if inner is not None:
        return may_be_called(str(inner), networks)
    if any(found in network for network in networks):
        return True
    return found.is_global and not found.is_multicast


def _inside(address: IpAddress) -> ipaddress.IPv4Address | None:
    if isinstance(address, ipaddress.IPv4Address):
        return None
    if address in _NAT64:
        return ipaddress.IPv4Address(address.packed[-4:])
    if address.teredo is not None:
        return address.teredo[1]
    return address.ipv4_mapped or address.sixtofour
