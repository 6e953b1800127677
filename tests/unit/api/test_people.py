from __future__ import annotations

import pytest
from tests.unit.api.conftest import Web

from tongdai.api.rpc import messages as m
from tongdai.tenants.device.store import rows as devices
from tongdai.tenants.person.store import rows as people


async def test_a_person_with_a_phone_from_nothing(web: Web):
    admin = await web.admin()
    made = await admin.post(web.tenant() + "/people", json={"name": "Thu Ha", "extension": "107"})
    assert made.status_code == 201, made.text
    place = made.headers["location"]
    assert (await admin.get(place)).json()["extension"] == "107"
    device = await admin.post(place + "/devices", json={})
    assert device.status_code == 201, device.text
    assert len(device.json()["password"]) >= 20
    assert device.json()["server"]["domain"] == "anphat.demo"
    shown = (await admin.get(place + "/devices")).json()
    assert [x["id"] for x in shown] == [device.json()["id"]]
    assert "password" not in shown[0]
    served = web.control.served()[-1].part.tenants[0]
    assert device.json()["username"] in {x.username for x in served.devices}, "control serves it already"


async def test_lists_come_in_pages_in_either_order(web: Web):
    admin = await web.admin()
    whole = [x["name"] for x in (await admin.get(web.tenant() + "/people")).json()["items"]]
    assert whole == sorted(whole)
    for sort, expected in (("name", whole), ("-name", whole[::-1])):
        seen: list[str] = []
        cursor = None
        while True:
            query: dict[str, str | int] = {"limit": 2, "sort": sort, **({"cursor": cursor} if cursor else {})}
            page = (await admin.get(web.tenant() + "/people", params=query)).json()
            seen += [x["name"] for x in page["items"]]
            cursor = page["next"]
            if cursor is None:
                break
        assert seen == expected
    found = (await admin.get(web.tenant() + "/people", params={"q": "NGUY"})).json()["items"]
    assert [x["name"] for x in found] == ["Lan Nguyen"]


async def test_what_cannot_be_names_the_field_and_the_way_out(web: Web):
    admin = await web.admin()
    for body, status, code, field in [
        ({"name": "X", "extension": "101"}, 409, "extension_taken", "/extension"),
        ({"name": "X", "extension": "112"}, 422, "shadows_emergency", "/extension"),
        ({"name": "X", "email": "minh@anphat.demo"}, 409, "email_taken", "/email"),
        ({"name": " "}, 422, "bad_name", "/name"),
        ({"name": "X", "colour": "red"}, 422, "not_valid", "/colour"),
        ({}, 422, "not_valid", "/name"),
    ]:
        refused = await admin.post(web.tenant() + "/people", json=body)
        problem = refused.json()
        assert (refused.status_code, problem["code"]) == (status, code), problem
        assert refused.headers["content-type"] == "application/problem+json"
        assert problem["errors"][0]["field"] == field
        assert problem["remedy"]


async def test_nobodys_change_is_overwritten(web: Web):
    admin = await web.admin()
    first = (await admin.get(web.tenant() + "/people")).json()["items"][0]
    place = f"{web.tenant()}/people/{first['id']}"
    read = await admin.get(place)
    etag = read.headers["etag"]
    assert (await admin.get(place, headers={"If-None-Match": etag})).status_code == 304
    changed = await admin.patch(place, json={"name": "Other"}, headers={"If-Match": etag})
    assert changed.status_code == 200
    assert changed.headers["etag"] != etag
    late = await admin.patch(place, json={"name": "Late"}, headers={"If-Match": etag})
    assert (late.status_code, late.json()["code"]) == (412, "changed_meanwhile")
    assert (await admin.get(place)).json()["name"] == "Other"


async def test_a_repeated_request_has_one_effect_and_one_answer(web: Web):
    admin = await web.admin()
    place = web.tenant() + "/people"
    key = {"Idempotency-Key": "import 17"}
    first = await admin.post(place, json={"name": "Thu Ha"}, headers=key)
    again = await admin.post(place, json={"name": "Thu Ha"}, headers=key)
    assert (again.status_code, again.json()) == (201, first.json())
    assert again.headers["idempotent-replay"] == "true"
    other = await admin.post(place, json={"name": "Thu An"}, headers=key)
    assert other.json()["code"] == "key_reused"
    found = (await admin.get(place, params={"q": "Thu"})).json()["items"]
    assert len(found) == 1


async def test_what_failed_may_be_tried_again_with_the_same_key(web: Web):
    admin, key = await web.admin(), {"Idempotency-Key": "k"}
    web.control.silent = True
    assert (await admin.post(web.tenant() + "/people", json={"name": "Ha"}, headers=key)).status_code == 503
    web.control.silent = False
    assert (await admin.post(web.tenant() + "/people", json={"name": "Ha"}, headers=key)).status_code == 201


async def test_what_control_does_not_serve_is_not_saved(web: Web):
    admin = await web.admin()
    web.control.silent = True
    refused = await admin.post(web.tenant() + "/people", json={"name": "Thu Ha"})
    assert (refused.status_code, refused.json()["code"]) == (503, "control_silent")
    assert "retry-after" in refused.headers
    tenant = web.seeded.tenants[0].id
    async with web.context.db.read() as connection:
        names = [x.name for x in await people.where(tenant, connection)]  # type: ignore[arg-type]
    assert "Thu Ha" not in names


async def test_an_employee_reads_the_directory_and_changes_nothing(web: Web):
    lan = await web.employee()
    me = (await lan.get("/api/v1/me")).json()["person"]
    everybody = (await lan.get(web.tenant() + "/people")).json()["items"]
    other = next(x["id"] for x in everybody if x["id"] != me)
    assert (await lan.get(f"{web.tenant()}/people/{me}/devices")).status_code == 200
    for method, place, body in [
        ("POST", "/people", {"name": "X"}),
        ("PATCH", f"/people/{me}", {"role": "administrator"}),
        ("DELETE", f"/people/{other}", None),
        ("PUT", f"/people/{other}/password", {"password": "long enough"}),
        ("PUT", f"/people/{other}/voicemail-pin", {"pin": "1234"}),
        ("GET", f"/people/{other}/devices", None),
        ("PATCH", "", {"name": "Mine"}),
        ("DELETE", "", None),
    ]:
        refused = await lan.request(method, web.tenant() + place, json=body)
        assert refused.status_code == 403, (method, place, refused.text)
    assert (await lan.get("/api/v1/tenants")).status_code == 403
    own = await lan.put(f"{web.tenant()}/people/{me}/voicemail-pin", json={"pin": "1234"})
    assert own.status_code == 204
    assert web.control.asked[-1] == m.ChangePin(web.seeded.tenants[0].id, me, "1234")


async def test_the_last_administrator_stays_one(web: Web):
    admin = await web.admin()
    me = (await admin.get("/api/v1/me")).json()["person"]
    refused = await admin.patch(f"{web.tenant()}/people/{me}", json={"role": "employee"})
    assert (refused.status_code, refused.json()["code"]) == (422, "last_admin")


async def test_a_person_who_is_deleted_is_signed_out(web: Web):
    admin, lan = await web.admin(), await web.employee()
    me = (await lan.get("/api/v1/me")).json()["person"]
    assert (await admin.delete(f"{web.tenant()}/people/{me}")).status_code == 204
    assert (await lan.get("/api/v1/me")).status_code == 401
    async with web.context.db.read() as connection:
        tenant = web.seeded.tenants[0].id
        assert await devices.where(tenant, connection, person=me) == []  # type: ignore[arg-type]


@pytest.mark.parametrize("what", ["people", "people/{person}", "people/{person}/devices", ""])
async def test_another_tenant_does_not_exist(web: Web, what: str):
    theirs = await web.admin(1)
    person = (await theirs.get(web.tenant(1) + "/people")).json()["items"][0]["id"]
    admin = await web.admin()
    path = f"/{what.format(person=person)}".rstrip("/")
    there = await admin.get(web.tenant(1) + path)
    nowhere = await admin.get("/api/v1/tenants/tenant_none" + path)
    ours = web.seeded.tenants
    assert there.status_code == nowhere.status_code == 404
    assert there.text.replace(ours[1].id, "ID") == nowhere.text.replace("tenant_none", "ID")
    if "person" in what:
        inside = await admin.get(web.tenant() + path)
        assert inside.status_code == 404
