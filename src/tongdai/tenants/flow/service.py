"""Flows' rules: versions are added, never changed; publishing an older one is the undo."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from tongdai.core.ids import new_id
from tongdai.core.tenancy import TenantId
from tongdai.tenants.errors import Invalid, NotFound
from tongdai.tenants.extension import service as extensions
from tongdai.tenants.extension.model import Destination
from tongdai.tenants.flow import store
from tongdai.tenants.flow.model import FlowVersion
from tongdai.tenants.number import service as numbers

_LEADS = ("flow", "people", "department", "room", "mailbox", "extension", "operator")
"""Fields of a flow that name what it leads to: by id (behind a colon in `flow`), or by extension."""


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
    """Delete a flow with every version. Refused while a number leads to it."""
    await versions(tenant, connection, flow)
    await numbers.refuse_if_led_to(tenant, connection, Destination.FLOW, flow)
    await extensions.release(tenant, connection, Destination.FLOW, flow)
    await store.rows.delete_where(tenant, connection, id=flow)


async def refuse_if_led_to(
    tenant: TenantId, connection: AsyncConnection, kind: Destination, target: str
) -> None:
    """Raise `Invalid`, which names them, while published flows lead there: their callers would be cut off."""
    names = {target, *await extensions.of(tenant, connection, kind, target)}
    versions = await store.rows.where(tenant, connection, published=True)
    led = sorted(way for x in versions if (way := _way(msgspec.json.decode(x.graph), names)))
    if led:
        raise Invalid(
            "menu_leads_there",
            f"Menus that lead to this {kind}, and by which key: {', '.join(led)}.",
            "Let the keys lead elsewhere first.",
            places=led,
        )


def _way(graph: dict[str, Any], names: set[str]) -> str:
    """`Main menu (1, 3)` where these keys of a flow lead to any of `names`; without keys when something else
    in it does; empty when nothing does."""
    nodes: dict[str, dict[str, Any]] = graph.get("nodes", {})
    there = {name for name, node in nodes.items() if not names.isdisjoint(_led_to(node))}
    keys = [key for node in nodes.values() for key, to in node.get("options", {}).items() if to in there]
    if not there:
        return ""
    return f"{graph['label']} ({', '.join(keys)})" if keys else str(graph["label"])


def _led_to(part: Any) -> Iterator[str]:
    if isinstance(part, list):
        for item in part:
            yield from _led_to(item)
    elif isinstance(part, dict):
        for name, value in part.items():
            if name in _LEADS:
                yield from value if isinstance(value, list) else [str(value).rpartition(":")[2]]
            else:
                yield from _led_to(value)
