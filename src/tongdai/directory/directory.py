"""The directory of all tenants, from one configuration."""

from __future__ import annotations

from tongdai.directory.edge import Edge
from tongdai.directory.ports import Bindings, Mailboxes, People
from tongdai.directory.world import TenantWorld
from tongdai.tenants.config import ProviderConfig


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
        self.edge = Edge(config)
        every_trunk = [trunk.id for trunk in config.trunks]
        self.worlds = {
            str(tenant.id): TenantWorld(
                tenant,
                self.edge.number_owners,
                bindings,
                mailboxes,
                preferences,
                ring_seconds=ring_seconds,
                every_trunk=every_trunk,
            )
            for tenant in config.tenants
        }

    def become(self, newer: Directory) -> None:
        """Answer as `newer` does from now on, under the same `edge` and `worlds`, which others hold. Making
        one takes long for a large provider and may be done in a thread; this takes no time."""
        self.edge.become(newer.edge)
        for gone in self.worlds.keys() - newer.worlds.keys():
            del self.worlds[gone]
        self.worlds.update(newer.worlds)
