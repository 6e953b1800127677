"""Tenant A asks for what is tenant B's (threat 14): every operation of the OpenAPI that names a tenant."""

from __future__ import annotations

from tests.unit.api.conftest import Web

NOBODY = {"person": "person_none", "device": "device_none", "mailbox": "person_none"}
REST = {"call": "call_none", "message": "msg_none"}


async def test_every_operation_in_another_tenant_does_not_exist(web: Web):
    admin = await web.admin()
    theirs = web.seeded.tenants[1].id
    asked = 0
    for path, operations in web.app.openapi()["paths"].items():
        if "{tenant}" not in path:
            continue
        for method in operations:
            answers = []
            for tenant in (theirs, "tenant_none"):
                place = path.format(tenant=tenant, **NOBODY, **REST)
                answer = await admin.request(method.upper(), place)
                answers.append((answer.status_code, answer.text.replace(tenant, "ID")))
            assert answers[0] == answers[1], (method, path)
            assert answers[0][0] == 404, (method, path)
            asked += 1
    assert asked > 20
    assert web.control.asked == [], "control was not even asked"


async def test_what_is_another_tenants_does_not_exist_in_ones_own(web: Web):
    admin, theirs = await web.admin(), await web.admin(1)
    person = (await theirs.get(web.tenant(1) + "/people")).json()["items"][-1]["id"]
    made = await theirs.post(f"{web.tenant(1)}/people/{person}/devices", json={})
    known = {"person": person, "device": made.json()["id"], "mailbox": person}
    before = len(web.control.served())
    for path, operations in web.app.openapi()["paths"].items():
        kinds = [kind for kind in known if f"{{{kind}}}" in path]
        for method in operations if kinds else ():
            answers = []
            for ids in (known, NOBODY):
                place = path.format(tenant=web.seeded.tenants[0].id, **ids, **REST)
                answer = await admin.request(method.upper(), place)
                answers.append((answer.status_code, answer.text.replace(ids[kinds[0]], "ID")))
            assert answers[0] == answers[1], (method, path)
            assert answers[0][0] in (404, 422), (method, path)
    assert len(web.control.served()) == before


async def test_nothing_that_is_asked_for_becomes_sql_or_a_path(web: Web):
    """Threats 15 and 16."""
    admin = await web.admin()
    for text in ("'; DROP TABLE person; --", "name; SELECT 1", "%' OR '1'='1", "../../etc/passwd"):
        sort = await admin.get(web.tenant() + "/people", params={"sort": text})
        assert sort.status_code == 422
        found = await admin.get(web.tenant() + "/people", params={"q": text})
        assert (found.status_code, found.json()["items"]) == (200, [])
    for place in ("/people/..%2f..%2fetc", "/mailboxes/person_x/messages/..%2f..%2fserver.key/sound"):
        assert (await admin.get(web.tenant() + place)).status_code in (404, 422)
    assert (await admin.get(web.tenant() + "/people")).json()["items"]
