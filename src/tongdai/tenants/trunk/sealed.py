"""Trunks' passwords at rest: sealed with the server's key, so that the database alone, or a backup of it,
shows none. A digest needs the password itself, so that no hash would do."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import sqlite3
from base64 import b64decode, b64encode
from collections.abc import Iterable

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from tongdai.core.log import get_logger
from tongdai.db import Database
from tongdai.tenants.trunk import store
from tongdai.tenants.trunk.model import Trunk

log = get_logger(__name__)

_PREFIX = "sealed:1:"
_PURPOSE = b"tongdai trunk password"
_NONCE = 12


def _cipher(key: bytes) -> AESGCM:
    return AESGCM(HKDF(SHA256(), 32, None, _PURPOSE).derive(key))


def seal(password: str, key: bytes) -> str:
    """What is stored of a password; empty stays empty."""
    if not password or password.startswith(_PREFIX):
        return password
    nonce = secrets.token_bytes(_NONCE)
    sealed = _cipher(key).encrypt(nonce, password.encode(), _PURPOSE)
    return _PREFIX + b64encode(nonce + sealed).decode()


def unseal(stored: str, key: bytes) -> str:
    """The password. Raises ValueError when it was sealed with another key, or is damaged."""
    if not stored.startswith(_PREFIX):
        return stored
    try:
        sealed = b64decode(stored.removeprefix(_PREFIX), validate=True)
        return _cipher(key).decrypt(sealed[:_NONCE], sealed[_NONCE:], _PURPOSE).decode()
    except (InvalidTag, ValueError) as error:
        raise ValueError("sealed with another key") from error


def unsealed(trunks: Iterable[Trunk], key: bytes) -> list[Trunk]:
    """Trunks as they are used. One whose password cannot be read has none."""
    found = []
    for trunk in trunks:
        try:
            password = unseal(trunk.settings.password, key)
        except ValueError:
            log.error(
                "the password of a trunk was sealed with another server.key; give it again: "
                "tongdai trunk set NAME --password-file FILE",
                trunk=trunk.name,
            )
            password = ""
        settings = msgspec.structs.replace(trunk.settings, password=password)
        found.append(msgspec.structs.replace(trunk, settings=settings))
    return found


async def seal_stored(db: Database, key: bytes) -> int:
    """Seal what an earlier version stored as it was; returns how many. Nothing of it is left in the file."""
    async with db.write() as connection:
        plain = [
            trunk
            for trunk in await store.all_trunks(connection)
            if seal(trunk.settings.password, key) != trunk.settings.password
        ]
        for trunk in plain:
            settings = msgspec.structs.replace(trunk.settings, password=seal(trunk.settings.password, key))
            await store.replace_one(connection, msgspec.structs.replace(trunk, settings=settings))
    file = db.engine.url.database
    if plain and file and db.engine.dialect.name == "sqlite":
        await asyncio.to_thread(_sweep, file)
    return len(plain)


def _sweep(file: str) -> None:
    """Without this SQLite keeps what was overwritten in free pages and in its log."""
    with contextlib.closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.execute("VACUUM")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
