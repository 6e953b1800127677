"""Departments and their members."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field
from sqlalchemy.ext.asyncio import AsyncConnection

from tongdai.api import etags, shapes
from tongdai.api.access import Admin, Member
from tongdai.api.context import Ctx
from tongdai.api.idempotency import Documented, Once
from tongdai.api.paging import Cursor, Limit, Page, after, following
from tongdai.api.problems import referring
from tongdai.api.shapes import TENANT, Body, Id
from tongdai.core.tenancy import TenantId
from tongdai.tenants.department import service as departments
from tongdai.tenants.department import store
from tongdai.tenants.department.model import Department as Stored
from tongdai.tenants.department.model import DepartmentKind
from tongdai.tenants.department.schema import DepartmentChanges as StoredChanges
from tongdai.tenants.department.schema import NewDepartment as NewStored
from tongdai.tenants.extension.model import Destination
from tongdai.tenants.extension.store import rows as extensions
from tongdai.tenants.person.store import rows as people

router = APIRouter(prefix=TENANT + "/departments", tags=["Departments"], route_class=Once)

_KIND = "`ring`: all members ring together. `queue`: callers wait for the next free member."


class DepartmentMember(BaseModel):
    """Somebody of a department."""

    id: str
    name: str = Field(examples=["Lan Nguyen"])


class Department(BaseModel):
    """People who are reached together."""

    id: str
    name: str = Field(examples=["Sales"])
    extension: str | None = Field(examples=["200"])
    kind: DepartmentKind = Field(description=_KIND)
    members: list[DepartmentMember] = Field(description="In the order in which they are tried.")


_Members = Annotated[
    list[Annotated[str, Field(max_length=64)]],
    Field(max_length=1000, description="Ids of people, in the order in which they are tried."),
]


class NewDepartment(Body):
    """A department to be made."""

    name: Annotated[str, Field(examples=["Sales"])]
    extension: Annotated[str, Field(description="2 to 6 digits.", examples=["210"])]
    kind: Annotated[DepartmentKind, Field(description=_KIND)] = DepartmentKind.RING
    members: _Members = Field(default_factory=list)


class DepartmentChanges(Body):
    """What is left out stays as it is."""

    name: str = ""
    extension: str = ""
    kind: DepartmentKind = DepartmentKind.RING
    members: _Members = Field(default_factory=list)


async def show(tenant: TenantId, connection: AsyncConnection, stored: Sequence[Stored]) -> list[Department]:
    ids = [x.id for x in stored]
    held = await extensions.where_in(tenant, connection, "target", ids)
    reached = {x.target: x.extension for x in held if x.kind == Destination.DEPARTMENT}
    staff = await store.members.where_in(tenant, connection, "department", ids)
    found = await people.where_in(tenant, connection, "id", sorted({x.person for x in staff}))
    names = {x.id: x.name for x in found}
    members: defaultdict[str, list[DepartmentMember]] = defaultdict(list)
    for member in sorted(staff, key=lambda x: x.position):
        members[member.department].append(DepartmentMember(id=member.person, name=names[member.person]))
    return [
        Department(
            id=x.id,
            name=x.name,
            extension=reached.get(x.id),
            kind=DepartmentKind(x.kind),
            members=members[x.id],
        )
        for x in stored
    ]


async def _get(tenant: TenantId, connection: AsyncConnection, department: str) -> Department:
    return (await show(tenant, connection, [await departments.get(tenant, connection, department)]))[0]


@router.get("", summary="Departments")
async def list_departments(
    scope: Member,
    ctx: Ctx,
    q: Annotated[str, Query(max_length=100, description="Only those in whose name this is.")] = "",
    kind: Annotated[DepartmentKind | None, Query(description="Only of this kind.")] = None,
    sort: Annotated[Literal["name", "-name"], Query()] = "name",
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[Department]:
    """By name, each with its members."""
    async with ctx.db.read() as connection:
        found = await store.rows.page(
            scope.tenant, connection, sort="name", descending=sort == "-name",
            after=after(cursor, 2), limit=limit + 1, contains=q, same={"kind": kind} if kind else None,
        )  # fmt: skip
        items = await show(scope.tenant, connection, found[:limit])
    return Page(items=items, next=following(found, limit, lambda x: [x.name, x.id]))


@router.post("", status_code=201, summary="Make a department")
async def create_department(
    scope: Admin, body: NewDepartment, response: Response, ctx: Ctx, idempotency_key: Documented = None
) -> Department:
    """Reachable by the extension when the answer comes."""
    new = NewStored(body.name, body.kind, body.extension, tuple(body.members))
    async with ctx.writer.change(scope.tenant, scope.who.actor, "department.create") as change:
        with referring("members"):
            stored = await departments.create(scope.tenant, change.connection, new)
        made = await _get(scope.tenant, change.connection, stored.id)
        change.tell(made.id, after=made.model_dump())
    return etags.sent(response, made, f"/api/v1/tenants/{scope.tenant}/departments/{made.id}")


@router.get("/{department}", summary="A department", response_model=Department)
async def read_department(
    department: Id, request: Request, response: Response, scope: Member, ctx: Ctx
) -> Department | Response:
    """Who is in it and how it is reached."""
    async with ctx.db.read() as connection:
        return etags.tagged(request, response, await _get(scope.tenant, connection, department))


@router.patch("/{department}", summary="Change a department")
async def change_department(
    department: Id,
    scope: Admin,
    body: DepartmentChanges,
    response: Response,
    ctx: Ctx,
    if_match: etags.IfMatch = None,
) -> Department:
    """`members` are replaced as a whole; who waits in a queue is offered to who joins it."""
    async with ctx.writer.change(scope.tenant, scope.who.actor, "department.change") as change:
        former = await _get(scope.tenant, change.connection, department)
        etags.check(if_match, former)
        wanted = shapes.changes(body, StoredChanges)
        with referring("members"):
            await departments.change(scope.tenant, change.connection, department, wanted)
        present = await _get(scope.tenant, change.connection, department)
        change.tell(department, before=former.model_dump(), after=present.model_dump())
    return etags.sent(response, present)


@router.delete("/{department}", status_code=204, summary="Delete a department")
async def delete_department(department: Id, scope: Admin, ctx: Ctx, if_match: etags.IfMatch = None) -> None:
    """Not its people. Refused while a number or a menu leads to it."""
    async with ctx.writer.change(scope.tenant, scope.who.actor, "department.delete") as change:
        former = await _get(scope.tenant, change.connection, department)
        etags.check(if_match, former)
        await departments.delete(scope.tenant, change.connection, department)
        change.tell(department, before=former.model_dump())
