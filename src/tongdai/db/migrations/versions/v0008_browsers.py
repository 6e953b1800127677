"""Devices that are the browser of a session, and end with it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.add_column("device", sa.Column("login", sa.String(), nullable=False, server_default=""))
