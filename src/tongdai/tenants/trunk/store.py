"""The rows of trunks, which are the provider's, and of who may use them."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from tongdai.core.tenancy import TenantId
from tongdai.db import tables
from tongdai.tenants.changes import PROVIDER, note
from tongdai.tenants.rows import TenantRows
from tongdai.tenants.trunk.model import TenantTrunk, Trunk, TrunkRow

uses = TenantRows(tables.tenant_trunk, TenantTrunk, "trunk")

COLUMNS = [tables.trunk.c[field] for field in TrunkRow.__struct_fields__]


async def all_trunks(connection: AsyncConnection) -> list[Trunk]:
    rows = await connection.execute(select(*COLUMNS).order_by(tables.trunk.c.id))
    return [TrunkRow(*row).trunk for row in rows]


async def insert_one(connection: AsyncConnection, item: Trunk) -> None:
    await connection.execute(insert(tables.trunk).values(msgspec.structs.asdict(TrunkRow.of(item))))
    await note(PROVIDER, connection)


async def replace_one(connection: AsyncConnection, item: Trunk) -> None:
    table, values = tables.trunk, msgspec.structs.asdict(TrunkRow.of(item))
    await connection.execute(update(table).where(table.c.id == item.id).values(values))
    await note(PROVIDER, connection)


async def delete_one(connection: AsyncConnection, trunk: str) -> None:
    await connection.execute(delete(tables.trunk).where(tables.trunk.c.id == trunk))
    await note(PROVIDER, connection)


async def users(connection: AsyncConnection, trunk: str) -> list[str]:
    """Which tenants may use it: for the provider."""
    table = tables.tenant_trunk
    return list((await connection.execute(select(table.c.tenant).where(table.c.trunk == trunk))).scalars())


async def replace_uses(tenant: TenantId, connection: AsyncConnection, trunks: Sequence[str]) -> None:
    await uses.delete_where(tenant, connection)
    numbered = [TenantTrunk(trunk, position) for position, trunk in enumerate(trunks)]
    await uses.insert(tenant, connection, numbered)
