"""The audit log."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field
from sqlalchemy.ext.asyncio import AsyncConnection

from tongdai.api.access import Admin, Provider
from tongdai.api.context import Context, Ctx
from tongdai.api.paging import Cursor, Limit, Page, after, following
from tongdai.api.shapes import TENANT, when
from tongdai.core.tenancy import TenantId
from tongdai.tenants.audit import service as audit
from tongdai.tenants.changes import PROVIDER
from tongdai.tenants.department.store import rows as departments
from tongdai.tenants.device.store import rows as devices
from tongdai.tenants.person.store import rows as people
from tongdai.tenants.prompt.store import rows as prompts
from tongdai.tenants.room.store import rows as rooms
from tongdai.tenants.rows import TenantRows

router = APIRouter(prefix=TENANT, tags=["Audit log"])
provider_router = APIRouter(prefix="/api/v1", tags=["Audit log"])


class Entry(BaseModel):
    """A change, and who made it."""

    id: str
    at: datetime
    actor: str
    actor_name: str
    address: str
    action: str = Field(examples=["person.change"])
    target: str
    target_name: str = Field(
        description="What the target is called now; empty for what is gone or has no name."
    )
    changes: dict[str, Any]


class Wanted(BaseModel):
    """Which changes."""

    action: str
    target: str
    actor: str


def _wanted(
    action: Annotated[str, Query(max_length=50, description="Beginning of the action.")] = "",
    target: Annotated[str, Query(max_length=64)] = "",
    actor: Annotated[str, Query(max_length=64)] = "",
) -> Wanted:
    return Wanted(action=action, target=target, actor=actor)


Filters = Annotated[Wanted, Depends(_wanted)]


@router.get("/audit", summary="Audit log")
async def audit_log(
    scope: Admin, wanted: Filters, ctx: Ctx, limit: Limit = 50, cursor: Cursor = None
) -> Page[Entry]:
    """Every change in this tenant, the newest first."""
    return await _page(scope.tenant, ctx, wanted, limit, cursor)


@provider_router.get("/audit", summary="The provider's audit log")
async def provider_audit_log(
    _: Provider, wanted: Filters, ctx: Ctx, limit: Limit = 50, cursor: Cursor = None
) -> Page[Entry]:
    """Every change of what is no tenant's: trunks, and which tenants there are. The newest first."""
    return await _page(PROVIDER, ctx, wanted, limit, cursor)


async def _page(
    tenant: TenantId, ctx: Context, wanted: Wanted, limit: int, cursor: str | None
) -> Page[Entry]:
    begin = after(cursor, 1)
    async with ctx.db.read() as connection:
        found = await audit.page(
            tenant, connection, before=begin[0] if begin else "", limit=limit + 1,
            action=wanted.action, target=wanted.target, actor=wanted.actor,
        )  # fmt: skip
        names = await _names(tenant, connection, [x.target for x in found[:limit]])
    items = [
        Entry(
            id=x.id,
            at=when(x.at),
            actor=x.actor,
            actor_name=x.actor_name,
            address=x.address,
            action=x.action,
            target=x.target,
            target_name=names.get(x.target, ""),
            changes=x.changes,
        )
        for x in found[:limit]
    ]
    return Page(items=items, next=following(found, limit, lambda x: [x.id]))


_NAMED: tuple[TenantRows[Any], ...] = (people, departments, rooms, prompts)


async def _names(tenant: TenantId, connection: AsyncConnection, targets: Sequence[str]) -> dict[str, str]:
    """What these are called, by their ids."""
    ids = sorted(set(targets))
    found = {x.id: x.name for rows in _NAMED for x in await rows.where_in(tenant, connection, "id", ids)}
    found |= {x.id: x.username for x in await devices.where_in(tenant, connection, "id", ids)}
    return found
