"""Trunks: the provider's carriers, and whose calls each carries."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field
from sqlalchemy.ext.asyncio import AsyncConnection

from tongdai.api import etags, shapes
from tongdai.api.access import Owner, Provider
from tongdai.api.context import Context, Ctx
from tongdai.api.idempotency import Documented, Once
from tongdai.api.paging import Cursor, Limit, Page, after, following
from tongdai.api.problems import referring
from tongdai.api.rpc import messages as m
from tongdai.api.shapes import TENANT, Body, Id
from tongdai.core.tenancy import TenantId
from tongdai.tenants.changes import PROVIDER
from tongdai.tenants.errors import NotFound
from tongdai.tenants.tenant import store as tenants
from tongdai.tenants.trunk import service as trunks
from tongdai.tenants.trunk import store
from tongdai.tenants.trunk.model import CallerRule, Encryption, NumberFormat, Transport, TrunkSettings
from tongdai.tenants.trunk.model import Gateway as StoredGateway
from tongdai.tenants.trunk.model import Trunk as Stored
from tongdai.tenants.trunk.schema import NewTrunk as NewStored
from tongdai.tenants.trunk.schema import TrunkChanges as StoredChanges
from tongdai.tenants.trunk.schema import changed_settings
from tongdai.tenants.trunk.sealed import seal

router = APIRouter(tags=["Trunks"], route_class=Once)
_PLACE = "/api/v1/trunks"


class Gateway(Body):
    """Where a carrier is. The lowest `priority` is tried first; equal ones by `weight` (RFC 2782)."""

    host: Annotated[str, Field(max_length=253, examples=["203.0.113.5"])]
    port: Annotated[int, Field(ge=0, le=65535, description="0: what DNS says, for a name.")] = 5060
    transport: Transport = Transport.UDP
    priority: Annotated[int, Field(ge=0, le=999)] = 0
    weight: Annotated[int, Field(ge=1, le=999)] = 1


_Text = Annotated[str, Field(max_length=200)]
_Seconds = Annotated[float, Field(ge=0, le=3600)]


class _Common(Body):
    username: _Text = ""
    realm: Annotated[_Text, Field(description="Only challenges of this realm are answered.")] = ""
    domain: Annotated[_Text, Field(description="The carrier's name in addresses and certificates.")] = ""
    register_there: Annotated[bool, Field(alias="register")] = False
    expires: Annotated[int, Field(ge=60, le=86_400, description="Seconds of a registration.")] = 600
    options_seconds: Annotated[_Seconds, Field(description="Between signs of life; 0: none.")] = 30.0
    failures_to_down: Annotated[int, Field(ge=1, le=20)] = 3
    successes_to_up: Annotated[int, Field(ge=1, le=20)] = 2
    patience: Annotated[float, Field(ge=1, le=30, description="Seconds until the next gateway.")] = 3.5
    strip: Annotated[int, Field(ge=0, le=15, description="Characters taken from numbers we send.")] = 0
    prefix: Annotated[str, Field(max_length=20, description="What is put in front of them then.")] = ""
    inbound_prefix: Annotated[str, Field(max_length=20, description="In front of numbers it sends.")] = ""
    caller: Annotated[CallerRule, Field(description="Whose number the outside sees.")] = CallerRule.OWN
    caller_number: Annotated[str, Field(max_length=20, description="The one of `fixed`.")] = ""
    trusted: Annotated[bool, Field(description="P-Asserted-Identity is sent and believed.")] = True
    codecs: Annotated[list[str], Field(max_length=4, description="Best first; empty: as phones do.")] = Field(
        default_factory=list
    )
    encryption: Annotated[Encryption, Field(description="Of sound; `auto`: over TLS, unless refused.")] = (
        Encryption.AUTO
    )
    channels: Annotated[int, Field(ge=0, le=100_000, description="Calls at once; 0: no limit.")] = 0
    per_second: Annotated[float, Field(ge=0, le=10_000, description="Calls that may begin.")] = 0.0
    redirect_hosts: Annotated[list[_Text], Field(max_length=50)] = Field(default_factory=list)
    sources: Annotated[list[_Text], Field(max_length=50, description="More it calls from.")] = Field(
        default_factory=list
    )


class Settings(_Common):
    """How to deal with a carrier. Certificates are files of the server: `tongdai trunk set`."""

    has_password: bool = Field(False, description="The password itself is never shown.")


class SettingsChanges(_Common):
    """What is left out stays as it is."""

    password: Annotated[str, Field(max_length=200, description="Written only; empty: none.")] = ""


class Carried(BaseModel):
    """A tenant whose calls it carries."""

    id: str
    name: str


class Trunk(BaseModel):
    """A carrier."""

    id: str
    name: str
    country: str = Field(description="Where it takes national numbers to be.", examples=["VN"])
    number_format: NumberFormat
    gateways: list[Gateway]
    settings: Settings
    tenants: list[Carried] = Field(description="Whose calls it carries.")


class NewTrunk(Body):
    """A carrier to be added. Nobody's calls go through it before a tenant is given it."""

    name: Annotated[str, Field(examples=["Viettel"])]
    country: Annotated[str, Field(pattern="^[A-Z]{2}$")] = "VN"
    number_format: NumberFormat = NumberFormat.E164
    gateways: Annotated[
        list[Gateway], Field(min_length=1, max_length=20, examples=[[{"host": "203.0.113.5"}]])
    ]
    settings: SettingsChanges = Field(default_factory=SettingsChanges)


class TrunkChanges(Body):
    """What is left out stays as it is; `gateways` are whole, `settings` not."""

    name: str = ""
    country: Annotated[str, Field(pattern="^[A-Z]{2}$")] = ""
    number_format: NumberFormat = NumberFormat.E164
    gateways: Annotated[list[Gateway], Field(min_length=1, max_length=20)] = Field(default_factory=list)
    settings: SettingsChanges = Field(default_factory=SettingsChanges)


class GatewayState(BaseModel):
    """How a gateway fares."""

    gateway: str = Field(examples=["udp:203.0.113.5:5060"])
    up: bool
    since: datetime | None = Field(description="Null: always, as far as we know.")
    registered: bool | None = Field(description="Null where nobody registers.")
    why: str
    calls: int = Field(description="Of the whole trunk.")


class TrunkUse(Body):
    """The trunks of a tenant's outside calls."""

    trunks: Annotated[
        list[Annotated[str, Field(max_length=64)]],
        Field(max_length=50, description="Ids, in the order in which they are tried."),
    ]


_RENAMED = {"register_there": "register"}


def _given(asked: SettingsChanges, ctx: Context) -> dict[str, Any]:
    """The settings that were sent, by the names they have when stored."""
    names = asked.model_fields_set
    values = {_RENAMED.get(name, name): getattr(asked, name) for name in names}
    if "password" in values:
        values["password"] = seal(values["password"], ctx.key)
    return values


def _gateways(asked: list[Gateway]) -> tuple[StoredGateway, ...]:
    return tuple(StoredGateway(x.host, x.port, x.transport, x.priority, x.weight) for x in asked)


async def _show(connection: AsyncConnection, stored: Stored) -> Trunk:
    using = set(await store.users(connection, stored.id))
    carried = [x for x in await tenants.all_tenants(connection) if x.id in using]
    settings = msgspec.to_builtins(msgspec.structs.asdict(stored.settings))
    shown = {name: settings[_RENAMED.get(name, name)] for name in _Common.model_fields}
    shown["register"] = shown.pop("register_there")
    return Trunk(
        id=stored.id,
        name=stored.name,
        country=stored.country,
        number_format=stored.number_format,
        gateways=[
            Gateway(host=x.host, port=x.port, transport=x.transport, priority=x.priority, weight=x.weight)
            for x in stored.gateways
        ],
        settings=Settings(**shown, has_password=bool(stored.settings.password)),
        tenants=[Carried(id=x.id, name=x.name) for x in carried],
    )


async def _get(connection: AsyncConnection, trunk: str) -> Stored:
    found = await trunks.get(connection, trunk)
    if found.id != trunk:  # the command line asks by name
        raise NotFound("trunk", trunk)
    return found


@router.get(_PLACE, summary="Trunks")
async def list_trunks(_: Provider, ctx: Ctx, limit: Limit = 50, cursor: Cursor = None) -> Page[Trunk]:
    """Every carrier. For the provider, as all of these."""
    begin = (after(cursor, 1) or [""])[0]
    async with ctx.db.read() as connection:
        found = [x for x in await store.all_trunks(connection) if x.id > begin][: limit + 1]
        items = [await _show(connection, x) for x in found[:limit]]
    return Page(items=items, next=following(found, limit, lambda x: [x.id]))


@router.post(_PLACE, status_code=201, summary="Add a trunk")
async def create_trunk(
    who: Provider, body: NewTrunk, response: Response, ctx: Ctx, idempotency_key: Documented = None
) -> Trunk:
    """Known by the addresses it calls from."""
    gateways = _gateways(body.gateways)
    settings = changed_settings(TrunkSettings(), _given(body.settings, ctx))
    new = NewStored(
        body.name, gateways[0].host, gateways[0].port, body.country, body.number_format, settings, gateways
    )
    async with ctx.writer.change(PROVIDER, who.actor, "trunk.create") as change:
        made = await _show(change.connection, await trunks.create(change.connection, new))
        change.tell(made.id, after=made.model_dump())
    return etags.sent(response, made, f"{_PLACE}/{made.id}")


@router.get(_PLACE + "/{trunk}", summary="A trunk", response_model=Trunk)
async def read_trunk(
    trunk: Id, request: Request, response: Response, _: Provider, ctx: Ctx
) -> Trunk | Response:
    """Every setting but the password."""
    async with ctx.db.read() as connection:
        return etags.tagged(request, response, await _show(connection, await _get(connection, trunk)))


@router.patch(_PLACE + "/{trunk}", summary="Change a trunk")
async def change_trunk(
    trunk: Id,
    who: Provider,
    body: TrunkChanges,
    response: Response,
    ctx: Ctx,
    if_match: etags.IfMatch = None,
) -> Trunk:
    """The next call has it."""
    given = body.model_fields_set
    async with ctx.writer.change(PROVIDER, who.actor, "trunk.change") as change:
        stored = await _get(change.connection, trunk)
        former = await _show(change.connection, stored)
        etags.check(if_match, former)
        more: dict[str, Any] = {}
        if "gateways" in given:
            more["gateways"] = _gateways(body.gateways)
        if "settings" in given:
            more["settings"] = changed_settings(stored.settings, _given(body.settings, ctx))
        wanted = shapes.changes(body, StoredChanges, **more)
        present = await _show(change.connection, await trunks.change(change.connection, trunk, wanted))
        change.tell(trunk, before=former.model_dump(), after=present.model_dump())
    return etags.sent(response, present)


@router.delete(_PLACE + "/{trunk}", status_code=204, summary="Delete a trunk")
async def delete_trunk(trunk: Id, who: Provider, ctx: Ctx, if_match: etags.IfMatch = None) -> None:
    """Refused while it carries somebody's calls."""
    async with ctx.writer.change(PROVIDER, who.actor, "trunk.delete") as change:
        former = await _show(change.connection, await _get(change.connection, trunk))
        etags.check(if_match, former)
        await trunks.remove(change.connection, trunk)
        change.tell(trunk, before=former.model_dump())


@router.get(_PLACE + "/{trunk}/state", summary="How a trunk fares")
async def trunk_state(trunk: Id, _: Provider, ctx: Ctx) -> list[GatewayState]:
    """Each of its gateways, as of now."""
    async with ctx.db.read() as connection:
        await _get(connection, trunk)
    states = await ctx.control.ask(m.ReadTrunks(), m.TrunkStates)
    return [
        GatewayState(
            gateway=x.gateway,
            up=x.up,
            since=shapes.when(x.since) if x.since else None,
            registered=x.registered,
            why=x.why,
            calls=x.calls,
        )
        for x in states.gateways
        if x.trunk == trunk
    ]


async def _use(tenant: TenantId, connection: AsyncConnection) -> TrunkUse:
    used = await store.uses.where(tenant, connection)
    return TrunkUse(trunks=[x.trunk for x in sorted(used, key=lambda x: x.position)])


@router.get(TENANT + "/trunks", summary="A tenant's trunks", response_model=TrunkUse)
async def read_use(request: Request, response: Response, scope: Owner, ctx: Ctx) -> TrunkUse | Response:
    """Through which its outside calls go."""
    async with ctx.db.read() as connection:
        return etags.tagged(request, response, await _use(scope.tenant, connection))


@router.put(TENANT + "/trunks", summary="Give a tenant trunks")
async def set_use(
    scope: Owner, body: TrunkUse, response: Response, ctx: Ctx, if_match: etags.IfMatch = None
) -> TrunkUse:
    """From its next call on; none: it cannot call outside, but for emergencies."""
    async with ctx.writer.change(scope.tenant, scope.who.actor, "tenant.trunks") as change:
        former = await _use(scope.tenant, change.connection)
        etags.check(if_match, former)
        with referring("trunks"):
            await trunks.open_to(scope.tenant, change.connection, body.trunks)
        change.tell(scope.tenant, before=former.model_dump(), after=body.model_dump())
    return etags.sent(response, body)
