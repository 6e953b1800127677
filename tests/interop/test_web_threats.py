"""Strangers at the WebSocket of live events (docs/threats.md, row 20), against a real web process."""

from __future__ import annotations

import asyncio
import os
import socket
import time
from contextlib import aclosing

import httpx
import websockets
from tests.interop.demo import Demo
from tests.interop.ports import many_files

from tongdai.app.demo.secrets import FIXED_PASSWORDS

IDLE = int(os.environ.get("TONGDAI_SOAK_IDLE", "2000"))
EMAIL = "admin@anphat.demo"


async def _signed_in(demo: Demo) -> tuple[httpx.AsyncClient, str, str]:
    """A client, the address of the events, and the cookie."""
    client = httpx.AsyncClient(base_url=demo.facts.http, timeout=20)
    login = {"email": EMAIL, "password": FIXED_PASSWORDS[EMAIL]}
    me = (await client.post("/api/v1/sign-in", json=login)).raise_for_status().json()
    cookie = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
    address = demo.facts.http.replace("http", "ws", 1) + f"/api/v1/tenants/{me['tenant']}/events"
    return client, address, cookie


async def _close_code(address: str, headers: dict[str, str], *sent: str | bytes) -> int:
    async with (
        asyncio.timeout(20),
        websockets.connect(address, additional_headers=headers, max_size=None) as connection,
    ):
        try:
            for message in sent:
                await connection.send(message)
            while True:
                await connection.recv()
        except websockets.ConnectionClosed as closed:
            return closed.rcvd.code if closed.rcvd is not None else 1006


async def test_a_page_of_another_origin_hears_nothing(demo: Demo):
    client, address, cookie = await _signed_in(demo)
    async with aclosing(client):
        for origin in ("https://evil.example", "null", demo.facts.http.replace("http", "https", 1) + "0"):
            assert await _close_code(address, {"Cookie": cookie, "Origin": origin}) == 4403
        assert await _close_code(address, {"Authorization": "Bearer eyJhbGciOiJub25lIn0.e30."}) == 4401
        assert await _close_code(address, {}) == 4401


async def test_what_is_sent_where_nothing_is_expected_ends_that_connection_alone(demo: Demo):
    client, address, cookie = await _signed_in(demo)
    async with aclosing(client), websockets.connect(address, additional_headers={"Cookie": cookie}) as other:
        assert "hello" in str(await other.recv())
        for message in ("x" * (1 << 20), b"\0" * (1 << 20), "{}"):
            assert await _close_code(address, {"Cookie": cookie}, message) in (1006, 1008, 1009)
        await (await other.ping())
        assert (await client.get("/api/v1/me")).status_code == 200


async def test_idle_connections_of_strangers_keep_nobody_out(demo: Demo):
    """A thousand of them, and nobody else could connect."""
    client, address, cookie = await _signed_in(demo)
    host, port = demo.facts.http.rpartition("/")[2].rsplit(":", 1)
    idle: list[socket.socket] = []
    try:
        with many_files(IDLE + 1000):
            idle += [socket.create_connection((host, int(port)), timeout=10) for _ in range(IDLE)]
        for one in idle[::2]:
            one.sendall(b"GET /api/v1/me HTTP/1.1\r\nHost: x\r\n")  # and never the end
        async with aclosing(client):
            began = time.monotonic()
            assert (await client.get("/api/v1/me")).status_code == 200
            async with websockets.connect(address, additional_headers={"Cookie": cookie}) as events:
                assert "hello" in str(await events.recv())
            assert time.monotonic() - began < 10
    finally:
        for one in idle:
            one.close()
