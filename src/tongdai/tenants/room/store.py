"""The rows of rooms."""

from __future__ import annotations

from tongdai.db.tables import room
from tongdai.tenants.room.model import Room
from tongdai.tenants.rows import TenantRows

rows = TenantRows(room, Room, "id")
