from __future__ import annotations

import stat
from pathlib import Path

import msgspec
import pytest

from tongdai.app.plan import DemoPlan, Listen, Plan
from tongdai.app.prepare import Preparation, Prepared, keep_secrets, prepare
from tongdai.app.server_key import server_key
from tongdai.core.errors import TongdaiError


def preparation(data: Path, *, fixed: bool = True) -> Preparation:
    plan = Plan(
        data_dir=str(data),
        db_url=f"sqlite+aiosqlite:///{data / 'tongdai.db'}",
        listens=[Listen("127.0.0.1", "127.0.0.1")],
        sip_port=5060,
        tls_port=5061,
        ws_port=8088,
        ws_tls=False,
        http_port=8080,
        http_plain=True,
        tls_certificate=str(data / "tls.crt"),
        tls_key=str(data / "tls.key"),
        sip_names="localhost",
        ws_origins="",
        media_ports="20000-29999",
        ring_seconds=20,
        piper_command=None,
        log_level="info",
        log_format="json",
        demo=DemoPlan(carrier=None, bench=False, fixed_passwords=fixed),
    )
    return Preparation(plan=plan, trunk=("127.0.0.1", 5070))


def device_password(prepared: Prepared) -> str:
    password: str = prepared.accounts["tenants"][0]["people"][0]["devices"][0]["password"]
    return password


async def test_the_demos_accounts_have_the_keys_of_demo_json(tmp_path: Path):
    prepared = await prepare(preparation(tmp_path))
    assert prepared.carrier_username
    assert prepared.carrier_password
    assert set(prepared.accounts) == {"provider", "tenants"}
    assert set(prepared.accounts["provider"]) == {"email", "password"}
    anphat, binhminh = prepared.accounts["tenants"]
    assert {"id", "name", "domain", "admin", "numbers", "conference_pin", "people"} <= set(anphat)
    assert (anphat["name"], anphat["domain"]) == ("An Phát Trading", "anphat.demo")
    assert (binhminh["name"], binhminh["domain"]) == ("Bình Minh Clinic", "binhminh.demo")
    assert anphat["numbers"] == {"main": "+842871234500", "conference": "+842871234560"}
    assert anphat["conference_pin"] == "2468"
    lan = anphat["people"][0]
    assert set(lan) == {"name", "extension", "email", "password", "voicemail_pin", "devices"}
    assert (lan["name"], lan["extension"], lan["voicemail_pin"]) == ("Lan Nguyen", "101", "4101")
    assert set(lan["devices"][0]) == {"username", "password"}


async def test_a_second_start_finds_the_same(tmp_path: Path):
    first = await prepare(preparation(tmp_path, fixed=False))
    assert await prepare(preparation(tmp_path, fixed=False)) == first
    assert stat.S_IMODE((tmp_path / "secrets.json").stat().st_mode) == 0o600


async def test_off_loopback_no_password_is_the_known_one_even_after_a_demo_on_loopback(tmp_path: Path):
    known = await prepare(preparation(tmp_path))
    secret = await prepare(preparation(tmp_path, fixed=False))
    assert device_password(secret) != device_password(known)
    assert secret.carrier_password != known.carrier_password
    back = await prepare(preparation(tmp_path))
    assert device_password(back) == device_password(secret), "its phones know the secret ones"


async def test_a_service_gets_tables_and_no_company(tmp_path: Path):
    asked = preparation(tmp_path)
    asked = Preparation(plan=msgspec.structs.replace(asked.plan, demo=None))
    assert await prepare(asked) == Prepared()
    assert (tmp_path / "tongdai.db").is_file()
    assert not (tmp_path / "secrets.json").exists()


def test_pins_are_hashed_with_the_installations_own_key(tmp_path: Path):
    key = server_key(tmp_path)
    assert keep_secrets(tmp_path / "secrets.json", key, fixed=True).key == key
    assert server_key(tmp_path) == key


def test_secrets_that_cannot_be_read_are_not_replaced_in_silence(tmp_path: Path):
    (tmp_path / "secrets.json").write_text("{")
    with pytest.raises(TongdaiError, match="--fresh"):
        keep_secrets(tmp_path / "secrets.json", bytes(32), fixed=True)


async def test_a_certificate_is_made_once_and_one_that_is_broken_stops_the_start(tmp_path: Path):
    await prepare(preparation(tmp_path))
    made = (tmp_path / "tls.crt").read_bytes()
    await prepare(preparation(tmp_path))
    assert (tmp_path / "tls.crt").read_bytes() == made
    (tmp_path / "tls.key").write_text("half")
    with pytest.raises(TongdaiError, match="no certificate and its key in PEM"):
        await prepare(preparation(tmp_path))
    (tmp_path / "tls.key").unlink()
    await prepare(preparation(tmp_path))
    assert (tmp_path / "tls.crt").read_bytes() != made


async def test_a_certificate_of_the_operators_is_never_made_for_him(tmp_path: Path):
    plan = msgspec.structs.replace(
        preparation(tmp_path).plan, tls_certificate="/nowhere/c.pem", tls_key="/nowhere/k.pem"
    )
    with pytest.raises(TongdaiError, match=r"/nowhere/c\.pem cannot be read"):
        await prepare(Preparation(plan=plan))


async def test_no_empty_database_is_made_where_one_was(tmp_path: Path):
    asked = preparation(tmp_path)
    first = await prepare(asked)
    away = (tmp_path / "tongdai.db").rename(tmp_path / "away")
    with pytest.raises(TongdaiError, match=r"tongdai\.db is gone.*Bring it back"):
        await prepare(asked)
    assert not (tmp_path / "tongdai.db").exists()
    away.rename(tmp_path / "tongdai.db")
    assert await prepare(asked) == first


async def test_a_database_that_is_none_is_said_in_one_line(tmp_path: Path):
    (tmp_path / "tongdai.db").write_bytes(b"what a broken copy leaves " * 100)
    with pytest.raises(TongdaiError, match=r"cannot be used: file is not a database"):
        await prepare(preparation(tmp_path))
