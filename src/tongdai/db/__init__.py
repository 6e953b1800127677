"""The relational store: an engine, the tables, and the migrations that make them.

SQLite on one machine, PostgreSQL beyond it, behind the same code: stores use SQLAlchemy Core and no
dialect's SQL.
"""

from __future__ import annotations

from tongdai.db.engine import Database, open_database
from tongdai.db.migrate import migrate

__all__ = ["Database", "migrate", "open_database"]
