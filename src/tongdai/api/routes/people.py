"""People."""

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
from tongdai.api.rpc import messages as m
from tongdai.api.shapes import TENANT, Body, Id
from tongdai.core.tenancy import TenantId
from tongdai.tenants.checks import check_pin
from tongdai.tenants.device import service as devices
from tongdai.tenants.extension.model import Destination
from tongdai.tenants.extension.store import rows as extensions
from tongdai.tenants.login import service as logins
from tongdai.tenants.person import service as people
from tongdai.tenants.person.model import Person as Stored
from tongdai.tenants.person.schema import NewPerson as NewStored
from tongdai.tenants.person.schema import PersonChanges as StoredChanges
from tongdai.tenants.person.store import rows

router = APIRouter(prefix=TENANT + "/people", tags=["People"], route_class=Once)

PersonRole = Literal["administrator", "employee"]


class Person(BaseModel):
    """Somebody of the company."""

    id: str
    name: str = Field(examples=["Lan Nguyen"])
    extension: str | None = Field(description="The short number that reaches them.", examples=["101"])
    email: str | None = Field(description="What they sign in with.", examples=["lan@anphat.demo"])
    role: PersonRole
    can_sign_in: bool = Field(description="Whether they have an e-mail address and a password.")


class NewPerson(Body):
    """Somebody to be added. Without an extension they cannot be called, without a password not sign in."""

    name: Annotated[str, Field(examples=["Lan Nguyen"])]
    extension: Annotated[str | None, Field(description="2 to 6 digits.", examples=["107"])] = None
    email: Annotated[str | None, Field(examples=["lan@example.com"])] = None
    password: Annotated[str | None, Field(max_length=1000, description="8 characters or more.")] = None
    role: PersonRole = "employee"
    voicemail_pin: Annotated[str | None, Field(description="4 to 10 digits.", examples=["4107"])] = None


class PersonChanges(Body):
    """What is left out stays as it is; null takes an extension or an e-mail address away."""

    name: str = ""
    extension: str | None = None
    email: str | None = None
    role: PersonRole = "employee"


class Password(Body):
    """A new password."""

    password: Annotated[
        str, Field(max_length=1000, description="8 characters or more.", examples=["four words that rhyme"])
    ]


class Pin(Body):
    """A new PIN."""

    pin: Annotated[str, Field(description="4 to 10 digits.", examples=["4107"])]


def _shown(stored: Stored, extension: str | None) -> Person:
    return Person(
        id=stored.id,
        name=stored.name,
        extension=extension or None,
        email=stored.email,
        role="administrator" if stored.admin else "employee",
        can_sign_in=bool(stored.email and stored.password_hash),
    )


async def show(tenant: TenantId, connection: AsyncConnection, stored: Sequence[Stored]) -> list[Person]:
    found = await extensions.where_in(tenant, connection, "target", [x.id for x in stored])
    reached = {x.target: x.extension for x in found if x.kind == Destination.PERSON}
    return [_shown(x, reached.get(x.id)) for x in stored]


async def _get(tenant: TenantId, connection: AsyncConnection, person: str) -> Person:
    return (await show(tenant, connection, [await people.get(tenant, connection, person)]))[0]


@router.get("", summary="People")
async def list_people(
    scope: Member,
    ctx: Ctx,
    q: Annotated[str, Query(max_length=100, description="Only those in whose name this is.")] = "",
    sort: Annotated[Literal["name", "-name"], Query()] = "name",
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[Person]:
    """The company's directory, by name."""
    async with ctx.db.read() as connection:
        found = await rows.page(
            scope.tenant, connection, sort="name", descending=sort == "-name",
            after=after(cursor, 2), limit=limit + 1, contains=q,
        )  # fmt: skip
        items = await show(scope.tenant, connection, found[:limit])
    return Page(items=items, next=following(found, limit, lambda x: [x.name, x.id]))


@router.post("", status_code=201, summary="Add a person")
async def create_person(
    scope: Admin, body: NewPerson, response: Response, ctx: Ctx, idempotency_key: Documented = None
) -> Person:
    """Reachable by the extension when the answer comes."""
    new = NewStored(
        name=body.name,
        extension=body.extension or "",
        email=body.email,
        password=body.password or "",
        admin=body.role == "administrator",
    )
    if body.voicemail_pin is not None:
        check_pin(body.voicemail_pin)
    async with ctx.writer.change(scope.tenant, scope.who.actor, "person.create") as change:
        stored = await people.create(scope.tenant, change.connection, new)
        made = _shown(stored, new.extension)
        change.tell(made.id, after=made.model_dump())
    if body.voicemail_pin is not None:
        await ctx.control.ask(m.ChangePin(scope.tenant, made.id, body.voicemail_pin), m.Done)
    return etags.sent(response, made, f"/api/v1/tenants/{scope.tenant}/people/{made.id}")


@router.get("/{person}", summary="A person", response_model=Person)
async def read_person(
    person: Id, request: Request, response: Response, scope: Member, ctx: Ctx
) -> Person | Response:
    """Who it is and how to reach them."""
    async with ctx.db.read() as connection:
        return etags.tagged(request, response, await _get(scope.tenant, connection, person))


@router.patch("/{person}", summary="Change a person")
async def change_person(
    person: Id,
    scope: Admin,
    body: PersonChanges,
    response: Response,
    ctx: Ctx,
    if_match: etags.IfMatch = None,
) -> Person:
    """The last administrator cannot be made an employee."""
    more: dict[str, object] = {}
    if "role" in body.model_fields_set:
        more["admin"] = body.role == "administrator"
    if "extension" in body.model_fields_set:
        more["extension"] = body.extension or ""
    async with ctx.writer.change(scope.tenant, scope.who.actor, "person.change") as change:
        former = await _get(scope.tenant, change.connection, person)
        etags.check(if_match, former)
        wanted = shapes.changes(body, StoredChanges, **more)
        await people.change(scope.tenant, change.connection, person, wanted)
        present = await _get(scope.tenant, change.connection, person)
        change.tell(person, before=former.model_dump(), after=present.model_dump())
    return etags.sent(response, present)


@router.delete("/{person}", status_code=204, summary="Delete a person")
async def delete_person(person: Id, scope: Admin, ctx: Ctx, if_match: etags.IfMatch = None) -> None:
    """With devices, sessions and mailbox settings. Refused while a number leads to them."""
    async with ctx.writer.change(scope.tenant, scope.who.actor, "person.delete") as change:
        former = await _get(scope.tenant, change.connection, person)
        etags.check(if_match, former)
        await people.delete(scope.tenant, change.connection, person)
        await logins.end_others(scope.tenant, change.connection, person)
        change.tell(person, before=former.model_dump())


@router.put("/{person}/password", status_code=204, summary="Give a person a new password")
async def set_password(person: Id, scope: Admin, body: Password, ctx: Ctx) -> None:
    """Ends their sessions and tokens."""
    async with ctx.writer.change(scope.tenant, scope.who.actor, "person.password") as change:
        await people.set_password(scope.tenant, change.connection, person, body.password)
        but = scope.who.login.id if person == scope.who.person else ""
        await logins.end_others(scope.tenant, change.connection, person, but=but)
        await devices.forget_browsers(scope.tenant, change.connection)
        change.tell(person)


@router.put("/{person}/voicemail-pin", status_code=204, summary="Set a voicemail PIN")
async def set_pin(person: Id, scope: Member, body: Pin, ctx: Ctx) -> None:
    """One's own, or (administrators) anybody's."""
    async with ctx.db.read() as connection:
        await people.get(scope.tenant, connection, person)
    scope.own(person)
    check_pin(body.pin)
    await ctx.control.ask(m.ChangePin(scope.tenant, person, body.pin), m.Done)
    await ctx.writer.note(scope.tenant, scope.who.actor, "person.voicemail_pin", {"target": person})
