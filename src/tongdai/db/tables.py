"""Every table, once. Times are wall-clock seconds since 1970.

Configuration is tied together by foreign keys. Call data (facts, CDRs, voicemail) is not: it outlives the
people and the tenant it speaks of, and control must be able to write it whatever became of them.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    UniqueConstraint,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _tenant() -> Column[str]:
    return Column("tenant", String, ForeignKey("tenant.id", ondelete="CASCADE"), nullable=False)


# Configuration of the provider.

provider = Table(
    "provider",
    metadata,
    Column("id", String, primary_key=True),
    Column("name", String, nullable=False),
    Column("email", String, nullable=False),
    Column("password_hash", String, nullable=False),
)

trunk = Table(
    "trunk",
    metadata,
    Column("id", String, primary_key=True),
    Column("name", String, nullable=False),
    Column("number_format", String, nullable=False),
    Column("country", String, nullable=False),
    Column("gateways", JSON, nullable=False),
    Column("settings", JSON, nullable=False),
)

# Configuration of a tenant.

tenant = Table(
    "tenant",
    metadata,
    Column("id", String, primary_key=True),
    Column("name", String, nullable=False),
    Column("domain", String, nullable=False, unique=True),
    Column("country", String, nullable=False),
    Column("language", String, nullable=False),
    Column("ring_seconds", Float, nullable=False),
    Column("main_number", String, nullable=False),
    Column("allowed_countries", JSON, nullable=False),
    Column("music_blob", String, nullable=False),
    Column("sha256_digest", Boolean, nullable=False),
    Column("outside_calls", Integer, nullable=False),
    Column("outside_per_second", Float, nullable=False),
    Column("feature_codes", JSON, nullable=False),
)

tenant_trunk = Table(
    "tenant_trunk",
    metadata,
    _tenant(),
    Column("trunk", String, ForeignKey("trunk.id", ondelete="CASCADE"), nullable=False),
    Column("position", Integer, nullable=False),
    PrimaryKeyConstraint("tenant", "trunk"),
)

person = Table(
    "person",
    metadata,
    _tenant(),
    Column("id", String, nullable=False),
    Column("name", String, nullable=False),
    Column("email", String, unique=True),
    Column("password_hash", String, nullable=False),
    Column("admin", Boolean, nullable=False),
    PrimaryKeyConstraint("tenant", "id"),
)

device = Table(
    "device",
    metadata,
    _tenant(),
    Column("id", String, nullable=False),
    Column("person", String, nullable=False),
    Column("username", String, nullable=False, unique=True),
    Column("ha1_md5", String, nullable=False),
    Column("ha1_sha256", String, nullable=False),
    Column("login", String, nullable=False, server_default=""),
    PrimaryKeyConstraint("tenant", "id"),
    ForeignKeyConstraint(["tenant", "person"], ["person.tenant", "person.id"], ondelete="CASCADE"),
    Index(None, "tenant", "person"),
)

department = Table(
    "department",
    metadata,
    _tenant(),
    Column("id", String, nullable=False),
    Column("name", String, nullable=False),
    Column("kind", String, nullable=False),
    PrimaryKeyConstraint("tenant", "id"),
)

department_member = Table(
    "department_member",
    metadata,
    _tenant(),
    Column("department", String, nullable=False),
    Column("person", String, nullable=False),
    Column("position", Integer, nullable=False),
    PrimaryKeyConstraint("tenant", "department", "person"),
    ForeignKeyConstraint(
        ["tenant", "department"], ["department.tenant", "department.id"], ondelete="CASCADE"
    ),
    ForeignKeyConstraint(["tenant", "person"], ["person.tenant", "person.id"], ondelete="CASCADE"),
)

room = Table(
    "room",
    metadata,
    _tenant(),
    Column("id", String, nullable=False),
    Column("name", String, nullable=False),
    Column("pin", String, nullable=False),
    Column("tones", Boolean, nullable=False),
    PrimaryKeyConstraint("tenant", "id"),
)

flow = Table(
    "flow",
    metadata,
    _tenant(),
    Column("id", String, nullable=False),
    Column("version", Integer, nullable=False),
    Column("graph", LargeBinary, nullable=False),
    Column("published", Boolean, nullable=False),
    PrimaryKeyConstraint("tenant", "id", "version"),
)

# The short numbers of a tenant, whatever they reach: one table, so that the database keeps them unique.
extension = Table(
    "extension",
    metadata,
    _tenant(),
    Column("extension", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("target", String, nullable=False),
    PrimaryKeyConstraint("tenant", "extension"),
    UniqueConstraint("tenant", "kind", "target"),
)

number = Table(
    "number",
    metadata,
    Column("number", String, primary_key=True),
    _tenant(),
    Column("kind", String, nullable=False),
    Column("target", String, nullable=False),
    Index(None, "tenant"),
)

# Phrases that are not spoken but played, by their key.
phrase = Table(
    "phrase",
    metadata,
    _tenant(),
    Column("key", String, nullable=False),
    Column("blob", String, nullable=False),
    PrimaryKeyConstraint("tenant", "key"),
)

# Sound of the company's own, to be played as greeting, music or phrase.
prompt = Table(
    "prompt",
    metadata,
    _tenant(),
    Column("id", String, nullable=False),
    Column("name", String, nullable=False),
    Column("blob", String, nullable=False),
    Column("ms", Integer, nullable=False),
    Column("text", String, nullable=False),
    Column("language", String, nullable=False),
    Column("created", Float, nullable=False),
    PrimaryKeyConstraint("tenant", "id"),
)

# Who may come in, and what he did. No foreign keys: the audit outlives whom it speaks of, and a login whose
# person is gone is refused by whoever looks for the person.

# A session of a browser, or a token of a programme. `tenant` and `person` are empty for the provider's.
login = Table(
    "login",
    metadata,
    Column("id", String, primary_key=True),
    Column("kind", String, nullable=False),
    Column("tenant", String, nullable=False),
    Column("person", String, nullable=False),
    Column("name", String, nullable=False),
    Column("secret_hash", String, nullable=False, unique=True),
    Column("created", Float, nullable=False),
    Column("seen", Float, nullable=False),
    Column("expires", Float, nullable=False),
    Column("address", String, nullable=False),
    Column("agent", String, nullable=False),
    Index(None, "tenant", "person"),
)

audit = Table(
    "audit",
    metadata,
    Column("id", String, primary_key=True),
    Column("tenant", String, nullable=False),
    Column("at", Float, nullable=False),
    Column("actor", String, nullable=False),
    Column("actor_name", String, nullable=False),
    Column("address", String, nullable=False),
    Column("action", String, nullable=False),
    Column("target", String, nullable=False),
    Column("changes", JSON, nullable=False),
    Index(None, "tenant", "id"),
)

# Answers that were given to a request with an Idempotency-Key, for when it is asked again.
idempotency = Table(
    "idempotency",
    metadata,
    Column("key", String, primary_key=True),
    Column("fingerprint", String, nullable=False),
    Column("answer", LargeBinary, nullable=False),
    Column("created", Float, nullable=False),
    Index(None, "created"),
)

# How often each tenant's configuration was changed, and (under no tenant) the provider's. One row a tenant,
# so that it does not grow; counters, so that their sum tells of every commit in whatever order those come. No
# foreign key: that a tenant was deleted is a change, too.
change = Table(
    "change",
    metadata,
    Column("tenant", String, primary_key=True),
    Column("seq", BigInteger, nullable=False),
)

# Call data.

call_fact = Table(
    "call_fact",
    metadata,
    Column("call", String, nullable=False),
    Column("seq", Integer, nullable=False),
    Column("tenant", String, nullable=False),
    Column("at", Float, nullable=False),
    Column("fact", LargeBinary, nullable=False),
    PrimaryKeyConstraint("call", "seq"),
    Index(None, "tenant", "at"),
)

cdr = Table(
    "cdr",
    metadata,
    Column("call", String, primary_key=True),
    Column("tenant", String, nullable=False),
    Column("started", Float, nullable=False),
    Column("answered_at", Float),
    Column("ended", Float, nullable=False),
    Column("caller", String, nullable=False),
    Column("caller_name", String, nullable=False),
    Column("dialled", String, nullable=False),
    Column("direction", String, nullable=False),
    Column("disposition", String, nullable=False),
    Column("cause", String, nullable=False),
    Column("summary", JSON, nullable=False),
    Index(None, "tenant", "started"),
)

leg_cdr = Table(
    "leg_cdr",
    metadata,
    Column("call", String, nullable=False),
    Column("leg", String, nullable=False),
    Column("tenant", String, nullable=False),
    Column("party", JSON, nullable=False),
    Column("person", String, nullable=False),
    Column("inbound", Boolean, nullable=False),
    Column("purpose", String, nullable=False),
    Column("started", Float, nullable=False),
    Column("rang_at", Float),
    Column("answered_at", Float),
    Column("ended", Float),
    Column("cause", String, nullable=False),
    Column("by_us", Boolean, nullable=False),
    Column("quality", JSON),
    PrimaryKeyConstraint("call", "leg"),
    Index(None, "tenant", "started"),
    Index(None, "tenant", "person", "started"),
)

voicemail_message = Table(
    "voicemail_message",
    metadata,
    Column("id", String, primary_key=True),
    Column("tenant", String, nullable=False),
    Column("mailbox", String, nullable=False),
    Column("blob", String, nullable=False),
    Column("caller", JSON, nullable=False),
    Column("at", Float, nullable=False),
    Column("ms", Integer, nullable=False),
    Column("saved", Boolean, nullable=False),
    Column("call", String, nullable=False),
    Index(None, "tenant", "mailbox", "at"),
)

mailbox_setting = Table(
    "mailbox_setting",
    metadata,
    Column("tenant", String, nullable=False),
    Column("mailbox", String, nullable=False),
    Column("greeting_blob", String, nullable=False),
    Column("pin_hash", String, nullable=False),
    PrimaryKeyConstraint("tenant", "mailbox"),
)

# How a person's calls are treated, as set at a phone or on a screen (`calls.preferences`).
preferences = Table(
    "preferences",
    metadata,
    Column("tenant", String, nullable=False),
    Column("person", String, nullable=False),
    Column("preferences", JSON, nullable=False),
    PrimaryKeyConstraint("tenant", "person"),
)
