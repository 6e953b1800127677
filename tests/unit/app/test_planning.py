from __future__ import annotations

import fcntl
import os
import stat
from pathlib import Path

import msgspec
import pytest

from tongdai.app.control_config import ControlConfig, Listening, read_config, serves, write_config
from tongdai.app.plan import Listen, Plan, hand_over, take_over
from tongdai.app.planning import DemoOptions, plan_demo, plan_service, wipe
from tongdai.app.settings import Settings, load_settings
from tongdai.core.errors import TongdaiError


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path / "data"


def settings(data: Path, **flags: object) -> Settings:
    return load_settings(None, {"data": data, **flags})


def options(carrier: str | None = None, bench: bool = False) -> DemoOptions:
    return DemoOptions(carrier=carrier, bench=bench)


def test_a_service_keeps_everything_in_its_directory(data: Path):
    plan = plan_service(settings(data))
    assert data.is_dir()
    assert stat.S_IMODE(data.stat().st_mode) == 0o700
    assert plan.db_url == f"sqlite+aiosqlite:///{data}/tongdai.db"
    assert plan.demo is None
    elsewhere = "sqlite+aiosqlite:////srv/tongdai.db"
    assert plan_service(settings(data, database=elsewhere)).db_url == elsewhere


def test_who_listens_everywhere_advertises_one_address(data: Path):
    assert plan_service(settings(data)).advertised_ip == "127.0.0.1"
    assert (
        plan_service(settings(data, host="0.0.0.0", advertised_ip="203.0.113.5")).advertised_ip
        == "203.0.113.5"
    )


def test_sip_and_sound_do_not_share_ports(data: Path):
    with pytest.raises(TongdaiError, match="5060 lies within"):
        plan_service(settings(data, media_ports="5000-6000"))


def test_tls_has_a_port_of_its_own_and_both_halves_of_a_certificate(data: Path):
    with pytest.raises(TongdaiError, match="5061 lies within"):
        plan_service(settings(data, media_ports="5061-6000"))
    with pytest.raises(TongdaiError, match="cannot be given to both --sip-port and --tls-port"):
        plan_service(settings(data, tls_port=5060))
    with pytest.raises(TongdaiError, match="--tls-key"):
        plan_service(settings(data, tls_certificate="c.pem"))
    plan = plan_service(settings(data, tls_certificate="/etc/c.pem", tls_key="/etc/k.pem"))
    assert (plan.tls_port, plan.tls_certificate, plan.tls_key) == (5061, "/etc/c.pem", "/etc/k.pem")
    assert plan_service(settings(data)).tls_key == f"{data}/tls.key"


def test_passwords_are_fixed_on_loopback_only(data: Path):
    for host, fixed in [("127.0.0.1", True), ("127.0.0.9", True), ("::1", True), ("203.0.113.5", False)]:
        demo = plan_demo(settings(data, host=host), options()).demo
        assert demo is not None
        assert demo.fixed_passwords is fixed


def test_the_benchmark_is_refused_off_loopback(data: Path):
    with pytest.raises(TongdaiError, match="loopback"):
        plan_demo(settings(data, host="203.0.113.5"), options(bench=True))


def test_a_carrier_is_a_host_and_a_port(data: Path):
    demo = plan_demo(settings(data), options(carrier="127.0.0.1:5090")).demo
    assert demo is not None
    assert demo.carrier == ("127.0.0.1", 5090)
    for wrong in ["127.0.0.1", ":5060", "127.0.0.1:0", "127.0.0.1:x"]:
        with pytest.raises(TongdaiError, match="--carrier"):
            plan_demo(settings(data), options(carrier=wrong))


def test_a_directory_that_cannot_be_made_is_named(data: Path):
    data.write_text("a file")
    with pytest.raises(TongdaiError, match=r"data.*--data"):
        plan_service(settings(data))


def test_beginning_anew_forgets_everything_but_what_was_spoken(data: Path):
    plan_service(settings(data))
    for name in ("tongdai.db", "secrets.json", "server.key", "demo.json"):
        (data / name).write_text("x")
    for name in ("journal", "blobs", "refused", "speech"):
        (data / name).mkdir()
        (data / name / "file").write_text("x")
    (data / "mine.txt").write_text("not ours")
    wipe(data)
    assert sorted(path.name for path in data.iterdir()) == ["mine.txt", "speech"]
    wipe(data)


def test_what_is_being_served_is_not_forgotten(data: Path):
    (data / "run").mkdir(parents=True)
    (data / "tongdai.db").write_text("x")
    fd = os.open(data / "run" / "lock", os.O_RDWR | os.O_CREAT)
    fcntl.flock(fd, fcntl.LOCK_EX)
    with pytest.raises(TongdaiError, match="Stop it first"):
        wipe(data)
    assert (data / "tongdai.db").exists()
    os.close(fd)


def test_two_ip_versions_are_served_each_under_its_own_address(data: Path):
    plan = plan_service(settings(data, host="0.0.0.0, ::", advertised_ip="2001:db8::7, 203.0.113.7"))
    assert plan.listens == [Listen("0.0.0.0", "203.0.113.7"), Listen("::", "2001:db8::7")]
    assert (plan.host, plan.advertised_ip) == ("0.0.0.0", "203.0.113.7")
    assert plan.media_interfaces == "203.0.113.7, 2001:db8::7"
    plan = plan_service(settings(data, host="127.0.0.1,[::1]", advertised_ip="203.0.113.7"))
    assert plan.listens == [Listen("127.0.0.1", "203.0.113.7"), Listen("::1", "::1")]
    assert not plan.ws_tls
    assert plan_service(settings(data, host="127.0.0.1,10.0.0.1")).ws_tls
    assert plan_service(settings(data)).media_interfaces == ""
    named = plan_service(settings(data, host="127.0.0.1,::1", media_interfaces="10.0.0.9"))
    assert named.media_interfaces == "10.0.0.9"


def test_somewhere_must_be_listened(data: Path):
    with pytest.raises(TongdaiError, match="--host"):
        plan_service(settings(data, host=","))


def test_a_plan_is_handed_over_whole(data: Path):
    plan = plan_demo(settings(data), options(carrier="127.0.0.1:5090", bench=True))
    assert take_over(hand_over(plan), Plan) == plan


def test_a_control_configuration_is_for_its_owner_only(tmp_path: Path):
    config = ControlConfig(
        listens=[Listening("127.0.0.1", 3, 4, 7, 8), Listening("::1", 9, 10, 11, 12)],
        lifeline_fd=5,
        ready_fd=6,
        orphan_seconds=60,
        engine_socket="e",
        rpc_socket="r",
        data_dir="d",
        db_url="u",
        sip_port=5060,
        tls_port=5061,
        ws_port=8088,
        ws_tls=False,
        tls_certificate="c",
        tls_key="k",
    )
    path = tmp_path / "control.json"
    write_config(path, config)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert read_config(path, ControlConfig) == config
    other = msgspec.structs.replace(
        config, ready_fd=60, listens=[Listening("127.0.0.1", 30, 4, 7, 8), Listening("::1", 9, 10, 11, 12)]
    )
    assert serves(config, other), "descriptors have other numbers in each process"
    assert not serves(config, msgspec.structs.replace(other, sip_port=5062))
    assert serves(msgspec.structs.replace(other, waits=True), config), "it took the place of another"
    left = msgspec.structs.replace(other, former_engine_sockets=["e"])
    assert serves(left, config), "an engine that it knows has ended since"
    assert not serves(config, left)
    path.write_text("{}")
    with pytest.raises(TongdaiError, match=r"tongdai serve"):
        read_config(path, ControlConfig)
