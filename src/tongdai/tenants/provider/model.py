"""What is stored of the provider."""

from __future__ import annotations

import msgspec


class Provider(msgspec.Struct, frozen=True):
    name: str
    email: str
    password_hash: str
