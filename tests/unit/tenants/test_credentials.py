from __future__ import annotations

import hashlib

from tongdai.tenants import credentials

KEY = b"k" * 32


def test_a_devices_password_is_kept_as_ha1_of_both_algorithms():
    text = b"anphat-101:tongdai:very secret"
    assert credentials.device_hashes("anphat-101", "very secret") == {
        "ha1_md5": hashlib.md5(text).hexdigest(),
        "ha1_sha256": hashlib.sha256(text).hexdigest(),
    }


def test_a_login_password_is_verified_and_cannot_be_read():
    stored = credentials.hash_password("mật khẩu")
    assert stored.startswith("$argon2id$")
    assert credentials.verify_password(stored, "mật khẩu")
    assert not credentials.verify_password(stored, "mat khau")


def test_who_has_no_password_cannot_log_in():
    assert not credentials.verify_password("", "")


def test_a_pin_is_verified_with_its_key_only():
    stored = credentials.hash_pin(KEY, "4101")
    assert "4101" not in stored
    assert credentials.verify_pin(KEY, stored, "4101")
    assert not credentials.verify_pin(KEY, stored, "4102")
    assert not credentials.verify_pin(b"x" * 32, stored, "4101")


def test_the_same_pin_is_never_stored_alike():
    assert credentials.hash_pin(KEY, "4101") != credentials.hash_pin(KEY, "4101")


def test_a_mailbox_without_pin_opens_to_none():
    assert not credentials.verify_pin(KEY, "", "")
    assert not credentials.verify_pin(KEY, "", "0000")
