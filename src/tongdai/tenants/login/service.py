"""Logins' rules. A secret is shown once; only its hash is kept."""

from __future__ import annotations

import hashlib
import secrets

from sqlalchemy.ext.asyncio import AsyncConnection

from tongdai.core.ids import new_id
from tongdai.core.tenancy import TenantId
from tongdai.tenants.checks import check_name
from tongdai.tenants.errors import NotFound
from tongdai.tenants.login import store
from tongdai.tenants.login.model import Login, LoginKind, Subject

SESSION_SECONDS = 30 * 86_400.0
TOKEN_DAYS = 365
SEEN_SECONDS = 60.0
"""How exact `Login.seen` is: a request that follows another sooner writes nothing."""

_SECRET_BYTES = 32
_PREFIX = {LoginKind.SESSION: "tds_", LoginKind.TOKEN: "tdt_"}


async def begin(
    tenant: TenantId,
    connection: AsyncConnection,
    person: str,
    kind: LoginKind,
    *,
    now: float,
    name: str = "",
    days: int = TOKEN_DAYS,
    address: str = "",
    agent: str = "",
) -> tuple[Login, str]:
    """A new login and its secret. Logins that have expired are forgotten on the way."""
    if kind is LoginKind.TOKEN:
        check_name(name)
    await store.delete_expired(connection, now)
    secret = _PREFIX[kind] + secrets.token_urlsafe(_SECRET_BYTES)
    lasts = SESSION_SECONDS if kind is LoginKind.SESSION else days * 86_400.0
    login = Login(new_id(kind, now), kind, person, name, now, now, now + lasts, address, agent[:200])
    await store.insert_one(tenant, connection, login, _hash(secret))
    return login, secret


async def find(
    connection: AsyncConnection, secret: str, now: float
) -> tuple[TenantId, Login, Subject] | None:
    """Whose secret this is, None when it is nobody's (any more)."""
    found = await store.by_secret(connection, _hash(secret))
    if found is None or found[1].expires < now:
        return None
    tenant, login = found
    owner = await store.subject(tenant, connection, login.person)
    return (tenant, login, owner) if owner is not None else None


async def seen(connection: AsyncConnection, login: Login, *, now: float, address: str, agent: str) -> None:
    await store.seen(connection, login.id, seen=now, address=address, agent=agent[:200])


async def listed(tenant: TenantId, connection: AsyncConnection, person: str, kind: LoginKind) -> list[Login]:
    """Those of one person, oldest first."""
    return await store.of(tenant, connection, person, kind)


async def end(tenant: TenantId, connection: AsyncConnection, person: str, login: str) -> None:
    if not await store.delete_one(tenant, connection, person, login):
        raise NotFound("login", login)


async def end_others(tenant: TenantId, connection: AsyncConnection, person: str, but: str = "") -> None:
    """End every session and token of a person but one: the password was changed, or the person goes."""
    await store.delete_of(tenant, connection, person, but)


def _hash(secret: str) -> str:
    """The secret has 256 random bits: nothing slower than this is needed, nor a salt."""
    return hashlib.sha256(secret.encode()).hexdigest()
