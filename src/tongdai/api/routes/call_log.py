"""The call log: calls that have ended, and why they went as they did."""

from __future__ import annotations

import contextlib
import csv
import io
from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field

from tongdai.api.access import Member, Scope
from tongdai.api.context import Context, Ctx
from tongdai.api.paging import MOST, Cursor, Limit, Page, after, following
from tongdai.api.problems import Problem, not_found
from tongdai.api.reading import Reader
from tongdai.api.rpc import messages as m
from tongdai.api.shapes import TENANT, Id, when
from tongdai.calllog import Cdr, Direction, Disposition, explain, one_line, search, store, tell
from tongdai.calls.facts import LoggedFact, people_of
from tongdai.core.language import Language

router = APIRouter(prefix=TENANT, tags=["Call log"])


class LoggedCall(BaseModel):
    """A call that has ended."""

    id: str
    direction: Direction = Field(description="`in` from outside, `out` to the outside, or `internal`.")
    caller: str = Field(description="Extension or E.164 number; empty when it was withheld.")
    caller_name: str
    dialled: str
    answered_by: str = Field(description="Who talked to the caller first; empty for nobody.")
    path: list[str] = Field(
        description="Where it went, as people call it.", examples=[["Main menu", "Sales"]]
    )
    started: datetime
    answered: datetime | None
    ended: datetime
    seconds: float = Field(description="From the answer to the end; 0 without an answer.")
    disposition: Disposition = Field(description="What became of it.")
    missed: bool = Field(description="Whether nobody took it.")
    story: str = Field(examples=["called 102 → rang 102 → 102 answered after 4 s → 2 min → 102 hung up"])


class Step(BaseModel):
    """One thing that happened."""

    at: datetime
    what: str = Field(description="Which kind of thing, in no language.", examples=["answered"])
    text: str = Field(examples=["102 answered after 4 s"])


def _wanted(
    scope: Member,
    since: Annotated[datetime | None, Query(description="Begun then or later.")] = None,
    until: Annotated[datetime | None, Query(description="Begun before.")] = None,
    person: Annotated[str, Query(max_length=64, description="With this person; employees: oneself.")] = "",
    number: Annotated[str, Query(max_length=40, description="From or to it, or to what contains it.")] = "",
    direction: Annotated[Direction | None, Query(description="Between whom.")] = None,
    missed: Annotated[bool, Query(description="Only those that nobody took.")] = False,
) -> search.Wanted:
    """An administrator may ask for all calls, an employee for his own."""
    if not scope.administers:
        person = person or scope.who.person
        scope.own(person)
    return search.Wanted(
        since=since.timestamp() if since else None,
        until=until.timestamp() if until else None,
        person=person,
        number=number,
        direction=direction,
        missed=missed,
    )


Filters = Annotated[search.Wanted, Depends(_wanted)]


def _after(cursor: str | None) -> tuple[float, str] | None:
    values = after(cursor, 2)
    if values is None:
        return None
    try:
        return float(values[0]), values[1]
    except ValueError:
        raise Problem(
            422, "bad_cursor", "This cursor is none of ours.", "Give `next` of the page before."
        ) from None


def _key(x: Cdr) -> tuple[str, str]:
    return repr(x.started), x.call


def _shown(x: Cdr, story: str) -> LoggedCall:
    return LoggedCall(
        id=x.call,
        direction=x.direction,
        caller=x.caller,
        caller_name=x.caller_name,
        dialled=x.dialled,
        answered_by=x.answered_by,
        path=list(x.path),
        started=when(x.started),
        answered=when(x.answered_at) if x.answered_at is not None else None,
        ended=when(x.ended),
        seconds=round(x.ended - x.answered_at, 1) if x.answered_at is not None else 0.0,
        disposition=x.disposition,
        missed=x.disposition in search.MISSED,
        story=story,
    )


async def _told(scope: Scope, ctx: Context, found: list[Cdr], language: Language) -> list[LoggedCall]:
    facts = await store.facts_of(ctx.db, scope.tenant, [x.call for x in found])
    return [_shown(x, one_line(explain(facts.get(x.call, [])), language)) for x in found]


@router.get("/call-log", summary="Calls that have ended")
async def list_calls(
    scope: Member, wanted: Filters, ctx: Ctx, reader: Reader, limit: Limit = 50, cursor: Cursor = None
) -> Page[LoggedCall]:
    """The newest first; every one for administrators, one's own for an employee."""
    found = await search.search(ctx.db, scope.tenant, wanted, after=_after(cursor), limit=limit + 1)
    return Page(items=await _told(scope, ctx, found[:limit], reader), next=following(found, limit, _key))


_COLUMNS = (
    "started", "direction", "caller", "caller_name", "dialled", "answered_by", "seconds", "disposition",
    "missed", "story", "id",
)  # fmt: skip


@router.get(
    "/call-log.csv",
    summary="Calls that have ended, as a table",
    response_class=StreamingResponse,
    responses={200: {"description": "CSV by RFC 4180, in UTF-8.", "content": {"text/csv": {}}}},
)
async def export(scope: Member, wanted: Filters, ctx: Ctx, reader: Reader) -> StreamingResponse:
    """All that the list would show, in its order. Times are UTC."""
    headers = {"Content-Disposition": 'attachment; filename="calls.csv"', "Content-Language": reader}
    return StreamingResponse(_table(scope, ctx, wanted, reader), media_type="text/csv", headers=headers)


async def _table(scope: Scope, ctx: Context, wanted: search.Wanted, language: Language) -> AsyncIterator[str]:
    yield "\ufeff" + _lines([_COLUMNS])  # without it, spreadsheets take it for something else than UTF-8
    here = None
    while True:
        found = await search.search(ctx.db, scope.tenant, wanted, after=here, limit=MOST)
        if not found:
            return
        shown = [x.model_dump(mode="json") for x in await _told(scope, ctx, found, language)]
        yield _lines([[_cell(x[column]) for column in _COLUMNS] for x in shown])
        here = found[-1].started, found[-1].call


def _lines(rows: Iterable[Sequence[str]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()


def _cell(value: object) -> str:
    """A caller chooses his name: a spreadsheet must not take it for a formula. A number is none."""
    text = str(value)
    formula = text[:1] in ("=", "+", "-", "@", "\t", "\r") and not text.lstrip("+").isdigit()
    return f"'{text}" if formula else text


@router.get("/calls/{call}/explanation", summary="What happened in a call, and why")
async def explanation(call: Id, scope: Member, ctx: Ctx, reader: Reader) -> list[Step]:
    """In plain words of the reader's language, step by step, of a call in progress or one that has ended; an
    employee's own."""
    facts: Sequence[LoggedFact] = ()
    with contextlib.suppress(m.ControlSilent):  # then as far as it is stored
        facts = (await ctx.control.ask(m.ReadFacts(scope.tenant, call), m.Facts)).facts
    facts = facts or await store.facts(ctx.db, call)
    if not facts or facts[0].tenant != scope.tenant:
        raise not_found("call", call)
    if not scope.administers and scope.who.person not in people_of(facts):
        raise not_found("call", call)
    return [Step(at=when(step.at), what=step.what, text=tell(step, reader)) for step in explain(facts)]
