"""What may be asked for."""

from __future__ import annotations

import ipaddress

import msgspec

from tongdai.tenants.checks import check_name
from tongdai.tenants.errors import Invalid
from tongdai.tenants.tenant.schema import check_countries
from tongdai.tenants.trunk.model import NumberFormat


class NewTrunk(msgspec.Struct, frozen=True):
    name: str
    host: str
    port: int
    country: str = "VN"
    number_format: NumberFormat = NumberFormat.E164

    def check(self) -> None:
        check_name(self.name)
        check_address(self.host, self.port)
        check_countries([self.country])


def check_address(host: str, port: int) -> None:
    """A trunk is recognised by where its packets come from, so a name would not do."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        raise Invalid(
            "bad_address", f"{host!r} is no IP address.", "Give the carrier's address, not its name."
        ) from None
    if not 1 <= port <= 65535:
        raise Invalid("bad_port", f"{port} is no port.", "Give 1 to 65535, usually 5060.")
