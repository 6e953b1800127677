"""The rows of logins. They are no configuration: control need not know of them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from tongdai.core.tenancy import TenantId
from tongdai.db import tables
from tongdai.tenants.login.model import Login, Subject

_l = tables.login.c
_COLUMNS = [_l[field] for field in Login.__struct_fields__]


async def subject_by_email(connection: AsyncConnection, email: str) -> Subject | None:
    """In any tenant: one logs in by e-mail address, before the tenant is known."""
    p = tables.person.c
    found = await connection.execute(
        select(p.tenant, p.id, p.name, p.email, p.admin, p.password_hash).where(
            func.lower(p.email) == email.lower()
        )
    )
    if (row := found.first()) is not None:
        return Subject(*row)
    provider = await _provider(connection)
    return provider if provider is not None and provider.email.lower() == email.lower() else None


async def subject(tenant: TenantId, connection: AsyncConnection, person: str) -> Subject | None:
    if not tenant:
        return await _provider(connection)
    p = tables.person.c
    found = await connection.execute(
        select(p.tenant, p.id, p.name, p.email, p.admin, p.password_hash).where(
            (p.tenant == tenant) & (p.id == person)
        )
    )
    row = found.first()
    return Subject(row[0], row[1], row[2], row[3] or "", row[4], row[5]) if row is not None else None


async def _provider(connection: AsyncConnection) -> Subject | None:
    p = tables.provider.c
    row = (await connection.execute(select(p.name, p.email, p.password_hash))).first()
    return Subject("", "", row.name, row.email, True, row.password_hash) if row is not None else None


async def insert_one(tenant: TenantId, connection: AsyncConnection, login: Login, secret_hash: str) -> None:
    values = {field: getattr(login, field) for field in Login.__struct_fields__}
    await connection.execute(insert(tables.login).values(tenant=tenant, secret_hash=secret_hash, **values))


async def by_secret(connection: AsyncConnection, secret_hash: str) -> tuple[TenantId, Login] | None:
    found = await connection.execute(select(_l.tenant, *_COLUMNS).where(_l.secret_hash == secret_hash))
    row = found.first()
    return (TenantId(row[0]), Login(*row[1:])) if row is not None else None


def _owned(tenant: TenantId, person: str) -> ColumnElement[bool]:
    return (_l.tenant == tenant) & (_l.person == person)


async def of(tenant: TenantId, connection: AsyncConnection, person: str, kind: str) -> list[Login]:
    rows = await connection.execute(
        select(*_COLUMNS).where(_owned(tenant, person), _l.kind == kind).order_by(_l.id)
    )
    return [Login(*row) for row in rows]


async def seen(connection: AsyncConnection, login: str, **values: Any) -> None:
    await connection.execute(update(tables.login).where(_l.id == login).values(values))


async def delete_one(tenant: TenantId, connection: AsyncConnection, person: str, login: str) -> bool:
    gone = delete(tables.login).where(_owned(tenant, person), _l.id == login)
    return bool((await connection.execute(gone)).rowcount)


async def delete_of(tenant: TenantId, connection: AsyncConnection, person: str, but: str = "") -> None:
    await connection.execute(delete(tables.login).where(_owned(tenant, person), _l.id != but))


async def delete_expired(connection: AsyncConnection, now: float) -> None:
    await connection.execute(delete(tables.login).where(_l.expires < now))
