"""Tenant A asks for what is tenant B's, and gets exactly what it gets for what does not exist."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from tongdai import tenants as package
from tongdai.core.errors import TongdaiError
from tongdai.core.tenancy import TenantId
from tongdai.db import Database
from tongdai.tenants.audit import service as audit
from tongdai.tenants.config import load
from tongdai.tenants.department import service as departments
from tongdai.tenants.department.model import DepartmentKind
from tongdai.tenants.department.schema import DepartmentChanges, NewDepartment
from tongdai.tenants.device import service as devices
from tongdai.tenants.device.schema import NewDevice
from tongdai.tenants.extension import service as extensions
from tongdai.tenants.extension.model import Destination
from tongdai.tenants.flow import service as flows
from tongdai.tenants.login import service as logins
from tongdai.tenants.login.model import LoginKind
from tongdai.tenants.mailbox import service as mailboxes
from tongdai.tenants.number import service as numbers
from tongdai.tenants.person import service as people
from tongdai.tenants.person.schema import NewPerson, PersonChanges
from tongdai.tenants.phrase import service as phrases
from tongdai.tenants.phrase.schema import NewPhrase
from tongdai.tenants.prompt import service as prompts
from tongdai.tenants.prompt.model import Use
from tongdai.tenants.prompt.schema import NewPrompt
from tongdai.tenants.room import service as rooms
from tongdai.tenants.room.schema import NewRoom, RoomChanges
from tongdai.tenants.tenant import service as tenants
from tongdai.tenants.tenant.schema import NewTenant, TenantChanges
from tongdai.tenants.trunk import service as trunks
from tongdai.tenants.trunk.schema import NewTrunk

KEY = b"k" * 32
THEIRS = "+842871234600"
FREE = "+842871234599"
NOW = 1_700_000_000.0


class Belongings:
    """What a tenant has: the ids of one thing of each kind."""

    def __init__(self, ids: dict[str, str]) -> None:
        self.ids = ids

    def __getattr__(self, kind: str) -> str:
        return self.ids[kind]


async def furnish(tenant: TenantId, connection: AsyncConnection) -> Belongings:
    new = NewPerson(name="Lan", extension="101", email="lan@theirs.example", password="long enough")
    person = (await people.create(tenant, connection, new)).id
    device = (await devices.create(tenant, connection, NewDevice(person, "lan", "very secret"))).id
    sales = NewDepartment("Sales", DepartmentKind.RING, "200", (person,))
    department = (await departments.create(tenant, connection, sales)).id
    room = (await rooms.create(tenant, connection, NewRoom("Room", "600", "2468"))).id
    flow = (await flows.create(tenant, connection, b"{}", "100")).id
    await mailboxes.set_pin(tenant, connection, person, "4101", KEY)
    await numbers.assign(tenant, connection, THEIRS, Destination.FLOW, flow)
    await tenants.change(tenant, connection, TenantChanges(main_number=THEIRS))
    await phrases.put(tenant, connection, NewPhrase("queue.welcome", "blob_theirs.wav"))
    sound = NewPrompt(name="Greeting", blob="blob_sound.wav", ms=1000, created=NOW)
    prompt = (await prompts.create(tenant, connection, sound)).id
    login, _ = await logins.begin(tenant, connection, person, LoginKind.TOKEN, now=NOW, name="Theirs")
    ids = {
        "person": person,
        "device": device,
        "department": department,
        "room": room,
        "flow": flow,
        "prompt": prompt,
    }
    return Belongings(ids | {"number": THEIRS, "phrase": "queue.welcome", "login": login.id})


NOTHING = Belongings(
    {
        "person": "person_none",
        "device": "device_none",
        "department": "department_none",
        "room": "room_none",
        "flow": "flow_none",
        "number": "+842871234511",
        "phrase": "menu.invalid",
        "prompt": "prompt_none",
        "login": "token_none",
    }
)

Ask = Callable[[TenantId, AsyncConnection, Belongings], Awaitable[Any]]

ASKS: dict[str, Ask] = {
    "person.get": lambda me, c, x: people.get(me, c, x.person),
    "person.change": lambda me, c, x: people.change(me, c, x.person, PersonChanges(name="Spy")),
    "person.set_extension": lambda me, c, x: people.set_extension(me, c, x.person, "105"),
    "person.set_password": lambda me, c, x: people.set_password(me, c, x.person, "long enough"),
    "person.delete": lambda me, c, x: people.delete(me, c, x.person),
    "device.create": lambda me, c, x: devices.create(me, c, NewDevice(x.person, "spy", "very secret")),
    "device.get": lambda me, c, x: devices.get(me, c, x.device),
    "device.set_password": lambda me, c, x: devices.set_password(me, c, x.device, "very secret"),
    "device.delete": lambda me, c, x: devices.delete(me, c, x.device),
    "department.create": lambda me, c, x: departments.create(
        me, c, NewDepartment("Spies", DepartmentKind.RING, "205", (x.person,))
    ),
    "department.get": lambda me, c, x: departments.get(me, c, x.department),
    "department.change": lambda me, c, x: departments.change(
        me, c, x.department, DepartmentChanges(name="Spies")
    ),
    "department.set_members": lambda me, c, x: departments.set_members(me, c, x.department, ()),
    "department.delete": lambda me, c, x: departments.delete(me, c, x.department),
    "room.get": lambda me, c, x: rooms.get(me, c, x.room),
    "room.change": lambda me, c, x: rooms.change(me, c, x.room, RoomChanges(name="Spies")),
    "room.set_pin": lambda me, c, x: rooms.set_pin(me, c, x.room, "1111"),
    "room.delete": lambda me, c, x: rooms.delete(me, c, x.room),
    "mailbox.set_pin": lambda me, c, x: mailboxes.set_pin(me, c, x.person, "1111", KEY),
    "flow.versions": lambda me, c, x: flows.versions(me, c, x.flow),
    "flow.add": lambda me, c, x: flows.add(me, c, x.flow, b"{}"),
    "flow.publish": lambda me, c, x: flows.publish(me, c, x.flow, 1),
    "flow.published": lambda me, c, x: flows.published(me, c, x.flow),
    "flow.delete": lambda me, c, x: flows.delete(me, c, x.flow),
    "number.assign": lambda me, c, x: numbers.assign(me, c, FREE, Destination.ROOM, x.room),
    "number.assign to a person": lambda me, c, x: numbers.assign(me, c, FREE, Destination.PERSON, x.person),
    "number.assign to a flow": lambda me, c, x: numbers.assign(me, c, FREE, Destination.FLOW, x.flow),
    "number.assign to a department": lambda me, c, x: numbers.assign(
        me, c, FREE, Destination.DEPARTMENT, x.department
    ),
    "number.get": lambda me, c, x: numbers.get(me, c, x.number),
    "number.lead_to": lambda me, c, x: _lead(me, c, x),
    "number.release": lambda me, c, x: numbers.release(me, c, x.number),
    "login.end": lambda me, c, x: logins.end(me, c, x.person, x.login),
    "phrase.get": lambda me, c, x: phrases.get(me, c, x.phrase),
    "phrase.remove": lambda me, c, x: phrases.remove(me, c, x.phrase),
    "prompt.get": lambda me, c, x: prompts.get(me, c, x.prompt),
    "prompt.rename": lambda me, c, x: prompts.rename(me, c, x.prompt, "Spy"),
    "prompt.uses": lambda me, c, x: prompts.uses(me, c, x.prompt),
    "prompt.delete": lambda me, c, x: prompts.delete(me, c, x.prompt),
    "tenant.change": lambda me, c, x: tenants.change(me, c, TenantChanges(main_number=x.number)),
}

# Of what `furnish` makes, the number is the main number and leads to the flow; nothing else is held.
REFUSED_TO_THE_OWNER = {"number.release": "main_number", "flow.delete": "number_leads_there"}

# These ask for nothing by id, or are parts of the operations above that answer alike whoever asks.
WITHOUT_IDS = {
    "tenant.get",
    "tenant.delete",
    "person.create",
    "room.create",
    "flow.create",
    "extension.assign",
    "extension.assign_music",
    "extension.free",
    "extension.of",
    "extension.release",
    "extension.retire",
    "flow.refuse_if_led_to",
    "mailbox.forget",
    "number.refuse_if_led_to",
    "phrase.put",
    "prompt.create",
    "trunk.open_to",
}

# These refuse nobody: who asks for another's finds nothing, as the last tests here show.
FIND_NOTHING = {
    "audit.page",
    "audit.write",
    "device.browser",
    "device.forget_browsers",
    "login.begin",
    "login.end_others",
    "login.listed",
    "prompt.of_blob",
    "prompt.uses_of",
}


async def _lead(me: TenantId, connection: AsyncConnection, x: Belongings) -> None:
    mine = (await flows.create(me, connection, b"{}")).id
    await numbers.lead_to(me, connection, x.number, Destination.FLOW, mine)


async def answer(ask: Ask, me: TenantId, db: Database, belongings: Belongings) -> tuple[str, str, str]:
    """The refusal, with the ids that were asked for taken out."""
    with pytest.raises(TongdaiError) as refused:
        async with db.write() as connection:
            await ask(me, connection, belongings)
    message = refused.value.message
    for identity in belongings.ids.values():
        message = message.replace(identity, "ID")
    return refused.value.code, message, refused.value.remedy


@pytest.mark.parametrize("name", ASKS)
async def test_what_is_anothers_does_not_exist(db: Database, tenant: TenantId, other: TenantId, name: str):
    async with db.write() as connection:
        theirs = await furnish(other, connection)
    before = await load(db)
    assert await answer(ASKS[name], tenant, db, theirs) == await answer(ASKS[name], tenant, db, NOTHING)
    assert await load(db) == before


@pytest.mark.parametrize("name", ASKS)
async def test_the_owner_gets_another_answer(db: Database, other: TenantId, name: str):
    """Otherwise the test above would prove nothing."""
    async with db.write() as connection:
        theirs = await furnish(other, connection)
    if name in REFUSED_TO_THE_OWNER:
        code, _, _ = await answer(ASKS[name], other, db, theirs)
        assert code == REFUSED_TO_THE_OWNER[name]
    else:
        async with db.write() as connection:
            await ASKS[name](other, connection, theirs)


def test_no_operation_is_left_out():
    operations = set()
    for module in pkgutil.iter_modules(package.__path__):
        if module.ispkg:
            service = importlib.import_module(f"{package.__name__}.{module.name}.service")
            for name, function in inspect.getmembers(service, inspect.iscoroutinefunction):
                takes_tenant = next(iter(inspect.signature(function).parameters)) == "tenant"
                if function.__module__ == service.__name__ and takes_tenant and not name.startswith("_"):
                    operations.add(f"{module.name}.{name}")
    assert operations == {name.split()[0] for name in ASKS} | WITHOUT_IDS | FIND_NOTHING


async def test_the_browser_of_another_tenant_is_neither_found_nor_forgotten(
    db: Database, tenant: TenantId, other: TenantId
):
    async with db.write() as connection:
        theirs = await furnish(other, connection)
        new = NewDevice(theirs.person, "browser-1", "very secret", login="session_gone")
        browser = await devices.create(other, connection, new)
        assert await devices.browser(tenant, connection, "session_gone") is None
        await devices.forget_browsers(tenant, connection)
        assert await devices.browser(other, connection, "session_gone") == browser
        await devices.forget_browsers(other, connection)
        assert await devices.browser(other, connection, "session_gone") is None
        assert (await devices.get(other, connection, theirs.device)).id == theirs.device


async def test_one_tenants_extensions_are_free_in_another(db: Database, tenant: TenantId, other: TenantId):
    async with db.write() as connection:
        await furnish(other, connection)
        person = await people.create(tenant, connection, NewPerson(name="Minh", extension="101"))
        await extensions.release(tenant, connection, Destination.PERSON, person.id)
    config = {x.id: x for x in (await load(db)).tenants}
    assert config[tenant].extensions == ()
    assert [x.extension for x in config[other].extensions] == ["100", "101", "200", "600"]


async def test_what_is_unique_anywhere_does_not_tell_who_has_it(
    db: Database, tenant: TenantId, other: TenantId
):
    async with db.write() as connection:
        await furnish(other, connection)
        mine = (await people.create(tenant, connection, NewPerson(name="Minh"))).id
        operations: list[Awaitable[object]] = [
            devices.create(tenant, connection, NewDevice(mine, "lan", "very secret")),
            people.create(tenant, connection, NewPerson(name="Lan", email="lan@theirs.example")),
            numbers.assign(tenant, connection, THEIRS, Destination.PERSON, mine),
            tenants.create(connection, NewTenant("Copy", "binhminh.example")),
        ]
        for operation in operations:
            with pytest.raises(TongdaiError) as refused:
                await operation
            assert refused.value.code.endswith("_taken")
            assert other not in str(refused.value)
            assert "Bình Minh" not in str(refused.value)


async def test_anothers_sound_is_nobodys_prompt(db: Database, tenant: TenantId, other: TenantId):
    async with db.write() as connection:
        await furnish(other, connection)
        assert await prompts.of_blob(tenant, connection, "blob_sound.wav") is None
        assert await prompts.of_blob(other, connection, "blob_sound.wav") is not None


async def test_where_anothers_sound_is_heard_is_not_told(db: Database, tenant: TenantId, other: TenantId):
    async with db.write() as connection:
        theirs = await furnish(other, connection)
        await phrases.put(other, connection, NewPhrase("queue.welcome", "blob_sound.wav"))
        sound = await prompts.get(other, connection, theirs.prompt)
        assert await prompts.uses_of(tenant, connection, [sound]) == {sound.id: []}
        assert await prompts.uses_of(other, connection, [sound]) == {
            sound.id: [Use("phrase", "queue.welcome")]
        }


async def test_a_phrase_replaced_in_one_tenant_is_spoken_in_the_other(
    db: Database, tenant: TenantId, other: TenantId
):
    async with db.write() as connection:
        await furnish(other, connection)
    config = {x.id: x for x in (await load(db)).tenants}
    assert config[tenant].phrases == ()
    assert [x.key for x in config[other].phrases] == ["queue.welcome"]


async def test_deleting_one_tenant_leaves_the_other(db: Database, tenant: TenantId, other: TenantId):
    async with db.write() as connection:
        await furnish(other, connection)
    before = await load(db)
    async with db.write() as connection:
        await tenants.delete(tenant, connection)
    assert (await load(db)).tenants == tuple(x for x in before.tenants if x.id == other)


async def test_a_trunk_opened_to_one_is_not_open_to_the_other(
    db: Database, tenant: TenantId, other: TenantId
):
    async with db.write() as connection:
        trunk = await trunks.create(connection, NewTrunk("Carrier", "192.0.2.1", 5060))
        await trunks.open_to(tenant, connection, [trunk.id])
    assert {x.id: x.trunks for x in (await load(db)).tenants} == {tenant: (trunk.id,), other: ()}


async def test_the_limits_of_one_are_not_the_others(db: Database, tenant: TenantId, other: TenantId):
    async with db.write() as connection:
        await tenants.change(tenant, connection, TenantChanges(outside_calls=3, outside_per_second=0.5))
    limits = {x.id: (x.outside_calls, x.outside_per_second) for x in (await load(db)).tenants}
    assert limits == {tenant: (3, 0.5), other: (0, 0.0)}


async def test_operations_of_a_tenant_that_does_not_exist(db: Database):
    nobody = TenantId("tenant_none")
    async with db.write() as connection:
        trunk = await trunks.create(connection, NewTrunk("Carrier", "192.0.2.1", 5060))
        operations: list[Awaitable[object]] = [
            tenants.get(nobody, connection),
            tenants.delete(nobody, connection),
            tenants.change(nobody, connection, TenantChanges(name="New")),
            extensions.assign_music(nobody, connection, "900"),
            people.create(nobody, connection, NewPerson(name="Lan", extension="101")),
            rooms.create(nobody, connection, NewRoom("Room", "600")),
            flows.create(nobody, connection, b"{}", "100"),
            phrases.put(nobody, connection, NewPhrase("queue.welcome", "blob.wav")),
            trunks.open_to(nobody, connection, [trunk.id]),
        ]
        for operation in operations:
            with pytest.raises(TongdaiError) as refused:
                await operation
            assert refused.value.code == "tenant_not_found"


async def test_logins_of_another_tenant_are_neither_listed_nor_ended_nor_made(
    db: Database, tenant: TenantId, other: TenantId
):
    async with db.write() as connection:
        theirs = await furnish(other, connection)
        assert await logins.listed(tenant, connection, theirs.person, LoginKind.TOKEN) == []
        await logins.end_others(tenant, connection, theirs.person)
        mine, secret = await logins.begin(
            tenant, connection, theirs.person, LoginKind.TOKEN, now=NOW, name="Spy"
        )
        assert await logins.find(connection, secret, NOW) is None
        left = await logins.listed(other, connection, theirs.person, LoginKind.TOKEN)
    assert [x.id for x in left] == [theirs.login]
    assert mine.id != theirs.login


async def test_what_was_done_in_one_tenant_is_not_read_in_the_other(
    db: Database, tenant: TenantId, other: TenantId
):
    actor = audit.Actor("person_theirs", "Lan")
    async with db.write() as connection:
        await audit.write(other, connection, actor, "person.change", "person_1", now=NOW)
        assert await audit.page(tenant, connection, target="person_1", actor="person_theirs") == []
        assert [x.target for x in await audit.page(other, connection)] == ["person_1"]
