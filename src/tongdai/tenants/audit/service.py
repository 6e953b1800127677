"""The audit log's rules: what is written stays, and secrets stay out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from tongdai.core.ids import new_id
from tongdai.core.redact import REDACTED, is_secret_name
from tongdai.core.tenancy import TenantId
from tongdai.tenants.audit import store
from tongdai.tenants.audit.model import Entry
from tongdai.tenants.changes import PROVIDER

COMMAND_LINE = "command line"


class Actor(msgspec.Struct, frozen=True):
    """Who does something, and from which address."""

    id: str
    name: str
    address: str = ""


class Change:
    """A change in the making, of a tenant or (`PROVIDER`) of the provider's own. What is told of it goes into
    the audit log."""

    def __init__(self, connection: AsyncConnection, tenant: TenantId = PROVIDER) -> None:
        self.connection = connection
        self.tenant = tenant
        self.target = ""
        self.before: Mapping[str, Any] | None = None
        self.after: Mapping[str, Any] | None = None

    def tell(
        self,
        target: str,
        *,
        before: Mapping[str, Any] | None = None,
        after: Mapping[str, Any] | None = None,
    ) -> None:
        """What it is about, and how that was and is."""
        self.target, self.before, self.after = target, before, after


async def record(change: Change, actor: Actor, action: str, *, now: float) -> None:
    """Its entry, in its transaction."""
    await write(
        change.tenant, change.connection, actor, action, change.target,
        now=now, before=change.before, after=change.after,
    )  # fmt: skip


async def write(
    tenant: TenantId,
    connection: AsyncConnection,
    actor: Actor,
    action: str,
    target: str,
    *,
    now: float,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> None:
    """In the transaction of the change itself: there is no change without its entry."""
    entry = Entry(
        new_id("audit", now), now, actor.id, actor.name, actor.address, action, target,
        differences(before or {}, after or {}),
    )  # fmt: skip
    await store.insert_one(tenant, connection, entry)


async def page(
    tenant: TenantId,
    connection: AsyncConnection,
    *,
    before: str = "",
    limit: int = 50,
    action: str = "",
    target: str = "",
    actor: str = "",
) -> list[Entry]:
    """The newest first, beginning behind the entry `before`; `action` is the beginning of one."""
    return await store.page(
        tenant, connection, before=before, limit=limit, action=action, target=target, actor=actor
    )


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """What is not the same: `{"name": {"from": "Lan", "to": "Lan Nguyen"}}`."""
    changed = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    return {
        name: {"from": _shown(name, before.get(name)), "to": _shown(name, after.get(name))}
        for name in changed
    }


def _shown(name: str, value: Any) -> Any:
    return REDACTED if is_secret_name(name) and value not in (None, "") else value
