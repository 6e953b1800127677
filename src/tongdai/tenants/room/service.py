"""Rooms' rules."""

from __future__ import annotations

from msgspec import UNSET
from sqlalchemy.ext.asyncio import AsyncConnection

from tongdai.core.ids import new_id
from tongdai.core.tenancy import TenantId
from tongdai.tenants.checks import check_pin
from tongdai.tenants.errors import NotFound
from tongdai.tenants.extension import service as extensions
from tongdai.tenants.extension.model import Destination
from tongdai.tenants.flow import service as flows
from tongdai.tenants.number import service as numbers
from tongdai.tenants.room.model import Room
from tongdai.tenants.room.schema import NewRoom, RoomChanges
from tongdai.tenants.room.store import rows


async def create(tenant: TenantId, connection: AsyncConnection, new: NewRoom) -> Room:
    new.check()
    room = Room(new_id("room"), new.name, new.pin, new.tones)
    await extensions.assign(tenant, connection, new.extension, Destination.ROOM, room.id)
    await rows.insert(tenant, connection, [room])
    return room


async def get(tenant: TenantId, connection: AsyncConnection, room: str) -> Room:
    found = await rows.get(tenant, connection, room)
    if found is None:
        raise NotFound("room", room)
    return found


async def change(tenant: TenantId, connection: AsyncConnection, room: str, changes: RoomChanges) -> Room:
    changes.check()
    await get(tenant, connection, room)
    if changes.name is not UNSET:
        await rows.update(tenant, connection, room, name=changes.name)
    if changes.extension is not UNSET:
        await extensions.assign(tenant, connection, changes.extension, Destination.ROOM, room)
    if changes.tones is not UNSET:
        await rows.update(tenant, connection, room, tones=changes.tones)
    if changes.pin is not UNSET:
        await set_pin(tenant, connection, room, changes.pin)
    return await get(tenant, connection, room)


async def set_pin(tenant: TenantId, connection: AsyncConnection, room: str, pin: str) -> None:
    """Change the PIN, or take it away (empty), which a room that outsiders are led to refuses."""
    if pin:
        check_pin(pin)
    else:
        await numbers.refuse_if_led_to(tenant, connection, Destination.ROOM, room)
        await flows.refuse_if_led_to(tenant, connection, Destination.ROOM, room)
    if not await rows.update(tenant, connection, room, pin=pin):
        raise NotFound("room", room)


async def delete(tenant: TenantId, connection: AsyncConnection, room: str) -> None:
    await get(tenant, connection, room)
    await numbers.refuse_if_led_to(tenant, connection, Destination.ROOM, room)
    await extensions.retire(tenant, connection, Destination.ROOM, room)
    await rows.delete(tenant, connection, room)
