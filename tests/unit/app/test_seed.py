from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import insert, select, update

from tongdai.app.demo.secrets import fixed_secrets, random_secrets
from tongdai.app.demo.seed import Seeded, seed
from tongdai.core.errors import TongdaiError
from tongdai.db import Database, migrate, open_database, tables
from tongdai.sip.digest import ha1
from tongdai.tenants.config import ProviderConfig, TenantConfig, load
from tongdai.tenants.credentials import REALM, verify_password, verify_pin

FIXED = fixed_secrets()


@pytest.fixture(scope="session")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("empty") / "tongdai.db"
    asyncio.run(migrate(f"sqlite+aiosqlite:///{path}"))
    return path


@pytest.fixture
async def db(empty: Path, tmp_path: Path) -> AsyncIterator[Database]:
    shutil.copy(empty, tmp_path / "tongdai.db")
    database = open_database(f"sqlite+aiosqlite:///{tmp_path / 'tongdai.db'}")
    yield database
    await database.close()


async def seeded(db: Database, secrets=FIXED, *, bench: bool = False, port: int = 5070) -> Seeded:
    return await seed(db, secrets, bench=bench, trunk_host="127.0.0.1", trunk_port=port, ring_seconds=20)


def company(config: ProviderConfig, domain: str = "anphat.demo") -> TenantConfig:
    return next(tenant for tenant in config.tenants if tenant.domain == domain)


async def opened(db: Database, told: Seeded, key: bytes) -> bool:
    """Whether everything that was told opens what it should."""
    devices = {x.username: x.ha1_md5 for tenant in (await load(db)).tenants for x in tenant.devices}
    async with db.read() as connection:
        person, setting = tables.person.c, tables.mailbox_setting.c
        logins = {
            x.email: x.password_hash
            for x in await connection.execute(select(person.email, person.password_hash))
        }
        settings = await connection.execute(select(setting.mailbox, setting.pin_hash))
        pins = {x.mailbox: x.pin_hash for x in settings}
        provider = (await connection.execute(select(tables.provider.c.password_hash))).scalar_one()
    right = [verify_password(provider, told.provider.password)]
    for tenant in told.tenants:
        config = company(await load(db), tenant.domain)
        right.append(verify_password(logins[tenant.admin.email], tenant.admin.password))
        right.append(config.rooms[0].pin == tenant.conference_pin)
        ids = {x.extension: x.id for x in config.people}
        for x in tenant.people:
            right.append(verify_password(logins[x.email], x.password))
            right.append(verify_pin(key, pins[ids[x.extension]], x.voicemail_pin))
            right += [devices[d.username] == ha1(d.username, REALM, d.password, "MD5") for d in x.devices]
    return all(right)


async def test_the_demo_company_is_as_its_page_says(db: Database):
    told = await seeded(db)
    config = company(await load(db))
    assert {x.extension: x.name for x in config.people if x.extension} == {
        "101": "Lan Nguyen",
        "102": "Minh Tran",
        "103": "Hoa Le",
        "104": "Anna Pham",
        "105": "Quang Vo",
        "106": "Mai Dang",
    }
    ids = {x.extension: x.id for x in config.people}
    assert {(x.name, x.extension, x.kind, x.members) for x in config.departments} == {
        ("Sales", "200", "ring", (ids["101"], ids["102"])),
        ("Support", "300", "queue", (ids["105"], ids["106"])),
    }
    assert {x.number: x.kind for x in config.numbers} == {"+842871234500": "flow", "+842871234560": "room"}
    assert (config.rooms[0].extension, config.rooms[0].pin) == ("600", "2468")
    assert (config.main_number, config.country, config.language) == ("+842871234500", "VN", "en")
    assert {"100", "101", "200", "300", "600"} <= {x.extension for x in config.extensions}
    clinic = company(await load(db), "binhminh.demo")
    assert {"100", "101", "102"} <= {x.extension for x in clinic.extensions}
    first = msgspec.to_builtins(told)["tenants"][0]
    assert set(first) == {"id", "name", "domain", "admin", "numbers", "conference_pin", "people"}
    assert first["numbers"] == {"main": "+842871234500", "conference": "+842871234560"}
    assert first["people"][0]["voicemail_pin"] == "4101"


async def test_what_demo_json_tells_opens_everything(db: Database):
    assert await opened(db, await seeded(db), FIXED.key)


async def test_no_password_or_pin_is_stored_readably(db: Database, tmp_path: Path):
    await seeded(db)
    await db.close()
    stored = (tmp_path / "tongdai.db").read_bytes()
    for secret in FIXED.passwords.values():
        assert secret.encode() not in stored
    assert b"Lan Nguyen" in stored, "the search would have found what is readable"


async def test_a_second_start_changes_nothing_but_the_trunks_address(db: Database):
    told = await seeded(db)
    before = await load(db)
    assert await seeded(db, port=5099) == told
    after = await load(db)
    assert after.tenants == before.tenants
    assert [(x.id, x.gateways[0].port) for x in after.trunks] == [(x.id, 5099) for x in before.trunks]


async def test_what_the_administrator_changed_stays(db: Database):
    await seeded(db)
    async with db.write() as connection:
        await connection.execute(update(tables.tenant).values(name="Renamed", ring_seconds=42.0))
    await seeded(db)
    assert {(x.name, x.ring_seconds) for x in (await load(db)).tenants} == {("Renamed", 42.0)}


async def test_random_secrets_are_none_of_the_fixed_ones(db: Database):
    secrets = random_secrets()
    assert not set(secrets.passwords.values()) & set(FIXED.passwords.values())
    assert secrets.passwords != random_secrets().passwords
    told = await seeded(db, secrets)
    assert await opened(db, told, secrets.key)


async def test_once_others_can_reach_it_no_known_password_is_left(db: Database):
    """Seeded on loopback, started later with --host: whoever read the documentation could have logged in."""
    known = await seeded(db, bench=True)
    secrets = random_secrets(FIXED.pin_key)
    told = await seeded(db, secrets)
    assert await opened(db, told, secrets.key)
    assert not await opened(db, known, secrets.key)
    config = await load(db)
    hashes = {x.ha1_sha256 for tenant in config.tenants for x in tenant.devices}
    assert not hashes & {ha1(name, REALM, word, "SHA-256") for name, word in FIXED.passwords.items()}
    assert {x.domain for x in config.tenants} == {"anphat.demo", "binhminh.demo"}


async def test_a_password_of_ones_own_is_not_replaced(db: Database):
    await seeded(db)
    own = {"ha1_md5": "own", "ha1_sha256": "own"}
    async with db.write() as connection:
        device = tables.device
        await connection.execute(update(device).where(device.c.username == "anphat-101").values(own))
    await seeded(db, random_secrets(FIXED.pin_key))
    devices = {x.username: x.ha1_md5 for x in company(await load(db)).devices}
    assert devices["anphat-101"] == "own"
    assert devices["anphat-102"] != ha1("anphat-102", REALM, FIXED.passwords["anphat-102"], "MD5")


async def test_the_yardsticks_tenant(db: Database):
    await seeded(db, bench=True)
    await seeded(db, bench=True)
    config = company(await load(db), "bench.demo")
    devices = {x.username: x for x in config.devices}
    assert len(devices) == 2000
    assert {"10000", "10999", "20000", "20999"} <= set(devices)
    assert devices["10000"].ha1_md5 == ha1("10000", REALM, "secret", "MD5")
    reached = {x.extension: x for x in config.extensions}
    assert reached["20999"].target == devices["20999"].person
    assert reached["9000"].kind == "music"
    assert (config.rooms[0].extension, config.rooms[0].pin) == ("9100", "")


async def test_a_demo_back_on_loopback_keeps_its_random_secrets_and_may_be_measured(db: Database):
    secrets = random_secrets()
    told = await seeded(db, secrets)
    assert await seeded(db, secrets, bench=True) == told
    assert len(company(await load(db), "bench.demo").devices) == 2000


async def test_a_seeding_that_fails_leaves_nothing_half_done(db: Database):
    async with db.write() as connection:
        taken = {"name": "Other", "country": "VN", "language": "en", "ring_seconds": 20.0, "main_number": ""}
        taken |= {"allowed_countries": [], "music_blob": "", "sha256_digest": False}
        await connection.execute(insert(tables.tenant).values(id="t", domain="other.example", **taken))
        number = {"tenant": "t", "number": "+842871234600", "kind": "flow", "target": "f"}
        await connection.execute(insert(tables.number).values(number))
    with pytest.raises(TongdaiError) as refused:
        await seeded(db)
    assert refused.value.code == "number_taken"
    config = await load(db)
    assert [x.domain for x in config.tenants] == ["other.example"]
    assert config.trunks == ()
