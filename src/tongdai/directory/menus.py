"""A company's menus."""

from __future__ import annotations

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from tongdai.core.tenancy import TenantId
from tongdai.directory import flows
from tongdai.tenants.flow.store import rows


class Published(msgspec.Struct, frozen=True):
    """A flow that new calls enter."""

    id: str
    name: str
    version: int


async def published(tenant: TenantId, connection: AsyncConnection) -> list[Published]:
    """Every flow of the tenant, by id."""
    found = await rows.where(tenant, connection, published=True)
    return [Published(x.id, flows.decode(x).label, x.version) for x in found]
