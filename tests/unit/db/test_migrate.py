from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Connection, insert, select, text
from sqlalchemy.exc import IntegrityError

from tongdai import db
from tongdai.db import migrate, open_database, tables
from tongdai.tenants.config import load
from tongdai.tenants.trunk.model import Gateway


def url_in(tmp_path: Path) -> str:
    return f"sqlite+aiosqlite:///{tmp_path / 'tongdai.db'}"


def differences(connection: Connection) -> object:
    return compare_metadata(MigrationContext.configure(connection), tables.metadata)


async def test_migrations_make_exactly_the_tables(tmp_path: Path) -> None:
    await migrate(url_in(tmp_path))
    database = open_database(url_in(tmp_path))
    async with database.read() as connection:
        assert await connection.run_sync(differences) == []
    await database.close()


async def test_a_second_migration_keeps_what_is_there(tmp_path: Path) -> None:
    await migrate(url_in(tmp_path))
    database = open_database(url_in(tmp_path))
    setting = {"tenant": "t", "mailbox": "m", "greeting_blob": "", "pin_hash": "h"}
    async with database.write() as connection:
        await connection.execute(insert(tables.mailbox_setting).values(setting))
    await migrate(url_in(tmp_path))
    async with database.read() as connection:
        assert (await connection.execute(select(tables.mailbox_setting.c.pin_hash))).scalars().all() == ["h"]
    await database.close()


async def test_trunks_of_one_address_become_trunks_of_one_gateway(tmp_path: Path) -> None:
    database = open_database(url_in(tmp_path), create=True)
    async with database.write() as connection:
        await connection.run_sync(upgrade_to, "0003")
        await connection.execute(
            text("INSERT INTO trunk VALUES ('t', 'Carrier', '192.0.2.1', 5070, 'digits', 'VN')")
        )
        await connection.execute(
            text("INSERT INTO tenant VALUES ('a', 'An', 'an.example', 'VN', 'en', 20, '', '[]', '', 0)")
        )
        await connection.execute(text("INSERT INTO tenant_trunk VALUES ('a', 't', 0)"))
    await migrate(url_in(tmp_path))
    found = await load(database)
    await database.close()
    [trunk] = found.trunks
    assert (trunk.name, trunk.gateways) == ("Carrier", (Gateway("192.0.2.1", 5070),))
    assert trunk.settings.options_seconds == 0
    [tenant] = found.tenants
    assert (tenant.trunks, tenant.outside_calls) == (("t",), 0)


def upgrade_to(connection: Connection, revision: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(db.__file__).with_name("migrations")))
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


async def test_a_write_that_fails_leaves_nothing(tmp_path: Path) -> None:
    await migrate(url_in(tmp_path))
    database = open_database(url_in(tmp_path))
    setting = {"tenant": "t", "mailbox": "m", "greeting_blob": "", "pin_hash": "h"}

    async def fail() -> None:
        async with database.write() as connection:
            await connection.execute(insert(tables.mailbox_setting).values(setting))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail()
    async with database.read() as connection:
        assert (await connection.execute(select(tables.mailbox_setting))).all() == []
    await database.close()


async def test_foreign_keys_are_enforced(tmp_path: Path) -> None:
    await migrate(url_in(tmp_path))
    database = open_database(url_in(tmp_path))
    with pytest.raises(IntegrityError):
        async with database.write() as connection:
            await connection.execute(
                insert(tables.room).values(tenant="nobody", id="r", name="Room", pin="2468")
            )
    await database.close()


async def test_two_writers_that_read_first_wait_for_each_other(tmp_path: Path) -> None:
    """With SQLite's deferred transactions the second would fail at once with "database is locked"."""
    await migrate(url_in(tmp_path))
    database = open_database(url_in(tmp_path))

    async def count_up() -> None:
        async with database.write() as connection:
            seen = len((await connection.execute(select(tables.mailbox_setting))).all())
            row = {"tenant": "t", "mailbox": str(seen), "greeting_blob": "", "pin_hash": ""}
            await connection.execute(insert(tables.mailbox_setting).values(row))

    await asyncio.gather(*(count_up() for _ in range(5)))
    async with database.read() as connection:
        assert len((await connection.execute(select(tables.mailbox_setting))).all()) == 5
    await database.close()


async def test_former_calls_and_phrases_are_known_by_what_they_were(tmp_path: Path) -> None:
    database = open_database(url_in(tmp_path), create=True)
    outside, lan = '{"kind": "outside", "number": "+84901"}', '{"kind": "person", "person": "person_lan"}'
    async with database.write() as connection:
        await connection.run_sync(upgrade_to, "0004")
        await connection.execute(
            text("INSERT INTO tenant VALUES ('a', 'An', 'an.example', 'VN', 'en', 20, '', '[]', '', 0, 0, 0)")
        )
        await connection.execute(text("INSERT INTO prompt VALUES ('a', 'queue.welcome', 'blob.wav')"))
        for call, first, second in (("in", outside, lan), ("out", lan, outside), ("internal", lan, lan)):
            await connection.execute(
                text("INSERT INTO cdr VALUES (:call, 'a', 1, 1, 2, '', '', '', 'answered', '', '{}')"),
                {"call": call},
            )
            for leg, party, purpose in (("l0", first, "caller"), ("l1", second, "target")):
                await connection.execute(
                    text(
                        "INSERT INTO leg_cdr VALUES "
                        "(:call, :leg, 'a', :party, 1, :purpose, 1, NULL, NULL, 2, '', 0, NULL)"
                    ),
                    {"call": call, "leg": leg, "party": party, "purpose": purpose},
                )
    await migrate(url_in(tmp_path))
    async with database.read() as connection:
        rows = await connection.execute(select(tables.cdr.c.call, tables.cdr.c.direction))
        assert all(call == direction for call, direction in rows)
        legs = tables.leg_cdr.c
        rows = await connection.execute(
            select(legs.call, legs.leg).where(legs.person == "person_lan").order_by(legs.call, legs.leg)
        )
        assert [tuple(row) for row in rows] == [
            ("in", "l1"), ("internal", "l0"), ("internal", "l1"), ("out", "l0"),
        ]  # fmt: skip
        assert (await connection.execute(select(tables.phrase.c.key))).scalar() == "queue.welcome"
    await database.close()


async def test_a_database_that_a_later_version_has_migrated_is_used_as_it_is(tmp_path: Path) -> None:
    """Who went back to the version before could not start it."""
    await migrate(url_in(tmp_path))
    database = open_database(url_in(tmp_path))
    async with database.write() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
        await connection.execute(text("ALTER TABLE tenant ADD COLUMN later TEXT NOT NULL DEFAULT ''"))
        await connection.execute(
            insert(tables.tenant).values(
                id="a", name="An", domain="an.example", country="VN", language="en", ring_seconds=20,
                main_number="", allowed_countries=[], music_blob="", sha256_digest=False, outside_calls=0,
                outside_per_second=0, feature_codes={},
            )
        )  # fmt: skip
    await migrate(url_in(tmp_path))
    assert [tenant.name for tenant in (await load(database)).tenants] == ["An"]
    await database.close()
