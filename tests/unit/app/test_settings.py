from __future__ import annotations

from pathlib import Path

import pytest

from tongdai.app.settings import Settings, load_settings, port_range, table
from tongdai.core.errors import TongdaiError

ROOT = Path(__file__).parents[3]


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_the_documentation_is_this_table():
    assert (ROOT / "docs" / "settings.md").read_text("utf-8") == table()


def test_every_setting_is_a_flag_of_serve():
    from tongdai.app.commands import _SERVE_FLAGS

    assert set(Settings.model_fields) == _SERVE_FLAGS


def test_flags_win_over_the_environment_and_that_over_the_file(monkeypatch: pytest.MonkeyPatch):
    Path("tongdai.toml").write_text('sip_port = 1001\nhost = "10.0.0.1"\nlog_level = "debug"\n')
    monkeypatch.setenv("TONGDAI_SIP_PORT", "1002")
    monkeypatch.setenv("TONGDAI_HOST", "10.0.0.2")
    settings = load_settings(None, {"sip_port": 1003, "host": None})
    assert (settings.sip_port, settings.host, settings.log_level) == (1003, "10.0.0.2", "debug")


def test_another_file_can_be_named(monkeypatch: pytest.MonkeyPatch):
    Path("other.toml").write_text("sip_port = 1001\n")
    assert load_settings(Path("other.toml"), {}).sip_port == 1001
    monkeypatch.setenv("TONGDAI_CONFIG", "other.toml")
    assert load_settings(None, {}).sip_port == 1001


@pytest.mark.parametrize(
    ("toml", "said"),
    [
        ("sip_prot = 1", r"no setting 'sip_prot'"),
        ("sip_port = 70000", r"sip_port .* 65535.*--sip-port, TONGDAI_SIP_PORT or tongdai.toml"),
        ('host = "nowhere"', r"host .*nowhere"),
        ('host = "::1, nowhere"', r"host .*nowhere"),
        ('host = "::1, ::1"', r"host .*twice"),
        ('media_ports = "5"', r"media_ports .*20000-29999"),
        ('log_level = "loud"', r"log_level"),
        ("sip_port =", r"no TOML"),
        (
            'database = "postgresql+psycopg://u:secret@db/x"',
            r"database .*'postgresql\+psycopg' is no .*SQLite",
        ),
        ('database = "tongdai.db"', r"database .*sqlite\+aiosqlite:////PATH"),
        ('turn_urls = "turn.example.net"', r"turn_urls .*write e.g. turn:.*--turn-urls"),
        ('turn_urls = "turn:a"', r"wants a secret.*operations.md"),
        ('turn_secret = "x"', r"no TURN server"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(toml: str, said: str):
    Path("tongdai.toml").write_text(toml + "\n")
    with pytest.raises(TongdaiError, match=said) as caught:
        load_settings(None, {})
    assert "\n" not in str(caught.value)


def test_a_named_file_must_exist():
    with pytest.raises(TongdaiError, match=r"nix\.toml"):
        load_settings(Path("nix.toml"), {})


@pytest.mark.parametrize("text", ["", "5", "a-b", "30000-20000", "80-200", "20000-70000", "20000-20002"])
def test_what_is_no_range_of_ports(text: str):
    with pytest.raises(ValueError, match=r"port|range|within"):
        port_range(text)


def test_localhost_is_an_address():
    assert load_settings(None, {"host": "localhost"}).host == "127.0.0.1"
