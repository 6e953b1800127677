"""People out of a table."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field

from tongdai.api.access import Admin
from tongdai.api.context import Ctx
from tongdai.api.idempotency import Documented, Once
from tongdai.api.problems import Problem, field_of
from tongdai.api.shapes import TENANT
from tongdai.tenants.credentials import hash_password
from tongdai.tenants.person import imports
from tongdai.tenants.person.imports import Action, Outcome, Row

router = APIRouter(prefix=TENANT + "/imports", tags=["People"], route_class=Once)

_MOST_ERRORS = 100
_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "text/csv": {
                "schema": {"type": "string", "maxLength": 1 << 20},
                "example": "name,extension,email,role\nThu Ha,117,ha@example.com,employee\n",
            }
        },
    }
}


class RowError(BaseModel):
    """What is wrong with a row."""

    field: str = Field(description="The column; empty for the row as a whole.", examples=["extension"])
    code: str
    detail: str
    remedy: str


class ImportedRow(BaseModel):
    """What becomes of a row of the table."""

    line: int = Field(description="In the file, from 1.", examples=[2])
    action: Action = Field(description="create, change, nothing (it is so already), or refused.")
    person: str | None = Field(description="Id of who is there; in a preview null for who is new.")
    name: str
    extension: str
    email: str
    changes: list[str] = Field(description="What is not as before.", examples=[["extension"]])
    error: RowError | None


class Import(BaseModel):
    """What becomes of a table."""

    preview: bool = Field(description="Whether nothing was changed.")
    created: int
    changed: int
    unchanged: int
    refused: int
    rows: list[ImportedRow]


def _shown(outcome: Outcome, preview: bool) -> ImportedRow:
    values, error = outcome.row.values, outcome.error
    return ImportedRow(
        line=outcome.row.line,
        action=outcome.action,
        person=None if preview and outcome.action is Action.CREATE else outcome.person or None,
        name=values["name"],
        extension=values.get("extension", ""),
        email=values.get("email", ""),
        changes=list(outcome.changes),
        error=None
        if error is None
        else RowError(field=field_of(error), code=error.code, detail=error.message, remedy=error.remedy),
    )


def _import(outcomes: Sequence[Outcome], *, preview: bool) -> Import:
    count = {action: sum(x.action is action for x in outcomes) for action in Action}
    return Import(
        preview=preview,
        created=count[Action.CREATE],
        changed=count[Action.CHANGE],
        unchanged=count[Action.NOTHING],
        refused=count[Action.REFUSED],
        rows=[_shown(x, preview) for x in outcomes],
    )


def _hashes(table: Sequence[Row]) -> dict[int, str]:
    return {x.line: hash_password(x.values["password"]) for x in table if x.values.get("password")}


@router.post("/people", summary="Import people from a CSV file", openapi_extra=_BODY)
async def import_people(
    scope: Admin,
    request: Request,
    ctx: Ctx,
    preview: Annotated[bool, Query(description="Only tell what would become of each row.")] = False,
    idempotency_key: Documented = None,
) -> Import:
    """The first line names the columns: `name`, and of `extension`, `email`, `role` and `password` (of who is
    new) those that there are. Who is there already, by e-mail address or else by extension, is changed;
    nobody is deleted, and an empty cell changes nothing. All of it or nothing: with one row refused nothing
    is changed. Look at a `preview` first."""
    table = imports.read(await request.body())
    if preview:
        async with ctx.writer.rehearsal() as connection:
            unhashed = {row.line: "rehearsed" for row in table}
            outcomes = await imports.carry_out(scope.tenant, connection, table, unhashed)
        return _import(outcomes, preview=True)
    hashes = await asyncio.to_thread(_hashes, table)
    async with ctx.writer.change(scope.tenant, scope.who.actor, "person.import") as change:
        outcomes = await imports.carry_out(scope.tenant, change.connection, table, hashes)
        refused = [x for x in outcomes if x.error is not None]
        if refused:
            raise Problem(
                422,
                "rows_refused",
                f"{len(refused)} of {len(outcomes)} rows cannot be imported, so nothing was.",
                "Mend them and send the file again; `preview` tells of every row.",
                errors=[
                    (f"line {x.row.line} {field_of(x.error)}".rstrip(), x.error.message)
                    for x in refused[:_MOST_ERRORS]
                    if x.error is not None
                ],
            )
        done = _import(outcomes, preview=False)
        by_action = {
            "created": [x.person for x in outcomes if x.action is Action.CREATE],
            "changed": [x.person for x in outcomes if x.action is Action.CHANGE],
        }
        change.tell("", after={name: people for name, people in by_action.items() if people})
    return done
