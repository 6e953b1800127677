"""Passwords of trunks as they are kept."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from tests.unit.legs.doubles import a_trunk

from tongdai.app.trunk_administration import add_trunk, change_trunk
from tongdai.db import Database, migrate, open_database
from tongdai.sip.digest import Credentials
from tongdai.tenants.config import load
from tongdai.tenants.trunk import store
from tongdai.tenants.trunk.sealed import seal, seal_stored, unseal, unsealed

KEY, OTHER = b"k" * 32, b"o" * 32
SECRET = "correct horse battery staple"


@pytest.mark.parametrize("password", [SECRET, "", "mật khẩu", "x" * 200])
def test_a_sealed_password_opens_with_its_key(password: str):
    kept = seal(password, KEY)
    assert unseal(kept, KEY) == password
    assert not password or password not in kept
    assert seal(kept, KEY) == kept
    assert not password or seal(password, KEY) != kept  # that two trunks share one shows nowhere


@pytest.mark.parametrize("spoil", [lambda x: x[:-4], lambda x: x[:-6] + "AAAA==", lambda x: x + "?"])
def test_what_was_damaged_or_sealed_elsewhere_does_not_open(spoil):
    with pytest.raises(ValueError, match="another key"):
        unseal(spoil(seal(SECRET, KEY)), KEY)
    with pytest.raises(ValueError, match="another key"):
        unseal(seal(SECRET, KEY), OTHER)


def test_a_trunk_whose_password_cannot_be_read_is_served_without_it():
    good = a_trunk("good", "192.0.2.1", 5060, Credentials("u", seal(SECRET, KEY)))
    bad = a_trunk("bad", "192.0.2.2", 5060, Credentials("u", seal(SECRET, OTHER)))
    assert [x.settings.password for x in unsealed([good, bad], KEY)] == [SECRET, ""]


async def open_at(data: Path) -> Database:
    url = f"sqlite+aiosqlite:///{data / 'tongdai.db'}"
    await migrate(url)
    return open_database(url)


def everything(data: Path) -> list[bytes]:
    return [file.read_bytes() for file in data.iterdir()]


async def test_what_an_earlier_version_kept_as_it_was_is_sealed_and_gone_from_the_file(tmp_path: Path):
    db = await open_at(tmp_path)
    async with db.write() as connection:
        await store.insert_one(connection, a_trunk("old", "192.0.2.1", 5060, Credentials("u", SECRET)))
        await store.insert_one(connection, a_trunk("none", "192.0.2.2", 5060))
    assert await seal_stored(db, KEY) == 1
    assert await seal_stored(db, KEY) == 0
    trunks = (await load(db)).trunks
    assert {x.id: x.settings.password for x in unsealed(trunks, KEY)} == {"old": SECRET, "none": ""}
    await db.close()
    assert not any(SECRET.encode() in kept for kept in everything(tmp_path))


def test_the_command_line_keeps_it_sealed(tmp_path: Path):
    import asyncio

    asyncio.run(_prepared(tmp_path))
    given = {"username": "u", "password": SECRET}
    assert SECRET not in add_trunk(tmp_path, "Carrier", ["192.0.2.1"], None, None, given)
    change_trunk(tmp_path, "Carrier", None, None, None, None, {"channels": 3})
    trunk = asyncio.run(_read(tmp_path))
    assert trunk.settings.channels == 3
    assert SECRET not in str(msgspec.to_builtins(trunk))
    key = (tmp_path / "server.key").read_bytes()
    assert unsealed([trunk], key)[0].settings.password == SECRET


async def _prepared(data: Path) -> None:
    await (await open_at(data)).close()


async def _read(data: Path):
    db = await open_at(data)
    found = (await load(db)).trunks[0]
    await db.close()
    return found
