"""The configuration in the journal: what control begins with when the database cannot be read."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Mapping

import msgspec

from tongdai.core.log import get_logger
from tongdai.journal import Journal
from tongdai.tenants.changes import UNKNOWN
from tongdai.tenants.config import ProviderConfig, TenantConfig
from tongdai.tenants.trunk.model import Trunk

log = get_logger(__name__)

PREFIX = "configuration/"
_TRUNKS = PREFIX + "trunks"
_TENANT = PREFIX + "tenant/"

# in the same order each time, so that what is the same is known by its bytes
_encode = msgspec.msgpack.Encoder(order="deterministic").encode
_decode_trunks = msgspec.msgpack.Decoder(tuple[Trunk, ...]).decode
_decode_tenant = msgspec.msgpack.Decoder(TenantConfig).decode


def recall(entries: Mapping[str, bytes]) -> ProviderConfig | None:
    """What was served last; None when nothing was kept. A tenant that cannot be read is left out."""
    if _TRUNKS not in entries:
        return None
    tenants = []
    try:
        trunks = _decode_trunks(entries[_TRUNKS])
    except msgspec.DecodeError as error:
        log.error("the trunks that were kept cannot be read", error=str(error))
        trunks = ()
    for key in sorted(key for key in entries if key.startswith(_TENANT)):
        try:
            tenants.append(_decode_tenant(entries[key]))
        except msgspec.DecodeError as error:
            log.error("a tenant that was kept cannot be read", key=key, error=str(error))
    return ProviderConfig(trunks, tuple(tenants), UNKNOWN)


class KeptConfig:
    """Keeps it, behind the calls."""

    def __init__(self, journal: Journal, stir: Callable[[], None]) -> None:
        """`journal` seals: there are secrets of phones in it. `stir` is called when something is to be
        committed there."""
        self._journal = journal
        self._stir = stir
        self._there: dict[str, bytes] = {}
        self._kept: dict[str, TenantConfig] = {}
        self._config: ProviderConfig | None = None
        self._changed = asyncio.Event()

    def restore(self, entries: Mapping[str, bytes]) -> None:
        """What a former process kept (`Journal.load()`): only what is different is written."""
        self._there = {key: _digest(value) for key, value in entries.items() if key.startswith(PREFIX)}

    def follow(self, config: ProviderConfig) -> None:
        """This is served from now on."""
        self._config = config
        self._changed.set()

    async def run(self) -> None:
        """Keep what is served, for ever."""
        while True:
            await self._changed.wait()
            self._changed.clear()
            await self.keep()

    async def keep(self) -> None:
        """Once, and tenant by tenant, so that calls do not wait for all of them."""
        if (config := self._config) is None:
            return
        self._put(_TRUNKS, _encode(config.trunks))
        for tenant in config.tenants:
            if self._kept.get(tenant.id) is not tenant:
                self._put(_TENANT + tenant.id, await asyncio.to_thread(_encode, tenant))
        self._kept = {tenant.id: tenant for tenant in config.tenants}
        for key in self._there.keys() - {_TRUNKS} - {_TENANT + id_ for id_ in self._kept}:
            del self._there[key]
            self._journal.delete(key)
        self._stir()

    def _put(self, key: str, value: bytes) -> None:
        digest = _digest(value)
        if self._there.get(key) != digest:
            self._there[key] = digest
            self._journal.put(key, value)


def _digest(value: bytes) -> bytes:
    return hashlib.blake2b(value, digest_size=16).digest()
