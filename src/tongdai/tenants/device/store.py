"""The rows of devices."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from tongdai.db.tables import device
from tongdai.tenants.device.model import Device
from tongdai.tenants.rows import TenantRows

rows = TenantRows(device, Device, "id")


async def username_in_use(connection: AsyncConnection, username: str) -> bool:
    """In any tenant: a phone that knows only the server's address must be told apart by its user name."""
    found = await connection.execute(select(device.c.id).where(device.c.username == username))
    return found.first() is not None
