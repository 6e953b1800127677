"""Run by Alembic: migrates the connection that `db.migrate` hands over."""

from __future__ import annotations

from alembic import context

from tongdai.db.tables import metadata

context.configure(
    connection=context.config.attributes["connection"], target_metadata=metadata, transactional_ddl=True
)
context.run_migrations()
