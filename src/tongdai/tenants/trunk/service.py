"""Trunks' rules. A trunk is the provider's and serves any tenant it is opened to."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncConnection

from tongdai.core.ids import new_id
from tongdai.core.tenancy import TenantId
from tongdai.tenants.errors import NotFound, Taken
from tongdai.tenants.tenant import service as tenants
from tongdai.tenants.trunk import store
from tongdai.tenants.trunk.model import Trunk
from tongdai.tenants.trunk.schema import NewTrunk, check_address


async def create(connection: AsyncConnection, new: NewTrunk) -> Trunk:
    new.check()
    await _refuse_taken(connection, "", new.host, new.port)
    trunk = Trunk(new_id("trunk"), new.name, new.host, new.port, new.number_format, new.country)
    await store.insert_one(connection, trunk)
    return trunk


async def move(connection: AsyncConnection, trunk: str, host: str, port: int) -> None:
    """The carrier's peer has another address."""
    check_address(host, port)
    if trunk not in {item.id for item in await store.all_trunks(connection)}:
        raise NotFound("trunk", trunk)
    await _refuse_taken(connection, trunk, host, port)
    await store.move(connection, trunk, host, port)


async def open_to(tenant: TenantId, connection: AsyncConnection, trunks: Sequence[str]) -> None:
    """The trunks that a tenant's outside calls use, the first that takes a call in this order."""
    await tenants.get(tenant, connection)
    known = {item.id for item in await store.all_trunks(connection)}
    for trunk in trunks:
        if trunk not in known:
            raise NotFound("trunk", trunk)
    await store.replace_uses(tenant, connection, trunks)


async def _refuse_taken(connection: AsyncConnection, trunk: str, host: str, port: int) -> None:
    for other in await store.all_trunks(connection):
        if (other.host, other.port) == (host, port) and other.id != trunk:
            raise Taken("address_taken", f"{host}:{port} is the trunk {other.name}.", "Give another address.")
