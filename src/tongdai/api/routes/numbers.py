"""Numbers (DID), and where they lead."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel, Field
from sqlalchemy.ext.asyncio import AsyncConnection

from tongdai.api import etags
from tongdai.api.access import Admin, Member, Owner
from tongdai.api.context import Ctx
from tongdai.api.destinations import Destination, kind_of, show
from tongdai.api.idempotency import Documented, Once
from tongdai.api.paging import Cursor, Limit, Page, after, following
from tongdai.api.problems import referring
from tongdai.api.shapes import TENANT, Body
from tongdai.core.tenancy import TenantId
from tongdai.tenants.number import service as numbers
from tongdai.tenants.number.model import Number as Stored
from tongdai.tenants.number.store import rows
from tongdai.tenants.tenant import service as tenants

router = APIRouter(prefix=TENANT + "/numbers", tags=["Extensions and numbers"], route_class=Once)

Which = Annotated[str, Path(pattern=r"^\+[0-9]{3,20}$", description="The number, with its +.")]


class Number(BaseModel):
    """A telephone number of the company."""

    number: str = Field(description="E.164.", examples=["+842871234500"])
    main: bool = Field(description="Whether it is the one that the outside sees calling.")
    leads_to: Destination


class Target(Body):
    """Where a number shall lead."""

    kind: Literal["person", "department", "room", "menu"]
    id: Annotated[str, Field(max_length=64, description="Of the person, department, room or menu.")]


class NewNumber(Body):
    """A number that is given to the tenant."""

    number: Annotated[str, Field(description="E.164.", examples=["+842871234599"])]
    leads_to: Target


class NumberChanges(Body):
    """Where it shall lead from now on."""

    leads_to: Target


async def _show(tenant: TenantId, connection: AsyncConnection, stored: Sequence[Stored]) -> list[Number]:
    main = (await tenants.get(tenant, connection)).main_number
    led = await show(tenant, connection, [(x.kind, x.target) for x in stored])
    return [
        Number(number=x.number, main=x.number == main, leads_to=to) for x, to in zip(stored, led, strict=True)
    ]


async def _get(tenant: TenantId, connection: AsyncConnection, number: str) -> Number:
    return (await _show(tenant, connection, [await numbers.get(tenant, connection, number)]))[0]


@router.get("", summary="Numbers")
async def list_numbers(
    scope: Member,
    ctx: Ctx,
    q: Annotated[str, Query(max_length=20, description="Only those with these digits in them.")] = "",
    kind: Annotated[
        Literal["person", "department", "room", "menu"] | None,
        Query(description="Only those that lead to such."),
    ] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[Number]:
    """In order, and what who calls them reaches."""
    async with ctx.db.read() as connection:
        found = await rows.page(
            scope.tenant, connection, sort="number", after=after(cursor, 1), limit=limit + 1, contains=q,
            same={"kind": kind_of(kind)} if kind else None,
        )  # fmt: skip
        items = await _show(scope.tenant, connection, found[:limit])
    return Page(items=items, next=following(found, limit, lambda x: [x.number]))


@router.post("", status_code=201, summary="Give a tenant a number")
async def create_number(
    scope: Owner, body: NewNumber, response: Response, ctx: Ctx, idempotency_key: Documented = None
) -> Number:
    """For the provider. Calls to it are answered when the answer comes."""
    async with ctx.writer.change(scope.tenant, scope.who.actor, "number.create") as change:
        kind = kind_of(body.leads_to.kind)
        with referring("leads_to"):
            await numbers.assign(scope.tenant, change.connection, body.number, kind, body.leads_to.id)
        made = await _get(scope.tenant, change.connection, body.number)
        change.tell(made.number, after=made.model_dump())
    return etags.sent(response, made, f"/api/v1/tenants/{scope.tenant}/numbers/{made.number}")


@router.get("/{number}", summary="A number", response_model=Number)
async def read_number(
    number: Which, request: Request, response: Response, scope: Member, ctx: Ctx
) -> Number | Response:
    """Where it leads."""
    async with ctx.db.read() as connection:
        return etags.tagged(request, response, await _get(scope.tenant, connection, number))


@router.patch("/{number}", summary="Let a number lead elsewhere")
async def change_number(
    number: Which,
    scope: Admin,
    body: NumberChanges,
    response: Response,
    ctx: Ctx,
    if_match: etags.IfMatch = None,
) -> Number:
    """From the next call on. A room needs a PIN for that."""
    async with ctx.writer.change(scope.tenant, scope.who.actor, "number.change") as change:
        former = await _get(scope.tenant, change.connection, number)
        etags.check(if_match, former)
        kind = kind_of(body.leads_to.kind)
        with referring("leads_to"):
            await numbers.lead_to(scope.tenant, change.connection, number, kind, body.leads_to.id)
        present = await _get(scope.tenant, change.connection, number)
        change.tell(number, before=former.model_dump(), after=present.model_dump())
    return etags.sent(response, present)


@router.delete("/{number}", status_code=204, summary="Take a number from a tenant")
async def delete_number(number: Which, scope: Owner, ctx: Ctx, if_match: etags.IfMatch = None) -> None:
    """For the provider. The main number stays."""
    async with ctx.writer.change(scope.tenant, scope.who.actor, "number.delete") as change:
        former = await _get(scope.tenant, change.connection, number)
        etags.check(if_match, former)
        await numbers.release(scope.tenant, change.connection, number)
        change.tell(number, before=former.model_dump())
