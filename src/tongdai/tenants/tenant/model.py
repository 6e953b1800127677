"""What is stored of a tenant."""

from __future__ import annotations

import msgspec

from tongdai.core.tenancy import TenantId


class Tenant(msgspec.Struct, frozen=True):
    """`main_number` is what the outside sees calling, empty until the tenant has a number.
    `allowed_countries` are those that may be called, as ISO 3166-1 codes. `music_blob` is empty for the music
    of the house. `outside_calls` at once and `outside_per_second` begun limit calls through trunks; 0 is no
    limit. `feature_codes` has those that are not as in `features.CODES`, by feature; empty: switched off.
    """

    id: TenantId
    name: str
    domain: str
    country: str
    language: str
    ring_seconds: float
    main_number: str
    allowed_countries: list[str]
    music_blob: str
    sha256_digest: bool
    outside_calls: int = 0
    outside_per_second: float = 0.0
    feature_codes: dict[str, str] = {}
