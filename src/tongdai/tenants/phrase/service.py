"""Replaced phrases' rules."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncConnection

from tongdai.core.tenancy import TenantId
from tongdai.tenants.errors import NotFound
from tongdai.tenants.phrase.model import Phrase
from tongdai.tenants.phrase.schema import NewPhrase
from tongdai.tenants.phrase.store import rows
from tongdai.tenants.tenant import store as tenants


async def put(tenant: TenantId, connection: AsyncConnection, new: NewPhrase) -> Phrase | None:
    """Play this sound instead of the phrase. Returns what was played instead of it before."""
    new.check()
    if await tenants.get(tenant, connection) is None:
        raise NotFound("tenant", tenant)
    former = await rows.get(tenant, connection, new.key)
    if former is None:
        await rows.insert(tenant, connection, [Phrase(new.key, new.blob)])
    else:
        await rows.update(tenant, connection, new.key, blob=new.blob)
    return former


async def get(tenant: TenantId, connection: AsyncConnection, key: str) -> Phrase:
    found = await rows.get(tenant, connection, key)
    if found is None:
        raise NotFound("phrase", key)
    return found


async def remove(tenant: TenantId, connection: AsyncConnection, key: str) -> Phrase:
    """Speak the phrase again. Returns what was played instead of it."""
    former = await get(tenant, connection, key)
    await rows.delete(tenant, connection, key)
    return former
