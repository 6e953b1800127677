from __future__ import annotations

import pytest
from tests.sim.company import GREETING, MENU, Company

from tongdai.calls.prompts import Clip, Text
from tongdai.flows import schema
from tongdai.flows.linter import Finding, Severity, exits, lint
from tongdai.flows.ports import Department, RoomConfig
from tongdai.flows.schema import Flow, Node


@pytest.fixture
def company() -> Company:
    return Company()


def found(company: Company, nodes: dict[str, Node], start: str = "start") -> list[tuple[str, str]]:
    findings = lint(Flow("draft", "switchboard", "Draft", start, nodes), company)
    assert all(finding.problem.endswith(".") and finding.remedy.endswith(".") for finding in findings)
    return [(finding.node, finding.code) for finding in findings]


def only(company: Company, node: Node) -> list[str]:
    return [code for _, code in found(company, {"start": node})]


def test_every_flow_of_the_demo_company_is_clean(company: Company) -> None:
    for flow in company.flows.values():
        assert lint(flow, company) == [], flow.ref


def test_a_finding_says_what_to_do(company: Company) -> None:
    flow = Flow("draft", "person", "Draft", "start", {"start": schema.Voicemail("box-999")})
    assert lint(flow, company) == [
        Finding(
            "start",
            Severity.ERROR,
            "no_mailbox",
            "The mailbox box-999 does not exist.",
            "Choose the mailbox of a person or a department.",
        )
    ]


def test_the_start_must_exist(company: Company) -> None:
    assert found(company, {}, start="nowhere") == [("", "no_start")]


def test_exits_must_lead_to_nodes(company: Company) -> None:
    menu = schema.Menu((GREETING,), {"1": "sales"}, otherwise="operator")
    assert found(company, {"start": menu}) == [("start", "no_node"), ("start", "no_node")]
    assert only(company, schema.Play((GREETING,), then="x")) == ["no_node"]
    assert only(company, schema.Dial(("lan",), None, "x", "start", "")) == ["no_node", "dead_exit"]


def test_nodes_to_which_nothing_leads_are_found_with_all_behind_them(company: Company) -> None:
    nodes: dict[str, Node] = {
        "start": schema.End(),
        "forgotten": schema.Play((GREETING,), then="behind"),
        "behind": schema.End(),
        "round": schema.Play((GREETING,), then="round"),
    }
    assert found(company, nodes) == [(name, "unreachable") for name in ("forgotten", "behind", "round")]


def test_a_menu_needs_an_otherwise(company: Company) -> None:
    assert only(company, schema.Menu((GREETING,), {}, otherwise="")) == ["no_otherwise"]


@pytest.mark.parametrize("key", ["#", "12", "", "a"])
def test_a_menu_has_keys_that_exist(company: Company, key: str) -> None:
    assert only(company, schema.Menu((GREETING,), {key: "start", "*": "start"}, "start")) == ["bad_key"]


def test_a_menu_needs_time(company: Company) -> None:
    menu = schema.Menu((GREETING,), {}, "start", timeout=0, interdigit=-1)
    assert only(company, menu) == ["bad_time", "bad_time"]


@pytest.mark.parametrize("prompts", [(), (Text(" "),)])
def test_what_speaks_needs_words(company: Company, prompts: tuple[Text, ...]) -> None:
    assert only(company, schema.Play(prompts)) == ["says_nothing"]
    assert only(company, schema.Menu(prompts, {}, "start")) == ["says_nothing"]
    assert only(company, schema.Play((*prompts, Clip("blob")))) == []


def test_a_dial_without_exits_cuts_callers_off(company: Company) -> None:
    assert only(company, schema.Dial(("lan",), busy="start", no_answer="start")) == ["dead_exit"]


def test_missing_people_departments_mailboxes_rooms_and_extensions(company: Company) -> None:
    def dial(*people: str, seconds: float | None = None) -> schema.Dial:
        return schema.Dial(people, seconds, busy="start", no_answer="start", unavailable="end")

    nodes: dict[str, Node] = {"start": dial("nobody", "lan"), "end": schema.End()}
    assert found(company, nodes) == [("start", "no_person")]
    assert found(company, {**nodes, "start": dial()}) == [("start", "nobody")]
    assert found(company, {**nodes, "start": dial("lan", seconds=0)}) == [("start", "bad_time")]
    assert only(company, schema.Queue("nobody")) == ["no_department"]
    assert only(company, schema.Mailbox("box-999")) == ["no_mailbox"]
    assert only(company, schema.Conference("attic")) == ["no_room"]
    assert only(company, schema.Goto("199")) == ["no_extension"]
    assert only(company, schema.Enter("person:nobody")) == ["no_flow"]
    assert only(company, schema.Directory(operator="199")) == ["no_extension"]
    assert only(company, schema.Directory()) == []


def test_a_queue_without_agents_and_a_room_without_pin(company: Company) -> None:
    company.departments["empty"] = Department("empty", "Empty", "301", (), "")
    company.rooms["open"] = RoomConfig("open", "Open", "601", "")
    assert only(company, schema.Queue("empty")) == ["nobody"]
    assert only(company, schema.Conference("open", ask_pin=True)) == ["no_pin"]
    assert only(company, schema.Conference("open")) == []


def test_an_outside_call_needs_a_trunk_and_a_refusal_a_cause(company: Company) -> None:
    assert only(company, schema.Outside("+84912345678", (), "")) == ["no_trunk"]
    assert only(company, schema.Refuse("closed", "holiday")) == ["bad_cause"]


def test_two_who_lead_to_each_other_when_they_are_away(company: Company) -> None:
    nodes: dict[str, Node] = {
        "start": schema.Play((GREETING,), then="lan"),
        "lan": schema.Dial(("lan",), busy="start", no_answer="start", unavailable="minh"),
        "minh": schema.Dial(("minh",), busy="start", no_answer="start", unavailable="lan"),
    }
    flow = Flow("draft", "person", "Draft", "start", nodes)
    (finding,) = lint(flow, company)
    assert (finding.code, finding.problem) == (
        "circle",
        "A call goes round for ever when nobody is registered: lan → minh → lan.",
    )


def test_a_circle_through_an_extension(company: Company) -> None:
    flow = company.put("109", Flow("round", "person", "Round", "start", {"start": schema.Goto("109")}))
    assert [finding.code for finding in lint(flow, company)] == ["circle"]


def test_a_circle_that_takes_time_is_none(company: Company) -> None:
    nodes: dict[str, Node] = {"start": schema.Play((GREETING,), then="again"), "again": schema.Goto("109")}
    flow = company.put("109", Flow("round", "person", "Round", "start", nodes))
    assert lint(flow, company) == []


def test_exits_are_named() -> None:
    assert exits(MENU["menu"]) == {
        "key 1": "sales",
        "key 2": "support",
        "key 9": "directory",
        "key 0": "operator",
        "otherwise": "operator",
    }
    assert exits(schema.End()) == {}
