from __future__ import annotations

from tests.unit.api.conftest import Web


async def test_a_department_from_nothing(web: Web):
    admin = await web.admin()
    people = {x["name"]: x["id"] for x in (await admin.get(web.tenant() + "/people")).json()["items"]}
    body = {
        "name": "Accounts",
        "extension": "210",
        "kind": "queue",
        "members": [people["Mai Dang"], people["Lan Nguyen"]],
    }
    made = await admin.post(web.tenant() + "/departments", json=body)
    assert made.status_code == 201, made.text
    place = made.headers["location"]
    read = await admin.get(place)
    assert [x["name"] for x in read.json()["members"]] == ["Mai Dang", "Lan Nguyen"]
    served = web.control.served()[-1].part.tenants[0]
    department = next(x for x in served.departments if x.name == "Accounts")
    assert department.members == (people["Mai Dang"], people["Lan Nguyen"])
    web.clock.advance(1)
    changed = await admin.patch(
        place, json={"members": [], "kind": "ring"}, headers={"If-Match": read.headers["etag"]}
    )
    assert (changed.json()["members"], changed.json()["kind"]) == ([], "ring")
    assert changed.json()["extension"] == "210"
    web.clock.advance(1)
    assert (await admin.delete(place)).status_code == 204
    assert (await admin.get(place)).status_code == 404
    actions = [x["action"] for x in (await admin.get(web.tenant() + "/audit")).json()["items"]]
    assert actions[:3] == ["department.delete", "department.change", "department.create"]


async def test_departments_by_name_and_kind(web: Web):
    admin = await web.admin()
    place = web.tenant() + "/departments"
    assert [x["name"] for x in (await admin.get(place)).json()["items"]] == ["Sales", "Support"]
    queues = (await admin.get(place, params={"kind": "queue"})).json()["items"]
    assert [x["name"] for x in queues] == ["Support"]
    first = (await admin.get(place, params={"limit": 1})).json()
    second = (await admin.get(place, params={"limit": 1, "cursor": first["next"]})).json()
    assert ([x["name"] for x in second["items"]], second["next"]) == (["Support"], None)


async def test_what_cannot_be_names_the_field(web: Web):
    admin = await web.admin()
    lan = (await admin.get(web.tenant() + "/people", params={"q": "Lan"})).json()["items"][0]["id"]
    new: dict[str, object] = {"name": "Accounts", "extension": "210"}
    cases: list[tuple[dict[str, object], int, str, str]] = [
        ({"members": ["person_none"]}, 422, "person_not_found", "/members"),
        ({"members": [lan, lan]}, 422, "member_twice", "/members"),
        ({"extension": "101"}, 409, "extension_taken", "/extension"),
        ({"kind": "lottery"}, 422, "not_valid", "/kind"),
    ]
    for more, status, code, field in cases:
        problem = (await admin.post(web.tenant() + "/departments", json={**new, **more})).json()
        assert (problem["status"], problem["code"]) == (status, code)
        assert problem["errors"][0]["field"] == field
        assert problem["remedy"]


async def test_what_callers_are_led_to_stays(web: Web):
    """A deleted department would have left callers of the menu with a broken call."""
    admin = await web.admin()
    departments = (await admin.get(web.tenant() + "/departments")).json()["items"]
    sales = next(x["id"] for x in departments if x["name"] == "Sales")
    refused = await admin.delete(f"{web.tenant()}/departments/{sales}")
    assert (refused.status_code, refused.json()["code"]) == (422, "menu_leads_there")
    assert refused.json()["remedy"]
    assert refused.json()["places"] == ["Main menu (1)"]
    assert "Main menu (1)" in refused.json()["detail"]
