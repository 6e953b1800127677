"""People out of a table: who is new is created, who is there already (by e-mail address, else by extension)
is changed to what the row says."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from enum import StrEnum

import msgspec
from msgspec import UNSET
from sqlalchemy.ext.asyncio import AsyncConnection

from tongdai.core.errors import TongdaiError
from tongdai.core.tenancy import TenantId
from tongdai.tenants.errors import Invalid
from tongdai.tenants.extension.model import Destination
from tongdai.tenants.extension.store import rows as extensions
from tongdai.tenants.person import service
from tongdai.tenants.person.model import Person
from tongdai.tenants.person.schema import NewPerson, PersonChanges
from tongdai.tenants.person.store import rows

COLUMNS = ("name", "extension", "email", "role", "password")
ROLES = {"": False, "employee": False, "administrator": True}
MOST_ROWS = 1_000
"""In one file: others wait for their turn to change anything meanwhile."""


class Action(StrEnum):
    CREATE = "create"
    CHANGE = "change"
    NOTHING = "nothing"
    """It is so already."""
    REFUSED = "refused"


class Row(msgspec.Struct, frozen=True):
    """`line` is counted from 1, the header; `values` has the columns that the file has."""

    line: int
    values: dict[str, str]


class Outcome(msgspec.Struct, frozen=True):
    """What became of a row. `changes` names what is not as before, `error` says why it was refused."""

    row: Row
    action: Action
    person: str = ""
    changes: tuple[str, ...] = ()
    error: TongdaiError | None = None


def read(file: bytes) -> list[Row]:
    """The rows of a CSV file in UTF-8, with commas, semicolons or tabs between the columns of its first line.
    Raises `Invalid`."""
    try:
        text = file.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise _unreadable("Its letters are not UTF-8.", "Save it as CSV UTF-8.") from None
    header = text.partition("\n")[0]
    delimiter = max(",;\t", key=header.count)
    try:
        lines = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
    except csv.Error as error:
        raise _unreadable(f"It is no CSV file: {error}.", "Save the table as CSV UTF-8.") from error
    names = [name.strip().lower() for name in lines[0]] if lines else []
    unknown = [name for name in names if name not in COLUMNS]
    if "name" not in names or unknown or len(set(names)) < len(names):
        what = f"There is no column {unknown[0]!r}." if unknown else "The first line names no columns."
        raise _unreadable(what, f"Begin with a line of column names: name, and of {', '.join(COLUMNS[1:])}.")
    found = []
    for number, line in enumerate(lines[1:], start=2):
        if any(cell.strip() for cell in line):
            cells = [*line, *[""] * (len(names) - len(line))]
            if len(cells) > len(names):
                raise _unreadable(f"Line {number} has more columns than the first.", "Quote what has commas.")
            found.append(Row(number, {x: y.strip() for x, y in zip(names, cells, strict=True)}))
    if not found:
        raise _unreadable("There is nobody in it.", "Give a line for each person below the column names.")
    if len(found) > MOST_ROWS:
        raise _unreadable(f"It has {len(found)} people.", f"Give at most {MOST_ROWS} at a time.")
    return found


def _unreadable(what: str, remedy: str) -> Invalid:
    return Invalid("bad_table", what, remedy)


async def carry_out(
    tenant: TenantId, connection: AsyncConnection, table: Sequence[Row], hashes: Mapping[int, str]
) -> list[Outcome]:
    """Each row in a savepoint of its own, so that every one is looked at; whoever asked rolls back what he
    does not want. `hashes` are those of the passwords of new people, by line, made before since they take
    long."""
    outcomes = []
    lines: dict[str, int] = {}
    for row in table:
        try:
            async with connection.begin_nested():
                outcome = await _one(tenant, connection, row, hashes.get(row.line, ""))
                if outcome.person in lines:
                    raise Invalid(
                        "row_twice",
                        f"Line {lines[outcome.person]} is of the same person.",
                        "Keep one of them, or give each another extension and e-mail address.",
                    )
            lines[outcome.person] = row.line
            outcomes.append(outcome)
        except TongdaiError as error:
            outcomes.append(Outcome(row, Action.REFUSED, error=error))
    return outcomes


async def _one(tenant: TenantId, connection: AsyncConnection, row: Row, password_hash: str) -> Outcome:
    values = row.values
    role = values.get("role", "").lower()
    if role not in ROLES:
        raise Invalid("bad_role", f"{role!r} is no role.", "Use employee, administrator, or nothing.")
    email = values.get("email") or None
    present = await _present(tenant, connection, email, values.get("extension", ""))
    if present is None:
        new = NewPerson(
            name=values["name"],
            extension=values.get("extension", ""),
            email=email,
            password=values.get("password", ""),
            admin=ROLES[role],
        )
        person = await service.create(tenant, connection, new, password_hash)
        return Outcome(row, Action.CREATE, person.id)
    held = await extensions.where(tenant, connection, kind=Destination.PERSON, target=present.id)
    former = {
        "name": present.name,
        "extension": held[0].extension if held else "",
        "email": present.email,
        "admin": present.admin,
    }
    wanted = PersonChanges(
        name=values["name"],
        extension=values.get("extension") or UNSET,
        email=email or UNSET,
        admin=ROLES[role] if role else UNSET,
    )
    changes = tuple(name for name, value in former.items() if getattr(wanted, name) not in (UNSET, value))
    if not changes:
        return Outcome(row, Action.NOTHING, present.id)
    await service.change(tenant, connection, present.id, wanted)
    shown = tuple("role" if name == "admin" else name for name in changes)
    return Outcome(row, Action.CHANGE, present.id, shown)


async def _present(
    tenant: TenantId, connection: AsyncConnection, email: str | None, extension: str
) -> Person | None:
    if email is not None:
        found = await rows.where(tenant, connection, email=email)
        if found:
            return found[0]
    held = await extensions.get(tenant, connection, extension) if extension else None
    if held is None or held.kind != Destination.PERSON:
        return None
    person = await rows.get(tenant, connection, held.target)
    # an address that differs is somebody else, who cannot have the extension
    return person if person is not None and (email is None or person.email is None) else None
