"""Numbers' rules: unique across the provider, and only to what their tenant has."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncConnection

from tongdai.core.tenancy import TenantId
from tongdai.tenants.department import store as departments
from tongdai.tenants.errors import Invalid, NotFound, Taken
from tongdai.tenants.extension.model import Destination
from tongdai.tenants.flow import store as flows
from tongdai.tenants.number.model import Number
from tongdai.tenants.number.store import in_use, rows
from tongdai.tenants.numbering import check_e164
from tongdai.tenants.person import store as people
from tongdai.tenants.room import store as rooms
from tongdai.tenants.tenant import store as tenants


async def assign(
    tenant: TenantId, connection: AsyncConnection, number: str, kind: Destination, target: str
) -> Number:
    """Give the tenant a number that nobody has."""
    check_e164(number)
    if await tenants.get(tenant, connection) is None:
        raise NotFound("tenant", tenant)
    await _check_target(tenant, connection, kind, target)
    if await in_use(connection, number):
        raise Taken("number_taken", f"{number} is in use.", "Release it first.")
    item = Number(number, kind, target)
    await rows.insert(tenant, connection, [item])
    return item


async def get(tenant: TenantId, connection: AsyncConnection, number: str) -> Number:
    found = await rows.get(tenant, connection, number)
    if found is None:
        raise NotFound("number", number)
    return found


async def lead_to(
    tenant: TenantId, connection: AsyncConnection, number: str, kind: Destination, target: str
) -> None:
    """Let a number of the tenant reach something else."""
    await _check_target(tenant, connection, kind, target)
    if not await rows.update(tenant, connection, number, kind=kind, target=target):
        raise NotFound("number", number)


async def release(tenant: TenantId, connection: AsyncConnection, number: str) -> None:
    """Take a number away. The tenant's main number cannot be: the outside would see calls from nobody."""
    if await rows.get(tenant, connection, number) is None:
        raise NotFound("number", number)
    owner = await tenants.get(tenant, connection)
    if owner is not None and owner.main_number == number:
        raise Invalid(
            "main_number", f"{number} is the main number.", "Make another one the main number first."
        )
    await rows.delete(tenant, connection, number)


async def refuse_if_led_to(
    tenant: TenantId, connection: AsyncConnection, kind: Destination, target: str
) -> None:
    """Raise `Invalid`, which names them, while numbers lead there."""
    led = sorted(x.number for x in await rows.where(tenant, connection, kind=kind, target=target))
    if led:
        raise Invalid(
            "number_leads_there",
            f"Numbers that lead to this {kind}: {', '.join(led)}.",
            "Let them lead elsewhere first.",
            places=led,
        )


async def _check_target(
    tenant: TenantId, connection: AsyncConnection, kind: Destination, target: str
) -> None:
    found: object = None
    if kind is Destination.PERSON:
        found = await people.rows.get(tenant, connection, target)
    elif kind is Destination.DEPARTMENT:
        found = await departments.rows.get(tenant, connection, target)
    elif kind is Destination.FLOW:
        found = await flows.rows.where(tenant, connection, id=target, published=True)
    elif kind is Destination.ROOM:
        room = await rooms.rows.get(tenant, connection, target)
        if room is not None and not room.pin:
            raise Invalid(
                "room_needs_pin", "A room with a number is open to the world.", "Give it a PIN first."
            )
        found = room
    if not found:
        raise NotFound("menu" if kind is Destination.FLOW else str(kind), target)
