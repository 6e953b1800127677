"""The control process: how it begins, perhaps in the place of one that still serves, and how it ends."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import uvloop

from tongdai.app.control import Control
from tongdai.app.control_config import GO, HAND_OVER, STANDBY, ControlConfig, read_config
from tongdai.app.lifeline import Lifeline
from tongdai.app.process import open_many_files
from tongdai.core.log import configure_logging, get_logger
from tongdai.db import open_database
from tongdai.tenants.changes import sequence
from tongdai.tenants.config import load

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
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)
    db = open_database(config.db_url)
    provider = await load(db)
    if config.waits:
        log.info("loaded; waiting for the process before to let go")
        os.write(config.ready_fd, STANDBY)
        await _either(going, stopping)
        if await db.read_in_thread(sequence) != provider.seq:
            provider = await load(db)
    await db.close()
    if stopping.is_set():
        return
    control = Control(config, provider, stopping)

    def told(words: bytes) -> None:
        if words == HAND_OVER:
            control.hand_over()

    lifeline.on_told = told
    await control.run(lifeline)
    if control.handed_over:
        # whatever is still going on in threads is what a crash would have cut off as well
        os._exit(0)


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
    uvloop.run(serve(config))
