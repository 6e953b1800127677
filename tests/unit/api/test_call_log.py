"""The call log: who may read which calls, filters, pages, the table."""

from __future__ import annotations

import csv

import msgspec
import pytest
from tests.unit.api.conftest import Web
from tests.unit.api.test_calls import live

from tongdai.api.rpc import messages as m
from tongdai.calllog import store
from tongdai.calls import facts as f
from tongdai.calls.model import Cause, Party, PartyKind

OUTSIDE = Party(PartyKind.OUTSIDE, "+84901234567", "=cmd|' /C calc'!A0")


class Logged:
    """Calls of the first company: Minh called Lan, the outside called Lan in vain, Minh called out."""

    def __init__(self, web: Web, lan: str, minh: str) -> None:
        self.web = web
        self.lan = Party(PartyKind.PERSON, "101", "Lan Nguyen", lan)
        self.minh = Party(PartyKind.PERSON, "102", "Minh Tran", minh)

    async def write(self) -> None:
        await self._call("call_1", 1000.0, self.minh, "101", self.lan, talked=True)
        await self._call("call_2", 2000.0, OUTSIDE, "+842871234500", self.lan, talked=False)
        await self._call("call_3", 3000.0, self.minh, "0901234567", OUTSIDE, talked=True)

    async def _call(self, call: str, at: float, caller: Party, dialled: str, to: Party, talked: bool) -> None:
        facts: list[f.Fact] = [
            f.CallStarted("a", caller, dialled),
            f.FlowEntered("person", to.name),
            f.LegCreated("b", to, "callee"),
        ]
        if talked:
            facts += [f.LegAnsweredFact("b"), f.LegAnsweredFact("a"), f.Connected("a", "b")]
        facts += [f.LegEndedFact("b", Cause.NORMAL, True), f.LegEndedFact("a", Cause.CANCELLED, False)]
        facts.append(f.CallEnded(Cause.NORMAL if talked else Cause.CANCELLED, ""))
        tenant = self.web.seeded.tenants[0].id
        logged = [f.LoggedFact(call, tenant, n + 1, at + n, fact) for n, fact in enumerate(facts)]
        await store.store(self.web.context.db, [store.Chunk(logged, ended=True)])


@pytest.fixture
async def logged(web: Web) -> Logged:
    lan, minh = await web.employee(0), await web.employee(1)
    ids = [(await x.get("/api/v1/me")).json()["person"] for x in (lan, minh)]
    found = Logged(web, *ids)
    await found.write()
    return found


@pytest.mark.parametrize(
    ("filters", "calls"),
    [
        ({}, ["call_3", "call_2", "call_1"]),
        ({"since": "1970-01-01T00:30:00Z"}, ["call_3", "call_2"]),
        ({"until": "1970-01-01T00:30:00Z"}, ["call_1"]),
        ({"number": "090 123 4567"}, ["call_3", "call_2"]),
        ({"number": "+842871234500"}, ["call_2"]),
        ({"direction": "in"}, ["call_2"]),
        ({"direction": "out"}, ["call_3"]),
        ({"direction": "internal"}, ["call_1"]),
        ({"missed": "true"}, ["call_2"]),
        ({"person": "LAN"}, ["call_2", "call_1"]),
        ({"person": "LAN", "missed": "true"}, ["call_2"]),
        ({"person": "MINH", "missed": "true"}, []),
        ({"number": "%"}, ["call_3", "call_2", "call_1"]),
    ],
)
async def test_filters(web: Web, logged: Logged, filters: dict[str, str], calls: list[str]):
    admin = await web.admin()
    known = {"LAN": logged.lan.person, "MINH": logged.minh.person}
    params = {name: known.get(value, value) for name, value in filters.items()}
    answer = await admin.get(web.tenant() + "/call-log", params=params)
    assert answer.status_code == 200, answer.text
    assert [x["id"] for x in answer.json()["items"]] == calls


async def test_pages_and_stories(web: Web, logged: Logged):
    admin, seen, cursor = await web.admin(), [], None
    while True:
        params = {"limit": "2"} | ({"cursor": cursor} if cursor else {})
        page = (await admin.get(web.tenant() + "/call-log", params=params)).json()
        seen += page["items"]
        cursor = page["next"]
        if cursor is None:
            break
    assert [x["id"] for x in seen] == ["call_3", "call_2", "call_1"]
    story = "called 101 → rang 101 → 101 answered after 1 s → talked for 1 s → the caller hung up"
    assert seen[2]["story"] == story
    assert seen[1]["missed"]
    bad = await admin.get(web.tenant() + "/call-log", params={"cursor": "WyJ4IiwgInkiXQ"})
    assert (bad.status_code, bad.json()["code"]) == (422, "bad_cursor")


async def test_an_employee_reads_his_own_calls_and_another_tenant_none(web: Web, logged: Logged):
    lan, minh, clinic = await web.employee(0), await web.employee(1), await web.admin(1)
    place = web.tenant() + "/call-log"
    assert [x["id"] for x in (await lan.get(place)).json()["items"]] == ["call_2", "call_1"]
    assert [x["id"] for x in (await minh.get(place)).json()["items"]] == ["call_3", "call_1"]
    assert (await minh.get(place, params={"person": logged.lan.person})).status_code == 403
    assert (await clinic.get(place)).status_code == 404
    assert (await clinic.get(web.tenant(1) + "/call-log")).json()["items"] == []
    for stranger, base in ((minh, web.tenant()), (clinic, web.tenant(1))):
        assert (await stranger.get(base + "/calls/call_2/explanation")).status_code == 404
    steps = (await lan.get(web.tenant() + "/calls/call_2/explanation")).json()
    assert [x["text"] for x in steps] == ["called +84 28 7123 4500", "rang 101", "the caller gave up"]
    assert [x["what"] for x in steps] == ["called", "rang.person", "ended.cancelled"]


async def test_a_call_is_explained_up_to_now_before_it_is_stored(web: Web, logged: Logged):
    """The last step was missing until the next one came: what is stored is a moment behind."""
    admin, minh, tenant = await web.admin(), await web.employee(1), web.seeded.tenants[0].id
    place = web.tenant() + "/calls/call_9/explanation"
    assert (await admin.get(place)).status_code == 404
    web.control.facts = [f.LoggedFact("call_9", tenant, 1, 0.0, f.CallStarted("a", logged.lan, "102"))]
    assert [x["what"] for x in (await admin.get(place)).json()] == ["called"]
    assert (await minh.get(place)).status_code == 404, "he is not in it"
    assert (await (await web.admin(1)).get(web.tenant(1) + "/calls/call_9/explanation")).status_code == 404
    web.control.silent = True
    assert (await admin.get(web.tenant() + "/calls/call_2/explanation")).status_code == 200


@pytest.mark.parametrize(
    ("accepted", "asked", "language"),
    [
        ("vi-VN,vi;q=0.9,en;q=0.8", "", "vi"),
        ("en-GB,en;q=0.9,vi;q=0.8", "", "en"),
        ("fr, vi;q=0.1", "", "vi"),
        ("fr;q=x, *", "", "en"),
        ("vi;q=0", "", "en"),
        ("", "", "en"),
        ("vi", "en", "en"),
        ("en", "vi", "vi"),
    ],
)
async def test_a_story_is_told_in_the_readers_language(
    web: Web, logged: Logged, accepted: str, asked: str, language: str
):
    lan, params = await web.employee(0), {"language": asked} if asked else {}
    headers = {"Accept-Language": accepted}
    place = web.tenant() + "/calls/call_2/explanation"
    answer = await lan.get(place, params=params, headers=headers)
    said = {"en": "the caller gave up", "vi": "người gọi bỏ cuộc"}[language]
    assert answer.json()[-1]["text"] == said
    assert answer.headers["content-language"] == language
    listed = await lan.get(web.tenant() + "/call-log", params=params, headers=headers)
    assert listed.json()["items"][0]["story"].endswith(said)
    table = await lan.get(web.tenant() + "/call-log.csv", params=params, headers=headers)
    assert said in table.text
    assert (await lan.get(place, params={"language": "fr"})).status_code == 422


async def test_the_table_holds_all_and_no_formula(web: Web, logged: Logged):
    admin = await web.admin()
    answer = await admin.get(web.tenant() + "/call-log.csv", params={"number": "0901234567"})
    assert answer.headers["content-type"].startswith("text/csv")
    rows = list(csv.DictReader(answer.text.removeprefix("\ufeff").splitlines()))
    assert [x["id"] for x in rows] == ["call_3", "call_2"]
    assert rows[1]["caller"] == "+84901234567"
    assert rows[1]["caller_name"].startswith("'=cmd")


async def test_a_call_is_taken_to_ones_own_phone(web: Web):
    lan, minh = await web.employee(0), await web.employee(1)
    me, tenant = (await lan.get("/api/v1/me")).json()["person"], web.seeded.tenants[0].id
    web.control.calls = [live(tenant, me)]
    place = web.tenant() + "/calls/call_1/pull"
    assert (await lan.post(place, json={})).json() == {"to": "101"}
    asked = web.control.asked[-1]
    assert isinstance(asked, m.Transfer)
    assert (asked.to, asked.by) == ("101", me)
    assert (await minh.post(place, json={})).status_code == 404
    ringing = m.LiveLeg(
        "l1", Party(PartyKind.PERSON, "102", "Minh", "person_x"), "ringing", False, False, 0.0
    )
    call = live(tenant, me)
    parts = {"state": "ringing", "legs": (*call.legs, ringing)}
    web.control.calls = [msgspec.structs.replace(call, **parts)]
    assert (await lan.post(place, json={})).status_code == 200
    asked = web.control.asked[-1]
    assert isinstance(asked, m.Originate)
    assert asked.to == "**102"
    admin = await web.admin()
    for code, status in (("*2", 200), ("", 409)):
        own = {"feature_codes": {"pickup": code}}
        assert (await admin.patch(web.tenant(), json=own)).status_code == 200
        assert (await lan.post(place, json={})).status_code == status
    asked = [x for x in web.control.asked if isinstance(x, m.Originate)][-1]
    assert asked.to == "*2102", "the company's own code"
