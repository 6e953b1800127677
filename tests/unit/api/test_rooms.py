from __future__ import annotations

from tests.unit.api.conftest import Web


async def test_a_room_from_nothing(web: Web):
    admin = await web.admin()
    made = await admin.post(web.tenant() + "/rooms", json={"name": "Board", "extension": "601"})
    assert made.status_code == 201, made.text
    assert (made.json()["pin"], made.json()["tones"]) == (None, True)
    place = made.headers["location"]
    changes = {"pin": "97531", "tones": False}
    changed = await admin.patch(place, json=changes, headers={"If-Match": made.headers["etag"]})
    assert (changed.json()["pin"], changed.json()["tones"]) == ("97531", False)
    served = next(x for x in web.control.served()[-1].part.tenants[0].rooms if x.name == "Board")
    assert (served.pin, served.tones) == ("97531", False)
    entries = (await admin.get(web.tenant() + "/audit")).json()["items"]
    assert "97531" not in str(entries), "the audit log tells that it changed, not to what"
    assert (await admin.delete(place)).status_code == 204
    assert [x["name"] for x in (await admin.get(web.tenant() + "/rooms")).json()["items"]] == ["Conference"]


async def test_a_room_with_a_number_keeps_its_pin(web: Web):
    admin = await web.admin()
    room = (await admin.get(web.tenant() + "/rooms")).json()["items"][0]
    assert room["numbers"] == ["+842871234560"]
    place = f"{web.tenant()}/rooms/{room['id']}"
    assert (await admin.patch(place, json={"pin": None})).json()["code"] == "number_leads_there"
    bad = (await admin.patch(place, json={"pin": "12"})).json()
    assert (bad["code"], bad["errors"][0]["field"]) == ("bad_pin", "/pin")
    refused = (await admin.delete(place)).json()
    assert (refused["code"], refused["places"]) == ("number_leads_there", ["+842871234560"])
    assert "+842871234560" in refused["detail"]
