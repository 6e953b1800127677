"""What is stored of a trunk."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class NumberFormat(StrEnum):
    """How a carrier wants outside numbers."""

    E164 = "e164"
    """+842871234500"""
    DIGITS = "digits"
    """842871234500"""
    NATIONAL = "national"
    """02871234500 in the carrier's country, 0014155550100 elsewhere"""


class Trunk(msgspec.Struct, frozen=True):
    """A carrier's peer, known by the address and port it sends from and is called at. `country` is where it
    takes national numbers to be.
    """

    id: str
    name: str
    host: str
    port: int
    number_format: str
    country: str


class TenantTrunk(msgspec.Struct, frozen=True):
    """A trunk that a tenant may use; the lowest position is tried first."""

    trunk: str
    position: int
