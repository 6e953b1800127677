"""The demo's secrets: fixed ones, which anybody may know, on loopback; random ones elsewhere."""

from __future__ import annotations

import secrets as chance
from collections.abc import Iterable, Mapping

import msgspec

from tongdai.app.demo.companies import CARRIER, COMPANIES, OUTSIDE, PROVIDER_EMAIL

_PIN_KEY_BYTES = 32


class DemoSecrets(msgspec.Struct, frozen=True):
    """`pin_key` (hex) is the key of `tenants.credentials.hash_pin`: always random, and the same as long as
    the database lives. `passwords` are by e-mail address or device user name (`carrier` for the simulated
    carrier's account, `outside` for the phone of the world outside), `pins` by `domain/extension`.
    """

    fixed: bool
    pin_key: str
    passwords: dict[str, str]
    pins: dict[str, str]

    @property
    def key(self) -> bytes:
        return bytes.fromhex(self.pin_key)


FIXED_PASSWORDS: Mapping[str, str] = {
    PROVIDER_EMAIL: "provider-demo",
    CARRIER: "carrier-demo",
    OUTSIDE: "outside-demo",
    **{company.admin_email: f"{company.slug}-admin" for company in COMPANIES},
    **{
        person.email: f"{company.slug}-login-{person.extension}"
        for company in COMPANIES
        for person in company.people
    },
    **{
        username: f"{username}-secret"
        for company in COMPANIES
        for person in company.people
        for username in person.devices
    },
}
FIXED_PINS: Mapping[str, str] = {
    **{f"{company.domain}/{company.room}": company.room_pin for company in COMPANIES},
    **{
        f"{company.domain}/{person.extension}": f"4{person.extension}"
        for company in COMPANIES
        for person in company.people
    },
}


def fixed_secrets() -> DemoSecrets:
    """For a demo on loopback."""
    key = chance.token_hex(_PIN_KEY_BYTES)
    return DemoSecrets(True, key, dict(FIXED_PASSWORDS), dict(FIXED_PINS))


def random_secrets(pin_key: str = "") -> DemoSecrets:
    """For a demo that others can reach; give the `pin_key` of the database when there is one already."""
    passwords = {name: chance.token_urlsafe(12) for name in FIXED_PASSWORDS}
    key = pin_key or chance.token_hex(_PIN_KEY_BYTES)
    return DemoSecrets(False, key, passwords, _random_pins(FIXED_PINS))


def _random_pins(names: Iterable[str]) -> dict[str, str]:
    return {name: f"{chance.randbelow(1_000_000):06}" for name in names}
