"""Facts and CDRs in the database."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import Row, Table, insert, select
from sqlalchemy.exc import IntegrityError

from tongdai.calllog.cdr import Cdr
from tongdai.calls.facts import Fact, LoggedFact
from tongdai.db import Database
from tongdai.db.tables import call_fact, cdr, leg_cdr

_encode_fact = msgspec.json.Encoder().encode
_decode_fact = msgspec.json.Decoder(Fact).decode

Rows = Sequence[Mapping[str, Any]]


async def store(db: Database, batch: Iterable[LoggedFact | Cdr]) -> None:
    """Store what is not there yet; the same fact or CDR may come again after a crash."""
    facts: list[dict[str, Any]] = []
    cdrs: list[dict[str, Any]] = []
    legs: list[dict[str, Any]] = []
    for item in batch:
        if isinstance(item, LoggedFact):
            facts.append(
                {
                    "call": item.call,
                    "tenant": item.tenant,
                    "seq": item.seq,
                    "at": item.at,
                    "fact": _encode_fact(item.fact),
                }
            )
        else:
            cdrs.append(_cdr_row(item))
            legs += _leg_rows(item)
    tables = [(call_fact, facts), (cdr, cdrs), (leg_cdr, legs)]
    try:
        async with db.write() as connection:
            for table, rows in tables:
                if rows:
                    await connection.execute(insert(table), rows)
    except IntegrityError:
        await _store_missing(db, tables)


async def _store_missing(db: Database, tables: Sequence[tuple[Table, Rows]]) -> None:
    """The slow way, after a crash: look first which rows are there."""
    async with db.write() as connection:
        for table, rows in tables:
            key = list(table.primary_key)
            calls = {row["call"] for row in rows}
            there = {
                tuple(row) for row in await connection.execute(select(*key).where(table.c.call.in_(calls)))
            }
            missing = {tuple(row[column.name] for column in key): row for row in rows}
            new = [row for pk, row in missing.items() if pk not in there]
            if new:
                await connection.execute(insert(table), new)


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
        "disposition": record.disposition.value,
        "cause": record.cause.value,
        "summary": {
            "path": list(record.path),
            "answered_by": record.answered_by,
            "merged_into": record.merged_into,
        },
    }


def _leg_rows(record: Cdr) -> list[dict[str, Any]]:
    return [
        {
            "call": record.call,
            "tenant": record.tenant,
            "leg": leg.leg,
            "party": msgspec.to_builtins(leg.party),
            "inbound": leg.inbound,
            "purpose": leg.purpose,
            "started": leg.started,
            "rang_at": leg.rang_at,
            "answered_at": leg.answered_at,
            "ended": leg.ended,
            "cause": leg.cause,
            "by_us": leg.by_us,
        }
        for leg in record.legs
    ]


async def calls(db: Database, *, tenant: str | None = None, limit: int = 100) -> list[Cdr]:
    """The latest calls that have ended, oldest first; of one tenant, or (for the provider) of all."""
    newest = select(cdr).order_by(cdr.c.started.desc(), cdr.c.call.desc()).limit(limit)
    if tenant is not None:
        newest = newest.where(cdr.c.tenant == tenant)
    async with db.read() as connection:
        rows = list(await connection.execute(newest))
        found = select(leg_cdr).where(leg_cdr.c.call.in_([row.call for row in rows]))
        legs: dict[str, list[dict[str, Any]]] = {}
        for leg in await connection.execute(found.order_by(leg_cdr.c.started, leg_cdr.c.leg)):
            legs.setdefault(leg.call, []).append(_plain(leg))
    return [_cdr(row, legs.get(row.call, [])) for row in reversed(rows)]


def _cdr(row: Row[Any], legs: list[dict[str, Any]]) -> Cdr:
    return msgspec.convert({**_plain(row), **row.summary, "legs": legs}, Cdr)


def _plain(row: Row[Any]) -> dict[str, Any]:
    """SQLAlchemy's column names are a kind of str that msgspec does not take for one."""
    return {str(name): value for name, value in row._mapping.items()}


async def facts(db: Database, call: str) -> list[LoggedFact]:
    """Every fact of a call so far, in order; none for a call that does not exist."""
    c = call_fact.c
    wanted = select(c.call, c.tenant, c.seq, c.at, c.fact).where(c.call == call).order_by(c.seq)
    async with db.read() as connection:
        rows = await connection.execute(wanted)
        return [LoggedFact(row[0], row[1], row[2], row[3], _decode_fact(row[4])) for row in rows]


async def matching(db: Database, beginning: str) -> list[str]:
    """Ids of the calls that begin so, at most ten: nobody types a whole id."""
    c = call_fact.c
    wanted = select(c.call).where(c.seq == 1, c.call.startswith(beginning, autoescape=True)).limit(10)
    async with db.read() as connection:
        return [row[0] for row in await connection.execute(wanted)]
