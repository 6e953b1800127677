from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tongdai.core.tenancy import TenantId
from tongdai.db import Database, migrate, open_database
from tongdai.tenants.tenant import service as tenants
from tongdai.tenants.tenant.schema import NewTenant


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty database; migrating it anew for each test would take most of their time."""
    path = tmp_path_factory.mktemp("migrated") / "tongdai.db"
    asyncio.run(migrate(f"sqlite+aiosqlite:///{path}"))
    return path


@pytest.fixture
async def db(migrated: Path, tmp_path: Path) -> AsyncIterator[Database]:
    path = tmp_path / "tongdai.db"
    shutil.copy(migrated, path)
    database = open_database(f"sqlite+aiosqlite:///{path}")
    yield database
    await database.close()


@pytest.fixture
async def tenant(db: Database) -> TenantId:
    async with db.write() as connection:
        return (await tenants.create(connection, NewTenant("An Phát", "anphat.example"))).id


@pytest.fixture
async def other(db: Database) -> TenantId:
    async with db.write() as connection:
        return (await tenants.create(connection, NewTenant("Bình Minh", "binhminh.example"))).id
