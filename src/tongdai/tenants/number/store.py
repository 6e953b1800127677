"""The rows of numbers."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from tongdai.db.tables import number as table
from tongdai.tenants.number.model import Number
from tongdai.tenants.rows import TenantRows

rows = TenantRows(table, Number, "number")


async def in_use(connection: AsyncConnection, number: str) -> bool:
    """In any tenant: a number leads to one place in the world."""
    found = await connection.execute(select(table.c.number).where(table.c.number == number))
    return found.first() is not None
