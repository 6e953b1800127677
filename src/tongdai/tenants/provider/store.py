"""The provider's row. An installation has one."""

from __future__ import annotations

from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from tongdai.db.tables import provider
from tongdai.tenants.provider.model import Provider

_ID = "provider"


async def get(connection: AsyncConnection) -> Provider | None:
    columns = select(provider.c.name, provider.c.email, provider.c.password_hash)
    row = (await connection.execute(columns)).first()
    return Provider(*row) if row is not None else None


async def put(connection: AsyncConnection, item: Provider) -> None:
    await connection.execute(
        insert(provider).values(id=_ID, name=item.name, email=item.email, password_hash=item.password_hash)
    )


async def set_password_hash(connection: AsyncConnection, password_hash: str) -> None:
    await connection.execute(update(provider).values(password_hash=password_hash))
