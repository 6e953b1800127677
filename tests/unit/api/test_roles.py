"""Who may do what, for every operation of the OpenAPI: what is not in a table here is an administrator's, so
that a new route which forgets to ask who comes fails."""

from __future__ import annotations

from tests.unit.api.conftest import Web
from tests.unit.api.operations import Operation, operations
from tests.unit.api.test_isolation import furnish

T = "/tenants/{tenant}"

ANYBODY = {"POST /sign-in", "GET /sign-in/offers", "GET /healthz"}
"""Without signing in."""

EMPLOYEES = {
    f"GET {T}",
    f"GET {T}/people",
    f"GET {T}/people/{{person}}",
    f"GET {T}/departments",
    f"GET {T}/departments/{{department}}",
    f"GET {T}/rooms",
    f"GET {T}/rooms/{{room}}",
    f"GET {T}/extensions",
    f"GET {T}/numbers",
    f"GET {T}/numbers/{{number}}",
    f"GET {T}/menus",
    f"GET {T}/menus/{{menu}}",
    f"GET {T}/calls",
    f"POST {T}/calls",
    f"GET {T}/presence",
    f"GET {T}/mailboxes",
    f"GET {T}/call-log",
    f"GET {T}/call-log.csv",
    f"GET {T}/hold-music",
    f"GET {T}/hold-music/sound",
    f"POST {T}/speech",
}
"""The company's directory, and what is one's own by its nature."""

OWN = {
    f"GET {T}/people/{{person}}/devices",
    f"GET {T}/people/{{person}}/preferences",
    f"PATCH {T}/people/{{person}}/preferences",
    f"GET {T}/devices/{{device}}",
    f"PUT {T}/people/{{person}}/voicemail-pin",
    f"GET {T}/calls/{{call}}",
    f"DELETE {T}/calls/{{call}}",
    f"POST {T}/calls/{{call}}/hold",
    f"POST {T}/calls/{{call}}/transfer",
    f"POST {T}/calls/{{call}}/park",
    f"POST {T}/calls/{{call}}/pull",
    f"GET {T}/calls/{{call}}/explanation",
    f"GET {T}/mailboxes/{{mailbox}}",
    f"GET {T}/mailboxes/{{mailbox}}/greeting/sound",
    f"PUT {T}/mailboxes/{{mailbox}}/greeting",
    f"PUT {T}/mailboxes/{{mailbox}}/greeting/sound",
    f"DELETE {T}/mailboxes/{{mailbox}}/greeting",
    f"GET {T}/mailboxes/{{mailbox}}/messages",
    f"GET {T}/mailboxes/{{mailbox}}/messages/{{message}}/sound",
    f"PATCH {T}/mailboxes/{{mailbox}}/messages/{{message}}",
    f"DELETE {T}/mailboxes/{{mailbox}}/messages/{{message}}",
}
"""An employee's when it is his; somebody else's is refused, or (a call) does not exist for him."""

PROVIDERS = {
    "GET /audit",
    "GET /tenants",
    "POST /tenants",
    f"DELETE {T}",
    f"POST {T}/numbers",
    f"DELETE {T}/numbers/{{number}}",
    "GET /trunks",
    "POST /trunks",
    "GET /trunks/{trunk}",
    "PATCH /trunks/{trunk}",
    "DELETE /trunks/{trunk}",
    "GET /trunks/{trunk}/state",
    f"GET {T}/trunks",
    f"PUT {T}/trunks",
}
"""Nobody's but the provider's."""


def _named(web: Web) -> dict[str, Operation]:
    return {x.name: x for x in operations(web.app)}


def _is_me(name: str) -> bool:
    return name.split()[1].startswith(("/me", "/sign-out"))


async def test_the_tables_name_what_there_is(web: Web):
    named = _named(web)
    assert {*ANYBODY, *EMPLOYEES, *OWN, *PROVIDERS} <= named.keys()


async def test_nobody_is_let_in_who_is_not_signed_in(web: Web):
    for name, operation in _named(web).items():
        if name in ANYBODY:
            continue
        place = operation.path.format(**dict.fromkeys(operation.parameters, "tenant_none"))
        answer = await web.anybody.request(operation.method, place, **operation.request())
        assert answer.status_code == 401, name
        assert answer.headers["content-type"] == "application/problem+json"


async def test_an_employee_may_what_is_his_own(web: Web):
    ids = await furnish(web, 0)  # of the last person in the list: somebody else
    lan = await web.employee()
    served = len(web.control.served())
    for name, operation in _named(web).items():
        if name in ANYBODY or name in EMPLOYEES or _is_me(name):
            continue
        place = operation.path.format(tenant=web.seeded.tenants[0].id, **ids)
        answer = await lan.request(operation.method, place, **operation.request())
        if name in OWN and "{call}" in name:
            assert answer.status_code == 404, name
        else:
            assert (answer.status_code, answer.json()["code"]) == (403, "not_permitted"), name
    assert len(web.control.served()) == served
    for name in EMPLOYEES - {f"POST {T}/calls", f"GET {T}/mailboxes"}:  # whose answers control has
        operation = _named(web)[name]
        place = operation.path.format(tenant=web.seeded.tenants[0].id, **ids)
        answer = await lan.request(operation.method, place, **operation.request())
        assert answer.status_code == 200, (name, answer.text)


async def test_an_administrator_may_everything_but_what_is_the_providers(web: Web):
    ids = await furnish(web, 0)
    admin, provider = await web.admin(), await web.provider()
    named = _named(web)
    for name in PROVIDERS:
        operation = named[name]
        place = operation.path.format(tenant=web.seeded.tenants[0].id, **ids)
        answer = await admin.request(operation.method, place, **operation.request())
        assert (answer.status_code, answer.json()["code"]) == (403, "not_permitted"), name
    for client, but in ((admin, PROVIDERS), (provider, set[str]())):
        for name, operation in named.items():
            if name in but or name in ANYBODY or _is_me(name) or operation.method == "DELETE":
                continue
            place = operation.path.format(tenant=web.seeded.tenants[0].id, **ids)
            answer = await client.request(operation.method, place, **operation.request())
            assert answer.status_code not in (401, 403, 405, 500), (name, answer.text)


async def test_what_is_there_for_other_methods_only_says_so(web: Web):
    """The pages take every GET that nobody else takes, and told that there was nothing."""
    admin = await web.admin()
    for place, allowed in (("/api/v1/sign-in", "POST"), (web.tenant() + "/speech", "POST")):
        answer = await admin.get(place)
        assert (answer.status_code, answer.headers["allow"]) == (405, allowed)
    assert (await admin.get(web.tenant() + "/nowhere")).status_code == 404
