"""What cannot go away since something leads there. By numbers and keys: test_services.py."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

import msgspec
import pytest
from tests.unit.tenants.test_services import refused

from tongdai.calls.preferences import FORWARDS, Preferences
from tongdai.core.tenancy import TenantId
from tongdai.db import Database
from tongdai.preferences import store
from tongdai.preferences.store import Change
from tongdai.tenants.department import service as departments
from tongdai.tenants.department.model import DepartmentKind
from tongdai.tenants.department.schema import DepartmentChanges, NewDepartment
from tongdai.tenants.errors import Invalid
from tongdai.tenants.flow import service as flows
from tongdai.tenants.person import service as people
from tongdai.tenants.person.schema import NewPerson, PersonChanges
from tongdai.tenants.room import service as rooms
from tongdai.tenants.room.schema import NewRoom, RoomChanges


class Undone(Exception):
    """Rolls back."""


@contextmanager
def suppress_refusal(held: list[str]) -> Iterator[None]:
    """Learn by whose forwarding something is held."""
    try:
        yield
    except Invalid as error:
        held += error.places if error.code == "forwarded_there" else [error.code]


@pytest.mark.parametrize("case", FORWARDS)
async def test_what_people_forward_their_calls_to_stays(db: Database, tenant: TenantId, case: str):
    """Calls went on to a department that was gone, and so to nobody."""
    async with db.write() as connection:
        lan = await people.create(tenant, connection, NewPerson(name="Lan", extension="101"))
        hoa = await people.create(tenant, connection, NewPerson(name="Hoa", extension="103"))
        new = NewDepartment("Sales", DepartmentKind.RING, "200", ())
        sales = await departments.create(tenant, connection, new)
        room = await rooms.create(tenant, connection, NewRoom("Room", "600"))
    for to, leave in (
        ("200", lambda c: departments.delete(tenant, c, sales.id)),
        ("200", lambda c: departments.change(tenant, c, sales.id, DepartmentChanges(extension="201"))),
        ("600", lambda c: rooms.delete(tenant, c, room.id)),
        ("600", lambda c: rooms.change(tenant, c, room.id, RoomChanges(extension="601"))),
        ("103", lambda c: people.delete(tenant, c, hoa.id)),
        ("103", lambda c: people.change(tenant, c, hoa.id, PersonChanges(extension=""))),
        ("103", lambda c: people.set_extension(tenant, c, hoa.id, "104")),
    ):
        for chosen, places in (({case: to}, ["Lan"]), ({}, [])):
            mine = Change(tenant, lan.id, msgspec.convert(chosen, Preferences))
            theirs = Change("tenant_other", "person_other", msgspec.convert({case: to}, Preferences))
            await store.store(db, [mine, theirs])
            held: list[str] = []
            with suppress(Undone):
                async with db.write() as connection:
                    with suppress_refusal(held):
                        await leave(connection)
                    raise Undone
            assert held == places, to
    async with db.write() as connection:
        await departments.change(tenant, connection, sales.id, DepartmentChanges(name="X", extension="200"))


async def test_an_extension_to_which_a_key_leads_stays(db: Database, tenant: TenantId):
    """A key may lead to an extension, whoever has it: it led to nobody when he got another one."""
    async with db.write() as connection:
        hoa = await people.create(tenant, connection, NewPerson(name="Hoa", extension="103"))
        nodes = {"main": {"options": {"4": "there"}}, "there": {"extension": "103"}}
        graph = msgspec.json.encode({"label": "Main menu", "nodes": nodes})
        menu = await flows.create(tenant, connection, graph, "100")
        assert await refused(people.set_extension(tenant, connection, hoa.id, "104")) == "menu_leads_there"
        await people.set_extension(tenant, connection, hoa.id, "103")
        night = {"label": "Night", "nodes": {"main": {"flow": f"flow:{menu.id}"}}}
        other = await flows.create(tenant, connection, msgspec.json.encode(night))
        assert await refused(flows.delete(tenant, connection, menu.id)) == "menu_leads_there"
        await flows.delete(tenant, connection, other.id)
        await flows.delete(tenant, connection, menu.id)
        await people.set_extension(tenant, connection, hoa.id, "104")


async def test_what_leads_to_itself_goes(db: Database, tenant: TenantId):
    """A menu whose key said it again by its own extension could not be deleted for ever, nor could who
    forwarded the calls to themselves."""
    async with db.write() as connection:
        nodes = {"main": {"options": {"9": "again"}}, "again": {"extension": "100"}}
        graph = msgspec.json.encode({"label": "Main menu", "nodes": nodes})
        menu = await flows.create(tenant, connection, graph, "100")
        lan = await people.create(tenant, connection, NewPerson(name="Lan", extension="101"))
    await store.store(db, [Change(tenant, lan.id, msgspec.convert({"busy": "101"}, Preferences))])
    async with db.write() as connection:
        await flows.delete(tenant, connection, menu.id)
        await people.delete(tenant, connection, lan.id)


async def test_an_extension_is_not_taken_from_what_leads_to_itself_by_it(db: Database, tenant: TenantId):
    """It stays, and its callers would be led to nobody."""
    async with db.write() as connection:
        lan = await people.create(tenant, connection, NewPerson(name="Lan", extension="101"))
    await store.store(db, [Change(tenant, lan.id, msgspec.convert({"busy": "101"}, Preferences))])
    async with db.write() as connection:
        assert await refused(people.set_extension(tenant, connection, lan.id, "102")) == "forwarded_there"
