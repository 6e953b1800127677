"""Feature codes of a tenant's own."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.add_column("tenant", sa.Column("feature_codes", sa.JSON(), nullable=False, server_default="{}"))
