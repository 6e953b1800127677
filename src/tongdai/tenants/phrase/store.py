"""The rows of replaced phrases."""

from __future__ import annotations

from tongdai.db.tables import phrase
from tongdai.tenants.phrase.model import Phrase
from tongdai.tenants.rows import TenantRows

rows = TenantRows(phrase, Phrase, "key")
