"""The control process: how it begins, perhaps in the place of one that still serves, and how it ends."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path
from typing import Any

import uvloop
from sqlalchemy.exc import DBAPIError

from tongdai.app.control import Control
from tongdai.app.control_config import GO, HAND_OVER, STANDBY, ControlConfig, read_config
from tongdai.app.lifeline import Lifeline
from tongdai.app.process import give_way_to_signalling, open_many_files
from tongdai.app.server_key import server_key
from tongdai.core.log import configure_logging, get_logger
from tongdai.core.memory import end_without_memory
from tongdai.db import open_database
from tongdai.db.engine import BUSY_TIMEOUT_MS, IMPATIENT_MS
from tongdai.journal import LocalJournal, SealedJournal
from tongdai.tenants.changes import sequence
from tongdai.tenants.config import ProviderConfig, load
from tongdai.tenants.kept import recall

log = get_logger(__name__)


async def serve(config: ControlConfig) -> None:
    """Load the configuration and run until SIGTERM, until the supervisor is gone, or until another process
    takes the place of this one."""
    stopping, going = asyncio.Event(), asyncio.Event()
    lifeline = Lifeline(
        config.lifeline_fd,
        config.orphan_seconds,
        sockets=[fd for listening in config.listens for fd in listening.fds],
        on_over=stopping.set,
    )
    lifeline.on_told = lambda words: going.set() if words == GO else None
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stopping.set)
    loop.set_exception_handler(_on_fault)
    if config.waits:
        provider = await _standby(config, going, stopping)
        journal = LocalJournal(config.data / "journal")
    else:
        journal = LocalJournal(config.data / "journal")
        provider = await _configuration(config, journal)
    if stopping.is_set():
        return
    control = Control(config, provider, journal, stopping)

    def told(words: bytes) -> None:
        if words == HAND_OVER:
            control.hand_over()

    lifeline.on_told = told
    await control.run(lifeline)
    if control.handed_over:
        # whatever is still going on in threads is what a crash would have cut off as well
        os._exit(0)


def _on_fault(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """What nobody has caught, such as a fault while a connection is read."""
    error = context.get("exception")
    if error is not None:
        end_without_memory(error)
    loop.default_exception_handler(context)


async def _standby(config: ControlConfig, going: asyncio.Event, stopping: asyncio.Event) -> ProviderConfig:
    """Load, say so, and wait until the process before has let go."""
    db = open_database(config.db_url)
    provider = await load(db)
    log.info("loaded; waiting for the process before to let go")
    os.write(config.ready_fd, STANDBY)
    await _either(going, stopping)
    try:
        if await db.read_in_thread(sequence) != provider.seq:
            provider = await load(db)
    except DBAPIError:
        log.exception("what changed meanwhile cannot be read; it is followed later")
    await db.close()
    return provider


async def _configuration(config: ControlConfig, journal: LocalJournal) -> ProviderConfig:
    """That of the database. When it cannot be read, which is soon known, what a process before has kept of it
    in the journal."""
    try:
        return await _load(config.db_url, IMPATIENT_MS)
    except Exception:
        kept = recall(SealedJournal(journal, server_key(config.data)).opened(journal.load()))
        if kept is None:
            return await _load(config.db_url)
        log.exception("the configuration cannot be read; what was kept of it is served")
        return kept


async def _load(url: str, busy_ms: int = BUSY_TIMEOUT_MS) -> ProviderConfig:
    db = open_database(url, busy_ms=busy_ms)
    try:
        return await load(db)
    finally:
        await db.close()


async def _either(*events: asyncio.Event) -> None:
    waiting = [asyncio.create_task(event.wait()) for event in events]
    await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    for task in waiting:
        task.cancel()


def main(config_path: str) -> None:
    """`tongdai control`: what the supervisor starts."""
    config = read_config(Path(config_path), ControlConfig)
    configure_logging(config.log_format, config.log_level)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    open_many_files()
    give_way_to_signalling()
    uvloop.run(serve(config))
