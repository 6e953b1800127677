"""A room may be without the tones for who comes and goes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.add_column("room", sa.Column("tones", sa.Boolean(), nullable=False, server_default=sa.true()))
