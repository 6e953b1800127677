"""The rows of flows' versions."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncConnection

from tongdai.core.tenancy import TenantId
from tongdai.db.tables import flow as table
from tongdai.tenants.flow.model import FlowVersion
from tongdai.tenants.rows import TenantRows

rows = TenantRows(table, FlowVersion, "id", "version")


async def unpublish(tenant: TenantId, connection: AsyncConnection, flow: str) -> None:
    for version in await rows.where(tenant, connection, id=flow, published=True):
        await rows.update(tenant, connection, flow, version.version, published=False)
