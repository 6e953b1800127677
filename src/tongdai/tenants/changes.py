"""That the configuration changed: counted in the transaction that changes it, followed by whoever serves
calls."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from sqlalchemy import Connection, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from tongdai.core.log import get_logger
from tongdai.core.tenancy import TenantId
from tongdai.core.waiting import happens
from tongdai.db import Database
from tongdai.db.tables import change

log = get_logger(__name__)

PROVIDER = TenantId("")
"""Under what the provider's own changes (trunks) are counted."""

UNKNOWN = -1
"""The sequence of a configuration that was not read from the database, and is no further than that."""

POLL_SECONDS = 0.5
RETRY_SECONDS = 10.0
"""After a configuration that could not be followed."""
GRACE_SECONDS = 3.0
"""How long who had a change served before it was committed may take to commit it."""


async def note(tenant: TenantId, connection: AsyncConnection) -> None:
    """Count a change. Every store of the configuration does, in the transaction of the change itself."""
    counted = update(change).where(change.c.tenant == tenant).values(seq=change.c.seq + 1)
    if not (await connection.execute(counted)).rowcount:
        await connection.execute(insert(change).values(tenant=tenant, seq=1))


def sequence(connection: Connection) -> int:
    """A number that is higher after every change."""
    return int(connection.scalar(select(func.coalesce(func.sum(change.c.seq), 0))) or 0)


class Follower:
    """Looks for changes, off the event loop, and has each followed: those of the command line, and what was
    served for the web process and then not committed."""

    def __init__(self, db: Database, seq: int, follow: Callable[[], Awaitable[int]]) -> None:
        """`seq` is the `sequence` of the configuration that is served now, or `UNKNOWN`. `follow` serves the
        present one and returns its `sequence`; when it raises, the former one stays."""
        self._db = db
        self._seq = seq
        self._follow = follow
        self._quiet_until = 0.0
        self._failing = False

    def ahead(self, seq: int) -> None:
        """The configuration that will be `seq` is served already; whoever writes it commits it now. If he
        does not, the one in the database is served again."""
        if self._seq != UNKNOWN:
            self._seq = seq
        self._quiet_until = asyncio.get_running_loop().time() + GRACE_SECONDS

    @property
    def blind(self) -> bool:
        """What is served was not read from the database: that could not be yet."""
        return self._seq == UNKNOWN

    async def run(self, stopping: asyncio.Event) -> None:
        """Follow until told to stop."""
        while not stopping.is_set():
            pause = POLL_SECONDS if await self.look() else RETRY_SECONDS
            await happens(stopping, pause)

    async def look(self) -> bool:
        """Follow what changed since the last time. False, and at first a line in the log, when that did not
        work."""
        if asyncio.get_running_loop().time() < self._quiet_until:
            return True
        try:
            if await self._db.read_in_thread(sequence) != self._seq:
                self._seq = await self._follow()
        except Exception:
            if not self._failing:
                log.exception("a change of the configuration could not be followed; the former one stays")
            self._failing = True
            return False
        self._failing = False
        return True
