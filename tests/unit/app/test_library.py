"""What tenants have chosen and recorded."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.unit.directory.conftest import anphat, binhminh

from tongdai.app.library import Library
from tongdai.blobs import LocalBlobs
from tongdai.tenants.config import ProviderConfig


@pytest.fixture
def blobs(tmp_path: Path) -> LocalBlobs:
    return LocalBlobs(tmp_path)


def library(blobs: LocalBlobs, **changes: object) -> Library:
    return Library(ProviderConfig((), (anphat(**changes), binhminh())), blobs)


@pytest.mark.parametrize(("setting", "spoken"), [("vi", "vi"), ("en", "en"), ("fr", "en")])
def test_a_tenant_is_spoken_to_in_its_language_or_else_in_english(
    blobs: LocalBlobs, setting: str, spoken: str
):
    assert library(blobs, language=setting).language("anphat") == spoken


def test_a_recording_is_found_by_its_name(blobs: LocalBlobs):
    name = blobs.write("anphat", b"sound", ".wav")
    path = library(blobs).clip("anphat", name)
    assert path is not None
    assert path.read_bytes() == b"sound"


def test_another_tenants_recording_is_no_file_and_neither_is_what_was_never_made(blobs: LocalBlobs):
    theirs = blobs.write("binhminh", b"secret", ".wav")
    never = blobs.new_name(".wav")
    found = [library(blobs).clip("anphat", name) for name in (theirs, never)]
    assert all(path is not None and not path.exists() for path in found)


@pytest.mark.parametrize("name", ["../binhminh/x.wav", "/etc/passwd", "", "greeting.wav"])
def test_a_name_that_we_never_made_is_no_recording(blobs: LocalBlobs, name: str):
    assert library(blobs).clip("anphat", name) is None


def test_a_tenants_own_music_is_played_once_it_has_any(blobs: LocalBlobs):
    assert library(blobs).music("anphat") is None
    name = blobs.write("anphat", b"music", ".wav")
    assert library(blobs, music_blob=name).music("anphat") == blobs.path("anphat", name)
    assert library(blobs, music_blob=name).music("binhminh") is None


def test_a_recording_gets_a_name_that_is_found_again(blobs: LocalBlobs):
    shelf = library(blobs)
    name, path = shelf.new("anphat")
    again, _ = shelf.new("anphat")
    assert name != again
    assert path.name == name
    assert path.parent.is_dir()
    path.write_bytes(b"message")
    assert shelf.clip("anphat", name) == path
