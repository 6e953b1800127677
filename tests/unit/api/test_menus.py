from __future__ import annotations

from typing import Any

import pytest
from tests.unit.api.conftest import Web

from tongdai.calls.prompts import Clip, Text
from tongdai.core.tenancy import TenantId
from tongdai.directory import flows, menu_service
from tongdai.flows import schema
from tongdai.flows.schema import Flow
from tongdai.tenants.flow import service
from tongdai.tenants.prompt import service as prompts
from tongdai.tenants.prompt.schema import NewPrompt


async def _main(web: Web, company: int = 0) -> str:
    admin = await web.admin(company)
    return str((await admin.get(web.tenant(company) + "/menus")).json()["items"][0]["id"])


async def _served(web: Web) -> schema.Flow:
    """The menu that the next call enters."""
    config = web.control.served()[-1].part.tenants[0]
    return next(flows.decode(x) for x in config.flows if x.published)


async def test_the_demos_menu_in_plain_words(web: Web):
    lan = await web.employee()
    summary = (await lan.get(web.tenant() + "/menus")).json()["items"]
    assert [(x["name"], x["extension"], x["numbers"], x["simple"]) for x in summary] == [
        ("Main menu", "100", ["+842871234500"], True)
    ]
    menu = (await lan.get(f"{web.tenant()}/menus/{summary[0]['id']}")).json()
    assert menu["greeting"] == {"text": "Thank you for calling An Phát Trading.", "prompt": None}
    assert [(x["key"], x["label"], x["to"]["kind"], x["to"]["name"]) for x in menu["keys"]] == [
        ("1", "Sales", "department", "Sales"),
        ("2", "Support", "department", "Support"),
        ("9", "the directory", "directory", "Anna Pham"),
        ("0", "the operator", "person", "Anna Pham"),
    ]
    assert menu["otherwise"]["name"] == "Anna Pham"
    assert (menu["timeout_seconds"], menu["interdigit_seconds"], menu["repeats"]) == (5, 2, 1)


async def test_a_greeting_changes_and_nothing_else(web: Web):
    admin = await web.admin()
    place = f"{web.tenant()}/menus/{await _main(web)}"
    before = await admin.get(place)
    changed = await admin.patch(
        place, json={"greeting": {"text": "Xin chào."}}, headers={"If-Match": before.headers["etag"]}
    )
    assert changed.status_code == 200, changed.text
    former = before.json()
    assert changed.json() == {
        **former, "greeting": {"text": "Xin chào.", "prompt": None}, "version": former["version"] + 1
    }  # fmt: skip
    assert menu_service.greeting_of(await _served(web)) == Text("Xin chào.")
    late = await admin.patch(place, json={"repeats": 2}, headers={"If-Match": before.headers["etag"]})
    assert late.status_code == 412
    entry = (await admin.get(web.tenant() + "/audit")).json()["items"][0]
    assert (entry["action"], sorted(entry["changes"])) == ("menu.change", ["greeting", "version"])


async def test_keys_lead_to_everything_there_is_and_to_menus_behind_them(web: Web):
    admin = await web.admin()
    ids = {
        kind: (await admin.get(f"{web.tenant()}/{kind}")).json()["items"][-1]["id"]
        for kind in ("people", "departments", "rooms")
    }
    place = f"{web.tenant()}/menus/{await _main(web)}"
    leads = [
        ("1", "person", ids["people"]),
        ("2", "department", ids["departments"]),
        ("3", "room", ids["rooms"]),
        ("4", "voicemail", ids["departments"]),
        ("5", "extension", "101"),
        ("6", "directory", ""),
        ("7", "menu", "products"),
        ("8", "repeat", ""),
        ("9", "hang_up", ""),
    ]
    keys = [{"key": key, "label": f"key {key}", "to": {"kind": kind, "id": id_}} for key, kind, id_ in leads]
    products = {
        "keys": [{"key": "*", "label": "the main menu", "to": {"kind": "menu", "id": "main"}}],
        "otherwise": {"kind": "menu", "id": "main"},
    }
    changed = await admin.patch(place, json={"keys": keys, "submenus": {"products": products}})
    assert changed.status_code == 200, changed.text
    shown = (await admin.get(place)).json()
    assert [(x["key"], x["to"]["kind"], x["to"]["id"]) for x in shown["keys"]] == leads
    assert shown["submenus"]["products"]["keys"][0]["to"]["id"] == "main"
    flow = await _served(web)
    menu = flow.nodes[flow.start]
    assert isinstance(menu, schema.Menu)
    assert flow.nodes[menu.options["3"]] == schema.Enter(f"room-pin:{ids['rooms']}")
    assert flow.nodes[menu.options["7"]].options == {"*": flow.start}  # type: ignore[union-attr]
    assert menu.options["8"] == flow.start
    refused = await admin.delete(f"{web.tenant()}/people/{ids['people']}")
    assert refused.json()["code"] == "menu_leads_there"
    refused = await admin.delete(f"{web.tenant()}/rooms/{ids['rooms']}")
    assert refused.json()["code"] in ("menu_leads_there", "number_leads_there")


async def test_a_prompt_as_the_greeting(web: Web):
    admin, tenant = await web.admin(), TenantId(web.seeded.tenants[0].id)
    async with web.context.db.write() as connection:
        new = NewPrompt(name="New year", blob="blob_x.wav", ms=1000, created=0.0)
        prompt = await prompts.create(tenant, connection, new)
    place = f"{web.tenant()}/menus/{await _main(web)}"
    changed = await admin.patch(place, json={"greeting": {"prompt": prompt.id}})
    assert changed.json()["greeting"] == {"text": None, "prompt": prompt.id}
    assert menu_service.greeting_of(await _served(web)) == Clip("blob_x.wav")
    for greeting in ({"prompt": "prompt_none"}, {}, {"text": "a", "prompt": prompt.id}):
        problem = (await admin.patch(place, json={"greeting": greeting})).json()
        assert (problem["status"], problem["errors"][0]["field"]) == (422, "/greeting")


@pytest.mark.parametrize(
    ("change", "code", "field"),
    [
        ({"keys": [{"key": "1", "to": {"kind": "person", "id": "p"}}]}, "nothing_there", "/keys/0/to"),
        ({"keys": [{"key": "1", "to": {"kind": "extension", "id": "100"}}]}, "nothing_there", "/keys/0/to"),
        ({"keys": [{"key": "1", "to": {"kind": "menu", "id": "x"}}]}, "no_such_menu", "/keys/0/to"),
        ({"keys": [{"key": "#", "to": {"kind": "repeat"}}]}, "not_valid", "/keys/0/key"),
        ({"keys": [{"key": "1", "to": {"kind": "repeat"}}] * 2}, "key_twice", "/keys/1/key"),
        ({"otherwise": {"kind": "repeat"}}, "endless", "/otherwise"),
        ({"greeting": {"text": " "}}, "bad_greeting", "/greeting"),
        ({"greeting": None, "keys": []}, "says_nothing", "/greeting"),
        ({"timeout_seconds": 0}, "not_valid", "/timeout_seconds"),
        (
            {"submenus": {"x": {"greeting": {"text": "a"}, "otherwise": {"kind": "hang_up"}}}},
            "unreachable_menu",
            "/submenus/x",
        ),
    ],
)
async def test_what_cannot_be_names_the_key(web: Web, change: dict[str, Any], code: str, field: str):
    admin = await web.admin()
    place = f"{web.tenant()}/menus/{await _main(web)}"
    answer = await admin.patch(place, json=change)
    problem = answer.json()
    assert (answer.status_code, problem["code"], problem["errors"][0]["field"]) == (422, code, field), problem
    assert problem["remedy"]


async def test_a_flow_that_is_no_menu_is_refused_and_left_as_it_is(web: Web):
    admin, tenant = await web.admin(), TenantId(web.seeded.tenants[0].id)
    drawn = Flow("", "flow", "Drawn", "start", {"start": schema.Play((Text("Closed."),))})
    async with web.context.db.write() as connection:
        made = await service.create(tenant, connection, flows.encode(drawn), "190")
    summary = (await admin.get(web.tenant() + "/menus", params={"q": "drawn"})).json()["items"]
    assert [(x["name"], x["simple"]) for x in summary] == [("Drawn", False)]
    place = f"{web.tenant()}/menus/{made.id}"
    for answer in (await admin.get(place), await admin.patch(place, json={"repeats": 3})):
        assert (answer.status_code, answer.json()["code"]) == (409, "not_a_simple_menu")
        assert "Drawn" in answer.json()["detail"]
    assert (await admin.delete(place)).status_code == 204


async def test_a_menu_for_the_evening(web: Web):
    admin = await web.admin()
    new = {"name": "Evening", "greeting": {"text": "We are closed."}, "otherwise": {"kind": "hang_up"}}
    made = await admin.post(web.tenant() + "/menus", json={**new, "extension": "190"})
    assert made.status_code == 201, made.text
    number = f"{web.tenant()}/numbers/+842871234500"
    led = await admin.patch(number, json={"leads_to": {"kind": "menu", "id": made.json()["id"]}})
    assert led.json()["leads_to"]["name"] == "Evening"
    assert (await admin.get(made.headers["location"])).json()["numbers"] == ["+842871234500"]
    assert (await admin.delete(made.headers["location"])).json()["code"] == "number_leads_there"
