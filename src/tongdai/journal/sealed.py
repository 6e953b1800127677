"""Entries that hold keys of calls, sealed with the server's key: the journal alone, or a copy of it, opens no
call."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tongdai.core.log import get_logger
from tongdai.journal.port import Journal

log = get_logger(__name__)

_MARK = b"\xc1sealed1"
"""No msgpack begins so: what an earlier version wrote is told from it."""
_SALT = 16
_NONCE = 12
_PURPOSE = b"tongdai-journal"


class SealedJournal:
    """Puts into another journal what nobody without the key can read. Each process seals with a key of its
    own, made from the server's and a salt that stands before each value, so that its count of values is a
    nonce that never comes twice."""

    def __init__(self, journal: Journal, key: bytes) -> None:
        self._journal = journal
        self._key = key
        self._salt = secrets.token_bytes(_SALT)
        self._cipher = self._cipher_of(self._salt)
        self._count = 0

    @property
    def failing(self) -> bool:
        return self._journal.failing

    def put(self, key: str, value: bytes) -> None:
        self._count += 1
        nonce = self._count.to_bytes(_NONCE, "big")
        sealed = self._cipher.encrypt(nonce, value, key.encode())
        self._journal.put(key, _MARK + self._salt + nonce + sealed)

    def delete(self, key: str) -> None:
        self._journal.delete(key)

    def commit(self) -> bool:
        return self._journal.commit()

    def load(self) -> dict[str, bytes]:
        return self.opened(self._journal.load())

    def opened(self, entries: Mapping[str, bytes]) -> dict[str, bytes]:
        """The entries as they were put; those that were never sealed as they are. What another key sealed, or
        is damaged, is left out."""
        found = {}
        ciphers: dict[bytes, AESGCM] = {}
        for key, value in entries.items():
            if not value.startswith(_MARK):
                found[key] = value
                continue
            start = len(_MARK)
            salt, nonce = value[start : start + _SALT], value[start + _SALT : start + _SALT + _NONCE]
            cipher = ciphers.get(salt) or ciphers.setdefault(salt, self._cipher_of(salt))
            try:
                found[key] = cipher.decrypt(nonce, value[start + _SALT + _NONCE :], key.encode())
            except (InvalidTag, ValueError):
                log.error("a journaled entry was sealed with another server.key; dropped", key=key)
                self._journal.delete(key)
        return found

    def _cipher_of(self, salt: bytes) -> AESGCM:
        return AESGCM(hashlib.blake2b(salt, digest_size=32, key=self._key[:64], person=_PURPOSE).digest())
