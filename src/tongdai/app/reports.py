"""What `tongdai calls` and `tongdai explain` print."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import msgspec
from sqlalchemy import or_, select

from tongdai.app.stored import Stored, with_stored
from tongdai.calllog import Cdr, explain, one_line, store, tell
from tongdai.calllog.phrases import duration, phrase
from tongdai.calllog.words import number
from tongdai.calls.facts import CallEnded, CallStarted, LoggedFact
from tongdai.core.errors import TongdaiError
from tongdai.core.language import Language, known
from tongdai.db import Database, tables
from tongdai.tenants.tenant.schema import check_language

Form = Literal["table", "lines", "json"]


def list_calls(data: Path | None, tenant: str | None, limit: int, form: Form) -> str:
    """The latest calls: a table for people, or one line a call with tabs between, or JSON."""

    async def read(stored: Stored) -> tuple[list[Cdr], dict[str, str]]:
        db = stored.db
        domains = await _domains(db)
        id_ = None if tenant is None else await _tenant(db, tenant)
        return await store.calls(db, tenant=id_, limit=limit), domains

    found, domains = with_stored(data, read)
    if form == "json":
        return msgspec.json.format(msgspec.json.encode(found), indent=2).decode() + "\n"
    rows = [("call", "started", "tenant", "from", "dialled", "what became of it", "length")]
    for cdr in found:
        outcome = cdr.disposition.value.replace("_", " ")
        rows.append(
            (
                cdr.call,
                f"{_local(cdr.started):%Y-%m-%d %H:%M:%S}",
                domains.get(cdr.tenant, cdr.tenant),
                number(cdr.caller) or "anonymous",
                number(cdr.dialled),
                f"{outcome} by {number(cdr.answered_by)}" if cdr.answered_by else outcome,
                duration(cdr.ended - cdr.started, "en"),
            )
        )
    if form == "lines":
        return "".join("\t".join(row) + "\n" for row in rows[1:])
    if not found:
        return "No call has ended yet.\n"
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "".join("  ".join(map(str.ljust, row, widths)).rstrip() + "\n" for row in rows)


def language_of(asked: str | None, environment: Mapping[str, str]) -> Language:
    """The language that is asked for, or that of whoever sits at this terminal. Raises `TongdaiError`."""
    if asked is not None:
        check_language(asked)
        return known(asked)
    locale = next((x for name in ("LC_ALL", "LC_MESSAGES", "LANG") if (x := environment.get(name))), "")
    return known(locale.partition("_")[0])


def explain_call(data: Path | None, call: str, language: Language) -> str:
    """The story of one call: a heading, the whole in one line, and every step with its time."""

    async def read(stored: Stored) -> tuple[list[LoggedFact], dict[str, str]]:
        db = stored.db
        return await store.facts(db, await _find(db, call)), await _domains(db)

    facts, domains = with_stored(data, read)
    first, steps = facts[0], explain(facts)
    begun = first.fact
    who = ""
    if isinstance(begun, CallStarted):
        caller = number(begun.party.number) or phrase("heading.anonymous", {}, language)
        who = phrase("heading.caller", {"number": caller, "name": begun.party.name}, language)
    about = {
        "call": first.call,
        "tenant": domains.get(first.tenant, first.tenant),
        "time": f"{_local(first.at):%Y-%m-%d %H:%M:%S}",
        "caller": who,
    }
    ended = any(isinstance(x.fact, CallEnded) for x in facts)
    out = [
        phrase("heading", about, language) + ("" if ended else phrase("heading.going_on", {}, language)),
        "",
        one_line(steps, language),
        "",
        *(f"{_local(step.at):%H:%M:%S}  {tell(step, language)}" for step in steps),
    ]
    return "\n".join(out) + "\n"


async def _find(db: Database, beginning: str) -> str:
    if beginning == "last":
        async with db.read() as connection:
            f = tables.call_fact.c
            latest = await connection.scalar(select(f.call).where(f.seq == 1).order_by(f.at.desc()).limit(1))
        if latest is None:
            raise TongdaiError("no_call", "There was no call yet.")
        return str(latest)
    found = await store.matching(db, beginning)
    if not found:
        raise TongdaiError("no_call", f"There is no call {beginning!r}.", "`tongdai calls` lists them.")
    if len(found) > 1 and beginning not in found:
        raise TongdaiError("many_calls", f"Several calls begin with {beginning!r}.", "Give more of the id.")
    return beginning if beginning in found else found[0]


async def _tenant(db: Database, text: str) -> str:
    t = tables.tenant.c
    async with db.read() as connection:
        id_ = await connection.scalar(select(t.id).where(or_(t.id == text, t.domain == text)))
    if id_ is None:
        raise TongdaiError("no_tenant", f"There is no tenant {text!r}.", "Give its domain, e.g. anphat.demo.")
    return str(id_)


async def _domains(db: Database) -> dict[str, str]:
    t = tables.tenant.c
    async with db.read() as connection:
        return {row.id: row.domain for row in await connection.execute(select(t.id, t.domain))}


def _local(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC).astimezone()
