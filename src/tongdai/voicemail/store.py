"""Voicemail in the database and its sound in the blobs."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from tongdai.blobs import Blobs
from tongdai.calls.model import Party
from tongdai.db import Database
from tongdai.db.tables import mailbox_setting, voicemail_message
from tongdai.voicemail import changes as ch


class Setting(msgspec.Struct, frozen=True):
    """What is set of a mailbox; empty for what is not."""

    tenant: str
    mailbox: str
    greeting_blob: str
    pin_hash: str


async def load(db: Database) -> tuple[list[ch.MessageSaved], set[str], list[Setting]]:
    """Every message, oldest first, the ids of those that were heard and kept, and every setting."""
    m = voicemail_message.c
    async with db.read() as connection:
        rows = await connection.execute(
            select(m.tenant, m.mailbox, m.id, m.blob, m.caller, m.at, m.ms, m.call, m.saved).order_by(
                m.at, m.id
            )
        )
        messages: list[ch.MessageSaved] = []
        kept: set[str] = set()
        for tenant, mailbox, id_, blob, caller, at, ms, call, saved in rows:
            party = msgspec.convert(caller, Party)
            messages.append(ch.MessageSaved(tenant, mailbox, id_, blob, party, at, ms, call))
            if saved:
                kept.add(id_)
        s = mailbox_setting.c
        settings = [
            Setting(*row)
            for row in await connection.execute(select(s.tenant, s.mailbox, s.greeting_blob, s.pin_hash))
        ]
    return messages, kept, settings


async def store(db: Database, blobs: Blobs, batch: Sequence[ch.Change]) -> None:
    """Store changes in order, then remove the sound that nothing refers to any more."""
    async with db.write() as connection:
        for change in batch:
            await _store_one(connection, change)
    gone = [(change.tenant, blob) for change in batch if (blob := _unreferred(change))]
    if gone:
        await asyncio.to_thread(_remove, blobs, gone)


async def _store_one(connection: AsyncConnection, change: ch.Change) -> None:
    m = voicemail_message
    if isinstance(change, ch.MessageSaved):
        if await connection.scalar(select(m.c.id).where(m.c.id == change.message)) is None:
            await connection.execute(
                insert(m).values(
                    id=change.message,
                    tenant=change.tenant,
                    mailbox=change.mailbox,
                    blob=change.blob,
                    caller=msgspec.to_builtins(change.caller),
                    at=change.at,
                    ms=change.ms,
                    saved=False,
                    call=change.call,
                )
            )
    elif isinstance(change, ch.MessageKept):
        mine = (m.c.id == change.message) & (m.c.tenant == change.tenant)
        await connection.execute(update(m).where(mine).values(saved=True))
    elif isinstance(change, ch.MessageDeleted):
        mine = (m.c.id == change.message) & (m.c.tenant == change.tenant)
        await connection.execute(delete(m).where(mine))
    elif isinstance(change, ch.GreetingSet):
        await _set(connection, change.tenant, change.mailbox, greeting_blob=change.blob)
    elif isinstance(change, ch.PinSet):
        await _set(connection, change.tenant, change.mailbox, pin_hash=change.pin_hash)


async def _set(connection: AsyncConnection, tenant: str, mailbox: str, **values: Any) -> None:
    s = mailbox_setting
    mine = (s.c.tenant == tenant) & (s.c.mailbox == mailbox)
    if not (await connection.execute(update(s).where(mine).values(values))).rowcount:
        row = {"tenant": tenant, "mailbox": mailbox, "greeting_blob": "", "pin_hash": "", **values}
        await connection.execute(insert(s).values(row))


def _unreferred(change: ch.Change) -> str:
    if isinstance(change, ch.MessageDeleted | ch.RecordingDiscarded):
        return change.blob
    return change.replaced if isinstance(change, ch.GreetingSet) else ""


def _remove(blobs: Blobs, gone: list[tuple[str, str]]) -> None:
    for tenant, blob in gone:
        blobs.delete(tenant, blob)
