"""The secret that PINs are hashed with."""

from __future__ import annotations

from pathlib import Path

import pytest

from tongdai.app.server_key import nonce_secret, server_key


def test_it_is_made_once_and_readable_by_its_owner_only(tmp_path: Path):
    key = server_key(tmp_path)
    assert len(key) == 32
    assert server_key(tmp_path) == key
    assert (tmp_path / "server.key").stat().st_mode & 0o777 == 0o600


def test_two_installations_have_two_keys(tmp_path: Path):
    (tmp_path / "other").mkdir()
    assert server_key(tmp_path) != server_key(tmp_path / "other")


def test_a_key_that_was_restored_from_a_backup_is_used(tmp_path: Path):
    (tmp_path / "server.key").write_bytes(b"k" * 32)
    assert server_key(tmp_path) == b"k" * 32


def test_a_directory_that_does_not_exist_is_an_error(tmp_path: Path):
    with pytest.raises(FileNotFoundError):
        server_key(tmp_path / "missing")


def test_challenges_are_signed_alike_by_each_process_since_the_machines_start_and_by_no_other():
    assert nonce_secret(b"k" * 32, "boot") == nonce_secret(b"k" * 32, "boot")
    assert len({nonce_secret(key, boot) for key in (b"k" * 32, b"o" * 32) for boot in ("one", "two")}) == 4
