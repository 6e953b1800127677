"""Who changed what: of a company, and of the provider's own."""

from __future__ import annotations

from tests.unit.api.conftest import Web


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
