"""Departments' rules."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import UNSET
from sqlalchemy.ext.asyncio import AsyncConnection

from tongdai.core.ids import new_id
from tongdai.core.tenancy import TenantId
from tongdai.tenants.department import store
from tongdai.tenants.department.model import Department
from tongdai.tenants.department.schema import DepartmentChanges, NewDepartment
from tongdai.tenants.errors import Invalid, NotFound
from tongdai.tenants.extension import service as extensions
from tongdai.tenants.extension.model import Destination
from tongdai.tenants.mailbox import service as mailboxes
from tongdai.tenants.number import service as numbers
from tongdai.tenants.person import service as people


async def create(tenant: TenantId, connection: AsyncConnection, new: NewDepartment) -> Department:
    new.check()
    department = Department(new_id("department"), new.name, new.kind)
    await extensions.assign(tenant, connection, new.extension, Destination.DEPARTMENT, department.id)
    await store.rows.insert(tenant, connection, [department])
    await set_members(tenant, connection, department.id, new.members)
    return department


async def get(tenant: TenantId, connection: AsyncConnection, department: str) -> Department:
    found = await store.rows.get(tenant, connection, department)
    if found is None:
        raise NotFound("department", department)
    return found


async def change(
    tenant: TenantId, connection: AsyncConnection, department: str, changes: DepartmentChanges
) -> Department:
    changes.check()
    await get(tenant, connection, department)
    values = {"name": changes.name, "kind": changes.kind}
    values = {name: value for name, value in values.items() if value is not UNSET}
    if values:
        await store.rows.update(tenant, connection, department, **values)
    if changes.extension is not UNSET:
        await extensions.assign(tenant, connection, changes.extension, Destination.DEPARTMENT, department)
    if changes.members is not UNSET:
        await set_members(tenant, connection, department, changes.members)
    return await get(tenant, connection, department)


async def set_members(
    tenant: TenantId, connection: AsyncConnection, department: str, members: Sequence[str]
) -> None:
    """Replace the members, in the order in which they are tried."""
    await get(tenant, connection, department)
    if len(set(members)) != len(members):
        raise Invalid("member_twice", "Somebody is named twice.", "Name each member once.")
    for person in members:
        await people.get(tenant, connection, person)
    await store.replace_members(tenant, connection, department, members)


async def delete(tenant: TenantId, connection: AsyncConnection, department: str) -> None:
    """Delete a department, not its people. Refused while a number or a menu leads to it."""
    await get(tenant, connection, department)
    await numbers.refuse_if_led_to(tenant, connection, Destination.DEPARTMENT, department)
    await extensions.retire(tenant, connection, Destination.DEPARTMENT, department)
    await mailboxes.forget(tenant, connection, department)
    await store.rows.delete(tenant, connection, department)
