"""A programme makes a call between two real phones, watches it, ends it, reads what happened."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
import websockets
from tests.interop.conftest import Phones
from tests.interop.demo import Demo
from tests.interop.talk import hear_each_other

from tongdai.app.demo.secrets import FIXED_PASSWORDS


def _web(demo: Demo) -> str:
    http: str = json.loads((demo.directory / "demo.json").read_text())["http"]
    return http


async def test_a_call_that_a_programme_asked_for(demo: Demo, phones: Phones):
    lan, hoa = await phones.raw(demo.account("101")), await phones.raw(demo.account("103"))
    base = _web(demo)
    async with httpx.AsyncClient(base_url=base, timeout=20) as client:
        email = "admin@anphat.demo"
        login = {"email": email, "password": FIXED_PASSWORDS[email]}
        me = (await client.post("/api/v1/sign-in", json=login)).json()
        tenant = f"/api/v1/tenants/{me['tenant']}"
        found = (await client.get(f"{tenant}/people", params={"q": "Lan"})).json()["items"][0]
        cookie = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
        address = base.replace("http", "ws", 1) + tenant + "/events"
        async with websockets.connect(address, additional_headers={"Cookie": cookie}) as socket:
            assert json.loads(await socket.recv())["type"] == "hello"
            wanted = {"person": found["id"], "to": "103"}
            made = await client.post(f"{tenant}/calls", json=wanted)
            assert made.status_code == 201, made.text
            call = made.json()["id"]
            near = await (await lan.rings()).accept()
            far = await (await hoa.rings()).accept()
            await hear_each_other(near, far)
            live = (await client.get(f"{tenant}/calls/{call}")).json()
            assert live["state"] == "talking"
            presence = {x["person"]: x["state"] for x in (await client.get(f"{tenant}/presence")).json()}
            assert presence[found["id"]] == "talking"
            assert (await client.delete(f"{tenant}/calls/{call}")).status_code == 204
            seen = await _events_until(socket, call, "call.ended")
        assert [x for x in seen if x in ("call.started", "leg.answered", "call.connected")] == [
            "call.started",
            "leg.answered",
            "leg.answered",
            "call.connected",
        ]
        async with asyncio.timeout(5):
            while (told := await client.get(f"{tenant}/calls/{call}/explanation")).status_code != 200:
                await asyncio.sleep(0.1)
        words = [step["text"] for step in told.json()]
        assert words[0] == "called 103"
        assert "click to call rang 101" in words


async def test_who_administers_no_more_hears_no_more_of_others(demo: Demo):
    base, email, password = _web(demo), "demoted@anphat.demo", "four words that rhyme"
    admin = {"email": "admin@anphat.demo", "password": FIXED_PASSWORDS["admin@anphat.demo"]}
    async with (
        httpx.AsyncClient(base_url=base, timeout=20) as client,
        httpx.AsyncClient(base_url=base, timeout=20) as theirs,
    ):
        me = (await client.post("/api/v1/sign-in", json=admin)).json()
        people = f"/api/v1/tenants/{me['tenant']}/people"
        new = {"name": "Demoted", "email": email, "password": password, "role": "administrator"}
        made = await client.post(people, json=new)
        assert made.status_code == 201, made.text
        person = f"{people}/{made.json()['id']}"
        try:
            signed_in = await theirs.post("/api/v1/sign-in", json={"email": email, "password": password})
            assert signed_in.status_code == 200
            cookie = "; ".join(f"{name}={value}" for name, value in theirs.cookies.items())
            address = base.replace("http", "ws", 1) + f"/api/v1/tenants/{me['tenant']}/events"
            async with websockets.connect(address, additional_headers={"Cookie": cookie}) as socket:
                assert json.loads(await socket.recv())["type"] == "hello"
                changed = await client.patch(person, json={"role": "employee"})
                assert changed.status_code == 200, changed.text
                async with asyncio.timeout(10):
                    await socket.wait_closed()
                assert (socket.close_code, socket.close_reason) == (4403, "rights_changed")
        finally:
            await client.delete(person)


async def _events_until(socket: Any, call: str, last: str) -> list[str]:
    seen: list[str] = []
    async with asyncio.timeout(5):
        while last not in seen:
            event = json.loads(await socket.recv())
            if event.get("data", {}).get("call") == call:
                seen.append(event["type"])
    return seen
