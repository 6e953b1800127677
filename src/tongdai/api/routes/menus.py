"""The switchboard: what callers hear, and where each key leads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Query, Request, Response
from msgspec import UNSET
from pydantic import BaseModel, Field
from sqlalchemy.ext.asyncio import AsyncConnection

from tongdai.api import destinations, etags
from tongdai.api.access import Admin, Member
from tongdai.api.context import Ctx
from tongdai.api.idempotency import Documented, Once
from tongdai.api.paging import Cursor, Limit, Page, after, following
from tongdai.api.problems import Problem, referring
from tongdai.api.shapes import TENANT, Body, Id
from tongdai.calls.prompts import Clip, Prompt, Text
from tongdai.core.tenancy import TenantId
from tongdai.directory import menu_service as menus
from tongdai.directory.menus import Choices as StoredChoices
from tongdai.directory.menus import Key as StoredKey
from tongdai.directory.menus import Kind
from tongdai.directory.menus import Menu as StoredMenu
from tongdai.directory.menus import Target as StoredTarget
from tongdai.tenants.department.store import rows as departments
from tongdai.tenants.extension.model import Destination
from tongdai.tenants.extension.store import rows as extensions
from tongdai.tenants.number.store import rows as numbers
from tongdai.tenants.person.store import rows as people
from tongdai.tenants.prompt import service as prompts
from tongdai.tenants.room.store import rows as rooms

router = APIRouter(prefix=TENANT + "/menus", tags=["Menus"], route_class=Once)

_Seconds = Annotated[float, Field(ge=0.5, le=menus.LONGEST_SECONDS)]
_Repeats = Annotated[int, Field(ge=0, le=menus.MOST_REPEATS)]
_Digit = Annotated[str, Field(pattern="^[0-9*]$", examples=["1"])]
_Name = Annotated[str, Field(pattern="^[a-z0-9][a-z0-9_-]{0,29}$", examples=["products"])]

_KIND = (
    "`person`, `department`, `room` (callers give its PIN), `extension` (whoever has it then), `voicemail` "
    "(of a person or department), `directory` (by name), `menu` (one of `submenus`, or `main`), `repeat` "
    "(say it once more), `hang_up`."
)
_ID = (
    "Of the person, department or room; the extension; the name of the menu; for `directory` the extension "
    "of who helps those that find nobody, or nothing."
)


class Greeting(BaseModel):
    """What is said first; neither: a recording that is no prompt of the list."""

    text: str | None = Field(default=None, description="Words that are spoken.")
    prompt: str | None = Field(default=None, description="Id of a prompt.")


class NewGreeting(Body):
    """Words, or a prompt: one of them."""

    text: Annotated[str | None, Field(max_length=menus.MOST_WORDS, examples=["Welcome to An Phát."])] = None
    prompt: Annotated[str | None, Field(max_length=64, description="Id of a prompt.")] = None


class Target(BaseModel):
    """Where a key leads."""

    kind: Kind = Field(description=_KIND)
    id: str = Field("", description=_ID)
    name: str = Field("", description="What it is called; empty for what is gone.", examples=["Sales"])


class NewTarget(Body):
    """Where a key shall lead."""

    kind: Annotated[Kind, Field(description=_KIND, examples=["repeat"])]
    id: Annotated[str, Field(max_length=64, description=_ID)] = ""


class Key(BaseModel):
    """A key of the menu."""

    key: str = Field(examples=["1"])
    label: str | None = Field(description="Callers are told: for … press …; null: not told.")
    to: Target


class NewKey(Body):
    """A key of the menu."""

    key: _Digit
    label: Annotated[str | None, Field(max_length=100, examples=["Sales"])] = None
    to: NewTarget


class Choices(BaseModel):
    """A menu."""

    greeting: Greeting | None
    keys: list[Key] = Field(description="In the order in which callers are told of them.")
    otherwise: Target = Field(description="Where one goes who presses nothing.")
    extensions: bool = Field(description="Whether an extension may be dialled directly.")
    timeout_seconds: float = Field(description="How long it waits for a key.")
    interdigit_seconds: float = Field(description="How long it waits for the next digit of an extension.")
    repeats: int = Field(description="How often it is said again before `otherwise`.")


class NewChoices(Body):
    """A menu behind a key."""

    greeting: NewGreeting | None = None
    keys: Annotated[list[NewKey], Field(max_length=11)] = Field(default_factory=list)
    otherwise: NewTarget
    extensions: bool = False
    timeout_seconds: _Seconds = 5.0
    interdigit_seconds: _Seconds = 2.0
    repeats: _Repeats = 1


class MenuSummary(BaseModel):
    """A switchboard in the list."""

    id: str
    name: str = Field(examples=["Main menu"])
    extension: str | None = Field(examples=["100"])
    numbers: list[str] = Field(description="Numbers that lead to it.")
    version: int = Field(description="Counts its changes.")
    simple: bool = Field(description="False: it has more to it than a menu, and cannot be shown as one.")


class Menu(Choices):
    """A switchboard."""

    id: str
    name: str = Field(examples=["Main menu"])
    extension: str | None = Field(examples=["100"])
    numbers: list[str] = Field(description="Numbers that lead to it.")
    version: int = Field(description="Counts its changes.")
    submenus: dict[str, Choices] = Field(description="Menus behind its keys, by a name of one's own.")


class NewMenu(NewChoices):
    """A switchboard to be made."""

    name: Annotated[str, Field(examples=["Evening menu"])]
    extension: Annotated[str | None, Field(description="2 to 6 digits.", examples=["190"])] = None
    greeting: Annotated[NewGreeting | None, Field(examples=[{"text": "Good evening."}])] = None
    extensions: bool = True
    submenus: dict[_Name, NewChoices] = Field(default_factory=dict)


class MenuChanges(Body):
    """What is left out stays as it is; `keys` and `submenus` are whole."""

    name: str = ""
    extension: Annotated[str | None, Field(description="Null takes it away.")] = None
    greeting: NewGreeting | None = None
    keys: Annotated[list[NewKey], Field(max_length=11)] = Field(default_factory=list)
    otherwise: NewTarget = NewTarget(kind=Kind.HANG_UP)
    extensions: bool = True
    timeout_seconds: _Seconds = 5.0
    interdigit_seconds: _Seconds = 2.0
    repeats: _Repeats = 1
    submenus: dict[_Name, NewChoices] = Field(default_factory=dict)


# shown


class _Names:
    """What targets and prompts are called."""

    def __init__(self, targets: Mapping[tuple[str, str], str], prompts: Mapping[str, str]) -> None:
        self._targets = targets
        self._prompts = prompts

    @classmethod
    async def of(cls, tenant: TenantId, connection: AsyncConnection, menu: StoredMenu) -> _Names:
        every = [menu.main, *menu.submenus.values()]
        led = [x for choices in every for x in (choices.otherwise, *(key.to for key in choices.keys))]
        ids = sorted({x.id for x in led if x.id})
        named: dict[tuple[str, str], str] = {}
        for kind, rows in ((Kind.PERSON, people), (Kind.DEPARTMENT, departments), (Kind.ROOM, rooms)):
            for item in await rows.where_in(tenant, connection, "id", ids):
                named[kind, item.id] = item.name
                if kind is not Kind.ROOM:
                    named[Kind.VOICEMAIL, item.id] = item.name
        held = await extensions.where_in(tenant, connection, "extension", ids)
        holders = await destinations.show(tenant, connection, [(x.kind, x.target) for x in held])
        for x, holder in zip(held, holders, strict=True):
            for kind in (Kind.EXTENSION, Kind.DIRECTORY):
                named[kind, x.extension] = holder.name
        found = {}
        for choices in every:
            if isinstance(choices.greeting, Clip):
                prompt = await prompts.of_blob(tenant, connection, choices.greeting.blob)
                if prompt is not None:
                    found[choices.greeting.blob] = prompt.id
        return cls(named, found)

    def choices(self, stored: StoredChoices) -> dict[str, Any]:
        """As the fields of `Choices`."""
        return {
            "greeting": self._greeting(stored.greeting),
            "keys": [Key(key=x.key, label=x.label or None, to=self._target(x.to)) for x in stored.keys],
            "otherwise": self._target(stored.otherwise),
            "extensions": stored.extensions,
            "timeout_seconds": stored.timeout,
            "interdigit_seconds": stored.interdigit,
            "repeats": stored.repeats,
        }

    def _greeting(self, stored: Prompt | None) -> Greeting | None:
        match stored:
            case None:
                return None
            case Text(text=text):
                return Greeting(text=text)
            case Clip(blob=blob):
                return Greeting(prompt=self._prompts.get(blob))
            case _:
                return Greeting()

    def _target(self, stored: StoredTarget) -> Target:
        name = self._targets.get((stored.kind, stored.id), "")
        return Target(kind=stored.kind, id=stored.id, name=name)


async def _reached(
    tenant: TenantId, connection: AsyncConnection, ids: Sequence[str]
) -> tuple[dict[str, str], dict[str, list[str]]]:
    """The extension and the numbers of each menu."""
    held = await extensions.where_in(tenant, connection, "target", ids)
    led = await numbers.where_in(tenant, connection, "target", ids)
    return (
        {x.target: x.extension for x in held if x.kind == Destination.FLOW},
        {id_: [x.number for x in led if (x.kind, x.target) == (Destination.FLOW, id_)] for id_ in ids},
    )


async def _show(tenant: TenantId, connection: AsyncConnection, stored: menus.Stored) -> Menu:
    menu = stored.menu
    names = await _Names.of(tenant, connection, menu)
    extension, led = await _reached(tenant, connection, [stored.id])
    return Menu(
        id=stored.id,
        name=menu.name,
        extension=extension.get(stored.id),
        numbers=led[stored.id],
        version=stored.version,
        **names.choices(menu.main),
        submenus={name: Choices(**names.choices(x)) for name, x in menu.submenus.items()},
    )


# asked for


async def _prompt(tenant: TenantId, connection: AsyncConnection, asked: NewGreeting | None) -> Prompt | None:
    if asked is None:
        return None
    if (asked.text is None) == (asked.prompt is None):
        raise Problem(
            422, "one_of", "Give either `text` or `prompt`.", "Leave one of them out.",
            errors=[("/greeting", "text or prompt")],
        )  # fmt: skip
    if asked.text is not None:
        return Text(asked.text)
    with referring("greeting"):
        return Clip((await prompts.get(tenant, connection, asked.prompt or "")).blob)


def _to(asked: NewTarget) -> StoredTarget:
    return StoredTarget(asked.kind, asked.id)


def _keys(asked: Iterable[NewKey]) -> tuple[StoredKey, ...]:
    return tuple(StoredKey(x.key, _to(x.to), x.label or "") for x in asked)


async def _choices(
    tenant: TenantId, connection: AsyncConnection, asked: NewChoices | MenuChanges
) -> StoredChoices:
    return StoredChoices(
        greeting=await _prompt(tenant, connection, asked.greeting),
        keys=_keys(asked.keys),
        otherwise=_to(asked.otherwise),
        extensions=asked.extensions,
        timeout=asked.timeout_seconds,
        interdigit=asked.interdigit_seconds,
        repeats=asked.repeats,
    )


_FIELDS = {"timeout_seconds": "timeout", "interdigit_seconds": "interdigit"}


async def _changed(
    tenant: TenantId, connection: AsyncConnection, former: StoredMenu, asked: MenuChanges
) -> StoredMenu:
    whole, given = await _choices(tenant, connection, asked), asked.model_fields_set
    main = {
        name: getattr(whole, name)
        for field in MenuChanges.model_fields
        if field in given and (name := _FIELDS.get(field, field)) in StoredChoices.__struct_fields__
    }
    return StoredMenu(
        asked.name if "name" in given else former.name,
        msgspec.structs.replace(former.main, **main),
        await _submenus(tenant, connection, asked.submenus) if "submenus" in given else former.submenus,
    )


async def _submenus(
    tenant: TenantId, connection: AsyncConnection, asked: Mapping[str, NewChoices]
) -> dict[str, StoredChoices]:
    return {name: await _choices(tenant, connection, x) for name, x in asked.items()}


@router.get("", summary="Menus")
async def list_menus(
    scope: Member,
    ctx: Ctx,
    q: Annotated[str, Query(max_length=100, description="Only those in whose name this is.")] = "",
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[MenuSummary]:
    """Every switchboard of the company, by name."""
    begin = tuple(after(cursor, 2) or ())
    async with ctx.db.read() as connection:
        every = await menus.published(scope.tenant, connection)
        wanted = sorted((x.flow.label, x.id, x) for x in every if q.casefold() in x.flow.label.casefold())
        found = [x for label, id_, x in wanted if (label, id_) > begin][: limit + 1]
        extension, led = await _reached(scope.tenant, connection, [x.id for x in found])
    items = [
        MenuSummary(
            id=x.id,
            name=x.flow.label,
            extension=extension.get(x.id),
            numbers=led[x.id],
            version=x.version,
            simple=x.simple,
        )
        for x in found[:limit]
    ]
    return Page(items=items, next=following(found, limit, lambda x: [x.flow.label, x.id]))


@router.post("", status_code=201, summary="Make a menu")
async def create_menu(
    scope: Admin, body: NewMenu, response: Response, ctx: Ctx, idempotency_key: Documented = None
) -> Menu:
    """Callers reach it by its extension, or when a number leads to it."""
    async with ctx.writer.change(scope.tenant, scope.who.actor, "menu.create") as change:
        wanted = StoredMenu(
            body.name,
            await _choices(scope.tenant, change.connection, body),
            await _submenus(scope.tenant, change.connection, body.submenus),
        )
        stored = await menus.create(scope.tenant, change.connection, wanted, body.extension or "")
        made = await _show(scope.tenant, change.connection, stored)
        change.tell(made.id, after=made.model_dump())
    return etags.sent(response, made, f"/api/v1/tenants/{scope.tenant}/menus/{made.id}")


@router.get("/{menu}", summary="A menu", response_model=Menu)
async def read_menu(
    menu: Id, request: Request, response: Response, scope: Member, ctx: Ctx
) -> Menu | Response:
    """409 for a flow that has more to it than a menu can say."""
    async with ctx.db.read() as connection:
        stored = await menus.get(scope.tenant, connection, menu)
        return etags.tagged(request, response, await _show(scope.tenant, connection, stored))


@router.patch("/{menu}", summary="Change a menu")
async def change_menu(
    menu: Id,
    scope: Admin,
    body: MenuChanges,
    response: Response,
    ctx: Ctx,
    if_match: etags.IfMatch = None,
) -> Menu:
    """The next call hears it; who is in it stays in the version that he came to."""
    extension = (body.extension or "") if "extension" in body.model_fields_set else UNSET
    async with ctx.writer.change(scope.tenant, scope.who.actor, "menu.change") as change:
        stored = await menus.get(scope.tenant, change.connection, menu)
        former = await _show(scope.tenant, change.connection, stored)
        etags.check(if_match, former)
        wanted = await _changed(scope.tenant, change.connection, stored.menu, body)
        changed = await menus.change(scope.tenant, change.connection, menu, wanted, extension)
        present = await _show(scope.tenant, change.connection, changed)
        change.tell(menu, before=former.model_dump(), after=present.model_dump())
    return etags.sent(response, present)


@router.delete("/{menu}", status_code=204, summary="Delete a menu")
async def delete_menu(menu: Id, scope: Admin, ctx: Ctx, if_match: etags.IfMatch = None) -> None:
    """Whatever flow it is. Refused while a number leads to it."""
    async with ctx.writer.change(scope.tenant, scope.who.actor, "menu.delete") as change:
        stored = await menus.get(scope.tenant, change.connection, menu)
        if if_match is not None:  # of a flow that has more to it than a menu nobody could read one
            etags.check(if_match, await _show(scope.tenant, change.connection, stored))
        await menus.delete(scope.tenant, change.connection, menu)
        change.tell(menu, before={"name": stored.flow.label})
