"""A tenant's rules."""

from __future__ import annotations

import msgspec
from msgspec import UNSET
from sqlalchemy.ext.asyncio import AsyncConnection

from tongdai.core.ids import new_id
from tongdai.core.tenancy import TenantId
from tongdai.tenants.errors import Invalid, NotFound, Taken
from tongdai.tenants.extension import store as extensions
from tongdai.tenants.features import CODES, Codes
from tongdai.tenants.number import store as numbers
from tongdai.tenants.numbering import check_codes, check_extension
from tongdai.tenants.tenant import store
from tongdai.tenants.tenant.model import Tenant
from tongdai.tenants.tenant.schema import NewTenant, TenantChanges


async def create(connection: AsyncConnection, new: NewTenant) -> Tenant:
    """A tenant without people or numbers; it may call its own country."""
    new.check()
    if await store.by_domain(new.domain, connection) is not None:
        raise Taken("domain_taken", f"The domain {new.domain} is in use.", "Choose another one.")
    tenant = Tenant(
        id=TenantId(new_id("tenant")),
        name=new.name,
        domain=new.domain,
        country=new.country,
        language=new.language,
        ring_seconds=new.ring_seconds,
        main_number="",
        allowed_countries=[new.country],
        music_blob="",
        sha256_digest=False,
    )
    await store.insert_one(connection, tenant)
    return tenant


async def get(tenant: TenantId, connection: AsyncConnection) -> Tenant:
    found = await store.get(tenant, connection)
    if found is None:
        raise NotFound("tenant", tenant)
    return found


async def change(tenant: TenantId, connection: AsyncConnection, changes: TenantChanges) -> Tenant:
    """Change settings. A country whose emergency numbers the tenant's extensions or codes would
    shadow is refused, and so is a code in the way of an extension."""
    changes.check()
    former = await get(tenant, connection)
    codes = former.feature_codes
    if changes.feature_codes is not UNSET:
        wanted = Codes.with_own({**codes, **changes.feature_codes}).of
        codes = {str(feature): code for feature, code in wanted.items() if code != CODES[feature]}
    country = former.country if changes.country is UNSET else changes.country
    if codes != former.feature_codes or country != former.country:
        check_codes(codes, country)
        for extension in await extensions.rows.where(tenant, connection):
            check_extension(extension.extension, country, Codes.with_own(codes))
    if changes.main_number is not UNSET:
        await _check_main_number(tenant, connection, changes.main_number)
    values = {name: value for name, value in msgspec.structs.asdict(changes).items() if value is not UNSET}
    if changes.feature_codes is not UNSET:
        values["feature_codes"] = codes
    if values:
        await store.change(tenant, connection, values)
    return await get(tenant, connection)


async def _check_main_number(tenant: TenantId, connection: AsyncConnection, number: str) -> None:
    if await numbers.rows.get(tenant, connection, number) is None:
        raise Invalid(
            "not_own_number", f"{number!r} is no number of this tenant.", "Assign the number to it first."
        )


async def delete(tenant: TenantId, connection: AsyncConnection) -> None:
    """Delete a tenant with all its configuration. Its call data stays."""
    if not await store.delete_one(tenant, connection):
        raise NotFound("tenant", tenant)
