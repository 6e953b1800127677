"""Changes of the configuration: this process alone writes them, control serves them before they are
committed, and each that somebody makes has its entry in the audit log."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from tongdai.api.hub import Hub
from tongdai.api.rpc import messages as m
from tongdai.api.rpc.client import Control
from tongdai.core.clock import Clock
from tongdai.core.tenancy import TenantId
from tongdai.db import Database
from tongdai.tenants import config
from tongdai.tenants.audit import service as audit
from tongdai.tenants.audit.service import Actor, Change
from tongdai.tenants.changes import PROVIDER, sequence


class _Rehearsed(Exception):
    """Rolls back."""


class Writer:
    """One change at a time. Who waited while the database refused one is refused with it: each would wait for
    the database in turn, and the last for as long as all of them."""

    def __init__(self, db: Database, control: Control, hub: Hub, clock: Clock) -> None:
        self._db = db
        self._control = control
        self._hub = hub
        self._clock = clock
        self._turn = asyncio.Lock()
        self._refusal: DBAPIError | None = None

    @asynccontextmanager
    async def _transaction(self) -> AsyncIterator[AsyncConnection]:
        before = self._refusal
        async with self._turn:
            if self._refusal is not None and self._refusal is not before:
                raise self._refusal
            async with contextlib.AsyncExitStack() as stack:
                try:
                    connection = await stack.enter_async_context(self._db.write())
                except DBAPIError as error:
                    self._refusal = error
                    raise
                yield connection

    @asynccontextmanager
    async def change(
        self, tenant: TenantId, actor: Actor, action: str, *, audited: bool = True
    ) -> AsyncIterator[Change]:
        """A transaction. It is committed when the block ends and control serves what is new; else nothing has
        changed. Of the provider's own (`PROVIDER`), the target is a tenant that is made, or a trunk. What is
        not `audited` nobody has asked for: a page does it by itself. Raises `ControlSilent`."""
        async with self._transaction() as connection:
            before = await connection.run_sync(sequence)
            change = Change(connection, tenant)
            yield change
            now = self._clock.wall()
            if audited:
                await audit.record(change, actor, action, now=now)
            if await connection.run_sync(sequence) != before:
                changed = tenant if tenant != PROVIDER else TenantId(change.target)
                part = await connection.run_sync(config.read, changed)
                await self._control.ask(m.Serve(changed, part), m.Done)
        what, _, how = action.partition(".")
        self._hub.publish(
            tenant, "configuration.changed", {"what": what, "action": how, "target": change.target}, now
        )

    @asynccontextmanager
    async def rehearsal(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that changes nothing, whatever happens in it."""
        with contextlib.suppress(_Rehearsed):
            async with self._transaction() as connection:
                yield connection
                raise _Rehearsed

    async def note(self, tenant: TenantId, actor: Actor, action: str, change: Mapping[str, Any]) -> None:
        """The audit entry of what control keeps itself: call data, and what is done to calls."""
        async with self._transaction() as connection:
            target = str(change.get("target", ""))
            after = {name: value for name, value in change.items() if name != "target"}
            await audit.write(tenant, connection, actor, action, target, now=self._clock.wall(), after=after)
