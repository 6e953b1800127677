"""Recordings, greetings, music: files by tenant and by names that the server chose."""

from __future__ import annotations

from tongdai.blobs.local import LocalBlobs
from tongdai.blobs.port import BlobMissing, Blobs

__all__ = ["BlobMissing", "Blobs", "LocalBlobs"]
