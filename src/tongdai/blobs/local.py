"""Blobs as files: `<root>/<tenant>/<name>`."""

from __future__ import annotations

import os
import re
from pathlib import Path

from tongdai.blobs.port import BlobMissing
from tongdai.core.ids import new_id

_name = re.compile(r"blob_[0-9a-z]{26}\.[a-z0-9]{1,5}").fullmatch
_tenant = re.compile(r"[A-Za-z0-9_-]{1,64}").fullmatch


class LocalBlobs:
    """All blobs below one directory."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._made: set[str] = set()

    def new_name(self, suffix: str) -> str:
        name = new_id("blob") + suffix
        if not _name(name):
            raise ValueError(f"bad blob suffix {suffix!r}")
        return name

    def path(self, tenant: str, name: str) -> Path:
        if not (_tenant(tenant) and _name(name)):
            raise BlobMissing(name)
        directory = self._root / tenant
        if tenant not in self._made:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._made.add(tenant)
        return directory / name

    def write(self, tenant: str, data: bytes, suffix: str) -> str:
        name = self.new_name(suffix)
        path = self.path(tenant, name)
        temporary = path.with_suffix(".new")
        fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            with open(fd, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        return name

    def read(self, tenant: str, name: str) -> bytes:
        try:
            return self.path(tenant, name).read_bytes()
        except FileNotFoundError:
            raise BlobMissing(name) from None

    def delete(self, tenant: str, name: str) -> None:
        try:
            self.path(tenant, name).unlink(missing_ok=True)
        except BlobMissing:
            return
