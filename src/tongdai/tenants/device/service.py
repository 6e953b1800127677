"""Devices' rules."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncConnection

from tongdai.core.ids import new_id
from tongdai.core.tenancy import TenantId
from tongdai.tenants.checks import check_password
from tongdai.tenants.credentials import device_hashes
from tongdai.tenants.device.model import Device
from tongdai.tenants.device.schema import NewDevice
from tongdai.tenants.device.store import delete_signed_out, rows, username_in_use
from tongdai.tenants.errors import NotFound, Taken
from tongdai.tenants.person import service as people


async def create(tenant: TenantId, connection: AsyncConnection, new: NewDevice) -> Device:
    new.check()
    await people.get(tenant, connection, new.person)
    if await username_in_use(connection, new.username):
        raise Taken("username_taken", f"The user name {new.username} is in use.", "Choose another one.")
    hashes = device_hashes(new.username, new.password)
    device = Device(new_id("device"), new.person, new.username, **hashes, login=new.login)
    await rows.insert(tenant, connection, [device])
    return device


async def get(tenant: TenantId, connection: AsyncConnection, device: str) -> Device:
    found = await rows.get(tenant, connection, device)
    if found is None:
        raise NotFound("device", device)
    return found


async def set_password(tenant: TenantId, connection: AsyncConnection, device: str, password: str) -> None:
    check_password(password)
    found = await get(tenant, connection, device)
    await rows.update(tenant, connection, device, **device_hashes(found.username, password))


async def delete(tenant: TenantId, connection: AsyncConnection, device: str) -> None:
    if not await rows.delete(tenant, connection, device):
        raise NotFound("device", device)


async def browser(tenant: TenantId, connection: AsyncConnection, login: str) -> Device | None:
    """The phone in the browser of this session, if it was asked for."""
    found = await rows.where(tenant, connection, login=login)
    return found[0] if found else None


async def forget_browsers(tenant: TenantId, connection: AsyncConnection) -> None:
    """Delete the browsers' phones whose sessions have ended: whoever ends one asks for this."""
    await delete_signed_out(tenant, connection)
