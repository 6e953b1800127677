"""The rows of extensions."""

from __future__ import annotations

from tongdai.db.tables import extension
from tongdai.tenants.extension.model import Extension
from tongdai.tenants.rows import TenantRows

rows = TenantRows(extension, Extension, "extension")
