"""What tenants have chosen and recorded, for the speech adapter; and where recordings go, for the media
adapter.
"""

from __future__ import annotations

from pathlib import Path

from tongdai.blobs import BlobMissing, Blobs
from tongdai.core.language import Language, known
from tongdai.tenants.config import PerTenant, ProviderConfig, TenantConfig


class _Choices:
    """What one tenant has chosen."""

    def __init__(self, config: TenantConfig) -> None:
        self.language = known(config.language)
        self.music_blob = config.music_blob
        self.phrases = {phrase.key: phrase.blob for phrase in config.phrases}


class Library:
    """Implements `speech.Library` and `media.sessions.Recordings` over the configuration and the blobs."""

    def __init__(self, config: ProviderConfig, blobs: Blobs) -> None:
        self._blobs = blobs
        self._tenants = PerTenant(_Choices, config)

    def follow(self, config: ProviderConfig) -> None:
        """Answer from this configuration from now on."""
        self._tenants.follow(config)

    def _of(self, tenant: str) -> _Choices:
        chosen = self._tenants.get(tenant)
        if chosen is None:
            raise KeyError(tenant)
        return chosen

    def language(self, tenant: str) -> Language:
        return self._of(tenant).language

    def clip(self, tenant: str, blob: str) -> Path | None:
        try:
            return self._blobs.path(tenant, blob)
        except BlobMissing:
            return None

    def music(self, tenant: str) -> Path | None:
        blob = self._of(tenant).music_blob
        return self.clip(tenant, blob) if blob else None

    def phrase(self, tenant: str, key: str) -> Path | None:
        chosen = self._tenants.get(tenant)
        blob = chosen.phrases.get(key) if chosen is not None else None
        return self.clip(tenant, blob) if blob is not None else None

    def new(self, tenant: str) -> tuple[str, Path]:
        """Name and path of a recording that begins."""
        name = self._blobs.new_name(".wav")
        return name, self._blobs.path(tenant, name)
