from __future__ import annotations

from pathlib import Path

import msgspec
from sqlalchemy import delete
from tests.unit.directory.conftest import anphat, binhminh

from tongdai.calls.commands import SetPreferences
from tongdai.calls.preferences import Preferences
from tongdai.core.clock import ManualClock
from tongdai.db import migrate, open_database
from tongdai.db.tables import preferences
from tongdai.journal import LocalJournal
from tongdai.journal.refused import Refused
from tongdai.preferences import PeoplesPreferences
from tongdai.preferences import store as stored
from tongdai.preferences.preferences import KEPT, PREFIX
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

    def entries(self) -> dict[str, bytes]:
        """What is in the journal of who has stopped."""
        journal = LocalJournal(self.directory / "journal")
        try:
            return journal.load()
        finally:
            journal.close()

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


async def test_begun_without_the_database_it_serves_what_was_set_and_stores_what_is_set_meanwhile(
    tmp_path: Path,
) -> None:
    """A control that died while the database was gone could not begin before it was back."""
    office = Office(tmp_path)
    await migrate(office.url)
    people = await office.start()
    people.prefer("anphat", SetPreferences("lan", QUIET))
    people.prefer("anphat", SetPreferences("minh", QUIET))
    await office.stop()
    away = (tmp_path / "db.sqlite").rename(tmp_path / "away.sqlite")
    people = await office.start()
    assert people.failing
    assert people.of("anphat", "lan") == people.of("anphat", "minh") == QUIET
    people.prefer("anphat", SetPreferences("minh", Preferences()))
    office.changed.clear()
    await office.die()
    people = await office.start()
    assert people.of("anphat", "minh") == Preferences()
    away.rename(tmp_path / "db.sqlite")
    await people._behind.flush()
    assert not people.failing
    assert people.of("anphat", "lan") == QUIET
    assert people.of("anphat", "minh") == Preferences()
    assert office.changed == []
    assert sorted(await stored.load(office.db), key=lambda x: x.person) == [
        stored.Change("anphat", "lan", QUIET),
        stored.Change("anphat", "minh", Preferences()),
    ]
    await office.stop()


async def test_what_the_database_says_in_the_end_counts_and_is_told(tmp_path: Path) -> None:
    office = Office(tmp_path)
    await migrate(office.url)
    people = await office.start()
    people.prefer("anphat", SetPreferences("lan", QUIET))
    await office.stop()
    async with (db := open_database(office.url)).write() as connection:
        await connection.execute(delete(preferences))
    await db.close()
    away = (tmp_path / "db.sqlite").rename(tmp_path / "away.sqlite")
    people = await office.start()
    assert people.of("anphat", "lan") == QUIET
    office.changed.clear()
    away.rename(tmp_path / "db.sqlite")
    people.prefer("anphat", SetPreferences("minh", QUIET))
    await people._behind.flush()
    assert people.of("anphat", "lan") == Preferences()
    assert office.changed == [("anphat", "minh"), ("anphat", "lan")]
    await office.stop()
    assert [key for key in office.entries() if key.startswith(KEPT)] == [f"{KEPT}anphat/minh"]


async def test_a_change_that_a_later_version_journaled_is_set_aside(tmp_path: Path) -> None:
    office = Office(tmp_path)
    await migrate(office.url)
    people = await office.start()
    await office.stop()
    journal = LocalJournal(tmp_path / "journal")
    later = {"tenant": "anphat", "person": "lan", "preferences": {"dnd": "until noon"}}
    journal.put(f"{PREFIX}{1:016}", msgspec.msgpack.encode(later))
    journal.close()
    people = await office.start()
    assert people.of("anphat", "lan") == Preferences()
    await office.stop()
    assert office.entries() == {}
    [line] = (tmp_path / "refused" / "preferences.jsonl").read_bytes().splitlines()
    assert msgspec.json.decode(line)["record"]["value"] == later
