"""Conference rooms."""

from __future__ import annotations

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
from tongdai.api.shapes import TENANT, Body, Id
from tongdai.core.tenancy import TenantId
from tongdai.tenants.extension.model import Destination
from tongdai.tenants.extension.store import rows as extensions
from tongdai.tenants.number.store import rows as numbers
from tongdai.tenants.room import service as rooms
from tongdai.tenants.room.model import Room as Stored
from tongdai.tenants.room.schema import NewRoom as NewStored
from tongdai.tenants.room.schema import RoomChanges as StoredChanges
from tongdai.tenants.room.store import rows

router = APIRouter(prefix=TENANT + "/rooms", tags=["Rooms"], route_class=Once)


class Room(BaseModel):
    """A conference room."""

    id: str
    name: str = Field(examples=["Conference"])
    extension: str | None = Field(description="People of the company dial it and are in.", examples=["600"])
    pin: str | None = Field(
        description="What who calls from outside is asked for; null: nobody from outside gets in.",
        examples=["2468"],
    )
    tones: bool = Field(description="Its members hear a tone when somebody comes or goes.")
    numbers: list[str] = Field(description="Numbers that lead to it.", examples=[["+842871234560"]])


_PIN = "4 to 10 digits; null: nobody from outside gets in."


class NewRoom(Body):
    """A room to be made."""

    name: Annotated[str, Field(examples=["Conference"])]
    extension: Annotated[str, Field(description="2 to 6 digits.", examples=["601"])]
    pin: Annotated[str | None, Field(description=_PIN, examples=["2468"])] = None
    tones: Annotated[bool, Field(description="A tone when somebody comes or goes.")] = True


class RoomChanges(Body):
    """What is left out stays as it is."""

    name: str = ""
    extension: str = ""
    pin: Annotated[str | None, Field(description=_PIN)] = None
    tones: bool = True


async def show(tenant: TenantId, connection: AsyncConnection, stored: Sequence[Stored]) -> list[Room]:
    ids = [x.id for x in stored]
    held = await extensions.where_in(tenant, connection, "target", ids)
    reached = {x.target: x.extension for x in held if x.kind == Destination.ROOM}
    led = await numbers.where_in(tenant, connection, "target", ids)
    return [
        Room(
            id=x.id,
            name=x.name,
            extension=reached.get(x.id),
            pin=x.pin or None,
            tones=x.tones,
            numbers=[n.number for n in led if (n.kind, n.target) == (Destination.ROOM, x.id)],
        )
        for x in stored
    ]


async def _get(tenant: TenantId, connection: AsyncConnection, room: str) -> Room:
    return (await show(tenant, connection, [await rooms.get(tenant, connection, room)]))[0]


@router.get("", summary="Rooms")
async def list_rooms(
    scope: Member,
    ctx: Ctx,
    q: Annotated[str, Query(max_length=100, description="Only those in whose name this is.")] = "",
    sort: Annotated[Literal["name", "-name"], Query()] = "name",
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[Room]:
    """By name. Everybody of the company sees the PIN: it goes into invitations."""
    async with ctx.db.read() as connection:
        found = await rows.page(
            scope.tenant, connection, sort="name", descending=sort == "-name",
            after=after(cursor, 2), limit=limit + 1, contains=q,
        )  # fmt: skip
        items = await show(scope.tenant, connection, found[:limit])
    return Page(items=items, next=following(found, limit, lambda x: [x.name, x.id]))


@router.post("", status_code=201, summary="Make a room")
async def create_room(
    scope: Admin, body: NewRoom, response: Response, ctx: Ctx, idempotency_key: Documented = None
) -> Room:
    """Open when the answer comes."""
    new = NewStored(body.name, body.extension, body.pin or "", body.tones)
    async with ctx.writer.change(scope.tenant, scope.who.actor, "room.create") as change:
        stored = await rooms.create(scope.tenant, change.connection, new)
        made = await _get(scope.tenant, change.connection, stored.id)
        change.tell(made.id, after=made.model_dump())
    return etags.sent(response, made, f"/api/v1/tenants/{scope.tenant}/rooms/{made.id}")


@router.get("/{room}", summary="A room", response_model=Room)
async def read_room(
    room: Id, request: Request, response: Response, scope: Member, ctx: Ctx
) -> Room | Response:
    """How one gets in."""
    async with ctx.db.read() as connection:
        return etags.tagged(request, response, await _get(scope.tenant, connection, room))


@router.patch("/{room}", summary="Change a room")
async def change_room(
    room: Id,
    scope: Admin,
    body: RoomChanges,
    response: Response,
    ctx: Ctx,
    if_match: etags.IfMatch = None,
) -> Room:
    """A room that a number leads to keeps a PIN."""
    more = {"pin": body.pin or ""} if "pin" in body.model_fields_set else {}
    async with ctx.writer.change(scope.tenant, scope.who.actor, "room.change") as change:
        former = await _get(scope.tenant, change.connection, room)
        etags.check(if_match, former)
        wanted = shapes.changes(body, StoredChanges, **more)
        await rooms.change(scope.tenant, change.connection, room, wanted)
        present = await _get(scope.tenant, change.connection, room)
        change.tell(room, before=former.model_dump(), after=present.model_dump())
    return etags.sent(response, present)


@router.delete("/{room}", status_code=204, summary="Delete a room")
async def delete_room(room: Id, scope: Admin, ctx: Ctx, if_match: etags.IfMatch = None) -> None:
    """Refused while a number or a menu leads to it."""
    async with ctx.writer.change(scope.tenant, scope.who.actor, "room.delete") as change:
        former = await _get(scope.tenant, change.connection, room)
        etags.check(if_match, former)
        await rooms.delete(scope.tenant, change.connection, room)
        change.tell(room, before=former.model_dump())
