"""The rows of people."""

from __future__ import annotations

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from tongdai.core.tenancy import TenantId
from tongdai.db.tables import person, preferences
from tongdai.tenants.person.model import Person
from tongdai.tenants.rows import TenantRows

rows = TenantRows(person, Person, "id")


async def email_in_use(connection: AsyncConnection, email: str) -> bool:
    """In any tenant: one logs in by e-mail address, before the tenant is known."""
    return (await connection.execute(select(person.c.id).where(person.c.email == email))).first() is not None


async def forwarding_to(tenant: TenantId, connection: AsyncConnection, extension: str) -> list[Person]:
    """Whose calls go on to this extension in any case."""
    columns = preferences.c
    stored = await connection.execute(
        select(columns.person, columns.preferences).where(columns.tenant == tenant)
    )
    who = [id_ for id_, chosen in stored if extension in chosen.values()]  # no other text is in them
    return await rows.where_in(tenant, connection, "id", who)


async def forget_preferences(tenant: TenantId, connection: AsyncConnection, id_: str) -> None:
    """Drop how the person's calls were treated, as he goes. Who changes them is control."""
    mine = (preferences.c.tenant == tenant) & (preferences.c.person == id_)
    await connection.execute(delete(preferences).where(mine))
