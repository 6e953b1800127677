"""The secret of this installation, which PINs are hashed with, and what is made of it."""

from __future__ import annotations

import hashlib
import os
import secrets
from pathlib import Path

KEY_FILE = "server.key"
"""In the data directory."""
_LENGTH = 32


def server_key(data: Path) -> bytes:
    """The key in `data/server.key` (mode 0600), made at the first call. Without it no PIN can be checked:
    back it up with the database."""
    path = data / KEY_FILE
    try:
        return path.read_bytes()
    except FileNotFoundError:
        key = secrets.token_bytes(_LENGTH)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(key)
        return key


def nonce_secret(key: bytes, boot: str) -> bytes:
    """What signs the challenges of SIP: the same in each process since the machine's start, so that the next
    one knows the nonces of the one before. Their times are monotonic: those of another start might come
    again."""
    made = hashlib.blake2b(boot.encode(), digest_size=32, key=key[:64], person=b"tongdai-nonces")
    return made.digest()
