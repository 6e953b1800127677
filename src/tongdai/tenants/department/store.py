"""The rows of departments and of their members."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncConnection

from tongdai.core.tenancy import TenantId
from tongdai.db import tables
from tongdai.tenants.department.model import Department, Member
from tongdai.tenants.rows import TenantRows

rows = TenantRows(tables.department, Department, "id")
members = TenantRows(tables.department_member, Member, "department", "person")


async def replace_members(
    tenant: TenantId, connection: AsyncConnection, department: str, people: Sequence[str]
) -> None:
    await members.delete_where(tenant, connection, department=department)
    numbered = [Member(department, person, position) for position, person in enumerate(people)]
    await members.insert(tenant, connection, numbered)
