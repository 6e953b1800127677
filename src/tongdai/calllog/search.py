"""Calls that have ended, looked for by whom, when and how; the newest first."""

from __future__ import annotations

import re

import msgspec
from sqlalchemy import ColumnElement, exists, or_, select, tuple_

from tongdai.calllog import store
from tongdai.calllog.cdr import Cdr, Direction, Disposition
from tongdai.db import Database
from tongdai.db.tables import cdr, leg_cdr

MISSED = (
    Disposition.VOICEMAIL,
    Disposition.ABANDONED,
    Disposition.BUSY,
    Disposition.NO_ANSWER,
    Disposition.CANCELLED,
    Disposition.UNAVAILABLE,
)
"""What became of a call that nobody took."""


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Which calls: begun from `since` until before `until` (wall-clock seconds), with a leg of `person`, with
    `number` (or a part of it) at either end. `missed`: somebody else called, and nobody took it."""

    since: float | None = None
    until: float | None = None
    person: str = ""
    number: str = ""
    direction: Direction | None = None
    missed: bool = False


async def search(
    db: Database, tenant: str, wanted: Wanted, *, after: tuple[float, str] | None = None, limit: int
) -> list[Cdr]:
    """At most `limit` calls behind the one that began at this time with this id."""
    c = cdr.c
    query = select(cdr).where(c.tenant == tenant, *_conditions(wanted))
    if after is not None:
        query = query.where(tuple_(c.started, c.call) < tuple_(*after))
    async with db.read() as connection:
        return await store.read(connection, query.order_by(c.started.desc(), c.call.desc()).limit(limit))


def _conditions(wanted: Wanted) -> list[ColumnElement[bool]]:
    c = cdr.c
    found: list[ColumnElement[bool]] = []
    if wanted.since is not None:
        found.append(c.started >= wanted.since)
    if wanted.until is not None:
        found.append(c.started < wanted.until)
    if wanted.direction is not None:
        found.append(c.direction == wanted.direction.value)
    if wanted.person:
        found.append(_leg(wanted.person))
    if number := _digits(wanted.number):
        found.append(or_(c.caller.contains(number), c.dialled.contains(number)))
    if wanted.missed:
        called = _leg(wanted.person, called=True) if wanted.person else c.direction == Direction.IN.value
        found += [c.disposition.in_([x.value for x in MISSED]), called]
    return found


def _leg(person: str, called: bool = False) -> ColumnElement[bool]:
    legs = select(leg_cdr.c.leg).where(
        leg_cdr.c.call == cdr.c.call, leg_cdr.c.tenant == cdr.c.tenant, leg_cdr.c.person == person
    )
    return exists(legs.where(leg_cdr.c.purpose != "caller") if called else legs)


def _digits(number: str) -> str:
    """What national and international spelling of a number have in common."""
    return re.sub(r"[^0-9*#]", "", number).lstrip("0")
