"""The world outside as a tenant of its own, so that a browser can be a phone in it.

Its one person has a mobile number. Whoever dials that rings every page that shows the world outside; while
there is none, it echoes as every other outside number does. The tenant uses nothing but the product: see
docs/adr/0016-the-outside-world-is-a-tenant.md.
"""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncConnection

from tongdai.app.demo import companies as demo
from tongdai.app.demo.outside_phone import OutsidePhone, Reachable
from tongdai.app.demo.secrets import DemoSecrets
from tongdai.app.demo.seed import Seeded
from tongdai.core.tenancy import TenantId
from tongdai.db import Database
from tongdai.directory.flows import encode
from tongdai.flows import schema
from tongdai.tenants import credentials
from tongdai.tenants.device import service as devices
from tongdai.tenants.device import store as device_store
from tongdai.tenants.device.schema import NewDevice
from tongdai.tenants.extension.model import Destination
from tongdai.tenants.flow import service as flows
from tongdai.tenants.number import service as numbers
from tongdai.tenants.person import service as people
from tongdai.tenants.person.schema import NewPerson
from tongdai.tenants.tenant import service as tenants
from tongdai.tenants.tenant import store as tenant_store
from tongdai.tenants.tenant.schema import NewTenant, TenantChanges

_RING_SECONDS = 30.0


async def seed_outside(db: Database, secrets: DemoSecrets, seeded: Seeded) -> OutsidePhone:
    """Create it when it is missing."""
    password = secrets.passwords[demo.OUTSIDE]
    async with db.write() as connection:
        stored = await tenant_store.by_domain(demo.OUTSIDE_DOMAIN, connection)
        if stored is None:
            await _create(connection, password)
        else:
            await _keep_password(stored.id, connection, password)
    return OutsidePhone(
        name=demo.OUTSIDE_NAME,
        number=demo.OUTSIDE_NUMBER,
        username=demo.OUTSIDE,
        password=password,
        domain=demo.OUTSIDE_DOMAIN,
        companies=[
            Reachable(x.id, x.name, x.numbers["main"], x.numbers["conference"], x.conference_pin)
            for x in seeded.tenants
        ],
    )


async def remove_outside(db: Database) -> None:
    """Another carrier leads to another world."""
    async with db.write() as connection:
        stored = await tenant_store.by_domain(demo.OUTSIDE_DOMAIN, connection)
        if stored is not None:
            await tenants.delete(stored.id, connection)


async def _create(connection: AsyncConnection, password: str) -> None:
    new = NewTenant(demo.OUTSIDE_COMPANY, demo.OUTSIDE_DOMAIN)
    tenant = (await tenants.create(connection, new)).id
    person = await people.create(tenant, connection, NewPerson(name=demo.OUTSIDE_NAME))
    await devices.create(tenant, connection, NewDevice(person.id, demo.OUTSIDE, password))
    rings = schema.Dial((person.id,), seconds=_RING_SECONDS, unavailable="echo")
    nodes: dict[str, schema.Node] = {"ring": rings, "echo": schema.EchoTest()}
    graph = encode(schema.Flow("", "person", demo.OUTSIDE_NAME, "ring", nodes))
    flow = await flows.create(tenant, connection, graph)
    await numbers.assign(tenant, connection, demo.OUTSIDE_NUMBER, Destination.FLOW, flow.id)
    await tenants.change(tenant, connection, TenantChanges(main_number=demo.OUTSIDE_NUMBER))


async def _keep_password(tenant: TenantId, connection: AsyncConnection, password: str) -> None:
    """Loopback or not decides which one it is."""
    for device in await device_store.rows.where(tenant, connection, username=demo.OUTSIDE):
        if device.ha1_sha256 != credentials.device_hashes(device.username, password)["ha1_sha256"]:
            await devices.set_password(tenant, connection, device.id, password)
