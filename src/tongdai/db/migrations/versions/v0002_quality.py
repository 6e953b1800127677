"""How good the sound of a leg was."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.add_column("leg_cdr", sa.Column("quality", sa.JSON(), nullable=True))
