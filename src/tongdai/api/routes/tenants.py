"""Tenants and their settings."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from tongdai.api import etags, shapes
from tongdai.api.access import Admin, Member, Owner, Provider, Role, forbidden
from tongdai.api.context import Ctx
from tongdai.api.idempotency import Documented, Once
from tongdai.api.paging import Cursor, Limit, Page, after, following
from tongdai.api.shapes import TENANT, Body
from tongdai.core.language import Language, known
from tongdai.tenants.changes import PROVIDER
from tongdai.tenants.features import Codes
from tongdai.tenants.tenant import service as tenants
from tongdai.tenants.tenant import store
from tongdai.tenants.tenant.model import Tenant as Stored
from tongdai.tenants.tenant.schema import NewTenant as NewStored
from tongdai.tenants.tenant.schema import TenantChanges as StoredChanges
from tongdai.tenants.trunk import service as trunks
from tongdai.tenants.trunk import store as trunk_store

router = APIRouter(tags=["Tenants"], route_class=Once)


class Tenant(BaseModel):
    """A business that is served, and its settings."""

    id: str
    name: str = Field(examples=["An Phát Trading"])
    domain: str = Field(description="The host part of its SIP addresses.", examples=["anphat.demo"])
    country: str = Field(description="ISO 3166-1; where its people dial from.", examples=["VN"])
    language: Language = Field(description="In which callers are spoken to.")
    ring_seconds: float = Field(description="How long its phones ring.", examples=[20])
    main_number: str | None = Field(description="What the outside sees calling.", examples=["+842871234500"])
    allowed_countries: list[str] = Field(description="Where its people may call.", examples=[["VN"]])
    own_music: bool = Field(description="Whether who waits hears music of its own.")
    sha256_digest: bool = Field(description="Offer SHA-256 to its phones beside MD5.")
    outside_calls: int = Field(
        description="Calls through trunks at once; 0: no limit. The provider's to set."
    )
    outside_per_second: float = Field(description="Such calls that may begin in a second; 0: no limit.")
    feature_codes: dict[str, str] = Field(
        description="What its people dial for each feature; empty: switched off.",
        examples=[{"pickup": "**", "dnd_on": "*78"}],
    )


class NewTenant(Body):
    """A tenant to be made, without people or numbers."""

    name: Annotated[str, Field(examples=["Bình Minh Clinic"])]
    domain: Annotated[str, Field(examples=["binhminh.example"])]
    country: Annotated[str, Field(pattern="^[A-Z]{2}$")] = "VN"
    language: Language = "en"
    ring_seconds: Annotated[float, Field(ge=1, le=300)] = 20.0
    trunks: list[str] | None = Field(
        None, description="Trunks its outside calls use; null: every one there is."
    )


class TenantChanges(Body):
    """What is left out stays as it is."""

    name: str = ""
    country: Annotated[str, Field(pattern="^[A-Z]{2}$")] = ""
    language: Language = "en"
    ring_seconds: Annotated[float, Field(ge=1, le=300)] = 20.0
    main_number: Annotated[str, Field(description="One of its numbers.")] = ""
    allowed_countries: list[Annotated[str, Field(pattern="^[A-Z]{2}$")]] = Field(default_factory=list)
    sha256_digest: bool = False
    outside_calls: Annotated[int, Field(ge=0, le=100_000, description="Only the provider.")] = 0
    outside_per_second: Annotated[float, Field(ge=0, le=10_000, description="Only the provider.")] = 0.0
    feature_codes: dict[str, Annotated[str, Field(max_length=6)]] = Field(
        default_factory=dict, description="Those to change, by feature; empty switches one off."
    )


def shown(stored: Stored) -> Tenant:
    return Tenant(
        id=stored.id,
        name=stored.name,
        domain=stored.domain,
        country=stored.country,
        language=known(stored.language),
        ring_seconds=stored.ring_seconds,
        main_number=stored.main_number or None,
        allowed_countries=list(stored.allowed_countries),
        own_music=bool(stored.music_blob),
        sha256_digest=stored.sha256_digest,
        outside_calls=stored.outside_calls,
        outside_per_second=stored.outside_per_second,
        feature_codes={str(x): code for x, code in Codes.with_own(stored.feature_codes).of.items()},
    )


@router.get("/api/v1/tenants", summary="Tenants")
async def list_tenants(_: Provider, ctx: Ctx, limit: Limit = 50, cursor: Cursor = None) -> Page[Tenant]:
    """Every tenant, by domain. For the provider."""
    begin = after(cursor, 1)
    async with ctx.db.read() as connection:
        found = await store.all_tenants(connection)
    rest = [x for x in found if begin is None or x.domain > begin[0]][: limit + 1]
    return Page(items=[shown(x) for x in rest[:limit]], next=following(rest, limit, lambda x: [x.domain]))


@router.post("/api/v1/tenants", status_code=201, summary="Make a tenant")
async def create_tenant(
    who: Provider, body: NewTenant, response: Response, ctx: Ctx, idempotency_key: Documented = None
) -> Tenant:
    """For the provider."""
    new = NewStored(body.name, body.domain, body.country, body.language, body.ring_seconds)
    async with ctx.writer.change(PROVIDER, who.actor, "tenant.create") as change:
        tenant = await tenants.create(change.connection, new)
        uses = body.trunks
        if uses is None:
            uses = [x.id for x in await trunk_store.all_trunks(change.connection)]
        await trunks.open_to(tenant.id, change.connection, uses)
        change.tell(tenant.id, after=shown(tenant).model_dump())
    made = shown(tenant)
    return etags.sent(response, made, f"/api/v1/tenants/{made.id}")


@router.get(TENANT, summary="A tenant", response_model=Tenant)
async def read_tenant(request: Request, response: Response, scope: Member, ctx: Ctx) -> Tenant | Response:
    """Its settings."""
    async with ctx.db.read() as connection:
        return etags.tagged(request, response, shown(await tenants.get(scope.tenant, connection)))


@router.patch(TENANT, summary="Change a tenant's settings")
async def change_tenant(
    scope: Admin, body: TenantChanges, response: Response, ctx: Ctx, if_match: etags.IfMatch = None
) -> Tenant:
    """Which countries may be called is the provider's and the administrator's to decide."""
    limits = {"outside_calls", "outside_per_second"} & body.model_fields_set
    if limits and scope.who.role is not Role.PROVIDER:
        raise forbidden("the provider")
    async with ctx.writer.change(scope.tenant, scope.who.actor, "tenant.change") as change:
        former = shown(await tenants.get(scope.tenant, change.connection))
        etags.check(if_match, former)
        wanted = shapes.changes(body, StoredChanges)
        present = shown(await tenants.change(scope.tenant, change.connection, wanted))
        change.tell(scope.tenant, before=former.model_dump(), after=present.model_dump())
    return etags.sent(response, present)


@router.delete(TENANT, status_code=204, summary="Delete a tenant")
async def delete_tenant(scope: Owner, ctx: Ctx, if_match: etags.IfMatch = None) -> None:
    """With all its configuration; its calls in progress end. For the provider."""
    async with ctx.writer.change(scope.tenant, scope.who.actor, "tenant.delete") as change:
        former = shown(await tenants.get(scope.tenant, change.connection))
        etags.check(if_match, former)
        await tenants.delete(scope.tenant, change.connection)
        change.tell(scope.tenant, before=former.model_dump())
