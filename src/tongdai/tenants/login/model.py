"""What is stored of a login."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class LoginKind(StrEnum):
    SESSION = "session"
    """A browser, by a cookie; begun with the password."""
    TOKEN = "token"
    """A programme, by a bearer token; made by somebody who is signed in."""


class Login(msgspec.Struct, frozen=True):
    """`person` is empty for the provider. Times are seconds since 1970; `name` is what its owner calls it,
    `address` and `agent` are those of the last request."""

    id: str
    kind: str
    person: str
    name: str
    created: float
    seen: float
    expires: float
    address: str
    agent: str


class Subject(msgspec.Struct, frozen=True):
    """Who can sign in: a person of a tenant, or (both empty) the provider."""

    tenant: str
    person: str
    name: str
    email: str
    admin: bool
    password_hash: str

    @property
    def provider(self) -> bool:
        return not self.tenant
