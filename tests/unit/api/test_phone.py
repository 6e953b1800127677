"""The phone in a browser: it belongs to a session, and ends with it."""

from __future__ import annotations

import pytest
from tests.unit.api.conftest import Web

from tongdai.tenants.credentials import device_hashes


async def test_every_page_of_a_session_is_the_same_phone(web: Web):
    lan = await web.employee()
    one, other = [(await lan.put("/api/v1/me/phone")).json() for _ in range(2)]
    assert one == other
    assert one["domain"] == "anphat.demo"
    assert one["socket"] == {"port": 8088, "secure": False}
    served = web.control.served()[-1].part.tenants[0].devices
    assert (
        next(x for x in served if x.username == one["username"]).ha1_sha256
        == (device_hashes(one["username"], one["password"])["ha1_sha256"])
    )
    again = (await (await web.employee()).put("/api/v1/me/phone")).json()
    assert (again["username"], again["password"]) != (one["username"], one["password"])


@pytest.mark.parametrize("how", ["sign out", "end the session elsewhere", "new password", "administrator"])
async def test_the_phone_ends_with_its_session(web: Web, how: str):
    lan, other = await web.employee(), await web.employee()
    phone = (await lan.put("/api/v1/me/phone")).json()
    me = (await lan.get("/api/v1/me")).json()
    assert phone["device"] in await devices(web, me["person"])
    match how:
        case "sign out":
            assert (await lan.post("/api/v1/sign-out")).status_code == 204
        case "end the session elsewhere":
            for session in (await other.get("/api/v1/me/sessions")).json():
                if not session["current"]:
                    await other.delete(f"/api/v1/me/sessions/{session['id']}")
        case "new password":
            change = {"current": web.seeded.tenants[0].people[0].password, "password": "another one"}
            assert (await other.put("/api/v1/me/password", json=change)).status_code == 204
        case _:
            path = f"{web.tenant()}/people/{me['person']}/password"
            admin = await web.admin()
            assert (await admin.put(path, json={"password": "another one"})).status_code == 204
    assert phone["device"] not in await devices(web, me["person"])
    assert phone["username"] not in [x.username for x in web.control.served()[-1].part.tenants[0].devices]


async def devices(web: Web, person: str) -> list[str]:
    found = (await (await web.admin()).get(f"{web.tenant()}/people/{person}/devices")).json()
    return [x["id"] for x in found]


async def test_who_is_no_person_in_a_browser_gets_none(web: Web):
    assert (await (await web.provider()).put("/api/v1/me/phone")).status_code == 403
    lan = await web.employee()
    token = (await lan.post("/api/v1/me/tokens", json={"name": "CRM"})).json()["secret"]
    by_token = await web.anybody.put("/api/v1/me/phone", headers={"Authorization": f"Bearer {token}"})
    assert by_token.status_code == 403
    assert (await web.anybody.put("/api/v1/me/phone")).status_code == 401
