"""Where commands find what a running or stopped tongdai keeps: its database and its directory."""

from __future__ import annotations

import asyncio
import getpass
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from tongdai.app.planning import DATABASE, database_url, default_demo_dir
from tongdai.app.settings import load_settings
from tongdai.core.clock import SystemClock
from tongdai.core.errors import TongdaiError
from tongdai.core.log import configure_logging
from tongdai.db import Database, open_database
from tongdai.tenants.audit import service as audit
from tongdai.tenants.audit.service import COMMAND_LINE, Actor, Change
from tongdai.tenants.tenant import store as tenants
from tongdai.tenants.tenant.model import Tenant

T = TypeVar("T")


class Stored(msgspec.Struct, frozen=True):
    """`db` is open while the work lasts."""

    db: Database
    data: Path

    @asynccontextmanager
    async def change(self, action: str) -> AsyncIterator[Change]:
        """A transaction, with its entry in the audit log: whoever changes something tells of it."""
        async with self.db.write() as connection:
            change = Change(connection)
            yield change
            actor = Actor(COMMAND_LINE, _user())
            await audit.record(change, actor, action, now=SystemClock().wall())


async def tenant_at(connection: AsyncConnection, domain: str) -> Tenant:
    """The tenant that a command names. Raises `TongdaiError`."""
    tenant = await tenants.by_domain(domain, connection)
    if tenant is None:
        raise TongdaiError("no_tenant", f"There is no tenant {domain!r}.", "`tongdai tenant` lists them.")
    return tenant


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a number without a name, in a container
        return str(os.geteuid())


def with_stored(data: Path | None, work: Callable[[Stored], Awaitable[T]]) -> T:
    """Do `work` on what is kept in the directory that was named; else where the settings say, else the
    demo's. Raises `TongdaiError` when nothing is there."""

    configure_logging("console", "warning")

    async def run() -> T:
        url, directory = _find(data)
        db = open_database(url)
        try:
            return await work(Stored(db, directory))
        finally:
            await db.close()

    return asyncio.run(run())


def data_directory(data: Path | None) -> Path:
    """Where everything is kept: what was named, else what the settings say, else the demo's. Raises
    `TongdaiError` when nothing is there."""
    return _find(data)[1]


def _find(data: Path | None) -> tuple[str, Path]:
    if data is None:
        settings = load_settings(None, {})
        if settings.database or (settings.data / DATABASE).is_file():
            return database_url(settings), settings.data.absolute()
        data = default_demo_dir()
    path = data.absolute() / DATABASE
    if not path.is_file():
        raise TongdaiError(
            "no_data", f"There is no data of tongdai in {data}.", "Name the directory it runs on with --data."
        )
    return f"sqlite+aiosqlite:///{path}", data.absolute()
