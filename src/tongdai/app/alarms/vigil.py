"""What control watches over, and how it tells."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

from tongdai.app.alarms.alarms import Alarms
from tongdai.app.alarms.outbound import AlarmHook
from tongdai.app.alarms.watch import Check, Database, Watch, disk
from tongdai.app.alarms.webhook import Webhook
from tongdai.app.memory import Memory
from tongdai.db import Database as Db
from tongdai.journal import LocalJournal
from tongdai.journal.refused import refused
from tongdai.media.client import EngineClient
from tongdai.media.errors import EngineError

UNSYNCED_SECONDS = 5.0
"""How long what is journaled may be in the memory of the machine alone."""


class Store(Protocol):
    """Something that is written behind the calls."""

    @property
    def failing(self) -> bool: ...

    @property
    def backlog(self) -> int: ...


class Vigil:
    """The alarms of a control process: `journal`, `database`, `refused`, `disk`, `memory`, `media`."""

    def __init__(
        self,
        hook: AlarmHook,
        server: str,
        *,
        wall: Callable[[], float],
        data: Path,
        journal: LocalJournal,
        db: Db,
        stores: Mapping[str, Store],
        engine: Callable[[], EngineClient | None],
        blind: Callable[[], bool],
        memory: Memory,
    ) -> None:
        """`stores` are what the database is written from, by what each of their items is called. `blind`:
        whether the configuration that is served was not read from it. Raises ValueError for a webhook that
        cannot be."""
        self._journal = journal
        self._stores = stores
        self._engine = engine
        self._blind = blind
        self._memory = memory
        self._webhook = Webhook(hook, server)
        self._alarms = Alarms(wall, self._webhook.tell, journal)
        self._database = Database(lambda: db.write_in_thread(lambda _: None))
        checks: dict[str, Check] = {
            "journal": self._look_at_journal,
            "database": self._look_at_database,
            "refused": lambda: asyncio.to_thread(refused, data),
            "disk": lambda: disk(data),
            "memory": self._look_at_memory,
            "media": self._look_at_media,
        }
        self._watch = Watch(self._alarms, checks)

    async def run(self, stopping: asyncio.Event) -> None:
        """Watch and tell until told to stop."""
        telling = asyncio.create_task(self._webhook.run(), name="webhook")
        try:
            await self._watch.run(stopping)
        finally:
            telling.cancel()
            self._webhook.close()

    def metrics(self) -> dict[str, float]:
        lag = self._journal.lag()
        return {
            **self._alarms.metrics(),
            "alarms_untold": self._webhook.backlog,
            "memory_left_bytes": self._memory.left,
            "journal_slowest_commit_seconds": self._journal.slowest_commit(),
            "journal_unwritten_entries": lag.unwritten.entries,
            "journal_unwritten_seconds": lag.unwritten.seconds,
            "journal_unwritten_most_seconds": lag.unwritten.most_seconds,
            "journal_unsynced_entries": lag.unsynced.entries,
            "journal_unsynced_seconds": lag.unsynced.seconds,
            "journal_unsynced_most_seconds": lag.unsynced.most_seconds,
            **{f"unstored_{name}": store.backlog for name, store in self._stores.items()},
        }

    async def _look_at_journal(self) -> str:
        """Also the try that is due when nothing else happens."""
        if not self._journal.commit():
            return "the journal cannot be written; a crash now would end calls"
        unsynced = self._journal.lag().unsynced
        if unsynced.seconds <= UNSYNCED_SECONDS:
            return ""
        return f"{unsynced.entries} entries of the journal are not on the disk after {unsynced.seconds:.0f} s"

    async def _look_at_database(self) -> str:
        detail = await self._database.look()
        if detail:
            return detail
        waiting = [f"{store.backlog} {name}" for name, store in self._stores.items() if store.failing]
        if waiting:
            return f"the database cannot be read or written; {', '.join(waiting)} wait"
        return "calls are served from what was kept of the configuration" if self._blind() else ""

    async def _look_at_memory(self) -> str:
        return f"{self._memory.shortage}: calls are refused" if self._memory.shortage else ""

    async def _look_at_media(self) -> str:
        engine = self._engine()
        if engine is None or not engine.connected:
            return "the media engine is not there"
        try:
            free = (await engine.stats()).get("ports_free")
        except EngineError as error:
            return f"the media engine does not answer: {error}"
        return "every port of media_ports is in use: calls are refused" if free == 0 else ""
