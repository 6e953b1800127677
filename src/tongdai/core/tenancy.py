"""The unit of isolation. Every row, log line, metric and blob carries one."""

from __future__ import annotations

from typing import NewType

TenantId = NewType("TenantId", str)
