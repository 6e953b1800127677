"""The port. Names are made here and never by a user, so that none can lead out of its tenant."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from tongdai.core.errors import TongdaiError


class BlobMissing(TongdaiError):
    """There is no such blob of this tenant. What belongs to another tenant does not exist either."""

    def __init__(self, name: str) -> None:
        super().__init__("no_blob", f"There is no recording {name!r}.")


class Blobs(Protocol):
    """Whole files that are written once. Methods may touch the disk for a moment; none waits for a
    network."""

    def new_name(self, suffix: str) -> str:
        """A name that nobody can guess, ending in `suffix` (e.g. `.wav`)."""

    def path(self, tenant: str, name: str) -> Path:
        """Where the file is or will be, for the media engine to read and write. Its directory exists. Raises
        `BlobMissing` for a name that was never made by `new_name`."""

    def write(self, tenant: str, data: bytes, suffix: str) -> str:
        """Store `data` under a new name, complete or not at all, and return the name."""

    def read(self, tenant: str, name: str) -> bytes:
        """The whole content. Raises `BlobMissing`."""

    def delete(self, tenant: str, name: str) -> None:
        """Remove; what is not there is no error."""
