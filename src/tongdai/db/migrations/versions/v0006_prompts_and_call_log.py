"""Prompts of a company's own; calls by direction and person."""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    connection = op.get_bind()
    replaced = connection.execute(sa.text("SELECT tenant, key, blob FROM prompt")).all()
    op.drop_table("prompt")
    phrase = op.create_table(
        "phrase",
        sa.Column("tenant", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("blob", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["tenant"], ["tenant.id"], name=op.f("fk_phrase_tenant"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("tenant", "key", name=op.f("pk_phrase")),
    )
    if replaced:
        op.bulk_insert(phrase, [dict(row._mapping) for row in replaced])
    op.create_table(
        "prompt",
        sa.Column("tenant", sa.String(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("blob", sa.String(), nullable=False),
        sa.Column("ms", sa.Integer(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("created", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(["tenant"], ["tenant.id"], name=op.f("fk_prompt_tenant"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_prompt")),
    )
    op.add_column("leg_cdr", sa.Column("person", sa.String(), nullable=False, server_default=""))
    op.create_index(op.f("ix_leg_cdr_tenant_person_started"), "leg_cdr", ["tenant", "person", "started"])
    op.add_column("cdr", sa.Column("direction", sa.String(), nullable=False, server_default="internal"))
    _fill(connection)


def _fill(connection: sa.Connection) -> None:
    """What former calls say of it themselves."""
    directions: dict[str, str] = {}
    people = []
    for call, leg, party, purpose in connection.execute(
        sa.text("SELECT call, leg, party, purpose FROM leg_cdr")
    ).all():
        of = json.loads(party) if isinstance(party, str) else party
        if of.get("person"):
            people.append({"call": call, "leg": leg, "person": of["person"]})
        if of["kind"] == "outside" and directions.get(call) != "in":
            directions[call] = "in" if purpose == "caller" else "out"
    if people:
        connection.execute(
            sa.text("UPDATE leg_cdr SET person = :person WHERE call = :call AND leg = :leg"), people
        )
    if directions:
        rows = [{"call": call, "direction": direction} for call, direction in directions.items()]
        connection.execute(sa.text("UPDATE cdr SET direction = :direction WHERE call = :call"), rows)
