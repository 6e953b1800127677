"""Trunks of several gateways, with settings of their own; limits of a tenant's outside calls."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

_AS_BEFORE = {"options_seconds": 0.0}
"""A carrier that was never asked for signs of life may not understand them."""


def upgrade() -> None:
    connection = op.get_bind()
    columns = "id, name, host, port, number_format, country"
    trunks = connection.execute(sa.text(f"SELECT {columns} FROM trunk")).all()
    uses = connection.execute(sa.text("SELECT tenant, trunk, position FROM tenant_trunk")).all()
    # made anew, since SQLite drops no column that a constraint names
    op.drop_table("tenant_trunk")
    op.drop_table("trunk")
    trunk = op.create_table(
        "trunk",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("number_format", sa.String(), nullable=False),
        sa.Column("country", sa.String(), nullable=False),
        sa.Column("gateways", sa.JSON(), nullable=False),
        sa.Column("settings", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_trunk")),
    )
    tenant_trunk = op.create_table(
        "tenant_trunk",
        sa.Column("tenant", sa.String(), nullable=False),
        sa.Column("trunk", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant"], ["tenant.id"], name=op.f("fk_tenant_trunk_tenant"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["trunk"], ["trunk.id"], name=op.f("fk_tenant_trunk_trunk"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tenant", "trunk", name=op.f("pk_tenant_trunk")),
    )
    if trunks:
        rows = [
            {
                "id": x.id,
                "name": x.name,
                "number_format": x.number_format,
                "country": x.country,
                "gateways": [{"host": x.host, "port": x.port}],
                "settings": _AS_BEFORE,
            }
            for x in trunks
        ]
        op.bulk_insert(trunk, rows)
    if uses:
        op.bulk_insert(
            tenant_trunk, [{"tenant": x.tenant, "trunk": x.trunk, "position": x.position} for x in uses]
        )
    op.add_column("tenant", sa.Column("outside_calls", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("tenant", sa.Column("outside_per_second", sa.Float(), nullable=False, server_default="0"))
