"""What is stored of a person. Extension and voicemail PIN have tables of their own."""

from __future__ import annotations

import msgspec


class Person(msgspec.Struct, frozen=True):
    """Without an e-mail address or with an empty password hash they cannot log in, only telephone."""

    id: str
    name: str
    email: str | None = None
    password_hash: str = ""
    admin: bool = False
