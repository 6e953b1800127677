from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from tests.unit.app.test_prepare import preparation

from tongdai.app.demo.show import Demo
from tongdai.app.prepare import Prepared

ACCOUNTS = {
    "provider": {"email": "p@x", "password": "pp"},
    "tenants": [
        {
            "id": "t1",
            "name": "An Phát Trading",
            "domain": "anphat.demo",
            "admin": {"email": "admin@anphat.demo", "password": "aa"},
            "numbers": {"main": "+842871234500"},
            "people": [
                {
                    "name": "Lan Nguyen",
                    "extension": "101",
                    "voicemail_pin": "4101",
                    "devices": [{"username": "lan", "password": "lan-secret"}],
                }
            ],
        }
    ],
}
PREPARED = Prepared(accounts=ACCOUNTS, carrier_username="carrier", carrier_password="cc")
PIDS = {"supervisor": 1, "control": 2, "media": 3}


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    (tmp_path / "demo.json").write_text("left by a run that was killed")
    demo = Demo(preparation(tmp_path).plan, sip_port=5099, tls_port=5098, ws_port=5097, http_port=5096)
    yield demo
    demo.close()


def told(tmp_path: Path) -> dict[str, object]:
    content: dict[str, object] = json.loads((tmp_path / "demo.json").read_text("utf-8"))
    return content


def test_demo_json_appears_when_calls_can_be_taken_and_not_before(demo: Demo, tmp_path: Path):
    assert not (tmp_path / "demo.json").exists(), "what an earlier run left misleads nobody"
    demo.prepared(PREPARED)
    demo.changed(PIDS, works=False)
    assert not (tmp_path / "demo.json").exists()
    demo.changed(PIDS, works=True)
    content = told(tmp_path)
    assert content["sip"] == {
        "host": "127.0.0.1",
        "udp": 5099,
        "tcp": 5099,
        "tls": 5098,
        "ws": "ws://127.0.0.1:5097",
    }
    assert content["pids"] == PIDS
    carrier = content["carrier"]
    assert isinstance(carrier, dict)
    assert (carrier["host"], carrier["username"], carrier["password"]) == ("127.0.0.1", "carrier", "cc")
    assert content["tenants"] == ACCOUNTS["tenants"]
    assert stat.S_IMODE((tmp_path / "demo.json").stat().st_mode) == 0o600


def test_a_replaced_process_has_its_new_pid_at_once(demo: Demo, tmp_path: Path):
    demo.prepared(PREPARED)
    demo.changed(PIDS, works=True)
    demo.changed({**PIDS, "control": 9}, works=False)
    assert told(tmp_path)["pids"] == {**PIDS, "control": 9}


def test_the_table_says_who_with_which_password_and_what_to_dial(
    demo: Demo, capsys: pytest.CaptureFixture[str]
):
    demo.prepared(PREPARED)
    demo.changed(PIDS, works=True)
    demo.changed({**PIDS, "media": 9}, works=True)
    out = capsys.readouterr().out
    assert out.count("An Phát Trading") == 1, "it is printed once"
    for word in ("127.0.0.1:5099", "Lan Nguyen", "101", "lan-secret", "*97", "carrier", "Ctrl-C"):
        assert word in out


def test_at_the_end_nothing_is_left(demo: Demo, tmp_path: Path):
    demo.prepared(PREPARED)
    demo.changed(PIDS, works=True)
    demo.close()
    assert not (tmp_path / "demo.json").exists()


def test_with_a_carrier_nothing_is_simulated(tmp_path: Path):
    plan = preparation(tmp_path).plan
    assert plan.demo is not None
    demo = Demo(
        msgspec.structs.replace(plan, demo=msgspec.structs.replace(plan.demo, carrier=("192.0.2.5", 5060))),
        sip_port=5099,
        tls_port=5098,
        ws_port=5097,
        http_port=5096,
    )
    assert not demo.simulated
    assert demo.trunk == ("192.0.2.5", 5060)
    demo.prepared(PREPARED)
    demo.changed(PIDS, works=True)
    assert told(tmp_path)["carrier"] == {"host": "192.0.2.5", "udp": 5060, "username": "", "password": ""}
