"""Bring a database to the tables this version knows."""

from __future__ import annotations

import logging
from pathlib import Path

from sqlalchemy import Connection

from tongdai.core.log import get_logger
from tongdai.db.engine import open_database

log = get_logger(__name__)


def _upgrade(connection: Connection) -> None:
    logging.getLogger("alembic.runtime.plugins").setLevel(logging.WARNING)  # of which there are five
    # a quarter of a second that a restarting control process, which never migrates, must not wait for
    from alembic import command
    from alembic.config import Config
    from alembic.runtime.migration import MigrationContext
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")))
    config.attributes["connection"] = connection
    ours = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    later = set(MigrationContext.configure(connection).get_current_heads()) - ours
    if later:
        log.warning(
            "the database is that of a later version, which this one can use", revisions=sorted(later)
        )
        return
    command.upgrade(config, "head")


async def migrate(url: str) -> None:
    """Apply every migration that the database at `url` has not had yet, all in one transaction. One that a
    later version has migrated stays as it is: what a version adds, the one before it can be without (ADR 21).

    Creates the file of an SQLite database; its directory must exist.
    """
    database = open_database(url, create=True)
    try:
        async with database.write() as connection:
            await connection.run_sync(_upgrade)
    finally:
        await database.close()
