"""What tenants have chosen and recorded, for the speech adapter; and where recordings go, for the media
adapter.
"""

from __future__ import annotations

from pathlib import Path

from tongdai.blobs import BlobMissing, Blobs
from tongdai.speech import Language
from tongdai.tenants.config import ProviderConfig


class Library:
    """Implements `speech.Library` and `media.sessions.Recordings` over the configuration and the blobs."""

    def __init__(self, config: ProviderConfig, blobs: Blobs) -> None:
        self._blobs = blobs
        self.follow(config)

    def follow(self, config: ProviderConfig) -> None:
        """Answer from this configuration from now on."""
        self._tenants = {str(tenant.id): tenant for tenant in config.tenants}
        self._phrases = {(str(x.id), phrase.key): phrase.blob for x in config.tenants for phrase in x.phrases}

    def language(self, tenant: str) -> Language:
        return "vi" if self._tenants[tenant].language == "vi" else "en"

    def clip(self, tenant: str, blob: str) -> Path | None:
        try:
            return self._blobs.path(tenant, blob)
        except BlobMissing:
            return None

    def music(self, tenant: str) -> Path | None:
        blob = self._tenants[tenant].music_blob
        return self.clip(tenant, blob) if blob else None

    def phrase(self, tenant: str, key: str) -> Path | None:
        blob = self._phrases.get((tenant, key))
        return self.clip(tenant, blob) if blob is not None else None

    def new(self, tenant: str) -> tuple[str, Path]:
        """Name and path of a recording that begins."""
        name = self._blobs.new_name(".wav")
        return name, self._blobs.path(tenant, name)
