"""Who changed what: of a company, and of the provider's own."""

from __future__ import annotations

from typing import Any

from sqlalchemy import func, select
from tests.unit.api.conftest import Web
from tests.unit.api.operations import Operation, operations
from tests.unit.api.sounds import WAV, tone
from tests.unit.api.test_isolation import furnish

from tongdai.db import tables

NO_CHANGES = {
    "POST /sign-in",
    "POST /sign-out",
    "PUT /me/phone",
    "POST /tenants/{tenant}/speech",
    "PATCH /tenants/{tenant}/mailboxes/{mailbox}/messages/{message}",
}
"""Whoever comes and goes is seen among the sessions; the phone of a page comes and goes with it; words that
are tried are not kept; a message that somebody has listened to says so itself."""


async def test_a_change_is_told_with_the_name_of_what_changed(web: Web):
    admin = await web.admin()
    person = (await admin.get(web.tenant() + "/people", params={"q": "Hoa"})).json()["items"][0]
    place = f"{web.tenant()}/people/{person['id']}"
    assert (await admin.patch(place, json={"name": "Hoa Le Thi"})).status_code == 200
    (entry,) = (await admin.get(web.tenant() + "/audit", params={"action": "person."})).json()["items"]
    assert (entry["action"], entry["target_name"]) == ("person.change", "Hoa Le Thi")
    assert entry["changes"] == {"name": {"from": person["name"], "to": "Hoa Le Thi"}}
    assert (await admin.delete(place)).status_code == 204
    newest = (await admin.get(web.tenant() + "/audit", params={"target": person["id"]})).json()["items"]
    found = sorted((x["action"], x["target_name"]) for x in newest)
    assert found == [("person.change", ""), ("person.delete", "")]


async def test_the_providers_own_changes_are_the_providers_to_read(web: Web):
    provider, admin, lan = await web.provider(), await web.admin(), await web.employee()
    trunk = {"name": "Viettel", "gateways": [{"host": "203.0.113.5"}]}
    assert (await provider.post("/api/v1/trunks", json=trunk)).status_code == 201
    for number in range(2):
        company = {"name": f"New {number}", "domain": f"new{number}.demo"}
        assert (await provider.post("/api/v1/tenants", json=company)).status_code == 201
    first = (await provider.get("/api/v1/audit", params={"limit": 2})).json()
    rest = (await provider.get("/api/v1/audit", params={"limit": 2, "cursor": first["next"]})).json()
    found = [x["action"] for x in first["items"] + rest["items"]]
    assert sorted(found) == ["tenant.create", "tenant.create", "trunk.create"]
    assert rest["next"] is None
    only = (await provider.get("/api/v1/audit", params={"action": "trunk."})).json()["items"]
    assert {x["action"].partition(".")[0] for x in only} == {"trunk"}
    for client in (admin, lan):
        refused = await client.get("/api/v1/audit")
        assert (refused.status_code, refused.json()["code"]) == (403, "not_permitted")
    assert (await web.anybody.get("/api/v1/audit")).status_code == 401


async def test_neither_sees_what_is_the_others(web: Web):
    provider, admin = await web.provider(), await web.admin()
    trunk = {"name": "Viettel", "gateways": [{"host": "203.0.113.5"}]}
    await provider.post("/api/v1/trunks", json=trunk)
    await admin.patch(web.tenant(), json={"ring_seconds": 25})
    own = (await admin.get(web.tenant() + "/audit")).json()["items"]
    assert [x["action"] for x in own] == ["tenant.change"]
    assert "tenant.change" not in [x["action"] for x in (await provider.get("/api/v1/audit")).json()["items"]]
    assert (await (await web.admin(1)).get(web.tenant() + "/audit")).status_code == 404
    assert (await (await web.admin(1)).get(web.tenant(1) + "/audit")).json()["items"] == []


async def test_every_change_has_its_entry(web: Web):
    """Every operation of the OpenAPI that changes something is done once, by who may."""
    tenant, login = web.seeded.tenants[0], web.seeded.tenants[0].admin
    ids = {**await furnish(web, 0), "tenant": tenant.id, "phrase": "queue.welcome"}
    admin, provider, elsewhere = await web.admin(), await web.provider(), await web.admin()
    me = (await admin.get("/api/v1/me")).json()["person"]
    ids["token"] = (await admin.post("/api/v1/me/tokens", json={"name": "CRM"})).json()["id"]
    sessions = (await elsewhere.get("/api/v1/me/sessions")).json()
    ids["session"] = next(x["id"] for x in sessions if x["current"])
    for company in range(1, len(web.seeded.tenants)):
        await provider.put(f"{web.tenant(company)}/trunks", json={"trunks": []})
    to_me = {"kind": "person", "id": me}
    await admin.patch(f"{web.tenant()}/people/{me}", json={"extension": "199"})
    for number in (await admin.get(web.tenant() + "/numbers")).json()["items"]:
        await admin.patch(f"{web.tenant()}/numbers/{number['number']}", json={"leads_to": to_me})
    bodies: dict[str, Any] = {
        "POST /tenants/{tenant}/calls/{call}/hold": {"leg": "call_theirs.l0"},
        "POST /tenants/{tenant}/calls/{call}/transfer": {"to": "102"},
        "POST /tenants/{tenant}/numbers": {"number": "+842871234599", "leads_to": to_me},
        "POST /tenants/{tenant}/menus": {
            "name": "Evening",
            "greeting": {"text": "Hello"},
            "otherwise": to_me,
        },
        "PUT /tenants/{tenant}/phrases/{phrase}": {"prompt": None},
        "PUT /tenants/{tenant}/hold-music": {"prompt": None},
        "PUT /me/password": {"current": login.password, "password": "another password"},
        "PATCH /tenants/{tenant}/numbers/{number}": {"leads_to": to_me},
    }
    order = ("POST", "PUT", "PATCH", "DELETE")
    last = ("", "PUT /me/password", "POST /sign-out", "DELETE /tenants/{tenant}", "POST /tenants")
    changing = [x for x in operations(web.app) if x.method in order]

    async def entries() -> int:
        async with web.context.db.read() as connection:
            return int((await connection.scalar(select(func.count()).select_from(tables.audit))) or 0)

    def when(x: Operation) -> tuple[int, int, str]:
        return (last.index(x.name) if x.name in last else 0), order.index(x.method), x.path

    for operation in sorted(changing, key=when):
        request = operation.request()
        if operation.name in bodies:
            request = {"json": bodies[operation.name]}
        elif operation.content == "audio/*":
            request = {"content": tone(), "headers": WAV, "params": {"name": "X"}}
        place, before = operation.path.format(**ids), await entries()
        answer = await admin.request(operation.method, place, **request)
        if answer.status_code in (401, 403):
            answer = await provider.request(operation.method, place, **request)
        assert answer.status_code < 300, (operation.name, answer.text)
        expected = 0 if operation.name in NO_CHANGES else 1
        assert await entries() - before == expected, operation.name
