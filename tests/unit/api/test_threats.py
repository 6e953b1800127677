"""What the Internet tries against the API (docs/threats.md, rows 15 to 18 and 20)."""

from __future__ import annotations

import base64
import json
import re
from typing import Any

import pytest
from tests.unit.api.conftest import Web
from tests.unit.api.operations import operations
from tests.unit.api.test_isolation import furnish

SQL = ("'; DROP TABLE person; --", "x' OR '1'='1", "1 UNION SELECT password_hash FROM person", "%'/**/--")
SCRIPT = "<img src=x onerror=alert(1)>"


async def test_no_parameter_of_a_query_becomes_sql(web: Web):
    """Each of every operation that reads: a list, a refusal, never a fault, never more than was asked for."""
    ids = await furnish(web, 0)
    admin, schema = await web.admin(), web.app.openapi()
    asked = 0
    for operation in operations(web.app):
        if operation.method != "GET" or "tenant" not in operation.parameters:
            continue
        place = operation.path.format(tenant=web.seeded.tenants[0].id, **ids)
        parameters = schema["paths"][operation.path]["get"].get("parameters", ())
        for name in [x["name"] for x in parameters if x["in"] == "query"]:
            for text in SQL:
                answer = await admin.get(place, params={name: text})
                assert answer.status_code in (200, 403, 422), (operation.name, name, answer.text)
                asked += 1
                if answer.status_code == 200 and name == "q":
                    assert answer.json()["items"] == [], (operation.name, name)
    assert asked > 60
    assert (await admin.get(web.tenant() + "/people")).json()["items"], "everybody is still there"


@pytest.mark.parametrize("text", [*SQL, SCRIPT, "../../server.key", "=cmd|'/c calc'!A1"])
async def test_a_name_is_kept_as_it_is_and_nothing_else_happens(web: Web, text: str):
    """Threats 15, 16 and 18: what comes out is what went in, as JSON that no browser takes for a page."""
    admin = await web.admin()
    made = await admin.post(web.tenant() + "/people", json={"name": text}, headers={"User-Agent": text})
    assert made.status_code == 201, made.text
    for place in ("/people", "/audit"):
        found = await admin.get(web.tenant() + place)
        assert text in json.dumps(found.json(), ensure_ascii=False).replace('\\"', '"')
        assert found.headers["content-type"] == "application/json"
        assert found.headers["x-content-type-options"] == "nosniff"
        assert "default-src 'none'" in found.headers["content-security-policy"]


async def test_files_have_names_of_our_own(web: Web):
    """Threat 16: what a client calls its upload is a label; neither it nor an id becomes a path."""
    admin = await web.admin()
    await furnish(web, 0)
    folder = web.context.data
    before = {x for x in folder.rglob("*") if x.is_file() and folder / "blobs" not in x.parents}
    for name in ("../../evil.wav", "/etc/passwd", "a%00.wav", "..\\..\\evil"):
        answer = await admin.post(
            web.tenant() + "/prompts/upload",
            params={"name": name},
            content=b"RIFF\0\0\0\0WAVE",
            headers={"Content-Type": "audio/wav"},
        )
        assert answer.status_code in (201, 422), answer.text
        for place in ("/prompts/", "/people/", "/rooms/", "/menus/"):
            refused = await admin.get(web.tenant() + place + name.replace("/", "%2f"))
            assert refused.status_code in (404, 422), refused.text
    after = {x for x in folder.rglob("*") if x.is_file() and folder / "blobs" not in x.parents}
    written = {x for x in after - before if "speech" not in x.parts and "tongdai.db" not in x.name}
    assert written == set()
    ours = re.compile(r"[0-9a-z_]+\.[a-z0-9]+")
    assert all(ours.fullmatch(x.name) for x in (folder / "blobs").rglob("*") if x.is_file())


async def test_no_request_makes_us_fetch_an_address(web: Web):
    """Threat 17: nothing that a client sends is an address that we would open. A field that is one needs the
    checks of that row first, and then a place here."""
    suspicious = re.compile(r"url|uri|webhook|callback|href|x5u", re.IGNORECASE)

    def named(schema: Any, where: str) -> list[str]:
        found: list[str] = []
        if isinstance(schema, dict):
            if schema.get("format") in ("uri", "url", "uri-reference"):
                found.append(where)
            for name, part in schema.items():
                if name == "properties":
                    found += [f"{where}.{x}" for x in part if suspicious.search(x)]
                found += named(part, f"{where}.{name}")
        elif isinstance(schema, list):
            for part in schema:
                found += named(part, where)
        return found

    schema = web.app.openapi()
    sent: set[str] = set()
    for item in schema["paths"].values():
        for operation in item.values():
            text = json.dumps(operation.get("requestBody", {}))
            sent |= set(re.findall(r"#/components/schemas/(\w+)", text))
            assert named(operation.get("requestBody", {}), "body") == []
            names = [x["name"] for x in operation.get("parameters", ())]
            assert [x for x in names if suspicious.search(x)] == []
    known = schema["components"]["schemas"]
    ahead = list(sent)
    while ahead:
        name = ahead.pop()
        assert named(known[name], name) == []
        for other in re.findall(r"#/components/schemas/(\w+)", json.dumps(known[name])):
            if other not in sent:
                sent.add(other)
                ahead.append(other)


def _part(value: dict[str, object]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


async def test_a_token_cannot_be_made_up(web: Web):
    """Threat 20: tokens say nothing that we would believe; they are looked up. No algorithm, no signature."""
    person = (await (await web.admin()).get("/api/v1/me")).json()["person"]
    claims = {"sub": person, "tenant": web.seeded.tenants[0].id, "role": "provider"}
    forged = [
        f"{_part({'alg': 'none', 'typ': 'JWT'})}.{_part(claims)}.",
        f"{_part({'alg': 'HS256', 'typ': 'JWT'})}.{_part(claims)}.AAAA",
        person,
        "",
        "null",
        "' OR 1=1 --",
        "x" * 7000,
    ]
    for token in forged:
        answer = await web.anybody.get("/api/v1/me", headers={"Authorization": f"Bearer {token}"})
        assert (answer.status_code, answer.json()["code"]) == (401, "not_signed_in"), token
        cookie = {"Cookie": f"tongdai_session={token}"}
        assert (await web.anybody.get("/api/v1/me", headers=cookie)).status_code == 401, token
