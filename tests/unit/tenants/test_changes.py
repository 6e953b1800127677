"""Whatever changes the configuration is counted, and the count is followed."""

from __future__ import annotations

import asyncio

import pytest
from tests.unit.tenants.test_isolation import ASKS, REFUSED_TO_THE_OWNER, Ask, furnish

from tongdai.core.tenancy import TenantId
from tongdai.db import Database
from tongdai.tenants.changes import UNKNOWN, Follower
from tongdai.tenants.config import ProviderConfig, load, with_departed
from tongdai.tenants.department import service as departments
from tongdai.tenants.extension import service as extensions
from tongdai.tenants.extension.model import Destination
from tongdai.tenants.flow import service as flows
from tongdai.tenants.mailbox import service as mailboxes
from tongdai.tenants.person import service as people
from tongdai.tenants.person.schema import NewPerson
from tongdai.tenants.phrase import service as phrases
from tongdai.tenants.phrase.schema import NewPhrase
from tongdai.tenants.room import service as rooms
from tongdai.tenants.room.schema import NewRoom
from tongdai.tenants.tenant import service as tenants
from tongdai.tenants.tenant.schema import NewTenant, TenantChanges
from tongdai.tenants.trunk import service as trunks
from tongdai.tenants.trunk.schema import NewTrunk

OTHERS: dict[str, Ask] = {
    "person.create": lambda me, c, x: people.create(me, c, NewPerson(name="Minh", extension="102")),
    "room.create": lambda me, c, x: rooms.create(me, c, NewRoom("Another", "601")),
    "flow.create": lambda me, c, x: flows.create(me, c, b"{}", "102"),
    "extension.assign_music": lambda me, c, x: extensions.assign_music(me, c, "900"),
    "extension.release": lambda me, c, x: extensions.release(me, c, Destination.ROOM, x.room),
    "extension.retire": lambda me, c, x: extensions.retire(me, c, Destination.ROOM, x.room),
    "mailbox.forget": lambda me, c, x: mailboxes.forget(me, c, x.person),
    "department without members": lambda me, c, x: departments.set_members(me, c, x.department, ()),
    "phrase.put": lambda me, c, x: phrases.put(me, c, NewPhrase("menu.invalid", "blob.wav")),
    "phrase.put again": lambda me, c, x: phrases.put(me, c, NewPhrase("queue.welcome", "blob.wav")),
    "tenant.delete": lambda me, c, x: tenants.delete(me, c),
    "tenant.change": lambda me, c, x: tenants.change(me, c, TenantChanges(sha256_digest=True)),
    "tenant.create": lambda me, c, x: tenants.create(c, NewTenant("New", "new.example")),
    "trunk.create": lambda me, c, x: trunks.create(c, NewTrunk("Carrier", "192.0.2.1", 5060)),
}
READS = {
    *("person.get", "device.get", "department.get", "room.get", "phrase.get", "number.get"),
    *("flow.versions", "flow.published", "prompt.get", "prompt.uses"),
}
NO_CONFIGURATION = {"login.end"}
OPERATIONS = {name: ask for name, ask in (ASKS | OTHERS).items() if name not in REFUSED_TO_THE_OWNER}


def content(config: ProviderConfig) -> object:
    return config.trunks, config.tenants


@pytest.mark.parametrize("name", OPERATIONS)
async def test_what_changes_is_counted_and_what_looks_is_not(db: Database, tenant: TenantId, name: str):
    async with db.write() as connection:
        mine = await furnish(tenant, connection)
    before = await load(db)
    async with db.write() as connection:
        await OPERATIONS[name](tenant, connection, mine)
    after = await load(db)
    assert (after.seq > before.seq) == (name not in READS | NO_CONFIGURATION)
    if content(after) != content(before):
        assert after.seq > before.seq


async def test_moving_and_opening_a_trunk_are_counted(db: Database, tenant: TenantId):
    async with db.write() as connection:
        trunk = await trunks.create(connection, NewTrunk("Carrier", "192.0.2.1", 5060))
    counts = [(await load(db)).seq]
    async with db.write() as connection:
        await trunks.move(connection, trunk.id, "192.0.2.2", 5060)
    counts.append((await load(db)).seq)
    for opened in ([trunk.id], []):
        async with db.write() as connection:
            await trunks.open_to(tenant, connection, opened)
        counts.append((await load(db)).seq)
    assert counts == sorted(set(counts))


async def test_what_was_rolled_back_is_not_counted(db: Database, tenant: TenantId):
    before = await load(db)

    async def fail() -> None:
        async with db.write() as connection:
            await rooms.create(tenant, connection, NewRoom("Room", "600"))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail()
    assert await load(db) == before


class Served:
    """What a control process serves; `broken` while it cannot take a configuration over."""

    def __init__(self, db: Database, config: ProviderConfig) -> None:
        self.db = db
        self.config = config
        self.taken = 0
        self.broken = False

    async def follow(self) -> int:
        newer = await load(self.db)
        if self.broken:
            raise ValueError("no such thing")
        self.config = newer
        self.taken += 1
        return newer.seq


@pytest.fixture
async def served(db: Database, tenant: TenantId) -> Served:
    return Served(db, await load(db))


@pytest.fixture
def follower(db: Database, served: Served) -> Follower:
    return Follower(db, served.config.seq, served.follow)


async def rename(db: Database, tenant: TenantId, name: str) -> None:
    async with db.write() as connection:
        await tenants.change(tenant, connection, TenantChanges(name=name))


async def test_a_change_is_followed_once(db: Database, tenant: TenantId, served: Served, follower: Follower):
    assert await follower.look()
    assert served.taken == 0
    await rename(db, tenant, "New name")
    assert await follower.look()
    assert await follower.look()
    assert (served.taken, served.config.tenants[0].name) == (1, "New name")


async def test_what_was_changed_before_the_first_look_is_not_missed(
    db: Database, tenant: TenantId, served: Served
):
    await rename(db, tenant, "New name")
    await Follower(db, served.config.seq, served.follow).look()
    assert served.config.tenants[0].name == "New name"


async def test_what_cannot_be_followed_leaves_the_former_and_is_tried_again(
    db: Database, tenant: TenantId, served: Served, follower: Follower
):
    served.broken = True
    await rename(db, tenant, "New name")
    assert not await follower.look()
    assert served.config.tenants[0].name == "An Phát"
    served.broken = False
    assert await follower.look()
    assert served.config.tenants[0].name == "New name"


async def test_a_database_that_cannot_be_read_does_not_end_the_following(
    db: Database, served: Served, follower: Follower
):
    async with db.write() as connection:
        await connection.exec_driver_sql("ALTER TABLE change RENAME TO gone")
    assert not await follower.look()
    async with db.write() as connection:
        await connection.exec_driver_sql("ALTER TABLE gone RENAME TO change")
    assert await follower.look()


async def test_what_was_begun_without_the_database_is_read_from_it_whatever_was_served_meanwhile(
    db: Database, served: Served
):
    follower = Follower(db, UNKNOWN, served.follow)
    assert follower.blind
    follower.ahead(served.config.seq)
    assert follower.blind, "of one tenant, while the others are as they were kept"
    follower._quiet_until = 0.0
    assert await follower.look()
    assert served.taken == 1
    assert not follower.blind
    assert await follower.look()
    assert served.taken == 1


async def test_following_ends_when_it_is_told(follower: Follower):
    stopping = asyncio.Event()
    running = asyncio.create_task(follower.run(stopping))
    stopping.set()
    async with asyncio.timeout(5):
        await running


async def test_a_tenant_that_is_gone_stays_with_nothing_that_leads_to_it(
    db: Database, tenant: TenantId, other: TenantId
):
    async with db.write() as connection:
        await furnish(tenant, connection)
    before = await load(db)
    async with db.write() as connection:
        await tenants.delete(tenant, connection)
        await tenants.create(connection, NewTenant("Heir", "anphat.example"))
    after = await load(db)
    served = with_departed(after, before)
    shell = served.tenants[0]
    assert (shell.id, shell.people) == (tenant, next(x for x in before.tenants if x.id == tenant).people)
    assert (shell.devices, shell.extensions, shell.numbers, shell.trunks) == ((), (), (), ())
    assert served.tenants[1:] == after.tenants
    assert with_departed(after, served).tenants == served.tenants
