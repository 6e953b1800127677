"""People's rules."""

from __future__ import annotations

from msgspec import UNSET
from sqlalchemy.ext.asyncio import AsyncConnection

from tongdai.core.ids import new_id
from tongdai.core.tenancy import TenantId
from tongdai.tenants.checks import check_password
from tongdai.tenants.credentials import hash_password
from tongdai.tenants.errors import Invalid, NotFound, Taken
from tongdai.tenants.extension import service as extensions
from tongdai.tenants.extension.model import Destination
from tongdai.tenants.mailbox import service as mailboxes
from tongdai.tenants.number import service as numbers
from tongdai.tenants.person.model import Person
from tongdai.tenants.person.schema import NewPerson, PersonChanges
from tongdai.tenants.person.store import email_in_use, forget_preferences, rows


async def create(
    tenant: TenantId, connection: AsyncConnection, new: NewPerson, password_hash: str = ""
) -> Person:
    """`password_hash` is that of the password, if it was made before."""
    new.check()
    if new.email is not None and await email_in_use(connection, new.email):
        raise _email_taken(new.email)
    if new.password and not password_hash:
        password_hash = hash_password(new.password)
    person = Person(new_id("person"), new.name, new.email, password_hash, new.admin)
    if new.extension:
        await extensions.assign(tenant, connection, new.extension, Destination.PERSON, person.id)
    await rows.insert(tenant, connection, [person])
    return person


async def get(tenant: TenantId, connection: AsyncConnection, person: str) -> Person:
    found = await rows.get(tenant, connection, person)
    if found is None:
        raise NotFound("person", person)
    return found


async def change(
    tenant: TenantId, connection: AsyncConnection, person: str, changes: PersonChanges
) -> Person:
    changes.check()
    former = await get(tenant, connection, person)
    values: dict[str, object] = {}
    if changes.name is not UNSET:
        values["name"] = changes.name
    if changes.admin is not UNSET and changes.admin != former.admin:
        if former.admin:
            await _refuse_last_admin(tenant, connection, person)
        values["admin"] = changes.admin
    if changes.email is not UNSET and changes.email != former.email:
        if changes.email is not None and await email_in_use(connection, changes.email):
            raise _email_taken(changes.email)
        values["email"] = changes.email
    if values:
        await rows.update(tenant, connection, person, **values)
    if changes.extension is not UNSET:
        if changes.extension:
            await extensions.assign(tenant, connection, changes.extension, Destination.PERSON, person)
        else:
            await numbers.refuse_if_led_to(tenant, connection, Destination.PERSON, person)
            await extensions.release(tenant, connection, Destination.PERSON, person)
    return await get(tenant, connection, person)


async def _refuse_last_admin(tenant: TenantId, connection: AsyncConnection, person: str) -> None:
    admins = await rows.where(tenant, connection, admin=True)
    if [x.id for x in admins] == [person]:
        raise Invalid(
            "last_admin", "Nobody else administers this company.", "Make somebody else administrator first."
        )


def _email_taken(email: str) -> Taken:
    return Taken("email_taken", f"{email} is in use.", "One address serves one person: give another.")


async def set_extension(tenant: TenantId, connection: AsyncConnection, person: str, extension: str) -> None:
    await get(tenant, connection, person)
    await extensions.assign(tenant, connection, extension, Destination.PERSON, person)


async def set_password(tenant: TenantId, connection: AsyncConnection, person: str, password: str) -> None:
    check_password(password)
    if not await rows.update(tenant, connection, person, password_hash=hash_password(password)):
        raise NotFound("person", person)


async def delete(tenant: TenantId, connection: AsyncConnection, person: str) -> None:
    """Delete a person with devices, extension and mailbox settings. Refused while a number or a menu leads to
    them."""
    former = await get(tenant, connection, person)
    if former.admin:
        await _refuse_last_admin(tenant, connection, person)
    await numbers.refuse_if_led_to(tenant, connection, Destination.PERSON, person)
    await extensions.retire(tenant, connection, Destination.PERSON, person)
    await mailboxes.forget(tenant, connection, person)
    await forget_preferences(tenant, connection, person)
    await rows.delete(tenant, connection, person)
