from __future__ import annotations

from pathlib import Path

import msgspec
from sqlalchemy import select
from tests.unit.app.test_prepare import preparation

from tongdai.app.demo.outside_phone import OutsidePhone
from tongdai.app.prepare import Preparation, prepare
from tongdai.db import open_database, tables
from tongdai.sip.digest import ha1
from tongdai.tenants.config import TenantConfig, load
from tongdai.tenants.credentials import REALM


async def outside_of(preparation: Preparation) -> TenantConfig | None:
    """The tenant as it is stored."""
    db = open_database(preparation.plan.db_url)
    try:
        return next((x for x in (await load(db)).tenants if x.domain == "outside.demo"), None)
    finally:
        await db.close()


def opens(tenant: TenantConfig | None, phone: OutsidePhone) -> bool:
    assert tenant is not None
    (device,) = tenant.devices
    return device.ha1_md5 == ha1(phone.username, REALM, phone.password, "MD5")


async def test_a_page_can_be_a_phone_in_the_world_outside(tmp_path: Path):
    asked = preparation(tmp_path)
    phone = (await prepare(asked)).outside
    assert phone is not None
    assert (phone.username, phone.password, phone.domain) == ("outside", "outside-demo", "outside.demo")
    assert [(x.name, x.main) for x in phone.companies] == [
        ("An Phát Trading", "+842871234500"),
        ("Bình Minh Clinic", "+842871234600"),
    ]
    tenant = await outside_of(asked)
    assert opens(tenant, phone)
    assert tenant is not None
    assert [x.number for x in tenant.numbers] == [tenant.main_number] == [phone.number]


async def test_it_is_no_company_of_demo_json_and_nobody_signs_in_there(tmp_path: Path):
    asked = preparation(tmp_path)
    prepared = await prepare(asked)
    assert [x["domain"] for x in prepared.accounts["tenants"]] == ["anphat.demo", "binhminh.demo"]
    db = open_database(asked.plan.db_url)
    async with db.read() as connection:
        person = tables.person.c
        found = await connection.execute(select(person.email).where(person.name == "Customer"))
        assert [x.email for x in found] in ([None], [""])
    await db.close()


async def test_a_second_start_finds_it_as_it_was(tmp_path: Path):
    asked = preparation(tmp_path)
    first, before = (await prepare(asked)).outside, await outside_of(asked)
    assert (await prepare(asked)).outside == first
    assert await outside_of(asked) == before


async def test_its_password_is_a_secret_where_others_can_reach_it(tmp_path: Path):
    fixed = (await prepare(preparation(tmp_path))).outside
    asked = preparation(tmp_path, fixed=False)
    phone = (await prepare(asked)).outside
    assert phone is not None
    assert fixed is not None
    assert phone.password != fixed.password
    assert opens(await outside_of(asked), phone)


async def test_data_of_a_version_that_had_none_gets_one(tmp_path: Path):
    await prepare(preparation(tmp_path, fixed=False))
    path = tmp_path / "secrets.json"
    kept = msgspec.json.decode(path.read_bytes())
    del kept["passwords"]["outside"]
    path.write_bytes(msgspec.json.encode(kept))
    asked = preparation(tmp_path, fixed=False)
    phone = (await prepare(asked)).outside
    assert phone is not None
    assert opens(await outside_of(asked), phone)
    now = msgspec.json.decode(path.read_bytes())
    assert now == {**kept, "passwords": {**kept["passwords"], "outside": phone.password}}


async def test_with_a_carrier_of_ones_own_nothing_of_it_is_there(tmp_path: Path):
    asked = preparation(tmp_path)
    await prepare(asked)
    plan = asked.plan
    assert plan.demo is not None
    real = msgspec.structs.replace(plan.demo, carrier=("192.0.2.5", 5060))
    asked = Preparation(plan=msgspec.structs.replace(plan, demo=real), trunk=real.carrier)
    assert (await prepare(asked)).outside is None
    assert await outside_of(asked) is None
