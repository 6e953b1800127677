from __future__ import annotations

from tests.unit.api.conftest import Web

MAIN = "+842871234500"


async def test_who_has_which_extension_and_which_are_free(web: Web):
    lan = await web.employee()
    page = (await lan.get(web.tenant() + "/extensions", params={"limit": 2})).json()
    assert [(x["extension"], x["leads_to"]["kind"], x["leads_to"]["name"]) for x in page["items"]] == [
        ("100", "menu", "Main menu"),
        ("101", "person", "Lan Nguyen"),
    ]
    rooms = (await lan.get(web.tenant() + "/extensions", params={"kind": "room"})).json()["items"]
    assert [x["extension"] for x in rooms] == ["600"]
    admin = await web.admin()
    free = await admin.get(web.tenant() + "/extensions/free", params={"from": "105", "limit": 3})
    assert free.json() == ["107", "108", "109"]
    beyond = await admin.get(web.tenant() + "/extensions/free", params={"from": "111", "limit": 3})
    assert beyond.json() == ["111", "116", "117"], "112 to 115 are emergency numbers"


async def test_a_number_leads_elsewhere_from_the_next_call_on(web: Web):
    admin = await web.admin()
    numbers = (await admin.get(web.tenant() + "/numbers")).json()["items"]
    assert [(x["number"], x["main"], x["leads_to"]["kind"]) for x in numbers] == [
        (MAIN, True, "menu"),
        ("+842871234560", False, "room"),
    ]
    sales = (await admin.get(web.tenant() + "/departments")).json()["items"][0]
    place = f"{web.tenant()}/numbers/{MAIN}"
    etag = (await admin.get(place)).headers["etag"]
    there = {"leads_to": {"kind": "department", "id": sales["id"]}}
    changed = await admin.patch(place, json=there, headers={"If-Match": etag})
    assert changed.json()["leads_to"] == {"kind": "department", "id": sales["id"], "name": "Sales"}
    served = {x.number: x.target for x in web.control.served()[-1].part.tenants[0].numbers}
    assert served[MAIN] == sales["id"]
    for target in ({"kind": "person", "id": "person_none"}, {"kind": "room", "id": sales["id"]}):
        refused = await admin.patch(place, json={"leads_to": target})
        assert refused.status_code == 422
        assert refused.json()["errors"][0]["field"] == "/leads_to"


async def test_numbers_are_the_providers_to_give(web: Web):
    admin, provider = await web.admin(), await web.provider()
    menu = (await admin.get(web.tenant() + "/numbers")).json()["items"][0]["leads_to"]["id"]
    new = {"number": "+842871234599", "leads_to": {"kind": "menu", "id": menu}}
    assert (await admin.post(web.tenant() + "/numbers", json=new)).status_code == 403
    made = await provider.post(web.tenant() + "/numbers", json=new)
    assert made.status_code == 201, made.text
    again = (await provider.post(web.tenant(1) + "/numbers", json=new)).json()
    assert (again["code"], again["errors"][0]["field"]) == ("menu_not_found", "/leads_to")
    assert (await provider.delete(f"{web.tenant()}/numbers/{MAIN}")).json()["code"] == "main_number"
    assert (await provider.delete(made.headers["location"])).status_code == 204
