"""What is secret about calls is in no log, however much is logged and whatever happens to them."""

from __future__ import annotations

import asyncio
import os
import re
import secrets
import signal
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from tests.interop.conftest import Phones, new_demo
from tests.interop.demo import Demo
from tests.interop.phones.browser import MICROPHONE, Chromium, WebPhone
from tests.interop.phones.sound import hears, now_at
from tests.interop.phones.turn import Turn

from tongdai.app.demo.companies import PROVIDER_EMAIL
from tongdai.app.demo.secrets import FIXED_PASSWORDS

LAN = "lan@anphat.demo"


@pytest.fixture
def turn(tmp_path: Path) -> Iterator[Turn]:
    server = Turn(tmp_path)
    yield server
    server.close()


@pytest.fixture
def talkative(tmp_path: Path, turn: Turn) -> Iterator[Demo]:
    """A demo that logs all it can, with a TURN server."""
    settings = {"TONGDAI_TURN_URLS": turn.url, "TONGDAI_TURN_SECRET": turn.secret}
    with new_demo(tmp_path, settings, "--log-level=debug") as running:
        yield running.start()


@pytest.mark.faults
async def test_no_secret_of_a_call_is_in_a_log_not_even_after_its_processes_died(
    talkative: Demo, phones: Phones, browser: Chromium, turn: Turn
):
    async with httpx.AsyncClient(base_url=talkative.facts.http, timeout=30) as client:
        login = {"email": LAN, "password": FIXED_PASSWORDS[LAN]}
        assert (await client.post("/api/v1/sign-in", json=login)).status_code == 200
        servers = (await client.get("/api/v1/me/ice-servers")).json()["ice_servers"]
        cookies = [str(cookie.value) for cookie in client.cookies.jar]
    trunk = await _trunk(talkative)
    account = talkative.account("103")
    hoa = await phones.baresip(account, protect="srtp-mand")
    web = await browser.phone(talkative.account("101"), talkative.facts.sip.ws)
    calling = asyncio.ensure_future(web.do("call", "103", None, servers))
    await hoa.accept()
    await calling
    passwords = await _ice_passwords(web)
    for process in ("", "media", "control"):
        if process:
            os.kill(talkative.reread().pids[process], signal.SIGKILL)
        await web.do("hears", hoa.tone)
        await hears(hoa, MICROPHONE, mark=now_at(hoa), within=40)
        passwords |= await _ice_passwords(web)
    await web.do("hangUp")
    await hoa.hung_up(within=40)
    keys = set(re.findall(r"inline:([A-Za-z0-9+/]{20,})", hoa.log()))
    assert len(keys) >= 2, "the phone's key, and ours"
    assert len(passwords) >= 4, "the browser's and ours, from before another engine began anew and after"
    tickets = [server["credential"] for server in servers if "credential" in server]
    assert tickets, "no credentials of TURN"
    talkative.stop()
    logged = talkative.service_log()
    # The engine's lines and those of the others, at their most; of supervisor, control and web.
    loggers = ("tongdai.app.supervisor", "tongdai.media.client", "tongdai.api")
    for said in ('"level":"debug"', '"level": "debug"', *(f'"logger": "{logger}' for logger in loggers)):
        assert said in logged, f"{said} is not in the log"
    for what, found in {
        "a key of SDES": keys,
        "a password of ICE": passwords,
        "a credential of TURN": tickets,
        "the secret of TURN": [turn.secret],
        "the password of a trunk": [trunk],
        "the password of a phone": [account.password, talkative.account("101").password],
        "a password of the API": [FIXED_PASSWORDS[LAN]],
        "a session of the API": cookies,
    }.items():
        assert found
        for secret in found:
            lines = [line for line in logged.splitlines() if secret in line]
            assert not lines, f"{what} is in the log: {lines[0][:2000]}"
    for secret in (*keys, *passwords, *tickets, turn.secret, trunk, *cookies):
        assert secret not in talkative.log(), "printed"


async def _ice_passwords(web: WebPhone) -> set[str]:
    """Of both sides, as they are now."""
    return set(re.findall(r"a=ice-pwd:(\S+)", "\n".join(await web.do("descriptions"))))


async def _trunk(demo: Demo) -> str:
    """Add a carrier that is not there and wants to be registered with; returns the password."""
    password = secrets.token_hex(12)
    async with httpx.AsyncClient(base_url=demo.facts.http, timeout=30) as client:
        login = {"email": PROVIDER_EMAIL, "password": FIXED_PASSWORDS[PROVIDER_EMAIL]}
        assert (await client.post("/api/v1/sign-in", json=login)).status_code == 200
        settings = {"register": True, "username": "us", "password": password}
        trunk = {"name": "Absent", "gateways": [{"host": "127.0.0.1", "port": 9}], "settings": settings}
        made = await client.post("/api/v1/trunks", json=trunk)
        assert made.status_code == 201, made.text
    return password
