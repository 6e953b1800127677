"""A switch by itself, its adapters and its journal."""

from __future__ import annotations

from collections.abc import Iterable

from tests.sim.company import party
from tests.unit.legs.doubles import MemoryJournal
from tests.unit.switch.doubles import BOTH, Adapters, Staffed

from tongdai.calls import events as e
from tongdai.calls import facts as f
from tongdai.core.clock import ManualClock
from tongdai.switch import Switch


class Node:
    """A switch of two tenants, its adapters and its journal."""

    def __init__(self, entries: dict[str, bytes] | None = None, clock: ManualClock | None = None) -> None:
        self.clock = clock or ManualClock(1000.0)
        self.worlds = {tenant: Staffed() for tenant in BOTH}
        self.adapters = Adapters()
        self.journal = MemoryJournal()
        self.journal.kept = dict(entries or {})
        self.changes = 0
        self.switch = Switch(
            self.worlds, clock=self.clock.monotonic, journal=self.journal, on_change=self.changed
        )
        self.switch.connect(self.adapters, self.adapters, self.adapters, self.adapters, self.adapters)

    def changed(self, tenant: str) -> None:
        self.changes += 1

    def offer(self, call: str, dialled: str, tenant: str = "anphat", person: str = "lan") -> str:
        """A phone calls; returns its leg."""
        leg = f"{call}.l0"
        self.switch.post(tenant, e.LegOffered(call, leg, party(person), dialled))
        return leg

    def commit(self) -> list[str]:
        """What the journal holds after this tick."""
        self.switch.journal()
        self.journal.commit()
        return sorted(self.journal.kept)

    def pass_time(self, seconds: float) -> None:
        self.clock.advance(seconds)
        self.switch.on_timers(self.clock.monotonic())

    def restarted(self, *, same_boot: bool = False) -> Node:
        after = Node(self.journal.load(), self.clock)
        after.restored = after.switch.restore(after.journal.load(), same_boot=same_boot)
        return after

    restored: dict[str, list[str]]


def kinds(facts: Iterable[f.Fact]) -> list[type]:
    return [type(fact) for fact in facts]


def menu(node: Node, call: str = "c1") -> str:
    """A call that has heard the greeting of the menu: it waits 5 s for a key."""
    leg = node.offer(call, "100")
    node.switch.post("anphat", e.PlayDone(leg, node.adapters.of("play")[-1][1].play))
    return leg


def plays(node: Node) -> int:
    return len(node.adapters.of("play"))
