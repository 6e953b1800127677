"""Facts and CDRs in the database.

A row of `call_fact` holds the facts that were stored at one time, `seq` and `at` being those of the first:
most calls take one or two rows, and a row of their own for each fact would cost more than all the
signalling of the call."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, Select, delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from tongdai.calllog.cdr import Cdr, derive
from tongdai.calls.facts import Fact, LoggedFact
from tongdai.db import Database
from tongdai.db.bulk import insert_rows
from tongdai.db.tables import call_fact, cdr, leg_cdr


class _StoredFact(msgspec.Struct, frozen=True, array_like=True):
    seq: int
    at: float
    fact: Fact


_encode_facts = msgspec.json.Encoder().encode
_decode_facts = msgspec.json.Decoder(list[_StoredFact]).decode
_decode_each = msgspec.json.Decoder(list[msgspec.Raw]).decode
_decode_fact = msgspec.json.Decoder(_StoredFact).decode


class Chunk(msgspec.Struct, frozen=True):
    """All facts of a call so far, of which the first `stored` are in the database. With `anew`, what is
    there is not known (a crash, a broken connection) and gives way. With `ended`, nothing more will come:
    the CDR is due."""

    facts: Sequence[LoggedFact]
    stored: int = 0
    anew: bool = False
    ended: bool = False


async def store(db: Database, chunks: Sequence[Chunk]) -> None:
    """Store what is new of each call and, when it has ended, its CDR. All of it or nothing."""
    await db.write_in_thread(lambda connection: _store(connection, chunks))


def _store(connection: Connection, chunks: Sequence[Chunk]) -> None:
    unknown = [chunk.facts[0].call for chunk in chunks if chunk.anew]
    if unknown:
        for table in (call_fact, cdr, leg_cdr):
            connection.execute(delete(table).where(table.c.call.in_(unknown)))
    cdrs = [derive(chunk.facts) for chunk in chunks if chunk.ended]
    insert_rows(connection, call_fact, [row for chunk in chunks if (row := _fact_row(chunk)) is not None])
    insert_rows(connection, cdr, [_cdr_row(record) for record in cdrs])
    insert_rows(connection, leg_cdr, [row for record in cdrs for row in _leg_rows(record)])


def _fact_row(chunk: Chunk) -> dict[str, Any] | None:
    new = chunk.facts if chunk.anew else chunk.facts[chunk.stored :]
    if not new:
        return None
    return {
        "call": new[0].call,
        "tenant": new[0].tenant,
        "seq": new[0].seq,
        "at": new[0].at,
        "fact": _encode_facts([_StoredFact(x.seq, x.at, x.fact) for x in new]),
    }


def _cdr_row(record: Cdr) -> dict[str, Any]:
    return {
        "call": record.call,
        "tenant": record.tenant,
        "started": record.started,
        "answered_at": record.answered_at,
        "ended": record.ended,
        "caller": record.caller,
        "caller_name": record.caller_name,
        "dialled": record.dialled,
        "direction": record.direction.value,
        "disposition": record.disposition.value,
        "cause": record.cause.value,
        "summary": _json(
            {
                "path": record.path,
                "answered_by": record.answered_by,
                "merged_into": record.merged_into,
            }
        ),
    }


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _leg_rows(record: Cdr) -> list[dict[str, Any]]:
    return [
        {
            "call": record.call,
            "tenant": record.tenant,
            "leg": leg.leg,
            "party": _json(leg.party),
            "person": leg.party.person,
            "inbound": leg.inbound,
            "purpose": leg.purpose,
            "started": leg.started,
            "rang_at": leg.rang_at,
            "answered_at": leg.answered_at,
            "ended": leg.ended,
            "cause": leg.cause,
            "by_us": leg.by_us,
            "quality": _json(leg.quality),
        }
        for leg in record.legs
    ]


async def calls(db: Database, *, tenant: str | None = None, limit: int = 100) -> list[Cdr]:
    """The latest calls that have ended, oldest first; of one tenant, or (for the provider) of all."""
    newest = select(cdr).order_by(cdr.c.started.desc(), cdr.c.call.desc()).limit(limit)
    if tenant is not None:
        newest = newest.where(cdr.c.tenant == tenant)
    async with db.read() as connection:
        return list(reversed(await read(connection, newest)))


async def read(connection: AsyncConnection, wanted: Select[Any]) -> list[Cdr]:
    """The calls of these rows of `cdr`, in their order, each with its legs."""
    rows = list(await connection.execute(wanted))
    found = select(leg_cdr).where(leg_cdr.c.call.in_([row.call for row in rows]))
    legs: dict[str, list[dict[str, Any]]] = {}
    for leg in await connection.execute(found.order_by(leg_cdr.c.started, leg_cdr.c.leg)):
        legs.setdefault(leg.call, []).append(_plain(leg))
    return [_cdr(row, legs.get(row.call, [])) for row in rows]


def _cdr(row: Row[Any], legs: list[dict[str, Any]]) -> Cdr:
    return msgspec.convert({**_plain(row), **row.summary, "legs": legs}, Cdr)


def _plain(row: Row[Any]) -> dict[str, Any]:
    """SQLAlchemy's column names are a kind of str that msgspec does not take for one."""
    return {str(name): value for name, value in row._mapping.items()}


def _read_facts(encoded: bytes) -> list[_StoredFact]:
    """Without those that only another version knows."""
    try:
        return _decode_facts(encoded)
    except msgspec.ValidationError:
        found = []
        for raw in _decode_each(encoded):
            with contextlib.suppress(msgspec.ValidationError):
                found.append(_decode_fact(raw))
        return found


async def facts(db: Database, call: str) -> list[LoggedFact]:
    """Every fact of a call so far, in order; none for a call that does not exist."""
    c = call_fact.c
    wanted = select(c.tenant, c.fact).where(c.call == call).order_by(c.seq)
    async with db.read() as connection:
        rows = await connection.execute(wanted)
        return [
            LoggedFact(call, tenant, stored.seq, stored.at, stored.fact)
            for tenant, encoded in rows
            for stored in _read_facts(encoded)
        ]


async def facts_of(db: Database, tenant: str, calls: Sequence[str]) -> dict[str, list[LoggedFact]]:
    """The facts of several calls of a tenant, in order, by call."""
    c = call_fact.c
    wanted = select(c.call, c.fact).where(c.tenant == tenant, c.call.in_(calls)).order_by(c.call, c.seq)
    found: dict[str, list[LoggedFact]] = {}
    async with db.read() as connection:
        for call, encoded in await connection.execute(wanted):
            found.setdefault(call, []).extend(
                LoggedFact(call, tenant, x.seq, x.at, x.fact) for x in _read_facts(encoded)
            )
    return found


async def matching(db: Database, beginning: str) -> list[str]:
    """Ids of the calls that begin so, at most ten: nobody types a whole id."""
    c = call_fact.c
    wanted = select(c.call).where(c.seq == 1, c.call.startswith(beginning, autoescape=True)).limit(10)
    async with db.read() as connection:
        return [row[0] for row in await connection.execute(wanted)]
