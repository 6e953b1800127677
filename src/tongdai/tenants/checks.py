"""Checks of what people type in, each with an error that says what to do."""

from __future__ import annotations

import re

from tongdai.tenants.errors import Invalid

MAX_NAME = 100
MIN_PASSWORD = 8

_DOMAIN = re.compile(r"(?=.{1,253}\Z)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")
_PIN = re.compile(r"[0-9]{4,10}")
_USERNAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def check_name(name: str) -> None:
    if not name.strip() or len(name) > MAX_NAME or not name.isprintable():
        raise Invalid("bad_name", f"{name!r} is no name.", f"Give 1 to {MAX_NAME} printable characters.")


def check_email(email: str) -> None:
    if not _EMAIL.fullmatch(email) or len(email) > 254:
        raise Invalid("bad_email", f"{email!r} is no e-mail address.", "Give one such as lan@example.com.")


def check_domain(domain: str) -> None:
    if not _DOMAIN.fullmatch(domain):
        raise Invalid(
            "bad_domain", f"{domain!r} is no domain name.", "Give one in lower case such as pbx.example.com."
        )


def check_password(password: str) -> None:
    if len(password) < MIN_PASSWORD:
        raise Invalid(
            "weak_password", "The password is too short.", f"Use {MIN_PASSWORD} characters or more."
        )


def check_pin(pin: str) -> None:
    if not _PIN.fullmatch(pin):
        raise Invalid("bad_pin", "A PIN cannot be that.", "Use 4 to 10 digits.")


def check_username(username: str) -> None:
    if not _USERNAME.fullmatch(username):
        raise Invalid(
            "bad_username",
            f"{username!r} is no user name for a device.",
            "Use 1 to 64 plain letters, digits, '.', '_' or '-'; begin with a letter or digit.",
        )
