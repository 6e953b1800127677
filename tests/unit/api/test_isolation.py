"""Tenant A asks for what is tenant B's (threat 14): every operation of the OpenAPI, with every kind of id, as
an administrator and as an employee. A path with a parameter that is not known here fails."""

from __future__ import annotations

import pytest
from tests.unit.api.conftest import Web
from tests.unit.api.operations import Operation, operations
from tests.unit.api.sounds import WAV, tone

from tongdai.api.rpc import messages as m
from tongdai.calllog import store
from tongdai.calls import facts as f
from tongdai.calls.model import Party, PartyKind
from tongdai.flows.ports import Message

NOTHING = {
    "person": "person_none",
    "device": "device_none",
    "mailbox": "person_none",
    "department": "department_none",
    "room": "room_none",
    "number": "+842871234999",
    "menu": "flow_none",
    "trunk": "trunk_none",
    "call": "call_none",
    "message": "msg_none",
    "prompt": "prompt_none",
    "phrase": "none.such",
}
READS = (m.ListCalls, m.ListPresence, m.ReadFacts, m.ReadMailbox, m.ReadPreferences)


async def furnish(web: Web, company: int) -> dict[str, str]:
    """What a company has: an id of each kind that a path may name."""
    admin, place = await web.admin(company), web.tenant(company)
    tenant = web.seeded.tenants[company].id

    async def first(kind: str, name: str = "id") -> str:
        return str((await admin.get(f"{place}/{kind}")).json()["items"][-1][name])

    person = await first("people")
    device = await admin.post(f"{place}/people/{person}/devices", json={})
    department = await admin.post(f"{place}/departments", json={"name": "Theirs", "extension": "888"})
    caller = Party(PartyKind.PERSON, "101", "Theirs", person)
    leg = m.LiveLeg("call_theirs.l0", caller, "answered", True, False, 0.0)
    call = m.LiveCall("call_theirs", tenant, 0.0, caller, "102", "talking", "", leg.id, "", (leg,))
    web.control.calls = [call]
    blob = web.context.blobs.write(tenant, b"RIFF0123456789", ".wav")
    box = m.Mailbox(person, "Theirs", "", True, (Message("msg_theirs", blob, caller, 0.0, 2500, False),))
    web.control.boxes = {(tenant, person): box}
    prompt = await admin.post(f"{place}/prompts/upload?name=X", content=tone(), headers=WAV)
    fact = f.LoggedFact(call.id, tenant, 1, 0.0, f.FlowEntered("switchboard", "Theirs"))
    await store.store(web.context.db, [store.Chunk([fact])])
    provider = await web.provider()
    trunk = (await provider.get("/api/v1/trunks")).json()["items"][0]["id"]
    return {
        "trunk": trunk,
        "person": person,
        "device": device.json()["id"],
        "mailbox": person,
        "department": department.json()["id"],
        "room": await first("rooms"),
        "number": await first("numbers", "number"),
        "menu": await first("menus"),
        "call": call.id,
        "message": "msg_theirs",
        "prompt": prompt.json()["id"],
        "phrase": "none.such",  # the same for all companies
    }


def in_a_tenant(web: Web) -> list[Operation]:
    return [x for x in operations(web.app) if "tenant" in x.parameters]


@pytest.mark.parametrize("role", ["administrator", "employee"])
async def test_every_operation_in_another_tenant_does_not_exist(web: Web, role: str):
    theirs = await furnish(web, 1)
    client = await (web.admin() if role == "administrator" else web.employee())
    web.control.asked.clear()
    found = in_a_tenant(web)
    for operation in found:
        answers = []
        for tenant, ids in ((web.seeded.tenants[1].id, theirs), ("tenant_none", NOTHING)):
            place = operation.path.format(tenant=tenant, **ids)
            answer = await client.request(operation.method, place, **operation.request())
            answers.append((answer.status_code, answer.text.replace(tenant, "ID")))
        assert answers[0] == answers[1], operation.name
        assert answers[0][0] == 404, operation.name
    assert len(found) > 40
    assert web.control.asked == [], "control was not even asked"


async def test_what_is_another_tenants_does_not_exist_in_ones_own(web: Web):
    theirs = await furnish(web, 1)
    admin = await web.admin()
    web.control.asked.clear()
    for operation in in_a_tenant(web):
        for kind in operation.parameters:
            if kind == "tenant":
                continue
            answers = []
            for ids in (theirs, NOTHING):
                place = operation.path.format(tenant=web.seeded.tenants[0].id, **ids)
                answer = await admin.request(operation.method, place, **operation.request())
                text = answer.text
                for one in sorted(ids.values(), key=len, reverse=True):
                    text = text.replace(one, "ID")
                answers.append((answer.status_code, text))
            assert answers[0] == answers[1], operation.name
            assert answers[0][0] == 404 or "not_permitted" in answers[0][1], (operation.name, answers[0])
    assert [x for x in web.control.asked if not isinstance(x, READS)] == []


async def test_what_a_body_names_must_be_ones_own(web: Web):
    theirs = await furnish(web, 1)
    admin, here = await web.admin(), web.tenant()
    ours = (await admin.get(here + "/departments")).json()["items"][0]["id"]
    menu = (await admin.get(here + "/menus")).json()["items"][0]["id"]
    number = (await admin.get(here + "/numbers")).json()["items"][0]["number"]
    web.control.asked.clear()

    def asks(ids: dict[str, str]) -> list[tuple[str, str, dict[str, object]]]:
        leads: list[tuple[str, str, dict[str, object]]] = [
            ("PATCH", f"/numbers/{number}", {"leads_to": {"kind": kind, "id": ids[kind]}})
            for kind in ("person", "department", "room", "menu")
        ]
        leads += [
            ("PATCH", f"/menus/{menu}", {"otherwise": {"kind": kind, "id": ids[id_]}})
            for kind, id_ in (
                *((kind, kind) for kind in ("person", "department", "room")),
                *(("voicemail", "person"), ("voicemail", "department")),
            )
        ]
        return [
            ("POST", "/departments", {"name": "X", "extension": "889", "members": [ids["person"]]}),
            ("PATCH", f"/departments/{ours}", {"members": [ids["person"]]}),
            *leads,
            ("PUT", "/hold-music", {"prompt": ids["prompt"]}),
            ("PUT", "/phrases/queue.welcome", {"prompt": ids["prompt"]}),
            ("PATCH", f"/menus/{menu}", {"greeting": {"prompt": ids["prompt"]}}),
        ]

    for (method, path, body), (_, _, nothing) in zip(asks(theirs), asks(NOTHING), strict=True):
        answers = []
        for sent in (body, nothing):
            answer = await admin.request(method, here + path, json=sent)
            text = answer.text
            for kind in ("person", "department", "room", "prompt", "menu"):
                text = text.replace(theirs[kind], "ID").replace(NOTHING[kind], "ID")
            answers.append((answer.status_code, text))
        assert answers[0] == answers[1], (method, path)
        assert answers[0][0] == 422, (method, path)
    assert web.control.served() == []


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
