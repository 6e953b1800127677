"""Devices: what registers and rings."""

from __future__ import annotations

import secrets
from typing import Annotated

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field
from sqlalchemy.ext.asyncio import AsyncConnection

from tongdai.api import etags
from tongdai.api.access import Admin, Member, Scope
from tongdai.api.context import Context, Ctx
from tongdai.api.idempotency import Documented, Once
from tongdai.api.rpc import messages as m
from tongdai.api.shapes import TENANT, Body, Id
from tongdai.tenants.device import service as devices
from tongdai.tenants.device.model import Device as Stored
from tongdai.tenants.device.schema import NewDevice as NewStored
from tongdai.tenants.device.store import rows
from tongdai.tenants.person import service as people
from tongdai.tenants.tenant import service as tenants

router = APIRouter(prefix=TENANT, tags=["Devices"], route_class=Once)

_SECRET_BYTES = 15


class Device(BaseModel):
    """A phone's account."""

    id: str
    person: str = Field(description="Whose it is.")
    username: str = Field(examples=["anphat-101"])
    registered: bool = Field(description="Whether it can ring now.")
    browser: bool = Field(False, description="Whether it is a page of ours, and ends with its session.")


class SipServer(BaseModel):
    """What one types into a phone beside user name and password."""

    domain: str = Field(description="The host part of the SIP address.", examples=["anphat.demo"])
    host: str = Field(description="Server, or outbound proxy.", examples=["203.0.113.5"])
    udp: int = Field(examples=[5060])
    tcp: int = Field(examples=[5060])
    tls: int = Field(examples=[5061])


class DeviceWithSecret(Device):
    """A device whose password was just made."""

    password: str = Field(description="Shown this once.")
    server: SipServer


class NewDevice(Body):
    """A device to be added; its password is made here."""

    username: Annotated[
        str | None, Field(description="Unique on this server; made when left out.", examples=["anphat-107"])
    ] = None


async def _registered(ctx: Context, tenant: str) -> set[str]:
    presence = await ctx.control.ask(m.ListPresence(tenant), m.Presence)
    return {device for person in presence.people for device in person.devices}


def _shown(stored: Stored, registered: set[str]) -> Device:
    return Device(
        id=stored.id,
        person=stored.person,
        username=stored.username,
        registered=stored.id in registered,
        browser=bool(stored.login),
    )


async def _server(scope: Scope, connection: AsyncConnection, ctx: Context) -> SipServer:
    domain = (await tenants.get(scope.tenant, connection)).domain
    return SipServer(domain=domain, host=ctx.sip.host, udp=ctx.sip.udp, tcp=ctx.sip.tcp, tls=ctx.sip.tls)


@router.get("/people/{person}/devices", summary="A person's devices")
async def list_devices(person: Id, scope: Member, ctx: Ctx) -> list[Device]:
    """One's own, or (administrators) anybody's."""
    async with ctx.db.read() as connection:
        await people.get(scope.tenant, connection, person)
        scope.own(person)
        found = await rows.where(scope.tenant, connection, person=person)
    registered = await _registered(ctx, scope.tenant)
    return [_shown(x, registered) for x in found]


@router.post("/people/{person}/devices", status_code=201, summary="Add a device")
async def create_device(
    person: Id,
    scope: Admin,
    body: NewDevice,
    response: Response,
    ctx: Ctx,
    idempotency_key: Documented = None,
) -> DeviceWithSecret:
    """Answers with its password, which is not shown again, and what else a phone is told."""
    password = secrets.token_urlsafe(_SECRET_BYTES)
    async with ctx.writer.change(scope.tenant, scope.who.actor, "device.create") as change:
        username = body.username
        if username is None:
            domain = (await tenants.get(scope.tenant, change.connection)).domain.partition(".")[0]
            username = f"{domain}-{secrets.token_hex(4)}"
        stored = await devices.create(scope.tenant, change.connection, NewStored(person, username, password))
        server = await _server(scope, change.connection, ctx)
        shown = _shown(stored, set())
        change.tell(stored.id, after=shown.model_dump())
    response.headers["Location"] = f"/api/v1/tenants/{scope.tenant}/devices/{stored.id}"
    return DeviceWithSecret(**shown.model_dump(), password=password, server=server)


@router.get("/devices/{device}", summary="A device", response_model=Device)
async def read_device(
    device: Id, request: Request, response: Response, scope: Member, ctx: Ctx
) -> Device | Response:
    """One's own, or (administrators) anybody's."""
    async with ctx.db.read() as connection:
        stored = await devices.get(scope.tenant, connection, device)
    scope.own(stored.person)
    return etags.tagged(request, response, _shown(stored, await _registered(ctx, scope.tenant)))


@router.post("/devices/{device}/password", summary="Make a new password for a device")
async def renew_password(
    device: Id, scope: Admin, ctx: Ctx, idempotency_key: Documented = None
) -> DeviceWithSecret:
    """The old one works no longer; the phone must be told the new one, which is not shown again."""
    password = secrets.token_urlsafe(_SECRET_BYTES)
    async with ctx.writer.change(scope.tenant, scope.who.actor, "device.password") as change:
        stored = await devices.get(scope.tenant, change.connection, device)
        await devices.set_password(scope.tenant, change.connection, device, password)
        server = await _server(scope, change.connection, ctx)
        change.tell(device)
    shown = _shown(stored, await _registered(ctx, scope.tenant))
    return DeviceWithSecret(**shown.model_dump(), password=password, server=server)


@router.delete("/devices/{device}", status_code=204, summary="Delete a device")
async def delete_device(device: Id, scope: Admin, ctx: Ctx, if_match: etags.IfMatch = None) -> None:
    """It is signed off and rings no more."""
    registered = await _registered(ctx, scope.tenant) if if_match is not None else set[str]()
    async with ctx.writer.change(scope.tenant, scope.who.actor, "device.delete") as change:
        stored = await devices.get(scope.tenant, change.connection, device)
        etags.check(if_match, _shown(stored, registered))
        await devices.delete(scope.tenant, change.connection, device)
        change.tell(device, before=_shown(stored, set()).model_dump())
