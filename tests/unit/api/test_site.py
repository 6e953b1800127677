"""The pages, from files that a test makes."""

from __future__ import annotations

import functools
import re
from pathlib import Path

import httpx
import msgspec
import pytest
from tests.unit.api.conftest import Web

from tongdai.api import site
from tongdai.api.app import make_app
from tongdai.app.demo.seed import offers


@pytest.fixture
async def pages(web: Web, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    folder = tmp_path / "pages"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text('<meta name="csp-nonce" content="%NONCE%">')
    (folder / "assets" / "main-1a2b.js").write_text("plain")
    (folder / "assets" / "main-1a2b.js.br").write_text("brotli")
    (folder / "icon.svg").write_text("<svg/>")
    (folder / "worker.js").write_text("// keeps the shell")
    (tmp_path / "secret.txt").write_text("secret")
    monkeypatch.setattr(site, "Site", functools.partial(site.Site, folder))
    transport = httpx.ASGITransport(make_app(web.context), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://pbx.test:8080") as client:
        yield client


async def test_every_document_has_a_nonce_of_its_own_and_a_strict_policy(pages: httpx.AsyncClient):
    nonces = set()
    for path in ("/", "/phone", "/company/people"):
        answer = await pages.get(path)
        assert answer.status_code == 200
        assert answer.headers["cache-control"] == "no-store"
        found = re.search('content="([^"]+)"', answer.text)
        assert found is not None
        policy = answer.headers["content-security-policy"]
        assert f"'nonce-{found[1]}'" in policy
        assert "unsafe" not in policy
        assert "connect-src 'self' ws://pbx.test:8088;" in policy
        assert "frame-ancestors 'none'" in policy
        nonces.add(found[1])
    assert len(nonces) == 3


async def test_hashed_files_stay_in_the_cache_and_come_packed(pages: httpx.AsyncClient):
    packed = await pages.get("/assets/main-1a2b.js", headers={"Accept-Encoding": "gzip, br"})
    assert packed.headers["content-encoding"] == "br"
    assert packed.headers["content-type"].startswith("text/javascript")
    assert packed.headers["cache-control"] == "public, max-age=31536000, immutable"
    plain = await pages.get("/assets/main-1a2b.js", headers={"Accept-Encoding": "br;q=0"})
    assert plain.text == "plain"
    assert plain.headers["vary"] == "Accept-Encoding"
    assert (await pages.get("/icon.svg")).headers["cache-control"] == "no-cache"


async def test_the_worker_is_asked_for_anew_and_may_fetch_from_here_alone(pages: httpx.AsyncClient):
    worker = await pages.get("/worker.js")
    assert worker.headers["cache-control"] == "no-cache"
    assert worker.headers["content-type"].startswith("text/javascript")
    assert worker.headers["content-security-policy"] == "default-src 'none'; connect-src 'self'"


@pytest.mark.parametrize(
    "path",
    ["/assets/none.js", "/../secret.txt", "/%2e%2e/secret.txt", "/api/v1/nothing", "/healthz/x", "/none.js"],
)
async def test_what_is_no_page_is_a_problem(pages: httpx.AsyncClient, path: str):
    answer = await pages.get(path)
    assert answer.status_code == 404
    assert answer.json()["code"] == "no_such_place"


async def test_people_are_offered_only_where_a_demo_left_them(web: Web):
    assert (await web.anybody.get("/api/v1/sign-in/offers")).json() == []
    web.context.offers.write_bytes(msgspec.json.encode(offers(web.seeded)))
    found = (await web.anybody.get("/api/v1/sign-in/offers")).json()
    assert [x["does"] for x in found] == ["Sales, 101", "Sales, 102", "Operator, 104", "Support, 105", ""]
    for one in found:
        await web.sign_in(one["email"], one["password"])
