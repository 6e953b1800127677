"""Menus' rules: what a company's switchboard says and where its keys lead. Every change is a new version of
its flow, which the next call enters."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
from msgspec import UNSET, UnsetType
from sqlalchemy.ext.asyncio import AsyncConnection

from tongdai.calls.prompts import Clip, Prompt, Text
from tongdai.core.tenancy import TenantId
from tongdai.directory import flows
from tongdai.directory.menus import MAIN, Choices, Kind, Menu, NotSimple, Target, flow_of, menu_of
from tongdai.flows import schema
from tongdai.flows.linter import MENU_KEYS
from tongdai.flows.schema import Flow
from tongdai.tenants.checks import check_name
from tongdai.tenants.department.store import rows as departments
from tongdai.tenants.errors import Invalid, NotFound
from tongdai.tenants.extension import service as extensions
from tongdai.tenants.extension.model import Destination
from tongdai.tenants.extension.store import rows as extension_rows
from tongdai.tenants.flow import service
from tongdai.tenants.flow.model import FlowVersion
from tongdai.tenants.flow.store import rows
from tongdai.tenants.person.store import rows as people
from tongdai.tenants.room.store import rows as rooms

MOST_SUBMENUS = 20
MOST_WORDS = 1000
LONGEST_SECONDS = 60.0
MOST_REPEATS = 10


class Stored(msgspec.Struct, frozen=True):
    """The published version of a flow."""

    id: str
    version: int
    flow: Flow

    @property
    def menu(self) -> Menu:
        """Raises `NotSimple`."""
        return menu_of(self.flow)

    @property
    def simple(self) -> bool:
        """Whether it can be shown and changed as a menu."""
        try:
            menu_of(self.flow)
        except NotSimple:
            return False
        return True


def _stored(version: FlowVersion) -> Stored:
    return Stored(version.id, version.version, flows.decode(version))


async def published(tenant: TenantId, connection: AsyncConnection) -> list[Stored]:
    """Every flow of the tenant, by id."""
    return [_stored(x) for x in await rows.where(tenant, connection, published=True)]


async def get(tenant: TenantId, connection: AsyncConnection, menu: str) -> Stored:
    """Raises `NotFound`."""
    try:
        return _stored(await service.published(tenant, connection, menu))
    except NotFound:
        raise NotFound("menu", menu) from None


async def create(tenant: TenantId, connection: AsyncConnection, menu: Menu, extension: str = "") -> Stored:
    await check(tenant, connection, menu)
    return _stored(await service.create(tenant, connection, flows.encode(flow_of(menu)), extension))


async def change(
    tenant: TenantId,
    connection: AsyncConnection,
    menu: str,
    wanted: Menu,
    extension: str | UnsetType = UNSET,
) -> Stored:
    """Raises `NotSimple` when what is there cannot be shown as a menu: it would be lost."""
    former = await get(tenant, connection, menu)
    if former.menu != wanted:
        await check(tenant, connection, wanted)
        await _publish(tenant, connection, menu, flow_of(wanted))
    if extension is not UNSET:
        if extension:
            await extensions.assign(tenant, connection, extension, Destination.FLOW, menu)
        else:
            await extensions.release(tenant, connection, Destination.FLOW, menu)
    return await get(tenant, connection, menu)


async def delete(tenant: TenantId, connection: AsyncConnection, menu: str) -> None:
    """With all its versions. Refused while a number leads to it."""
    await get(tenant, connection, menu)
    await service.delete(tenant, connection, menu)


async def _publish(tenant: TenantId, connection: AsyncConnection, flow: str, graph: Flow) -> int:
    added = await service.add(tenant, connection, flow, flows.encode(graph))
    await service.publish(tenant, connection, added.id, added.version)
    return added.version


# the greeting alone, of any flow that begins with one


def greeting_of(flow: Flow) -> Prompt | None:
    """The first thing that callers hear."""
    node = flow.nodes.get(flow.start)
    return node.prompts[0] if isinstance(node, schema.Menu | schema.Play) and node.prompts else None


async def greet(tenant: TenantId, connection: AsyncConnection, stored: Stored, greeting: Prompt) -> int:
    """Replace the first thing that callers hear; returns the version that the next call enters."""
    flow = stored.flow
    node = flow.nodes[flow.start]
    assert isinstance(node, schema.Menu | schema.Play), "a greeting was found there"
    changed = msgspec.structs.replace(node, prompts=(greeting, *node.prompts[1:]))
    wanted = msgspec.structs.replace(flow, nodes={**flow.nodes, flow.start: changed})
    return await _publish(tenant, connection, stored.id, wanted)


async def last_words(tenant: TenantId, connection: AsyncConnection, menu: str) -> Prompt | None:
    """The newest greeting that was no recording."""
    for version in reversed(await service.versions(tenant, connection, menu)):
        former = greeting_of(flows.decode(version))
        if former is not None and not isinstance(former, Clip):
            return former
    return None


# what can be


async def check(tenant: TenantId, connection: AsyncConnection, menu: Menu) -> None:
    """Raises `Invalid`, which tells where (`field`) what is wrong."""
    check_name(menu.name)
    if len(menu.submenus) > MOST_SUBMENUS:
        raise _bad("too_many_menus", "submenus", "So many menus nobody finds his way in.", "Use up to 20.")
    reached = {MAIN}
    for place, choices in _all(menu):
        _check_choices(place, choices)
        for where, target in _targets(place, choices):
            if target.kind is Kind.MENU:
                reached.add(target.id)
                if target.id != MAIN and target.id not in menu.submenus:
                    raise _bad(
                        "no_such_menu",
                        where,
                        f"There is no menu {target.id!r} in this one.",
                        "Name one of `submenus`, or main.",
                    )
            await _check_target(tenant, connection, where, target)
    for name in menu.submenus.keys() - reached:
        raise _bad("unreachable_menu", f"submenus/{name}", "No key leads to this menu.", "Lead one there.")


def _all(menu: Menu) -> Iterator[tuple[str, Choices]]:
    yield "", menu.main
    for name, choices in menu.submenus.items():
        yield f"submenus/{name}/", choices


def _targets(place: str, choices: Choices) -> Iterator[tuple[str, Target]]:
    for number, key in enumerate(choices.keys):
        yield f"{place}keys/{number}/to", key.to
    yield f"{place}otherwise", choices.otherwise


def _check_choices(place: str, choices: Choices) -> None:
    words = choices.greeting.text if isinstance(choices.greeting, Text) else None
    if words is not None and not (words.strip() and words.isprintable() and len(words) <= MOST_WORDS):
        raise _bad(
            "bad_greeting", f"{place}greeting", "These words cannot be spoken.", "Give 1 to 1000 characters."
        )
    if choices.greeting is None and not any(key.label for key in choices.keys):
        raise _bad(
            "says_nothing", f"{place}greeting", "Callers would hear nothing.", "Give words, or label a key."
        )
    seen: set[str] = set()
    for number, key in enumerate(choices.keys):
        if key.key not in MENU_KEYS:
            raise _bad(
                "bad_key",
                f"{place}keys/{number}/key",
                f"Nobody can press {key.key!r}.",
                "Use one of 0 to 9 and *; # ends an extension.",
            )
        if key.key in seen:
            raise _bad(
                "key_twice", f"{place}keys/{number}/key", f"{key.key} leads to two places.", "Keep one."
            )
        seen.add(key.key)
        if key.label:
            try:
                check_name(key.label)
            except Invalid as error:
                raise _bad("bad_label", f"{place}keys/{number}/label", error.message, error.remedy) from error
    for name, seconds in (("timeout", choices.timeout), ("interdigit", choices.interdigit)):
        if not 0.5 <= seconds <= LONGEST_SECONDS:
            raise _bad(
                "bad_time", f"{place}{name}_seconds", f"{seconds:g} s are no time to press a key in.",
                f"Use 0.5 to {LONGEST_SECONDS:g}.",
            )  # fmt: skip
    if not 0 <= choices.repeats <= MOST_REPEATS:
        raise _bad("bad_repeats", f"{place}repeats", "It cannot be said so often.", "Use 0 to 10.")
    if choices.otherwise.kind is Kind.REPEAT:
        raise _bad(
            "endless", f"{place}otherwise", "Who presses nothing would never get anywhere.",
            "Lead to a person, a department or a voicemail; `repeats` says how often the menu is said again.",
        )  # fmt: skip


async def _check_target(tenant: TenantId, connection: AsyncConnection, where: str, to: Target) -> None:
    match to.kind:
        case Kind.PERSON:
            found: object = await people.get(tenant, connection, to.id)
        case Kind.DEPARTMENT:
            found = await departments.get(tenant, connection, to.id)
        case Kind.VOICEMAIL:
            found = await people.get(tenant, connection, to.id)
            found = found or await departments.get(tenant, connection, to.id)
        case Kind.ROOM:
            room = await rooms.get(tenant, connection, to.id)
            if room is not None and not room.pin:
                raise _bad("room_needs_pin", where, "Callers would be in at once.", "Give the room a PIN.")
            found = room
        case Kind.EXTENSION | Kind.DIRECTORY:
            found = to.kind is Kind.DIRECTORY and not to.id
            if not found:
                held = await extension_rows.get(tenant, connection, to.id)
                found = held is not None and held.kind not in (Destination.FLOW, Destination.MUSIC)
        case _:
            return
    if not found:
        what = "extension" if to.kind is Kind.DIRECTORY else to.kind
        raise _bad(
            "nothing_there", where, f"Callers cannot be led to the {what} {to.id}.", "Choose one that exists."
        )


def _bad(code: str, field: str, message: str, remedy: str) -> Invalid:
    return Invalid(code, message, remedy, field=field)
