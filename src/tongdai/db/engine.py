"""A database: an async SQLAlchemy engine with one way to read and one way to write."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import (
    DataError,
    DBAPIError,
    DisconnectionError,
    IntegrityError,
    OperationalError,
    StatementError,
)
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

BUSY_TIMEOUT_MS = 5_000
"""How long a transaction waits for another process that writes."""
IMPATIENT_MS = 600
"""The same where somebody waits for an answer."""
_WRITE = "tongdai_write"
_AT_ONCE = "tongdai_at_once"

T = TypeVar("T")


class Database:
    """What stores are given. Close it when done."""

    def __init__(self, engine: AsyncEngine, busy_ms: int = BUSY_TIMEOUT_MS) -> None:
        self.engine = engine
        self._busy_ms = busy_ms
        self._writer = engine.execution_options(**{_WRITE: True})
        self._at_once = self._writer.execution_options(**{_AT_ONCE: True})
        self._plain: Engine | None = None

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that sees one consistent state and writes nothing."""
        async with self.engine.begin() as connection:
            yield connection

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that may write: committed at the end of the block, rolled back when it raises."""
        async with self._writer.begin() as connection:
            yield connection

    @asynccontextmanager
    async def write_at_once(self) -> AsyncIterator[AsyncConnection]:
        """`write`, for what can be left out: when another process writes, SQLite is not waited for."""
        async with self._at_once.begin() as connection:
            yield connection

    async def write_in_thread(self, job: Callable[[Connection], None]) -> None:
        """`write`, with the whole transaction in a thread: for bulk writes behind the signalling loop, on
        which an async connection would spend a millisecond per transaction to hand its statements over one
        by one."""
        await asyncio.to_thread(_run, self._in_threads().execution_options(**{_WRITE: True}), job)

    async def read_in_thread(self, job: Callable[[Connection], T]) -> T:
        """`read`, with the whole transaction in a thread."""
        return await asyncio.to_thread(_run, self._in_threads(), job)

    def _in_threads(self) -> Engine:
        if self._plain is None:
            self._plain = _plain(self.engine, self._busy_ms)
        return self._plain

    async def close(self) -> None:
        if self._plain is not None:
            self._plain.dispose()
        await self.engine.dispose()


def is_refusal(error: Exception) -> bool:
    """Whether it was raised because of what was to be written, which will be refused whenever it is tried
    again; and not because of the database, the disk, the network or memory."""
    if isinstance(error, StatementError) and not isinstance(error, DBAPIError):
        return True  # it was not even sent
    return isinstance(
        error, IntegrityError | DataError | ValueError | TypeError | ArithmeticError | LookupError
    )


def open_database(url: str, *, busy_ms: int = BUSY_TIMEOUT_MS, create: bool = False) -> Database:
    """A database by its SQLAlchemy URL, e.g. `sqlite+aiosqlite:////var/lib/tongdai/tongdai.db`.

    Opens no connection yet; the tables are made by `migrate`, which may `create` an SQLite file. `busy_ms` is
    how long a transaction waits for another process that writes.
    """
    engine = create_async_engine(url)
    if make_url(url).get_backend_name() == "sqlite":
        if not create:
            _insist_on_file(engine.sync_engine)
        _prepare_sqlite(engine.sync_engine, busy_ms)
    return Database(engine, busy_ms)


def _plain(engine: AsyncEngine, busy_ms: int) -> Engine:
    """The same database without asyncio. (psycopg does both under one name, SQLite has a driver for each.)"""
    sqlite = engine.url.get_backend_name() == "sqlite"
    plain = create_engine(engine.url.set(drivername="sqlite") if sqlite else engine.url)
    if sqlite:
        _insist_on_file(plain)
        _prepare_sqlite(plain, busy_ms)
    return plain


def _run(engine: Engine, job: Callable[[Connection], T]) -> T:
    with engine.begin() as connection:
        return job(connection)


def _insist_on_file(engine: Engine) -> None:
    """SQLite makes a file that is missing anew, empty, and writes on into one that was removed, which nobody
    will ever read. Both are a database that is gone, until the file is back: the same, or another. So is one
    that cannot be written: who opens it then reads only, and so do all connections of his process, even when
    it can be written again."""
    path = engine.url.database
    if not path or path == ":memory:":
        return

    def identity() -> tuple[int, int] | None:
        try:
            found = os.stat(path)
        except OSError:
            return None
        return found.st_dev, found.st_ino

    def gone() -> sqlite3.OperationalError:
        return sqlite3.OperationalError(f"the file of the database is gone: {path}")

    @event.listens_for(engine, "do_connect")
    def connecting(_dialect: Any, _record: Any, _args: Any, _options: Any) -> None:
        if identity() is None:
            raise gone()
        files = (path, f"{path}-wal", f"{path}-shm")
        if locked := [file for file in files if os.path.exists(file) and not os.access(file, os.W_OK)]:
            raise sqlite3.OperationalError(f"the database cannot be written: {locked[0]}")

    @event.listens_for(engine, "connect")
    def connected(_connection: Any, record: Any) -> None:
        record.info["file"] = identity()

    @event.listens_for(engine, "checkout")
    def checked_out(_connection: Any, record: Any, _proxy: Any) -> None:
        if identity() not in (None, record.info["file"]):
            raise DisconnectionError("the file of the database is another")

    @event.listens_for(engine, "begin")
    def begun(_connection: Connection) -> None:
        if identity() is None:
            raise OperationalError("BEGIN", None, gone())


def _prepare_sqlite(engine: Engine, busy_ms: int) -> None:
    @event.listens_for(engine, "connect")
    def connected(connection: Any, _record: Any) -> None:
        # The driver would begin transactions by itself, and only at the first write: `begun` does it instead.
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout = {busy_ms}")
        cursor.execute("PRAGMA journal_mode = WAL")
        cursor.execute("PRAGMA synchronous = NORMAL")
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.close()

    @event.listens_for(engine, "begin")
    def begun(connection: Connection) -> None:
        # A transaction that reads first and writes later fails at once when another process has written in
        # between, whatever the busy timeout. A writer takes the lock at its beginning and waits for its turn.
        options = connection.get_execution_options()
        if not options.get(_AT_ONCE, False):
            connection.exec_driver_sql("BEGIN IMMEDIATE" if options.get(_WRITE, False) else "BEGIN")
            return
        connection.exec_driver_sql("PRAGMA busy_timeout = 0")
        try:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        finally:
            connection.exec_driver_sql(f"PRAGMA busy_timeout = {busy_ms}")
