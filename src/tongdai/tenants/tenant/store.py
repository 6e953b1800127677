"""The rows of tenants: the one table whose key is the tenant itself."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from tongdai.core.tenancy import TenantId
from tongdai.db.tables import tenant as table
from tongdai.tenants.changes import note
from tongdai.tenants.tenant.model import Tenant

_COLUMNS = [table.c[field] for field in Tenant.__struct_fields__]


async def get(tenant: TenantId, connection: AsyncConnection) -> Tenant | None:
    row = (await connection.execute(select(*_COLUMNS).where(table.c.id == tenant))).first()
    return Tenant(*row) if row is not None else None


async def by_domain(domain: str, connection: AsyncConnection) -> Tenant | None:
    row = (await connection.execute(select(*_COLUMNS).where(table.c.domain == domain))).first()
    return Tenant(*row) if row is not None else None


async def all_tenants(connection: AsyncConnection) -> list[Tenant]:
    """For the provider: every tenant, by domain."""
    return [Tenant(*row) for row in await connection.execute(select(*_COLUMNS).order_by(table.c.domain))]


async def insert_one(connection: AsyncConnection, item: Tenant) -> None:
    await connection.execute(insert(table).values(msgspec.structs.asdict(item)))
    await note(item.id, connection)


async def change(tenant: TenantId, connection: AsyncConnection, values: dict[str, Any]) -> None:
    await connection.execute(update(table).where(table.c.id == tenant).values(values))
    await note(tenant, connection)


async def delete_one(tenant: TenantId, connection: AsyncConnection) -> bool:
    deleted = bool((await connection.execute(delete(table).where(table.c.id == tenant))).rowcount)
    if deleted:
        await note(tenant, connection)
    return deleted
