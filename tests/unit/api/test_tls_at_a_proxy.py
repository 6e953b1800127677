"""TLS that a proxy of ours speaks, while we listen without: a page is one of https, with all beside it."""

from __future__ import annotations

import functools
import ipaddress
from collections.abc import Callable
from pathlib import Path

import httpx
import msgspec
import pytest
from tests.unit.api.conftest import Web

from tongdai.api import site
from tongdai.api.app import make_app
from tongdai.app.demo.outside_phone import OutsidePhone
from tongdai.app.demo.outside_route import outside_router
from tongdai.app.demo.secrets import FIXED_PASSWORDS
from tongdai.core.proxies import Header, Proxies

STRANGER = "198.51.100.7"
TOLD = {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https"}
MINH = {"email": "minh@anphat.demo", "password": FIXED_PASSWORDS["minh@anphat.demo"]}

Browser = Callable[..., httpx.AsyncClient]


@pytest.fixture
def browser(web: Web, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Browser:
    """One that sees `https://pbx.test`, through whoever has this address."""
    folder = tmp_path / "pages"
    folder.mkdir()
    (folder / "index.html").write_text("<!doctype html>")
    monkeypatch.setattr(site, "Site", functools.partial(site.Site, folder))

    def made(
        peer: str = "127.0.0.1", told: dict[str, str] = TOLD, header: Header = "x-forwarded-for"
    ) -> httpx.AsyncClient:
        proxies = Proxies([ipaddress.ip_network("127.0.0.1")], header)
        phone = OutsidePhone("Customer", "+84912345678", "outside", "secret", "outside.demo", [])
        app = make_app(msgspec.structs.replace(web.context, proxies=proxies), [outside_router(phone)])
        transport = httpx.ASGITransport(app, raise_app_exceptions=False, client=(peer, 1234))
        return httpx.AsyncClient(transport=transport, base_url="https://pbx.test", headers=told)

    return made


async def test_the_page_may_open_wss_where_it_is_seen_and_is_told_so(browser: Browser):
    """It was told ws, which a page of https may not open: no phone in a browser behind TLS of a proxy."""
    async with browser() as page:
        document = await page.get("/phone")
        assert "connect-src 'self' wss://pbx.test:8088;" in document.headers["content-security-policy"]
        await page.post("/api/v1/sign-in", json=MINH)
        phone = (await page.put("/api/v1/me/phone")).json()
        assert phone["socket"] == {"port": 8088, "secure": True}
        outside = (await page.get("/api/v1/demo/outside-phone")).json()
        assert outside["socket"] == {"port": 8088, "secure": True}


async def test_the_session_is_for_https_alone(browser: Browser):
    async with browser() as page:
        entered = await page.post("/api/v1/sign-in", json=MINH)
        cookie = entered.headers["set-cookie"]
        assert cookie.startswith("__Host-tongdai_session=")
        assert "; Secure" in cookie
        assert entered.headers["strict-transport-security"] == "max-age=31536000"
        assert (await page.get("/api/v1/me")).json()["email"] == MINH["email"]
        left = await page.post("/api/v1/sign-out")
        assert left.headers["set-cookie"].startswith('__Host-tongdai_session=""; ')
        assert (await page.get("/api/v1/me")).status_code == 401


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("https://pbx.test", 200),
        ("http://pbx.test", 403),  # whoever is on the line may make a page of http
        ("https://pbx.test:8443", 403),
        ("https://evil.test", 403),
        ("null", 403),
    ],
)
async def test_only_the_page_of_https_acts_with_it(browser: Browser, origin: str, status: int):
    async with browser() as page:
        answer = await page.post("/api/v1/sign-in", json=MINH, headers={"Origin": origin})
        assert answer.status_code == status


@pytest.mark.parametrize(
    ("peer", "told", "header"),
    [
        (STRANGER, TOLD, "x-forwarded-for"),
        (STRANGER, {"Forwarded": "for=203.0.113.9;proto=https"}, "forwarded"),
        ("127.0.0.1", {**TOLD, "X-Forwarded-Proto": "http"}, "x-forwarded-for"),
        ("127.0.0.1", {"X-Forwarded-For": "203.0.113.9"}, "x-forwarded-for"),
        ("127.0.0.1", TOLD, "forwarded"),  # it is passed on as it came
    ],
    ids=["stranger", "stranger's Forwarded", "http", "nothing said", "the other header"],
)
async def test_nobody_else_makes_a_page_one_of_https(
    browser: Browser, peer: str, told: dict[str, str], header: Header
):
    async with browser(peer, told, header) as page:
        document = await page.get("/phone")
        assert "connect-src 'self' ws://pbx.test:8088;" in document.headers["content-security-policy"]
        entered = await page.post("/api/v1/sign-in", json=MINH, headers={"Origin": "http://pbx.test"})
        assert entered.status_code == 200
        assert entered.headers["set-cookie"].startswith("tongdai_session=")
        assert "Secure" not in entered.headers["set-cookie"]
        assert "strict-transport-security" not in entered.headers
        assert (await page.put("/api/v1/me/phone")).json()["socket"]["secure"] is False


async def test_forwarded_says_it_too(browser: Browser):
    told = {"Forwarded": "for=203.0.113.9;proto=https"}
    async with browser(told=told, header="forwarded") as page:
        assert "wss://pbx.test:8088;" in (await page.get("/")).headers["content-security-policy"]
