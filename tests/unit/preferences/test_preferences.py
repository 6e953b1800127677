from __future__ import annotations

from pathlib import Path

from tests.unit.directory.conftest import anphat, binhminh

from tongdai.calls.commands import SetPreferences
from tongdai.calls.preferences import Preferences
from tongdai.core.clock import ManualClock
from tongdai.db import migrate, open_database
from tongdai.journal import LocalJournal
from tongdai.journal.refused import Refused
from tongdai.preferences import PeoplesPreferences
from tongdai.preferences import store as stored
from tongdai.tenants.config import ProviderConfig

CONFIG = ProviderConfig((), (anphat(), binhminh()))
QUIET = Preferences(dnd=True)


class Office:
    """Preferences on real files, which can be killed and started again."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.url = f"sqlite+aiosqlite:///{directory / 'db.sqlite'}"
        self.changed: list[tuple[str, str]] = []

    async def start(self) -> PeoplesPreferences:
        self.journal = LocalJournal(self.directory / "journal")
        self.db = open_database(self.url)
        self.people = PeoplesPreferences(
            CONFIG,
            journal=self.journal,
            db=self.db,
            refused=Refused(self.directory, ManualClock()),
            linger=0,
            on_change=lambda *whose: self.changed.append(whose),
        )
        await self.people.open(self.journal.load())
        return self.people

    async def stop(self) -> None:
        await self.people.close()
        await self.die()

    async def die(self) -> None:
        """As by `kill -9`: what is journaled is all there is."""
        if self.people._behind._task is not None:
            self.people._behind._task.cancel()
        self.journal.commit()
        self.journal.close()
        await self.db.close()


async def test_what_was_set_is_there_after_a_restart(tmp_path: Path) -> None:
    office = Office(tmp_path)
    await migrate(office.url)
    people = await office.start()
    assert people.of("anphat", "lan") == Preferences()
    people.prefer("anphat", SetPreferences("lan", QUIET))
    assert people.of("anphat", "lan") == QUIET
    assert office.changed == [("anphat", "lan")]
    await office.stop()
    people = await office.start()
    assert people.of("anphat", "lan") == QUIET
    people.prefer("anphat", SetPreferences("lan", Preferences()))
    await office.stop()
    people = await office.start()
    assert people.of("anphat", "lan") == Preferences()
    assert [key for key in office.journal.load() if key.startswith("preferences/")] == []
    await office.stop()


async def test_what_was_only_journaled_is_not_lost(tmp_path: Path) -> None:
    office = Office(tmp_path)
    await migrate(office.url)
    people = await office.start()
    people._behind._task.cancel()  # type: ignore[union-attr]  # the database is not reached any more
    people.prefer("anphat", SetPreferences("lan", QUIET))
    await office.die()
    people = await office.start()
    assert people.of("anphat", "lan") == QUIET
    await people._behind.flush()
    assert await stored.load(office.db) == [stored.Change("anphat", "lan", QUIET)]
    await office.stop()


async def test_one_tenant_reads_and_changes_nothing_of_anothers(tmp_path: Path) -> None:
    office = Office(tmp_path)
    await migrate(office.url)
    people = await office.start()
    people.prefer("anphat", SetPreferences("lan", QUIET))
    assert people.of("binhminh", "lan") == people.of("binhminh", "nobody") == Preferences()
    people.prefer("binhminh", SetPreferences("lan", Preferences(call_waiting=False)))
    assert people.of("anphat", "lan") == QUIET
    assert office.changed == [("anphat", "lan")]
    await office.stop()
    people = await office.start()
    assert people.of("binhminh", "lan") == Preferences()
    await office.stop()
