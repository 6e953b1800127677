"""What may be asked for."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from tongdai.sip.flow import ip_version
from tongdai.tenants.checks import check_name
from tongdai.tenants.errors import Invalid
from tongdai.tenants.tenant.schema import check_countries
from tongdai.tenants.trunk.model import (
    CallerRule,
    Encryption,
    Gateway,
    NumberFormat,
    Transport,
    TrunkSettings,
)

CODECS = ("OPUS", "G722", "PCMU", "PCMA")

MOST_PASSWORD = 400
"""Characters of a password as it is stored, that is sealed."""

_PREFIX = re.compile(r"[+*#0-9]{0,20}")
_NAME = re.compile(
    r"(?=.{1,253}$)(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9])?\.)*[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?", re.I
)
_GATEWAY = re.compile(
    r"(?:(?P<transport>udp|tcp|tls):)?(?P<host>\[[0-9a-fA-F:.]+\]|[^\[\]:/,]+)(?::(?P<port>[0-9]{1,5}))?"
    r"(?:/(?P<priority>[0-9]{1,3})(?:/(?P<weight>[0-9]{1,3}))?)?"
)


class NewTrunk(msgspec.Struct, frozen=True):
    name: str
    host: str
    port: int
    country: str = "VN"
    number_format: NumberFormat = NumberFormat.E164
    settings: TrunkSettings = TrunkSettings()
    several: tuple[Gateway, ...] = ()
    """All its gateways, when it is not only the one at `host` and `port`."""

    @property
    def gateways(self) -> tuple[Gateway, ...]:
        return self.several or (Gateway(self.host, self.port),)

    def check(self) -> None:
        check_name(self.name)
        check_gateways(self.gateways)
        check_countries([self.country])
        check_settings(self.settings)
        check_encryption(self.settings, self.gateways)


class TrunkChanges(msgspec.Struct, frozen=True, kw_only=True):
    """What is left unset stays as it is. `settings` are whole."""

    name: str | UnsetType = UNSET
    country: str | UnsetType = UNSET
    number_format: NumberFormat | UnsetType = UNSET
    gateways: tuple[Gateway, ...] | UnsetType = UNSET
    settings: TrunkSettings | UnsetType = UNSET

    def check(self) -> None:
        if self.name is not UNSET:
            check_name(self.name)
        if self.country is not UNSET:
            check_countries([self.country])
        if self.gateways is not UNSET:
            check_gateways(self.gateways)
        if self.settings is not UNSET:
            check_settings(self.settings)


def check_address(gateway: Gateway) -> None:
    """An address has a port and a transport; of a name DNS may know both."""
    if not gateway.located and not _NAME.fullmatch(gateway.host):
        raise Invalid(
            "bad_address",
            f"{gateway.host!r} is neither an IP address nor a name.",
            "Give the carrier's, such as 203.0.113.5 or sip.carrier.example.",
        )
    if not (1 if gateway.located else 0) <= gateway.port <= 65535:
        raise Invalid("bad_port", f"{gateway.port} is no port.", "Give 1 to 65535, usually 5060.")
    if gateway.transport is Transport.AUTO and (gateway.located or gateway.port):
        raise Invalid("no_transport", f"How is {gateway} reached?", "Put udp:, tcp: or tls: in front.")
    if gateway.of is not None or gateway.rank:
        raise Invalid("bad_gateway", f"{gateway} comes from DNS.", "Give the name itself.")


def check_gateways(gateways: Sequence[Gateway]) -> None:
    if not gateways:
        raise Invalid("no_gateway", "A trunk without a gateway leads nowhere.", "Give at least one.")
    for gateway in gateways:
        check_address(gateway)
        if not (0 <= gateway.priority <= 999 and 1 <= gateway.weight <= 999):
            raise Invalid(
                "bad_weight",
                f"The gateway {gateway} cannot be ranked.",
                "Priority 0 to 999, weight 1 to 999.",
            )
    if len({gateway.address for gateway in gateways}) < len(gateways):
        raise Invalid("gateway_twice", "A gateway is named twice.", "Name each address once.")


def read_gateway(text: str) -> Gateway:
    """`[udp:|tcp:|tls:]HOST[:PORT][/PRIORITY[/WEIGHT]]`. What a name leaves out is left to DNS. Raises
    `Invalid`."""
    found = _GATEWAY.fullmatch(text.strip())
    if found is None:
        raise Invalid(
            "bad_gateway",
            f"{text!r} is no gateway.",
            "Write sip.carrier.example, tls:203.0.113.5:5061 or, with its rank, 203.0.113.5:5060/1/10.",
        )
    host, port = found["host"].strip("[]"), int(found["port"] or 0)
    by_name = not ip_version(host)
    transport = Transport(found["transport"] or ("auto" if by_name and not found["port"] else "udp"))
    if not found["port"] and not by_name:
        port = 5061 if transport is Transport.TLS else 5060
    elif found["port"] and not port:
        raise Invalid("bad_port", "0 is no port.", "Give 1 to 65535, usually 5060.")
    priority, weight = int(found["priority"] or 0), int(found["weight"] or 1)
    gateway = Gateway(host, port, transport, priority, weight)
    check_gateways([gateway])
    return gateway


def changed_settings(present: TrunkSettings, given: Mapping[str, Any]) -> TrunkSettings:
    """`present` with what is given, by the names of the settings. Raises `Invalid`."""
    try:
        return msgspec.convert({**msgspec.to_builtins(present), **given}, TrunkSettings)
    except msgspec.ValidationError as error:
        raise Invalid(
            "bad_setting",
            f"{error}.",
            f"Look at --help; --caller is one of {', '.join(CallerRule)}, --encryption one of"
            f" {', '.join(Encryption)}.",
            field="settings",
        ) from error


def check_settings(new: TrunkSettings) -> None:
    _check_account(new)
    _check_times(new)
    for prefix in (new.prefix, new.inbound_prefix):
        if not _PREFIX.fullmatch(prefix):
            raise Invalid("bad_prefix", f"{prefix!r} is no prefix.", "Use up to 20 digits, +, * and #.")
    if not 0 <= new.strip <= 15:
        raise Invalid("bad_strip", f"{new.strip} characters cannot be taken away.", "Use 0 to 15.")
    if new.caller is CallerRule.FIXED and not new.caller_number:
        raise Invalid("no_caller_number", "Which number is always shown?", "Give --caller-number too.")
    if not new.caller_number.removeprefix("+").isdigit() and new.caller_number:
        raise Invalid("bad_number", f"{new.caller_number!r} is no number.", "Give it as +842871234500.")
    for codec in new.codecs:
        if codec not in CODECS:
            raise Invalid("bad_codec", f"{codec!r} is no codec of ours.", f"Use {', '.join(CODECS)}.")
    if new.channels < 0 or new.per_second < 0:
        raise Invalid("bad_limit", "A limit cannot be negative.", "Use 0 for no limit.")
    for source in new.sources:
        try:
            ipaddress.ip_network(source)
        except ValueError:
            raise Invalid(
                "bad_source", f"{source!r} is no address or network.", "Write 203.0.113.5 or 203.0.113.0/24."
            ) from None
    if bool(new.tls_certificate) != bool(new.tls_key):
        raise Invalid("half_certificate", "Certificate and key belong together.", "Give both files.")
    for file in (new.tls_certificate, new.tls_key, new.tls_ca):
        if file and not Path(file).is_file():
            raise Invalid("no_file", f"There is no file {file}.", "Name one that the server can read.")


def check_encryption(settings: TrunkSettings, gateways: Sequence[Gateway]) -> None:
    """Keys stand in the SIP, so that they are secret over TLS only."""
    open_ = [str(gateway) for gateway in gateways if gateway.transport is not Transport.TLS]
    if settings.encryption is Encryption.REQUIRED and open_:
        raise Invalid(
            "keys_in_the_clear",
            f"Sound cannot be secret where its keys are not: {', '.join(open_)} is not reached over TLS.",
            "Put tls: in front of every gateway, or use --encryption auto.",
        )


def _check_account(new: TrunkSettings) -> None:
    if new.register and not new.username:
        raise Invalid("no_username", "Registering needs an account.", "Give --username and --password.")
    for text, most in (
        (new.username, 200),
        (new.password, MOST_PASSWORD),
        (new.realm, 200),
        (new.domain, 200),
    ):
        if len(text) > most or not text.isprintable():
            raise Invalid(
                "bad_account", "The account has characters that SIP cannot carry.", "Use printable ones."
            )
    if any(c in new.domain for c in ' <>@;:/"'):
        raise Invalid("bad_domain", f"{new.domain!r} is no name.", "Give one such as sip.carrier.example.")


def _check_times(new: TrunkSettings) -> None:
    if not 60 <= new.expires <= 86_400:
        raise Invalid("bad_expires", f"{new.expires} s cannot be registered for.", "Use 60 to 86400.")
    if new.options_seconds and not 2 <= new.options_seconds <= 3600:
        raise Invalid(
            "bad_interval", f"OPTIONS every {new.options_seconds:g} s?", "Use 2 to 3600, or 0 for none."
        )
    if not (1 <= new.failures_to_down <= 20 and 1 <= new.successes_to_up <= 20):
        raise Invalid("bad_count", "So many signs of life cannot be waited for.", "Use 1 to 20.")
    if not 1 <= new.patience <= 30:
        raise Invalid("bad_patience", f"{new.patience:g} s is no patience.", "Use 1 to 30, usually 3 to 4.")
