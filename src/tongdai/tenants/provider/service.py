"""The provider's rules."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncConnection

from tongdai.tenants.checks import check_password
from tongdai.tenants.credentials import hash_password
from tongdai.tenants.errors import NotFound, Taken
from tongdai.tenants.provider import store
from tongdai.tenants.provider.model import Provider
from tongdai.tenants.provider.schema import NewProvider


async def create(connection: AsyncConnection, new: NewProvider) -> Provider:
    new.check()
    if await store.get(connection) is not None:
        raise Taken("provider_exists", "This installation has its provider already.", "Change that one.")
    provider = Provider(new.name, new.email, hash_password(new.password))
    await store.put(connection, provider)
    return provider


async def get(connection: AsyncConnection) -> Provider:
    provider = await store.get(connection)
    if provider is None:
        raise NotFound("provider", "of this installation")
    return provider


async def set_password(connection: AsyncConnection, password: str) -> None:
    check_password(password)
    await store.set_password_hash(connection, hash_password(password))
