"""People's rules."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncConnection

from tongdai.core.ids import new_id
from tongdai.core.tenancy import TenantId
from tongdai.tenants.checks import check_password
from tongdai.tenants.credentials import hash_password
from tongdai.tenants.errors import NotFound, Taken
from tongdai.tenants.extension import service as extensions
from tongdai.tenants.extension.model import Destination
from tongdai.tenants.mailbox import service as mailboxes
from tongdai.tenants.number import service as numbers
from tongdai.tenants.person.model import Person
from tongdai.tenants.person.schema import NewPerson
from tongdai.tenants.person.store import email_in_use, rows


async def create(tenant: TenantId, connection: AsyncConnection, new: NewPerson) -> Person:
    new.check()
    if new.email is not None and await email_in_use(connection, new.email):
        raise Taken("email_taken", f"{new.email} is in use.", "One address serves one person: give another.")
    person = Person(
        new_id("person"), new.name, new.email, hash_password(new.password) if new.password else "", new.admin
    )
    if new.extension:
        await extensions.assign(tenant, connection, new.extension, Destination.PERSON, person.id)
    await rows.insert(tenant, connection, [person])
    return person


async def get(tenant: TenantId, connection: AsyncConnection, person: str) -> Person:
    found = await rows.get(tenant, connection, person)
    if found is None:
        raise NotFound("person", person)
    return found


async def set_extension(tenant: TenantId, connection: AsyncConnection, person: str, extension: str) -> None:
    await get(tenant, connection, person)
    await extensions.assign(tenant, connection, extension, Destination.PERSON, person)


async def set_password(tenant: TenantId, connection: AsyncConnection, person: str, password: str) -> None:
    check_password(password)
    if not await rows.update(tenant, connection, person, password_hash=hash_password(password)):
        raise NotFound("person", person)


async def delete(tenant: TenantId, connection: AsyncConnection, person: str) -> None:
    """Delete a person with devices, extension and mailbox settings. Refused while a number leads to them."""
    await get(tenant, connection, person)
    await numbers.refuse_if_led_to(tenant, connection, Destination.PERSON, person)
    await extensions.release(tenant, connection, Destination.PERSON, person)
    await mailboxes.forget(tenant, connection, person)
    await rows.delete(tenant, connection, person)
