"""The database is locked by another process, or its file is gone: what the API says, and after how long."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest
from msgspec.structs import force_setattr
from tests.unit.api.conftest import Web

from tongdai.api.rpc.messages import Serve
from tongdai.api.writing import Writer
from tongdai.db import Database, open_database
from tongdai.db.engine import IMPATIENT_MS


def path_of(web: Web) -> Path:
    file = web.context.db.engine.url.database
    assert file is not None
    return Path(file)


@pytest.fixture
async def impatient(web: Web) -> AsyncIterator[Web]:
    """As the web process has it, only less patient still."""
    db: Database = open_database(f"sqlite+aiosqlite:///{path_of(web)}", busy_ms=50)
    await web.context.db.close()
    force_setattr(web.context, "db", db)
    force_setattr(web.context, "writer", Writer(db, web.control, web.context.hub, web.clock))
    yield web
    await db.close()


@contextlib.contextmanager
def locked(web: Web) -> Iterator[None]:
    with contextlib.closing(sqlite3.connect(path_of(web), isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield


def is_503(answer: httpx.Response) -> bool:
    problem = answer.json()
    return (
        answer.status_code == 503
        and answer.headers["content-type"] == "application/problem+json"
        and int(answer.headers["retry-after"]) > 0
        and problem["code"] == "database"
        and problem["status"] == 503
    )


def test_nobody_waits_longer_than_a_second_for_a_database():
    assert IMPATIENT_MS < 1000


async def test_a_change_is_refused_while_the_database_is_locked_and_made_afterwards(impatient: Web):
    admin = await impatient.admin()
    rooms, board = f"{impatient.tenant()}/rooms", {"name": "Board", "extension": "650"}
    with locked(impatient):
        assert is_503(await admin.post(rooms, json=board))
        assert not [asked for asked in impatient.control.asked if isinstance(asked, Serve)]
        assert (await admin.get(f"{impatient.tenant()}/rooms")).status_code == 200, (
            "who reads does not notice"
        )
    assert (await admin.post(rooms, json=board)).status_code == 201


async def test_many_at_once_wait_no_longer_than_one(impatient: Web, monkeypatch: pytest.MonkeyPatch):
    admin = await impatient.admin()
    begun: list[float] = []
    real = impatient.context.db.write

    def counted() -> contextlib.AbstractAsyncContextManager[object]:
        begun.append(asyncio.get_running_loop().time())
        return real()

    monkeypatch.setattr(impatient.context.db, "write", counted)
    with locked(impatient):
        answers = await asyncio.gather(
            *(
                admin.post(f"{impatient.tenant()}/rooms", json={"name": f"R{n}", "extension": f"65{n}"})
                for n in range(8)
            )
        )
    assert all(is_503(answer) for answer in answers)
    assert len(begun) <= 3, "each would have waited behind all before it"


async def test_who_only_reads_is_not_refused_because_it_cannot_be_noted_that_he_was_here(impatient: Web):
    admin = await impatient.admin()
    impatient.clock.advance(3600)
    with locked(impatient):
        assert (await admin.get(f"{impatient.tenant()}/rooms")).status_code == 200


async def test_a_database_whose_file_is_gone_is_503_for_everybody_until_it_is_back(impatient: Web):
    admin = await impatient.admin()
    path = path_of(impatient)
    path.rename(path.with_suffix(".away"))
    assert is_503(await admin.get(f"{impatient.tenant()}/rooms"))
    assert is_503(await admin.post(f"{impatient.tenant()}/rooms", json={"name": "Board", "extension": "650"}))
    health = await impatient.anybody.get("/healthz")
    assert (health.status_code, health.json()["database"]) == (503, False)
    path.with_suffix(".away").rename(path)
    assert (await admin.get(f"{impatient.tenant()}/rooms")).status_code == 200
