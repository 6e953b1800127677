"""A proxy before the API, the pages and SIP over WebSocket: it is believed about whom something is from,
and about TLS that it speaks for us."""

from __future__ import annotations

import ssl
from collections.abc import Iterator

import httpx
import pytest
from tests.interop.conftest import new_demo
from tests.interop.demo import Demo
from tests.interop.phones.browser import Chromium
from tests.interop.phones.nginx import Nginx
from tests.interop.phones.raw import Account
from tests.interop.phones.webpage import LAN, WebPage
from tests.interop.test_guessing import Guesser, status
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin, Subprotocol

from tongdai.app.demo.secrets import FIXED_PASSWORDS

EMPLOYEE = "minh@anphat.demo"
PROXY, OUTER = "127.0.0.2", "127.0.0.3"
"""Ours both: what comes from the outer one passes the other, too."""
STRANGER = "127.0.0.9"
FREE = 10
"""Wrong guesses that cost nothing."""


@pytest.fixture(scope="module")
def behind(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    told = {"TONGDAI_TRUSTED_PROXIES": f"{PROXY},{OUTER}", "TONGDAI_SIP_NAMES": f"localhost,{PROXY}"}
    with new_demo(tmp_path_factory.mktemp("behind"), told) as running:
        yield running.start()


@pytest.fixture(scope="module")
def nginx(behind: Demo, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nginx]:
    http = httpx.URL(behind.facts.http)
    sip = httpx.URL(behind.facts.sip.ws)
    running = Nginx(
        tmp_path_factory.mktemp("nginx"),
        PROXY,
        http=(http.host, http.port or 0),
        sip=(sip.host, sip.port or 0),
        certificate=behind.directory / "tls.crt",
        key=behind.directory / "tls.key",
    )
    yield running
    running.close()


def trusting() -> ssl.SSLContext:
    """Nobody in particular: the certificate is the demo's own."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


class Wire:
    """A WebSocket as `Guesser` wants its socket."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket

    def send(self, data: bytes) -> None:
        self._socket.send(data.decode().replace("SIP/2.0/UDP", "SIP/2.0/WSS"))

    def recv(self, most: int) -> bytes:
        said = self._socket.recv(timeout=10)
        return said.encode() if isinstance(said, str) else said

    def close(self) -> None:
        self._socket.close()


def register(url: str, account: Account, password: str, host: str, told: str = "") -> int:
    """By the phone of a page, at `url` from `host`, which writes that it was `told` so by another."""
    with connect(
        url,
        ssl=trusting() if url.startswith("wss:") else None,
        source_address=(host, 0),
        subprotocols=[Subprotocol("sip")],
        origin=Origin("https://localhost"),
        additional_headers={"X-Forwarded-For": told} if told else None,
        proxy=None,
    ) as socket:
        page = Guesser(Wire(socket), "df7jal23ls0d.invalid", "anphat.demo")
        return status(page.guess("REGISTER", account.username, password))


def test_who_guesses_passwords_behind_it_is_told_apart_from_others(behind: Demo, nginx: Nginx):
    """On loopback each connection of a guesser was somebody else; on another machine everybody was one."""
    known = behind.account("102")
    for number in range(FREE):
        assert register(nginx.sip_url, known, f"wrong{number}", OUTER, "203.0.113.9") == 401
    assert register(nginx.sip_url, known, known.password, OUTER, "203.0.113.9") == 401, "it is not looked at"
    assert register(nginx.sip_url, known, known.password, OUTER, "198.51.100.7") == 200
    assert "203.0.113.9" in behind.service_log(), "who guesses is named"


@pytest.mark.parametrize("around", [False, True], ids=["through", "around"])
def test_nobody_else_is_believed(behind: Demo, nginx: Nginx, around: bool):
    """Neither who comes to the proxy with a lie, nor who comes around it."""
    known = behind.account("105" if around else "103")
    url = behind.facts.sip.ws if around else nginx.sip_url
    for number in range(FREE):
        assert register(url, known, f"wrong{number}", STRANGER, "203.0.113.77") == 401
    assert register(nginx.sip_url, known, known.password, OUTER, "203.0.113.77") == 200, "that was not he"
    assert "203.0.113.77" not in behind.service_log()


async def test_a_session_is_from_where_the_proxy_says(behind: Demo, nginx: Nginx):
    transport = httpx.AsyncHTTPTransport(verify=trusting(), local_address=OUTER)
    told = {"X-Forwarded-For": "203.0.113.9", "Origin": nginx.http_url}
    async with httpx.AsyncClient(base_url=nginx.http_url, transport=transport, headers=told) as client:
        entered = await client.post(
            "/api/v1/sign-in", json={"email": EMPLOYEE, "password": FIXED_PASSWORDS[EMPLOYEE]}
        )
        assert entered.is_success, entered.text
        sessions = (await client.get("/api/v1/me/sessions")).json()
        assert [x["address"] for x in sessions if x["current"]] == ["203.0.113.9"]
        page = await client.get("/phone", headers={"Accept": "text/html"})
        assert page.text.startswith("<!doctype html>")


async def test_a_page_with_tls_of_the_proxy_has_a_phone(nginx: Nginx, browser: Chromium):
    """It was told of ws, which no page of https may open, and of a session for everybody on the line."""
    page = await WebPage.open(browser, nginx.http_url + "/phone", LAN)
    try:
        await page.sign_in_as("Lan Nguyen")
        (cookie,) = (await page.ask("Network.getCookies"))["cookies"]
        assert cookie["name"] == "__Host-tongdai_session"
        assert cookie["secure"]
        await page.type("Name or number", "*43")
        await page.hears(LAN)
        await page.click("Hang up")
        await page.sees("Ready")
    finally:
        await page.close()


@pytest.mark.parametrize("told", [{"X-Forwarded-Proto": "https"}, {"Forwarded": "proto=https"}])
async def test_who_comes_around_it_makes_no_page_one_of_https(behind: Demo, told: dict[str, str]):
    transport = httpx.AsyncHTTPTransport(local_address=STRANGER)
    async with httpx.AsyncClient(base_url=behind.facts.http, transport=transport, headers=told) as client:
        page = await client.get("/phone")
        assert "strict-transport-security" not in page.headers
        assert " ws://127.0.0.1:" in page.headers["content-security-policy"]
