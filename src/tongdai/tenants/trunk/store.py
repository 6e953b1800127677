"""The rows of trunks, which are the provider's, and of who may use them."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from tongdai.core.tenancy import TenantId
from tongdai.db import tables
from tongdai.tenants.changes import PROVIDER, note
from tongdai.tenants.rows import TenantRows
from tongdai.tenants.trunk.model import TenantTrunk, Trunk

uses = TenantRows(tables.tenant_trunk, TenantTrunk, "trunk")

_COLUMNS = [tables.trunk.c[field] for field in Trunk.__struct_fields__]


async def all_trunks(connection: AsyncConnection) -> list[Trunk]:
    rows = await connection.execute(select(*_COLUMNS).order_by(tables.trunk.c.id))
    return [Trunk(*row) for row in rows]


async def insert_one(connection: AsyncConnection, item: Trunk) -> None:
    await connection.execute(insert(tables.trunk).values(msgspec.structs.asdict(item)))
    await note(PROVIDER, connection)


async def move(connection: AsyncConnection, trunk: str, host: str, port: int) -> None:
    table = tables.trunk
    await connection.execute(update(table).where(table.c.id == trunk).values(host=host, port=port))
    await note(PROVIDER, connection)


async def replace_uses(tenant: TenantId, connection: AsyncConnection, trunks: Sequence[str]) -> None:
    await uses.delete_where(tenant, connection)
    numbered = [TenantTrunk(trunk, position) for position, trunk in enumerate(trunks)]
    await uses.insert(tenant, connection, numbered)
