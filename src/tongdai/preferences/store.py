"""Preferences in the database."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from sqlalchemy import insert, select, update

from tongdai.calls.preferences import Preferences
from tongdai.core.log import get_logger
from tongdai.db import Database
from tongdai.db.tables import preferences

log = get_logger(__name__)


class Change(msgspec.Struct, frozen=True):
    """A person's calls are treated so from now on."""

    tenant: str
    person: str
    preferences: Preferences


encode = msgspec.msgpack.Encoder().encode
decode = msgspec.msgpack.Decoder(Change).decode


async def load(db: Database) -> list[Change]:
    """What everybody has set."""
    columns = preferences.c
    found = []
    async with db.read() as connection:
        rows = await connection.execute(select(columns.tenant, columns.person, columns.preferences))
        for tenant, person, stored in rows:
            try:
                found.append(Change(tenant, person, msgspec.convert(stored, Preferences)))
            except msgspec.ValidationError as error:
                log.error("preferences cannot be read", tenant=tenant, person=person, error=str(error))
    return found


async def store(db: Database, batch: Sequence[Change]) -> None:
    """Store changes, the last of each person counts."""
    columns = preferences.c
    async with db.write() as connection:
        for change in {(x.tenant, x.person): x for x in batch}.values():
            mine = (columns.tenant == change.tenant) & (columns.person == change.person)
            value = msgspec.to_builtins(change.preferences)
            changed = await connection.execute(update(preferences).where(mine).values(preferences=value))
            if not changed.rowcount:
                row = {"tenant": change.tenant, "person": change.person, "preferences": value}
                await connection.execute(insert(preferences).values(row))
