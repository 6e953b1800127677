"""The rows of people."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from tongdai.db.tables import person
from tongdai.tenants.person.model import Person
from tongdai.tenants.rows import TenantRows

rows = TenantRows(person, Person, "id")


async def email_in_use(connection: AsyncConnection, email: str) -> bool:
    """In any tenant: one logs in by e-mail address, before the tenant is known."""
    return (await connection.execute(select(person.c.id).where(person.c.email == email))).first() is not None
