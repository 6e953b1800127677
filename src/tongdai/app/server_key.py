"""The secret of this installation, which PINs are hashed with."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

_LENGTH = 32


def server_key(data: Path) -> bytes:
    """The key in `data/server.key` (mode 0600), made at the first call. Without it no PIN can be checked:
    back it up with the database."""
    path = data / "server.key"
    try:
        return path.read_bytes()
    except FileNotFoundError:
        key = secrets.token_bytes(_LENGTH)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(key)
        return key
