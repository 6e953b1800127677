"""The directory of all tenants, from one configuration."""

from __future__ import annotations

import msgspec

from tongdai.directory.edge import Edge
from tongdai.directory.ports import Bindings, Mailboxes, People
from tongdai.directory.world import TenantWorld
from tongdai.tenants.config import ProviderConfig, TenantConfig


class Prepared(msgspec.Struct, frozen=True):
    """What a directory is about to become."""

    edge: Edge
    worlds: dict[str, tuple[TenantConfig, TenantWorld]]
    trunks: list[str]


class Directory:
    """`worlds` by tenant id for call logic, `edge` for signalling."""

    def __init__(
        self,
        config: ProviderConfig,
        bindings: Bindings,
        mailboxes: Mailboxes,
        preferences: People,
        *,
        ring_seconds: float | None = None,
    ) -> None:
        """`ring_seconds` takes the place of every tenant's own setting."""
        self._bindings = bindings
        self._mailboxes = mailboxes
        self._preferences = preferences
        self._ring_seconds = ring_seconds
        self._every_trunk: list[str] = []
        self._made: dict[str, tuple[TenantConfig, TenantWorld]] = {}
        self.worlds: dict[str, TenantWorld] = {}
        self.edge = Edge(ProviderConfig((), ()))
        self.become(self.prepare(config))

    def prepare(self, config: ProviderConfig) -> Prepared:
        """What `become` needs, made anew for those tenants only whose configuration is another object than
        before. May be done in a thread, as nothing changes yet."""
        edge = Edge(config, self.edge)
        worlds = {}
        for tenant in config.tenants:
            made = self._made.get(tenant.id)
            if made is None or made[0] is not tenant:
                made = (tenant, self._world(tenant))
            worlds[str(tenant.id)] = made
        return Prepared(edge, worlds, [trunk.id for trunk in config.trunks])

    def become(self, prepared: Prepared) -> None:
        """Answer as this says from now on, under the same `edge` and `worlds`, which others hold. Takes no
        time."""
        self.edge.become(prepared.edge)
        self._every_trunk[:] = prepared.trunks
        self._made = prepared.worlds
        for gone in self.worlds.keys() - prepared.worlds.keys():
            del self.worlds[gone]
        self.worlds.update((tenant, world) for tenant, (_, world) in prepared.worlds.items())

    def _world(self, tenant: TenantConfig) -> TenantWorld:
        return TenantWorld(
            tenant,
            self.edge.number_owners,
            self._bindings,
            self._mailboxes,
            self._preferences,
            ring_seconds=self._ring_seconds,
            every_trunk=self._every_trunk,
        )
