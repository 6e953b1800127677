"""Rows of one table of a tenant: what every store does in the same way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Generic, TypeVar

import msgspec
from sqlalchemy import ColumnElement, Delete, Table, Update, and_, delete, insert, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from tongdai.core.tenancy import TenantId
from tongdai.tenants.changes import note

M = TypeVar("M", bound=msgspec.Struct)


class TenantRows(Generic[M]):
    """The rows of `table`, each a `model` whose fields are the columns besides `tenant`. `key` columns tell
    them apart within a tenant. What changes rows is noted as a change of the tenant.
    """

    def __init__(self, table: Table, model: type[M], *key: str) -> None:
        self.table = table
        self.model = model
        self._key = key
        self._columns = [table.c[field] for field in model.__struct_fields__]

    def _is(self, tenant: TenantId, values: tuple[object, ...]) -> ColumnElement[bool]:
        same = [self.table.c[name] == value for name, value in zip(self._key, values, strict=True)]
        return and_(self.table.c.tenant == tenant, *same)

    async def get(self, tenant: TenantId, connection: AsyncConnection, *key: object) -> M | None:
        row = (await connection.execute(select(*self._columns).where(self._is(tenant, key)))).first()
        return self.model(*row) if row is not None else None

    async def where(self, tenant: TenantId, connection: AsyncConnection, **values: object) -> list[M]:
        """Those whose columns have these values, in the order of the key."""
        same = [self.table.c[name] == value for name, value in values.items()]
        order = [self.table.c[name] for name in self._key]
        rows = await connection.execute(
            select(*self._columns).where(self.table.c.tenant == tenant, *same).order_by(*order)
        )
        return [self.model(*row) for row in rows]

    async def where_in(
        self, tenant: TenantId, connection: AsyncConnection, column: str, values: Sequence[object]
    ) -> list[M]:
        """Those whose column has one of these values, in the order of the key."""
        order = [self.table.c[name] for name in self._key]
        rows = await connection.execute(
            select(*self._columns)
            .where(self.table.c.tenant == tenant, self.table.c[column].in_(values))
            .order_by(*order)
        )
        return [self.model(*row) for row in rows]

    async def page(
        self,
        tenant: TenantId,
        connection: AsyncConnection,
        *,
        sort: str,
        descending: bool = False,
        after: Sequence[str] | None = None,
        limit: int,
        contains: str = "",
        same: Mapping[str, object] | None = None,
    ) -> list[M]:
        """At most `limit` rows behind `after` (the values of `sort` and of the key in the row before), in
        the order of `sort`; with `contains`, only those in whose `sort` column this text is, whatever its
        case; with `same`, only those whose columns have these values."""
        order = [self.table.c[name] for name in dict.fromkeys((sort, *self._key))]
        wanted = select(*self._columns).where(self.table.c.tenant == tenant).limit(limit)
        wanted = wanted.order_by(*(column.desc() if descending else column for column in order))
        wanted = wanted.where(*(self.table.c[name] == value for name, value in (same or {}).items()))
        if contains:
            wanted = wanted.where(self.table.c[sort].icontains(contains, autoescape=True))
        if after is not None:
            here = tuple_(*order) < tuple_(*after) if descending else tuple_(*order) > tuple_(*after)
            wanted = wanted.where(here)
        return [self.model(*row) for row in await connection.execute(wanted)]

    async def insert(self, tenant: TenantId, connection: AsyncConnection, items: Sequence[M]) -> None:
        if items:
            rows = [{"tenant": tenant, **msgspec.structs.asdict(item)} for item in items]
            await connection.execute(insert(self.table), rows)
            await note(tenant, connection)

    async def update(
        self, tenant: TenantId, connection: AsyncConnection, *key: object, **values: Any
    ) -> bool:
        """Change columns; False when there is no such row."""
        statement = update(self.table).where(self._is(tenant, key)).values(values)
        return await self._change(tenant, connection, statement)

    async def delete(self, tenant: TenantId, connection: AsyncConnection, *key: object) -> bool:
        """Delete a row; False when there is none."""
        return await self._change(tenant, connection, delete(self.table).where(self._is(tenant, key)))

    async def delete_where(self, tenant: TenantId, connection: AsyncConnection, **values: object) -> bool:
        """Delete those whose columns have these values; False when there is none."""
        same = [self.table.c[name] == value for name, value in values.items()]
        return await self._change(
            tenant, connection, delete(self.table).where(self.table.c.tenant == tenant, *same)
        )

    @staticmethod
    async def _change(tenant: TenantId, connection: AsyncConnection, statement: Update | Delete) -> bool:
        changed = bool((await connection.execute(statement)).rowcount)
        if changed:
            await note(tenant, connection)
        return changed
