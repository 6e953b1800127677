"""Legs, switch and call logic together, with phones that call through them: only sound and the store are
pretended.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import cast

from tests.sim.company import party
from tests.unit.legs.doubles import FakeDevice, FakeMedia, device
from tests.unit.legs.stage import Office, Phone, Stage
from tests.unit.switch.doubles import BOTH, Adapters, Staffed

from tongdai.app.takeover import take_over
from tongdai.calls import commands as c
from tongdai.calls import events as e
from tongdai.calls.facts import Fact
from tongdai.calls.model import Silence, Source
from tongdai.media.sessions import Sessions
from tongdai.switch import Switch


class Sound(FakeMedia, Adapters):
    """The engine, mailboxes and the log. It outlives a restart, as the engine and the database do."""

    def __init__(self) -> None:
        FakeMedia.__init__(self)
        Adapters.__init__(self)

    async def adopt(self, legs: dict[str, str], entries: Mapping[str, bytes]) -> set[str]:
        for stray in self.live.keys() - legs.keys():
            self.close(stray)
        return self.live.keys() & legs.keys()

    def heard(self, tenant: str, leg: str, source: Source) -> None:
        told = [x.source for _, x in self.of("hear") if x.leg == leg]
        if (told[-1] if told else Silence()) != source:
            self.hear(tenant, c.Hear(leg, source))

    def adopted(self) -> None:
        """There are no links."""

    def was_told(self, leg: str, play: str) -> bool:
        return any(x.play == play for _, x in self.of("play"))

    def plays(self, play: str) -> bool:
        """Of a process before, nobody knows."""
        return False

    def records(self, record: str) -> bool:
        """What was begun is in the journal."""
        return any(x.record == record for _, x in self.of("record"))

    def silence(self, legs: Iterable[str], since: float | None = None) -> None:
        """Nothing goes on here by itself."""

    def rebuilt(self, client: object = None) -> None:
        self.settle()


class Exchange(Stage):
    """The office with the call logic of both tenants: people are those of the demo company."""

    media: Sound

    def __init__(self) -> None:
        self.worlds = {tenant: Staffed() for tenant in BOTH}
        super().__init__(Sound())

    def new_office(self, entries: dict[str, bytes] | None = None, generation: int = 0) -> Office:
        office = super().new_office(entries, generation)
        switch = Switch(
            self.worlds,
            clock=lambda: self.network.now,
            journal=office.journal,
            on_change=lambda tenant: None,
        )
        switch.connect(office.front, self.media, self.media, self.media, self.media)
        office.office_agent.also = switch
        office.writers = [switch.journal, office.front.journal]
        office.logic = switch.post
        self.switch = switch
        return office

    def person(self, person: str, tenant: str = "anphat") -> Phone:
        """The phone of somebody of the company."""
        who = party(person)
        plain = device(tenant, who.number, who.name)
        known = FakeDevice(tenant, person, plain.device, plain.username, who, plain.ha1)
        phone = self.phone(tenant, who.number, who=known)
        self.worlds[tenant].registered[person] = (f"bnd-{who.number}",)
        return phone

    async def kill(self) -> Office:
        """`kill -9`, and the take-over by a new process as it really is."""
        entries = self.office.journal.load()
        self.office = self.new_office(entries, self.office.process + 1)
        await take_over(entries, self.switch, self.office.front, cast(Sessions, self.media))
        self.office.front.begin_again()
        self.run()
        return self.office

    def facts(self) -> list[Fact]:
        """Everything that was logged, of whatever call."""
        return [fact for _, _, fact in self.media.of("fact")]

    def offered_call(self) -> str:
        return self.office.of(e.LegOffered)[0].call

    def nothing_is_left(self) -> bool:
        """No call, no leg, no session, nothing in the journal."""
        return not (
            self.switch.calls() or self.office.front.all() or self.media.live or self.office.journal.load()
        )
