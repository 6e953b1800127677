"""What may be asked for."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from msgspec import UNSET, UnsetType

from tongdai.core.language import LANGUAGES
from tongdai.tenants.checks import check_domain, check_name
from tongdai.tenants.errors import Invalid
from tongdai.tenants.features import Feature
from tongdai.tenants.numbering import is_country

RING_SECONDS = (1.0, 300.0)


class NewTenant(msgspec.Struct, frozen=True):
    name: str
    domain: str
    country: str = "VN"
    language: str = "en"
    ring_seconds: float = 20.0

    def check(self) -> None:
        check_name(self.name)
        check_domain(self.domain)
        check_countries([self.country])
        check_language(self.language)
        check_ring_seconds(self.ring_seconds)


class TenantChanges(msgspec.Struct, frozen=True, kw_only=True):
    """What is left unset stays as it is."""

    name: str | UnsetType = UNSET
    country: str | UnsetType = UNSET
    language: str | UnsetType = UNSET
    ring_seconds: float | UnsetType = UNSET
    main_number: str | UnsetType = UNSET
    allowed_countries: list[str] | UnsetType = UNSET
    music_blob: str | UnsetType = UNSET
    sha256_digest: bool | UnsetType = UNSET
    outside_calls: int | UnsetType = UNSET
    outside_per_second: float | UnsetType = UNSET
    feature_codes: dict[str, str] | UnsetType = UNSET
    """Those to change, by feature; the others stay. Empty switches one off."""

    def check(self) -> None:
        if self.name is not UNSET:
            check_name(self.name)
        if self.country is not UNSET:
            check_countries([self.country])
        if self.language is not UNSET:
            check_language(self.language)
        if self.ring_seconds is not UNSET:
            check_ring_seconds(self.ring_seconds)
        if self.allowed_countries is not UNSET:
            check_countries(self.allowed_countries)
        for feature in self.feature_codes or ():
            if feature not in set(Feature):
                raise Invalid(
                    "no_feature",
                    f"There is no feature {feature!r} with a code.",
                    f"It is one of {', '.join(Feature)}.",
                )
        for limit in (self.outside_calls, self.outside_per_second):
            if limit is not UNSET and limit < 0:
                raise Invalid("bad_limit", "A limit cannot be negative.", "Use 0 for no limit.")


def check_countries(countries: Sequence[str]) -> None:
    for country in countries:
        if not is_country(country):
            raise Invalid("bad_country", f"{country!r} is no country.", "Give ISO 3166-1 codes such as VN.")


def check_language(language: str) -> None:
    if language not in LANGUAGES:
        raise Invalid(
            "bad_language", f"No prompts are spoken in {language!r}.", f"Use one of {', '.join(LANGUAGES)}."
        )


def check_ring_seconds(seconds: float) -> None:
    least, most = RING_SECONDS
    if not least <= seconds <= most:
        raise Invalid(
            "bad_ring_seconds", f"Phones cannot ring for {seconds:g} s.", f"Use {least:g} to {most:g}."
        )
