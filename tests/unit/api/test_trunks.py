from __future__ import annotations

from tests.unit.api.conftest import Web

from tongdai.api.rpc import messages as m
from tongdai.tenants.trunk import store
from tongdai.tenants.trunk.sealed import unseal

PASSWORD = "the carrier's own"


async def test_a_carrier_from_nothing_to_a_tenants_calls(web: Web):
    provider = await web.provider()
    new = {
        "name": "Viettel",
        "gateways": [{"host": "203.0.113.5"}, {"host": "203.0.113.6", "transport": "tls", "port": 5061}],
        "settings": {"username": "anphat", "password": PASSWORD, "register": True, "codecs": ["PCMA"]},
    }
    made = await provider.post("/api/v1/trunks", json=new)
    assert made.status_code == 201, made.text
    shown, place = made.json(), made.headers["location"]
    assert PASSWORD not in made.text
    assert (shown["settings"]["has_password"], shown["settings"]["register"]) == (True, True)
    async with web.context.db.read() as connection:
        stored = next(x for x in await store.all_trunks(connection) if x.id == shown["id"])
    assert PASSWORD not in stored.settings.password
    assert unseal(stored.settings.password, web.context.key) == PASSWORD
    assert web.control.served()[-1].part.trunks[-1].name == "Viettel"
    used = await provider.put(web.tenant() + "/trunks", json={"trunks": [shown["id"]]})
    assert used.json() == (await provider.get(web.tenant() + "/trunks")).json()
    assert web.control.served()[-1].part.tenants[0].trunks == (shown["id"],)
    assert [x["name"] for x in (await provider.get(place)).json()["tenants"]] == ["An Phát Trading"]
    assert (await provider.delete(place)).json()["code"] == "trunk_in_use"
    await provider.put(web.tenant() + "/trunks", json={"trunks": []})
    assert (await provider.delete(place)).status_code == 204


async def test_one_setting_changes_and_the_password_stays(web: Web):
    provider = await web.provider()
    new = {
        "name": "Viettel",
        "gateways": [{"host": "203.0.113.5"}],
        "settings": {"username": "a", "password": PASSWORD},
    }
    made = await provider.post("/api/v1/trunks", json=new)
    place = made.headers["location"]
    changed = await provider.patch(
        place, json={"settings": {"channels": 30}}, headers={"If-Match": made.headers["etag"]}
    )
    settings = changed.json()["settings"]
    assert (settings["channels"], settings["username"], settings["has_password"]) == (30, "a", True)
    late = await provider.patch(place, json={"name": "X"}, headers={"If-Match": made.headers["etag"]})
    assert late.status_code == 412
    assert (await provider.patch(place, json={"settings": {"password": ""}})).json()["settings"][
        "has_password"
    ] is False


async def test_what_cannot_be_names_the_field(web: Web):
    provider = await web.provider()
    new = {"name": "Viettel", "gateways": [{"host": "203.0.113.5"}]}
    first = (await provider.get("/api/v1/trunks")).json()["items"][0]
    for more, status, field in (
        ({"name": first["name"]}, 409, "/name"),
        ({"gateways": [{"host": "192.0.2.1"}]}, 409, "/gateways"),
        ({"gateways": []}, 422, "/gateways"),
        ({"settings": {"register": True}}, 422, "/settings/username"),
        ({"settings": {"codecs": ["MP3"]}}, 422, "/settings/codecs"),
        ({"settings": {"tls_key": "/etc/passwd"}}, 422, "/settings/tls_key"),
    ):
        problem = (await provider.post("/api/v1/trunks", json={**new, **more})).json()
        assert (problem["status"], problem["errors"][0]["field"]) == (status, field), problem
    refused = await provider.put(web.tenant() + "/trunks", json={"trunks": ["trunk_none"]})
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "/trunks")


async def test_how_a_carrier_fares(web: Web):
    provider = await web.provider()
    trunk = (await provider.get("/api/v1/trunks")).json()["items"][0]
    web.control.gateways = (
        m.TrunkGateway(trunk["id"], "Carrier", "udp:192.0.2.1:5060", False, 7.0, None, "no answer", 2, 0),
        m.TrunkGateway("trunk_other", "Other", "udp:192.0.2.9:5060", True, 0.0, None, "", 0, 0),
    )
    (state,) = (await provider.get(f"/api/v1/trunks/{trunk['id']}/state")).json()
    assert (state["gateway"], state["up"], state["why"]) == ("udp:192.0.2.1:5060", False, "no answer")
