from __future__ import annotations

from tests.unit.api.conftest import Web

from tongdai.api.rpc import messages as m


async def _people(web: Web) -> dict[str, str]:
    admin = await web.admin()
    items = (await admin.get(web.tenant() + "/people")).json()["items"]
    return {x["extension"]: f"{web.tenant()}/people/{x['id']}/preferences" for x in items}


async def test_one_changes_ones_own(web: Web):
    place = (await _people(web))["101"]
    lan = await web.employee(0)
    assert (await lan.get(place)).json()["do_not_disturb"] is False
    changed = await lan.patch(place, json={"do_not_disturb": True})
    assert changed.status_code == 200, changed.text
    assert changed.json()["do_not_disturb"] is True
    assert changed.json()["call_waiting"] is True, "what is left out stays"
    assert (await lan.get(place)).json() == changed.json()
    (asked,) = [x for x in web.control.asked if isinstance(x, m.ChangePreferences)]
    assert asked.changes == {"dnd": True}


async def test_who_answers_at_a_mobile_is_to_press_a_key(web: Web):
    place = (await _people(web))["101"]
    lan = await web.employee(0)
    assert (await lan.get(place)).json()["forward_confirm"] is False
    changed = await lan.patch(place, json={"forward": "0908123456", "forward_confirm": True})
    assert changed.json()["forward_confirm"] is True, changed.text
    (asked,) = [x for x in web.control.asked if isinstance(x, m.ChangePreferences)]
    assert asked.changes == {"always": "0908123456", "confirm": True}


async def test_a_colleague_may_not_and_an_administrator_may(web: Web):
    place = (await _people(web))["101"]
    minh, admin = await web.employee(1), await web.admin()
    assert (await minh.get(place)).status_code == 403
    assert (await minh.patch(place, json={"do_not_disturb": True})).status_code == 403
    assert (await admin.patch(place, json={"call_waiting": False})).json()["call_waiting"] is False
    entries = (await admin.get(web.tenant() + "/audit")).json()["items"]
    assert entries[0]["action"] == "preferences.change"


async def test_what_is_no_preference_is_said(web: Web):
    place = (await _people(web))["101"]
    lan = await web.employee(0)
    for body in ({"dnd": True}, {"do_not_disturb": "perhaps"}):
        assert (await lan.patch(place, json=body)).status_code == 422


async def test_feature_codes_are_the_administrators(web: Web):
    admin, lan = await web.admin(), await web.employee(0)
    assert (await lan.get(web.tenant())).json()["feature_codes"]["pickup"] == "**"
    assert (await lan.patch(web.tenant(), json={"feature_codes": {"pickup": "*2"}})).status_code == 403
    changed = await admin.patch(web.tenant(), json={"feature_codes": {"pickup": "*2"}})
    assert changed.json()["feature_codes"]["pickup"] == "*2", changed.text
    assert web.control.served()[-1].part.tenants[0].feature_codes == {"pickup": "*2"}
    refused = await admin.patch(web.tenant(), json={"feature_codes": {"directory": "101"}})
    assert (refused.status_code, refused.json()["code"]) == (422, "reserved_extension")
    assert refused.json()["remedy"]
