"""The rows of the audit log. They are only ever added."""

from __future__ import annotations

import msgspec
from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from tongdai.core.tenancy import TenantId
from tongdai.db.tables import audit as table
from tongdai.tenants.audit.model import Entry

_COLUMNS = [table.c[field] for field in Entry.__struct_fields__]


async def insert_one(tenant: TenantId, connection: AsyncConnection, entry: Entry) -> None:
    await connection.execute(insert(table).values(tenant=tenant, **msgspec.structs.asdict(entry)))


async def page(
    tenant: TenantId,
    connection: AsyncConnection,
    *,
    before: str,
    limit: int,
    action: str,
    target: str,
    actor: str,
) -> list[Entry]:
    wanted = select(*_COLUMNS).where(table.c.tenant == tenant).order_by(table.c.id.desc()).limit(limit)
    if before:
        wanted = wanted.where(table.c.id < before)
    if action:
        wanted = wanted.where(table.c.action.startswith(action, autoescape=True))
    if target:
        wanted = wanted.where(table.c.target == target)
    if actor:
        wanted = wanted.where(table.c.actor == actor)
    return [Entry(*row) for row in await connection.execute(wanted)]
