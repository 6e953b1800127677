from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from tongdai.blobs import BlobMissing, LocalBlobs


@pytest.fixture
def blobs(tmp_path: Path) -> LocalBlobs:
    return LocalBlobs(tmp_path / "blobs")


def test_what_was_written_is_read_by_its_tenant(blobs: LocalBlobs):
    name = blobs.write("t1", b"sound", ".wav")
    assert name.endswith(".wav")
    assert blobs.read("t1", name) == b"sound"
    assert blobs.path("t1", name).stat().st_mode & 0o077 == 0


def test_another_tenant_gets_what_it_would_get_for_nothing_at_all(blobs: LocalBlobs):
    name = blobs.write("t1", b"sound", ".wav")
    with pytest.raises(BlobMissing) as theirs:
        blobs.read("t2", name)
    with pytest.raises(BlobMissing) as nothing:
        blobs.read("t2", blobs.new_name(".wav"))
    assert theirs.value.code == nothing.value.code
    blobs.delete("t2", name)
    assert blobs.read("t1", name) == b"sound"


def test_the_engine_can_write_to_the_path_of_a_new_name(blobs: LocalBlobs):
    name = blobs.new_name(".wav")
    blobs.path("t1", name).write_bytes(b"RIFF")
    assert blobs.read("t1", name) == b"RIFF"


@pytest.mark.parametrize(
    "name", ["../t2/x", "/etc/passwd", "a\0b", "", "blob_x.wav", "blob_" + "a" * 26 + ".wav/../x"]
)
def test_names_that_the_server_did_not_make_do_not_exist(blobs: LocalBlobs, name: str):
    with pytest.raises(BlobMissing):
        blobs.read("t1", name)
    with pytest.raises(BlobMissing):
        blobs.path("t1", name)


@pytest.mark.parametrize("tenant", ["..", "a/b", "", "\0"])
def test_tenants_that_are_none_have_nothing(blobs: LocalBlobs, tenant: str):
    with pytest.raises(BlobMissing):
        blobs.path(tenant, blobs.new_name(".wav"))


def test_a_full_disk_leaves_no_half_blob(blobs: LocalBlobs, monkeypatch: pytest.MonkeyPatch):
    def full(fd: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        blobs.write("t1", b"sound", ".wav")
    assert not list(blobs.path("t1", blobs.new_name(".wav")).parent.iterdir())


def test_deleting_is_idempotent(blobs: LocalBlobs):
    name = blobs.write("t1", b"sound", ".wav")
    blobs.delete("t1", name)
    blobs.delete("t1", name)
    blobs.delete("t1", "../x")
    with pytest.raises(BlobMissing):
        blobs.read("t1", name)
