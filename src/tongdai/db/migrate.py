"""Bring a database to the tables this version knows."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection

from tongdai.db.engine import open_database


def _upgrade(connection: Connection) -> None:
    # a quarter of a second that a restarting control process, which never migrates, must not wait for
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


async def migrate(url: str) -> None:
    """Apply every migration that the database at `url` has not had yet, all in one transaction.

    Creates the file of an SQLite database; its directory must exist.
    """
    database = open_database(url, create=True)
    try:
        async with database.write() as connection:
            await connection.run_sync(_upgrade)
    finally:
        await database.close()
