from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import select
from starlette.routing import BaseRoute
from tests.unit.api.double import ControlDouble

from tongdai.api.app import make_app
from tongdai.api.context import Context, SipAddress
from tongdai.api.guesses import Guesses
from tongdai.api.hub import Hub
from tongdai.api.metrics import WebMetrics
from tongdai.api.writing import Writer
from tongdai.app.demo.secrets import fixed_secrets
from tongdai.app.demo.seed import Seeded, seed
from tongdai.blobs import LocalBlobs
from tongdai.core.clock import ManualClock
from tongdai.db import migrate, open_database, tables
from tongdai.speech import Speech


@pytest.fixture(scope="session")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Seeded]:
    """The demo's companies in a database that each test copies."""
    path = tmp_path_factory.mktemp("seeded") / "tongdai.db"
    url = f"sqlite+aiosqlite:///{path}"

    async def make() -> Seeded:
        await migrate(url)
        db = open_database(url)
        try:
            return await seed(
                db, fixed_secrets(), bench=False, trunk_host="192.0.2.1", trunk_port=5060, ring_seconds=20
            )
        finally:
            await db.close()

    return path, asyncio.run(make())


_routes: list[BaseRoute] = []


def app_over(context: Context) -> FastAPI:
    """The application over this context, with the routes of the first one: they know none, and what each
    takes is worked out when one is looked for, which is most of what a test here would take."""
    app = make_app(context)
    _routes[:] = _routes or app.router.routes
    app.router.routes = list(_routes)
    return app


class Web:
    """The API over a database of its own, and clients that are signed in."""

    def __init__(self, context: Context, control: ControlDouble, seeded: Seeded, clock: ManualClock) -> None:
        self.context = context
        self.control = control
        self.seeded = seeded
        self.clock = clock
        self.app = app_over(context)
        self.anybody = self.client()
        self._open = [self.anybody]

    def client(self, address: str = "127.0.0.1") -> httpx.AsyncClient:
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False, client=(address, 1234))
        return httpx.AsyncClient(transport=transport, base_url="http://pbx.test")

    async def sign_in(self, email: str, password: str) -> httpx.AsyncClient:
        client = self.client()
        self._open.append(client)
        answer = await client.post("/api/v1/sign-in", json={"email": email, "password": password})
        assert answer.status_code == 200, answer.text
        return client

    async def provider(self) -> httpx.AsyncClient:
        return await self.sign_in(self.seeded.provider.email, self.seeded.provider.password)

    async def admin(self, company: int = 0) -> httpx.AsyncClient:
        login = self.seeded.tenants[company].admin
        return await self.sign_in(login.email, login.password)

    async def employee(self, person: int = 0, company: int = 0) -> httpx.AsyncClient:
        login = self.seeded.tenants[company].people[person]
        return await self.sign_in(login.email, login.password)

    def tenant(self, company: int = 0) -> str:
        return f"/api/v1/tenants/{self.seeded.tenants[company].id}"

    async def close(self) -> None:
        for client in self._open:
            await client.aclose()


@pytest.fixture
async def web(seeded: tuple[Path, Seeded], tmp_path: Path) -> AsyncIterator[Web]:
    path = tmp_path / "tongdai.db"
    shutil.copy(seeded[0], path)
    db = open_database(f"sqlite+aiosqlite:///{path}")
    clock, control, hub = ManualClock(), ControlDouble(), Hub()
    speech = Speech(tmp_path / "speech")
    context = Context(
        db=db,
        control=control,
        writer=Writer(db, control, hub, clock),
        hub=hub,
        blobs=LocalBlobs(tmp_path / "blobs"),
        speech=speech,
        guesses=Guesses(),
        metrics=WebMetrics(),
        clock=clock,
        key=b"k" * 32,
        sip=SipAddress("127.0.0.1", 5060, 5060, 5061, 8088, False),
        secure=False,
        data=tmp_path,
        offers=tmp_path / "offers.json",
    )
    async with db.read() as connection:
        for tenant, person in await connection.execute(select(tables.person.c.tenant, tables.person.c.id)):
            control.staff.setdefault(tenant, set()).add(person)
    web = Web(context, control, seeded[1], clock)
    yield web
    await web.close()
    await speech.close()
    await db.close()
