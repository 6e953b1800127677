"""Where published flows lead: what may not go away while callers are led there."""

from __future__ import annotations

from collections.abc import Iterator, Set
from typing import Any

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from tongdai.core.tenancy import TenantId
from tongdai.tenants.errors import Invalid
from tongdai.tenants.flow import store

_LEADS = ("flow", "people", "department", "room", "mailbox", "extension", "operator")
"""Fields of a flow that name what it leads to: by id (behind a colon in `flow`), or by extension."""


async def refuse_if_led_to(
    tenant: TenantId, connection: AsyncConnection, what: str, names: Set[str], *, but: str = ""
) -> None:
    """Raise `Invalid`, which names them, while published flows lead to any of these ids and extensions, the
    flow `but` aside: their callers would be cut off. `what` that is, as it is said."""
    versions = await store.rows.where(tenant, connection, published=True)
    led = sorted(way for x in versions if x.id != but and (way := _way(msgspec.json.decode(x.graph), names)))
    if led:
        raise Invalid(
            "menu_leads_there",
            f"Menus that lead to this {what}, and by which key: {', '.join(led)}.",
            "Let the keys lead elsewhere first.",
            places=led,
        )


def _way(graph: dict[str, Any], names: Set[str]) -> str:
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
