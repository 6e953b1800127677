"""Extensions: who has which short number, and which are free."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from tongdai.api.access import Admin, Member
from tongdai.api.context import Ctx
from tongdai.api.destinations import Destination, DestinationKind, kind_of, show
from tongdai.api.paging import Cursor, Limit, Page, after, following
from tongdai.api.shapes import TENANT
from tongdai.tenants.extension import service as extensions
from tongdai.tenants.extension.store import rows

router = APIRouter(prefix=TENANT + "/extensions", tags=["Extensions and numbers"])


class Extension(BaseModel):
    """A short number of the company."""

    extension: str = Field(examples=["101"])
    leads_to: Destination


@router.get("", summary="Extensions")
async def list_extensions(
    scope: Member,
    ctx: Ctx,
    q: Annotated[str, Query(max_length=10, description="Only those with these digits in them.")] = "",
    kind: Annotated[DestinationKind | None, Query(description="Only those that lead to such.")] = None,
    sort: Annotated[Literal["extension", "-extension"], Query()] = "extension",
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[Extension]:
    """Every short number that is given away. They change where they belong: at the person, the room, …"""
    async with ctx.db.read() as connection:
        found = await rows.page(
            scope.tenant, connection, sort="extension", descending=sort == "-extension",
            after=after(cursor, 1), limit=limit + 1, contains=q,
            same={"kind": kind_of(kind)} if kind else None,
        )  # fmt: skip
        shown = found[:limit]
        led = await show(scope.tenant, connection, [(x.kind, x.target) for x in shown])
    items = [Extension(extension=x.extension, leads_to=to) for x, to in zip(shown, led, strict=True)]
    return Page(items=items, next=following(found, limit, lambda x: [x.extension]))


@router.get("/free", summary="Free extensions")
async def free_extensions(
    scope: Admin,
    ctx: Ctx,
    begin: Annotated[
        str,
        Query(
            alias="from", pattern="^[1-9][0-9]{1,5}$", description="Where to begin; as long as they shall be."
        ),
    ] = "100",
    limit: Annotated[int, Query(ge=1, le=100, description="How many at most.")] = 10,
) -> list[str]:
    """The first that can be given away: neither taken, nor a feature's, nor in the way of an emergency
    number."""
    async with ctx.db.read() as connection:
        return await extensions.free(scope.tenant, connection, begin, limit)
