"""The rows of devices."""

from __future__ import annotations

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from tongdai.core.tenancy import TenantId
from tongdai.db.tables import device, login
from tongdai.tenants.changes import note
from tongdai.tenants.device.model import Device
from tongdai.tenants.rows import TenantRows

rows = TenantRows(device, Device, "id")


async def username_in_use(connection: AsyncConnection, username: str) -> bool:
    """In any tenant: a phone that knows only the server's address must be told apart by its user name."""
    found = await connection.execute(select(device.c.id).where(device.c.username == username))
    return found.first() is not None


async def delete_signed_out(tenant: TenantId, connection: AsyncConnection) -> None:
    """Those that belong to a login which is no more."""
    known = select(login.c.id).where(login.c.tenant == tenant)
    gone = delete(device).where(device.c.tenant == tenant, device.c.login != "", device.c.login.not_in(known))
    if (await connection.execute(gone)).rowcount:
        await note(tenant, connection)
