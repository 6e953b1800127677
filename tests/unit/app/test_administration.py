from __future__ import annotations

import asyncio
import os
import sqlite3
import wave
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec import UNSET
from tests.unit.app.test_prepare import preparation

from tongdai.app import administration as admin
from tongdai.app.prepare import prepare
from tongdai.app.room_administration import change_room
from tongdai.app.trunk_administration import add_trunk, open_trunks
from tongdai.core.errors import TongdaiError
from tongdai.speech.phrases import CATALOGUES
from tongdai.tenants.room.schema import RoomChanges
from tongdai.tenants.tenant.schema import TenantChanges

OURS, THEIRS, OUTSIDE = "anphat.demo", "binhminh.demo", "outside.demo"


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("prepared")
    asyncio.run(prepare(preparation(directory)))
    return directory


@pytest.fixture
def data(prepared: Path, tmp_path: Path) -> Path:
    """The demo's two tenants, to be changed by one test."""
    copy = tmp_path / "data"
    copy.mkdir()
    for file in prepared.glob("*.db*"):
        (copy / file.name).write_bytes(file.read_bytes())
    return copy


@pytest.fixture
def wav(tmp_path: Path) -> Path:
    """A second of 1 kHz, sampled 16,000 times."""
    path = tmp_path / "sound.wav"
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 16000, 0, "NONE", ""))
        file.writeframes((b"\x00\x10" * 8 + b"\x00\xf0" * 8) * 1000)
    return path


@pytest.fixture(autouse=True)
def theirs_stay_as_they_are(request: pytest.FixtureRequest) -> Iterator[None]:
    """Whatever a test does to one tenant, the other must not notice."""
    if "data" not in request.fixturenames:
        yield
        return
    data = request.getfixturevalue("data")
    before = admin.show_tenant(data, THEIRS)
    yield
    assert admin.show_tenant(data, THEIRS) == before


def line(data: Path, name: str) -> str:
    lines = admin.show_tenant(data, OURS).splitlines()
    return next(x[13:] for x in lines if x.startswith(f"{name} "))


def blobs(data: Path) -> list[str]:
    return sorted(path.suffix for path in (data / "blobs").rglob("*") if path.is_file())


def refused(*arguments: object) -> str:
    work, *rest = arguments
    with pytest.raises(TongdaiError) as error:
        work(*rest)  # type: ignore[operator]
    return str(error.value)


def test_tenants_are_listed(data: Path):
    assert [x.split()[0] for x in admin.list_tenants(data).splitlines()] == [OURS, THEIRS, OUTSIDE]


def test_a_setting_is_changed_and_the_others_stay(data: Path):
    before = admin.show_tenant(data, OURS)
    said = admin.change_tenant(data, OURS, TenantChanges(ring_seconds=12.5, allowed_countries=["VN", "FR"]))
    assert said == admin.show_tenant(data, OURS)
    assert (line(data, "phones ring"), line(data, "may call")) == ("12.5 s", "VN, FR")
    changed = {x for x, y in zip(before.splitlines(), said.splitlines(), strict=True) if x != y}
    assert {x.split("  ")[0] for x in changed} == {"may call", "phones ring"}


def test_a_setting_that_cannot_be_changes_nothing(data: Path):
    before = admin.show_tenant(data, OURS)
    assert "0 s" in refused(admin.change_tenant, data, OURS, TenantChanges(name="New", ring_seconds=0))
    assert "no number of this tenant" in refused(
        admin.change_tenant, data, OURS, TenantChanges(main_number="+842871234600")
    )
    assert admin.show_tenant(data, OURS) == before


def test_a_room_is_shown_and_changed(data: Path):
    shown = change_room(data, OURS, "600", RoomChanges())
    assert "tones        when somebody comes or goes\n" in shown
    changed = change_room(data, OURS, "600", RoomChanges(tones=False))
    assert changed == shown.replace("when somebody comes or goes", "none")
    assert change_room(data, OURS, "600", RoomChanges()) == changed


@pytest.mark.parametrize("extension", ["101", "999"])
def test_an_extension_without_a_room_is_named(data: Path, extension: str):
    said = refused(change_room, data, OURS, extension, RoomChanges(tones=False))
    assert f"No room of {OURS} has the extension {extension}" in said


@pytest.mark.parametrize(
    "work",
    [
        lambda data, wav: admin.show_tenant(data, "nowhere.demo"),
        lambda data, wav: admin.change_tenant(data, "nowhere.demo", TenantChanges(name=UNSET)),
        lambda data, wav: admin.upload(data, "nowhere.demo", "music", wav),
        lambda data, wav: admin.remove(data, "nowhere.demo", "music"),
        lambda data, wav: change_room(data, "nowhere.demo", "600", RoomChanges()),
    ],
)
def test_a_tenant_that_does_not_exist_is_named(data: Path, wav: Path, work: object):
    assert "There is no tenant 'nowhere.demo'" in refused(work, data, wav)
    assert blobs(data) == []


def test_music_is_uploaded_and_taken_back(data: Path, wav: Path):
    assert line(data, "music") == "ours"
    assert "(1.0 s of sound)" in admin.upload(data, OURS, "music", wav)
    assert line(data, "music") == "its own"
    assert blobs(data) == [".wav"]
    admin.remove(data, OURS, "music")
    assert line(data, "music") == "ours"
    assert "has uploaded no music" in refused(admin.remove, data, OURS, "music")


def test_a_greeting_is_uploaded_and_its_words_come_back(data: Path, wav: Path):
    words = line(data, "greeting")
    assert words.startswith("“Thank you for calling")
    assert "has uploaded no greeting" in refused(admin.remove, data, OURS, "greeting")
    admin.upload(data, OURS, "greeting", wav)
    admin.upload(data, OURS, "greeting", wav)
    assert line(data, "greeting") == "its own recording"
    assert words in admin.remove(data, OURS, "greeting")
    assert line(data, "greeting") == words


def test_phrases_are_uploaded_and_taken_back(data: Path, wav: Path):
    assert line(data, "own phrases") == "none"
    said = admin.upload(data, OURS, "queue.welcome", wav)
    assert "in place of “Welcome to {department}." in said
    admin.upload(data, OURS, "goodbye", wav)
    assert set(line(data, "own phrases").split(", ")) == {"goodbye", "queue.welcome"}
    admin.remove(data, OURS, "goodbye")
    assert line(data, "own phrases") == "queue.welcome"
    assert "has uploaded nothing in place of goodbye" in refused(admin.remove, data, OURS, "goodbye")


def test_what_is_no_sound_leaves_nothing_behind(data: Path, tmp_path: Path):
    text = tmp_path / "notes.wav"
    text.write_text("not a sound")
    before = admin.show_tenant(data, OURS)
    for file in (text, tmp_path / "missing.wav", tmp_path):
        refused(admin.upload, data, OURS, "greeting", file)
    assert admin.show_tenant(data, OURS) == before
    assert blobs(data) == []


def test_an_upload_that_nothing_can_play_leaves_nothing_behind(data: Path, wav: Path):
    refused(admin.upload, data, OURS, "no.such.phrase", wav)
    admin.change_tenant(data, OURS, TenantChanges(main_number="+842871234560"))
    assert line(data, "greeting") == "none: its main number leads to no menu"
    assert "leads to no menu" in refused(admin.upload, data, OURS, "greeting", wav)
    assert blobs(data) == []


def test_a_near_miss_is_guessed(data: Path, wav: Path):
    assert "Did you mean queue.welcome" in refused(admin.upload, data, OURS, "queue.welcom", wav)
    assert "Did you mean greeting" in refused(admin.upload, data, OURS, "greting", wav)


def test_what_root_uploads_is_given_to_who_serves_it(data: Path, wav: Path, monkeypatch: pytest.MonkeyPatch):
    if os.geteuid() == 0:
        os.chown(data, 65534, 65534)
    owner, given = data.stat().st_uid, {}
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(os, "chown", lambda path, uid, gid: given.update({path: uid}))
    admin.upload(data, OURS, "music", wav)
    assert given == dict.fromkeys([data / "blobs", *(data / "blobs").rglob("*")], owner)


def test_phrases_are_listed_in_each_language():
    for language in ("en", "vi"):
        lines = admin.list_phrases(language).splitlines()
        assert [x.split()[0] for x in lines] == list(CATALOGUES[language])
    assert "'fr'" in refused(admin.list_phrases, "fr")


def entries(data: Path) -> list[tuple[str, str, str, str]]:
    """The audit log: whose, who, what, and of what it tells."""
    with sqlite3.connect(data / "tongdai.db") as db:
        return list(db.execute("SELECT tenant, actor, action, changes FROM audit ORDER BY at, id"))


def test_what_the_command_line_changes_is_in_the_audit_log(data: Path, wav: Path):
    admin.change_tenant(data, OURS, TenantChanges(name="Another"))
    admin.upload(data, OURS, "music", wav)
    admin.remove(data, OURS, "music")
    change_room(data, OURS, "600", RoomChanges(pin="97531"))
    given = {"username": "we", "password": "the carrier's own"}
    add_trunk(data, "Viettel", ["203.0.113.5"], None, None, given)
    open_trunks(data, OURS, ["Viettel"])
    found = entries(data)
    assert {actor for _, actor, _, _ in found} == {"command line"}
    assert [action for _, _, action, _ in found] == [
        "tenant.change", "sound.upload", "sound.remove", "room.change", "trunk.create", "tenant.trunks"
    ]  # fmt: skip
    assert [tenant == "" for tenant, _, _, _ in found] == [False, False, False, False, True, False]
    assert "Another" in found[0][3]
    told = " ".join(changes for _, _, _, changes in found)
    assert "97531" not in told
    assert "carrier's own" not in told
    assert "sealed:" not in told


def test_a_refused_command_leaves_no_entry(data: Path):
    with pytest.raises(TongdaiError):
        admin.change_tenant(data, OURS, TenantChanges(main_number="+15551234567"))
    assert entries(data) == []


def test_no_command_changes_anything_without_an_entry():
    """Whoever writes has to go through `Stored.change`."""
    for file in Path(admin.__file__).parent.glob("*administration.py"):
        assert "db.write(" not in file.read_text(), file.name


def test_codes_are_listed_and_changed(data: Path):
    assert "pickup                   **\n" in admin.list_codes(data, OURS, {})
    changed = admin.list_codes(data, OURS, {"pickup": "*2", "dnd_toggle": ""})
    assert "pickup                   *2\n" in changed
    assert "dnd_toggle               none\n" in changed
    assert [action for _, _, action, _ in entries(data)] == ["tenant.change"]
    with pytest.raises(TongdaiError, match="101 is dialled for a feature"):
        admin.list_codes(data, OURS, {"directory": "101"})
