from __future__ import annotations

import msgspec
import pytest

from tongdai.core.redact import is_secret_name, redact, redact_fields, redact_text

REGISTER = (
    "REGISTER sip:anphat.demo SIP/2.0\r\n"
    "Call-ID: 3848276298220188511@phone\r\n"
    'Authorization: Digest username="lan-1", realm="tongdai", nonce="84a4cc6f", uri="sip:anphat.demo",'
    ' response="7587245234b3434cc3412213e5f113a5"\r\n'
    "Content-Length: 0\r\n\r\n"
)


@pytest.mark.parametrize(
    "name",
    [
        "password",
        "voicemail_pin",
        "pin",
        "PIN",
        "apiKey",
        "srtp_key",
        "HA1",
        "client_secret",
        "Authorization",
        "digits",
    ],
)
def test_secret_by_name(name):
    assert is_secret_name(name)


@pytest.mark.parametrize(
    "name", ["ping", "spinning", "monkey", "tenant", "keyboard", "status", "digitised", "call"]
)
def test_not_secret_by_name(name):
    assert not is_secret_name(name)


def test_a_sip_message_loses_its_credentials_and_nothing_else():
    shown = redact_text(REGISTER)
    assert "7587245234b3434cc3412213e5f113a5" not in shown
    assert "lan-1" not in shown
    assert "Call-ID: 3848276298220188511@phone\r\n" in shown
    assert shown.endswith("Content-Length: 0\r\n\r\n")


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ('Digest username="a", response="7587245234b3434c", qop=auth', "7587245234b3434c"),
        (
            "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz|2^20|1:4",
            "WVNfX19z",
        ),
        ("a=ice-ufrag:Mw5v\r\na=ice-pwd:EpDzpZqvFFnVBd9XjTg0YJ2k\r\n", "EpDzpZqv"),
        ('{"urls": ["turn:a"], "username": "1", "credential": "bWFjIG9mIGl0="}', "bWFjIG9m"),
        ("postgresql://tongdai:hunter2@db/tongdai", "hunter2"),
        ("postgresql://:hunter2@db/tongdai", "hunter2"),
        ("Device(username='lan-1', password='hunter2')", "hunter2"),
        ('{"password": "hunter2", "name": "Lan"}', "hunter2"),
        ("{'voicemail_pin': '4101'}", "4101"),
        ("pin=4101 entered", "4101"),
        ("tried pin: 4101", "4101"),
        ("bearer eyJhbGciOiJIUzI1NiJ9.e30.abc", "eyJhbGci"),
        ("Signal=4\r\nDuration=160", "4"),
        ("X-API-Key: abcdef123456", "abcdef123456"),
        ("-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBg\nkqhkiG9w0\n-----END PRIVATE KEY-----", "kqhkiG9w0"),
    ],
)
def test_secret_by_shape(text, secret):
    shown = redact_text(text)
    assert secret not in shown
    assert "[redacted]" in shown


@pytest.mark.parametrize(
    "text",
    [
        "ping=12 ms",
        "called +842871234500",
        "response 486 to INVITE",
        "spinning: yes",
        "sip:101@anphat.demo:5060",
    ],
)
def test_ordinary_text_is_left_alone(text):
    assert redact_text(text) == text


def test_secrets_are_found_at_any_depth():
    class Device(msgspec.Struct):
        username: str
        password: str

    shown = redact_fields(
        {"devices": [Device("lan-1", "hunter2")], "person": {"pin": 4101, "name": "Lan"}, "n": 3}
    )
    assert shown["person"] == {"pin": "[redacted]", "name": "Lan"}
    assert shown["n"] == 3
    assert "lan-1" in str(shown["devices"])
    assert "hunter2" not in str(shown["devices"])


def test_bytes_are_read_as_text():
    assert "7587245234b3434cc3412213e5f113a5" not in str(redact(REGISTER.encode()))


def test_an_absent_secret_is_seen_to_be_absent():
    assert redact({"password": None, "pin": ""}) == {"password": None, "pin": ""}
