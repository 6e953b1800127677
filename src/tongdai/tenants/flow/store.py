"""The rows of flows' versions."""

from __future__ import annotations

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncConnection

from tongdai.core.tenancy import TenantId
from tongdai.db.tables import flow as table
from tongdai.tenants.flow.model import FlowVersion
from tongdai.tenants.rows import TenantRows

rows = TenantRows(table, FlowVersion, "id", "version")


async def unpublish(tenant: TenantId, connection: AsyncConnection, flow: str) -> None:
    await connection.execute(
        update(table).where(table.c.tenant == tenant, table.c.id == flow).values(published=False)
    )
