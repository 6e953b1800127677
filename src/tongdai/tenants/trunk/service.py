"""Trunks' rules. A trunk is the provider's and serves any tenant it is opened to."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from msgspec import UNSET
from sqlalchemy.ext.asyncio import AsyncConnection

from tongdai.core.ids import new_id
from tongdai.core.tenancy import TenantId
from tongdai.tenants.errors import Invalid, NotFound, Taken
from tongdai.tenants.tenant import service as tenants
from tongdai.tenants.trunk import store
from tongdai.tenants.trunk.model import Gateway, Trunk
from tongdai.tenants.trunk.schema import NewTrunk, TrunkChanges, check_encryption


async def create(connection: AsyncConnection, new: NewTrunk) -> Trunk:
    new.check()
    await _refuse_taken(connection, "", new.name, new.gateways)
    trunk = Trunk(new_id("trunk"), new.name, new.number_format, new.country, new.gateways, new.settings)
    await store.insert_one(connection, trunk)
    return trunk


async def get(connection: AsyncConnection, trunk: str) -> Trunk:
    """By id or name. Raises `NotFound`."""
    for item in await store.all_trunks(connection):
        if trunk in (item.id, item.name):
            return item
    raise NotFound("trunk", trunk)


async def change(connection: AsyncConnection, trunk: str, changes: TrunkChanges) -> Trunk:
    """Change what is given of the trunk with this id."""
    changes.check()
    present = await get(connection, trunk)
    wanted = {
        name: value for name in changes.__struct_fields__ if (value := getattr(changes, name)) is not UNSET
    }
    changed = msgspec.structs.replace(present, **wanted)
    check_encryption(changed.settings, changed.gateways)
    await _refuse_taken(connection, present.id, changed.name, changed.gateways)
    await store.replace_one(connection, changed)
    return changed


async def move(connection: AsyncConnection, trunk: str, host: str, port: int) -> None:
    """The carrier's only peer has another address."""
    await change(connection, trunk, TrunkChanges(gateways=(Gateway(host, port),)))


async def remove(connection: AsyncConnection, trunk: str) -> None:
    """Refused while a tenant's calls go through it."""
    present = await get(connection, trunk)
    using = await store.users(connection, present.id)
    if using:
        raise Invalid(
            "trunk_in_use",
            f"{present.name} carries the calls of {len(using)} tenant(s).",
            "Take it from them first: tongdai trunk open DOMAIN with the trunks they keep.",
        )
    await store.delete_one(connection, present.id)


async def open_to(tenant: TenantId, connection: AsyncConnection, trunks: Sequence[str]) -> None:
    """The trunks that a tenant's outside calls use, the first that takes a call in this order."""
    await tenants.get(tenant, connection)
    known = {item.id for item in await store.all_trunks(connection)}
    for trunk in trunks:
        if trunk not in known:
            raise NotFound("trunk", trunk)
    await store.replace_uses(tenant, connection, trunks)


async def _refuse_taken(
    connection: AsyncConnection, trunk: str, name: str, gateways: Sequence[Gateway]
) -> None:
    """A call in belongs to the one trunk whose address it comes from."""
    wanted = {gateway.address for gateway in gateways}
    for other in await store.all_trunks(connection):
        if other.id == trunk:
            continue
        if other.name == name:
            raise Taken("name_taken", f"There is a trunk {name} already.", "Give another name.")
        for host, port in wanted & {gateway.address for gateway in other.gateways}:
            raise Taken("address_taken", f"{host}:{port} is the trunk {other.name}.", "Give another address.")
