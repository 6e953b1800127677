"""The rows of prompts."""

from __future__ import annotations

from tongdai.db.tables import prompt
from tongdai.tenants.prompt.model import Prompt
from tongdai.tenants.rows import TenantRows

rows = TenantRows(prompt, Prompt, "id")
