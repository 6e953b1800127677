"""The audit log."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from tongdai.api.access import Admin
from tongdai.api.context import Ctx
from tongdai.api.paging import Cursor, Limit, Page, after, following
from tongdai.api.shapes import TENANT, when
from tongdai.tenants.audit import service as audit

router = APIRouter(prefix=TENANT, tags=["Audit log"])


class Entry(BaseModel):
    """A change, and who made it."""

    id: str
    at: datetime
    actor: str
    actor_name: str
    address: str
    action: str = Field(examples=["person.change"])
    target: str
    changes: dict[str, Any]


@router.get("/audit", summary="Audit log")
async def audit_log(
    scope: Admin,
    ctx: Ctx,
    action: Annotated[str, Query(max_length=50, description="Beginning of the action.")] = "",
    target: Annotated[str, Query(max_length=64)] = "",
    actor: Annotated[str, Query(max_length=64)] = "",
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[Entry]:
    """Every change, the newest first."""
    begin = after(cursor, 1)
    async with ctx.db.read() as connection:
        found = await audit.page(
            scope.tenant, connection, before=begin[0] if begin else "", limit=limit + 1,
            action=action, target=target, actor=actor,
        )  # fmt: skip
    items = [
        Entry(
            id=x.id,
            at=when(x.at),
            actor=x.actor,
            actor_name=x.actor_name,
            address=x.address,
            action=x.action,
            target=x.target,
            changes=x.changes,
        )
        for x in found[:limit]
    ]
    return Page(items=items, next=following(found, limit, lambda x: [x.id]))
