"""Flows' rules: versions are added, never changed; publishing an older one is the undo."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncConnection

from tongdai.core.ids import new_id
from tongdai.core.tenancy import TenantId
from tongdai.tenants.errors import NotFound
from tongdai.tenants.extension import service as extensions
from tongdai.tenants.extension.model import Destination
from tongdai.tenants.flow import leads, store
from tongdai.tenants.flow.model import FlowVersion
from tongdai.tenants.number import service as numbers


async def create(
    tenant: TenantId, connection: AsyncConnection, graph: bytes, extension: str = ""
) -> FlowVersion:
    """A new flow with its first version published, reached by an extension if one is given."""
    first = FlowVersion(new_id("flow"), 1, graph, published=True)
    if extension:
        await extensions.assign(tenant, connection, extension, Destination.FLOW, first.id)
    await store.rows.insert(tenant, connection, [first])
    return first


async def versions(tenant: TenantId, connection: AsyncConnection, flow: str) -> list[FlowVersion]:
    """All versions, oldest first."""
    found = await store.rows.where(tenant, connection, id=flow)
    if not found:
        raise NotFound("flow", flow)
    return found


async def add(tenant: TenantId, connection: AsyncConnection, flow: str, graph: bytes) -> FlowVersion:
    """A further version, not yet published."""
    newest = (await versions(tenant, connection, flow))[-1]
    version = FlowVersion(flow, newest.version + 1, graph, published=False)
    await store.rows.insert(tenant, connection, [version])
    return version


async def publish(tenant: TenantId, connection: AsyncConnection, flow: str, version: int) -> None:
    """New calls enter this version; calls in progress stay on theirs."""
    if await store.rows.get(tenant, connection, flow, version) is None:
        raise NotFound("flow", f"{flow} version {version}")
    await store.unpublish(tenant, connection, flow)
    await store.rows.update(tenant, connection, flow, version, published=True)


async def published(tenant: TenantId, connection: AsyncConnection, flow: str) -> FlowVersion:
    """The version that new calls enter. Raises `NotFound`."""
    for version in await store.rows.where(tenant, connection, id=flow, published=True):
        return version
    raise NotFound("flow", flow)


async def delete(tenant: TenantId, connection: AsyncConnection, flow: str) -> None:
    """Delete a flow with every version. Refused while a number or another flow leads to it."""
    await versions(tenant, connection, flow)
    await numbers.refuse_if_led_to(tenant, connection, Destination.FLOW, flow)
    await extensions.retire(tenant, connection, Destination.FLOW, flow)
    await store.rows.delete_where(tenant, connection, id=flow)


async def refuse_if_led_to(
    tenant: TenantId, connection: AsyncConnection, kind: Destination, target: str
) -> None:
    """See `leads.refuse_if_led_to`: by id, or by the extension that it has."""
    names = {target, *await extensions.of(tenant, connection, kind, target)}
    await leads.refuse_if_led_to(tenant, connection, kind, names)
