"""What is stored of a trunk."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import msgspec

from tongdai.sip.digest import Credentials
from tongdai.sip.flow import ip_version


class NumberFormat(StrEnum):
    """How a carrier wants outside numbers."""

    E164 = "e164"
    """+842871234500"""
    DIGITS = "digits"
    """842871234500"""
    NATIONAL = "national"
    """02871234500 in the carrier's country, 0014155550100 elsewhere"""


class CallerRule(StrEnum):
    """Whose number the outside sees."""

    OWN = "own"
    """The tenant's main number."""
    FIXED = "fixed"
    """Always `caller_number`: for carriers that take no other."""
    PASS = "pass"
    """Of a call from outside that goes out again, the first caller's; Diversion (RFC 5806) and History-Info
    (RFC 7044) say through whom it came."""


class Transport(StrEnum):
    UDP = "udp"
    TCP = "tcp"
    TLS = "tls"
    AUTO = "auto"
    """Of a gateway by name: what DNS says (RFC 3263 §4.1)."""


class Encryption(StrEnum):
    """Of sound, by SRTP with keys in the SDP (RFC 4568)."""

    AUTO = "auto"
    """Over TLS, unless the carrier refuses it."""
    REQUIRED = "required"
    """Or there is no call, out or in."""
    NEVER = "never"
    """Only where the carrier asks for it."""


class Gateway(msgspec.Struct, frozen=True, omit_defaults=True):
    """One address of a carrier, or a name that DNS knows, with port 0 where DNS is to say that too. The
    lowest `priority` is tried first; of equal ones each first as often as its `weight` says (RFC 2782)."""

    host: str
    port: int = 5060
    transport: Transport = Transport.UDP
    priority: int = 0
    weight: int = 1
    rank: int = 0
    """Of several addresses of one name the order in which DNS has them. Not stored, like the next."""
    of: Gateway | None = None
    """The gateway by name whose address this is now."""

    @property
    def address(self) -> tuple[str, int]:
        return self.host, self.port

    @property
    def located(self) -> bool:
        """It can be sent to: it is an address."""
        return bool(ip_version(self.host))

    @property
    def asked(self) -> Gateway:
        """It, or whose address it is: what was configured, and stands in URIs and certificates."""
        return self.of or self

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        transport = "" if self.transport is Transport.AUTO else f"{self.transport}:"
        port = f":{self.port}" if self.port else ""
        return f"{transport}{host}{port}"


class TrunkSettings(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How to deal with a carrier. Seconds where time is meant; 0 is never or no limit."""

    username: str = ""
    password: str = ""
    realm: str = ""
    """Only challenges of this realm are answered; empty: any of the carrier's own gateways."""
    domain: str = ""
    """The carrier's name in URIs, and in its certificate; empty: the gateway's name or address."""
    register: bool = False
    expires: int = 600
    options_seconds: float = 30.0
    failures_to_down: int = 3
    successes_to_up: int = 2
    patience: float = 3.5
    """How long an INVITE may go without any response before the next gateway is tried."""
    strip: int = 0
    """Characters taken from the front of a number, as the format writes it, before `prefix` is put there."""
    prefix: str = ""
    inbound_prefix: str = ""
    """What the carrier puts in front of numbers."""
    caller: CallerRule = CallerRule.OWN
    caller_number: str = ""
    trusted: bool = True
    """P-Asserted-Identity (RFC 3325) is sent and believed."""
    codecs: tuple[str, ...] = ()
    """Best first; empty: what the caller's phone speaks."""
    encryption: Encryption = Encryption.AUTO
    channels: int = 0
    per_second: float = 0.0
    redirect_hosts: tuple[str, ...] = ()
    """Addresses and names that a 3xx may send calls to, beside the carrier's own gateways."""
    sources: tuple[str, ...] = ()
    """Addresses or networks, besides the gateways, that the carrier calls from, any port."""
    tls_certificate: str = ""
    tls_key: str = ""
    tls_ca: str = ""
    """Files: our certificate for mutual TLS, and whose word to take for theirs; empty: the system's."""


class Trunk(msgspec.Struct, frozen=True):
    """A carrier, known by the addresses it sends from and is called at. `country` is where it takes national
    numbers to be."""

    id: str
    name: str
    number_format: NumberFormat
    country: str
    gateways: tuple[Gateway, ...]
    settings: TrunkSettings = TrunkSettings()
    redirects: tuple[Gateway, ...] = ()
    """Where those of `redirect_hosts` are that are names, as DNS says now. Not stored."""

    @property
    def credentials(self) -> Credentials | None:
        """What we are there, for the gateways and nobody else."""
        settings = self.settings
        if not settings.username:
            return None
        at = frozenset(gateway.address for gateway in self.gateways if gateway.located)
        return Credentials(settings.username, settings.password, settings.realm or None, at)


class TrunkRow(msgspec.Struct, frozen=True):
    """The columns of a trunk."""

    id: str
    name: str
    number_format: str
    country: str
    gateways: list[dict[str, Any]]
    settings: dict[str, Any]

    @classmethod
    def of(cls, trunk: Trunk) -> TrunkRow:
        return msgspec.convert(msgspec.to_builtins(trunk), cls)

    @property
    def trunk(self) -> Trunk:
        return msgspec.convert(msgspec.to_builtins(self), Trunk)


class TenantTrunk(msgspec.Struct, frozen=True):
    """A trunk that a tenant may use; the lowest position is tried first."""

    trunk: str
    position: int
