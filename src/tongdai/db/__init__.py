"""The relational store: an engine, the tables, and the migrations that make them.

SQLite; for PostgreSQL beyond one machine, later, stores use SQLAlchemy Core and no dialect's SQL.
"""

from __future__ import annotations

from tongdai.db.engine import Database, open_database
from tongdai.db.migrate import migrate

__all__ = ["Database", "migrate", "open_database"]
