"""Nobody overwrites what he has not seen: every address that is read and written, out of the OpenAPI."""

from __future__ import annotations

from tests.unit.api.conftest import Web
from tests.unit.api.operations import Operation, operations
from tests.unit.api.test_isolation import furnish

BESIDE = (
    "/api/v1/tenants/{tenant}/calls/{call}",  # is ended, however it is at the moment
    "/api/v1/tenants/{tenant}/mailboxes/{mailbox}/greeting/sound",  # is put whole, and no configuration
)


async def test_what_is_read_with_an_etag_is_changed_by_it(web: Web):
    ids = {**await furnish(web, 0), "tenant": web.seeded.tenants[0].id, "phrase": "queue.welcome"}
    provider = await web.provider()
    places: dict[str, dict[str, Operation]] = {}
    for operation in operations(web.app):
        places.setdefault(operation.path, {})[operation.method] = operation
    checked = 0
    for path, methods in places.items():
        changes = [methods[x] for x in ("PATCH", "PUT", "DELETE") if x in methods]
        if "GET" not in methods or not changes or path in BESIDE or "/me" in path:
            continue
        place = path.format(**ids)
        read = await provider.get(place)
        assert read.status_code == 200, (path, read.text)
        assert read.headers.get("etag"), path
        again = await provider.get(place, headers={"If-None-Match": read.headers["etag"]})
        assert again.status_code == 304, path
        for change in changes:
            asked = change.request()
            headers = {**asked.pop("headers", {}), "If-Match": '"stale"'}
            answer = await provider.request(change.method, place, headers=headers, **asked)
            assert (answer.status_code, answer.json()["code"]) == (412, "changed_meanwhile"), change.name
            checked += 1
    assert checked > 15


async def test_preferences_that_a_phone_changed_meanwhile_stay(web: Web):
    lan = await web.employee()
    me = (await lan.get("/api/v1/me")).json()["person"]
    place = f"{web.tenant()}/people/{me}/preferences"
    read = (await lan.get(place)).headers["etag"]
    changed = await lan.patch(place, json={"forward_busy": "102"}, headers={"If-Match": read})
    assert changed.status_code == 200
    stale = await lan.patch(place, json={"do_not_disturb": True}, headers={"If-Match": read})
    assert stale.status_code == 412
    new = {"If-Match": changed.headers["etag"]}
    assert (await lan.patch(place, json={"do_not_disturb": True}, headers=new)).status_code == 200
