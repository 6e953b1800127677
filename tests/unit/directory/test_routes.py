from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.directory.conftest import CONFERENCE, DIRECT, MAIN, THEIRS, anphat, binhminh, directory_of

from tongdai.calls.model import Party, PartyKind
from tongdai.calls.prompts import Phrase, Text
from tongdai.directory import TenantWorld
from tongdai.flows import schema
from tongdai.flows.ports import World
from tongdai.flows.schema import Flow
from tongdai.tenants.extension.model import Extension
from tongdai.tenants.flow.model import FlowVersion


def start(flow: Flow | None) -> schema.Node:
    assert flow is not None
    return flow.nodes[flow.start]


def test_a_person_rings_and_then_takes_a_message(world: TenantWorld, lan: Party):
    flow = world.route("102", lan)
    dial = start(flow)
    assert isinstance(dial, schema.Dial)
    assert dial.people == ("minh",)
    assert (flow.kind, flow.label) == ("person", "Đặng Văn Minh")
    for exit_node in (dial.busy, dial.no_answer, dial.unavailable):
        assert flow.nodes[exit_node] == schema.Voicemail("minh")


def test_a_ring_group_rings_together_and_then_takes_a_message(world: TenantWorld, lan: Party):
    flow = world.route("200", lan)
    dial = start(flow)
    assert isinstance(dial, schema.Dial)
    assert dial.people == ("lan", "minh")
    assert flow.nodes[dial.unavailable] == schema.Voicemail("sales")


def test_a_department_with_a_queue(world: TenantWorld, lan: Party):
    assert start(world.route("300", lan)) == schema.Queue("support")


@pytest.mark.parametrize(
    ("dialled", "node"),
    [
        ("*97", schema.Mailbox("lan")),
        ("*43", schema.EchoTest()),
        ("411", schema.Directory()),
        ("700", schema.Park("700")),
        ("**102", schema.Pickup(person="minh")),
        ("**200", schema.Pickup(flow="department:sales")),
        ("709", schema.Park("709")),
        ("*80102", schema.Intercom("minh")),
        ("*80200", schema.Page("sales")),
        ("*78", schema.Prefer("dnd", "on")),
        ("*72", schema.Prefer("always", "")),
        ("*72102", schema.Prefer("always", "102")),
        ("*91", schema.Prefer("busy", "off")),
        ("600", schema.Conference("room")),
        ("9100", schema.Conference("open")),
        ("9000", schema.MusicForEver()),
    ],
)
def test_features(world: TenantWorld, lan: Party, dialled: str, node: schema.Node):
    assert start(world.route(dialled, lan)) == node


def test_the_switchboard_is_the_published_version(world: TenantWorld, lan: Party):
    flow = world.route("100", lan)
    assert flow.ref == "flow:menu:2"
    menu = start(flow)
    assert isinstance(menu, schema.Menu)
    assert menu.prompts[:2] == (Text("Welcome."), Phrase("menu.option", {"label": "Sales", "digit": "1"}))
    assert flow.nodes[menu.options["1"]] == schema.Enter("department:sales")
    assert world.flow("department:sales") == world.route("200", lan)
    assert flow.nodes[menu.options["9"]] == schema.Directory(operator="102")
    assert flow.nodes[menu.otherwise] == schema.Goto("102")


def test_a_call_in_progress_stays_on_its_version(world: TenantWorld):
    assert world.flow("flow:menu:1") is not None
    assert world.flow("flow:menu:3") is None


def test_a_flow_that_cannot_be_read_takes_nothing_else_along(
    changed: Callable[..., TenantWorld], lan: Party, outsider: Party
):
    broken = changed(flows=(FlowVersion("menu", 1, b'{"kind": 7', published=True),))
    assert isinstance(start(broken.route("100", lan)), schema.Refuse)
    assert isinstance(start(broken.route_number(MAIN, outsider)), schema.Refuse)
    assert isinstance(start(broken.route("102", lan)), schema.Dial)


# outside


@pytest.mark.parametrize("dialled", ["0901234567", "+84901234567", "0084901234567", "090 123-4567"])
def test_a_national_call_goes_through_the_trunk_with_the_companys_number(
    world: TenantWorld, lan: Party, dialled: str
):
    flow = world.route(dialled, lan)
    assert start(flow) == schema.Outside("+84901234567", ("viettel",), MAIN)
    assert (flow.kind, flow.label) == ("outside", "+84901234567")


@pytest.mark.parametrize("dialled", ["+14155550132", "0014155550132", "+870773111632"])
def test_other_countries_are_refused_aloud(world: TenantWorld, lan: Party, dialled: str):
    refusal = start(world.route(dialled, lan))
    assert isinstance(refusal, schema.Refuse)
    assert (refusal.cause, refusal.prompts) == ("forbidden", (Phrase("outside.not_permitted"),))


def test_a_country_that_the_administrator_opened(changed: Callable[..., TenantWorld], lan: Party):
    world = changed(allowed_countries=frozenset({"VN", "US"}))
    assert start(world.route("+14155550132", lan)) == schema.Outside("+14155550132", ("viettel",), MAIN)
    assert isinstance(start(world.route("+16045550123", lan)), schema.Refuse), "Canada has the same code"


@pytest.mark.parametrize("dialled", ["02871234600", THEIRS])
def test_a_number_hosted_here_needs_no_trunk(changed: Callable[..., TenantWorld], lan: Party, dialled: str):
    for world in (changed(), changed(trunks=()), changed(allowed_countries=frozenset())):
        assert start(world.route(dialled, lan)) == schema.Hosted(THEIRS, MAIN)


def test_ones_own_number_is_hosted_too(world: TenantWorld, lan: Party):
    assert start(world.route("02871234500", lan)) == schema.Hosted(MAIN, MAIN)


def test_without_a_trunk_an_outside_call_is_refused_aloud(changed: Callable[..., TenantWorld], lan: Party):
    refusal = start(changed(trunks=()).route("0901234567", lan))
    assert isinstance(refusal, schema.Refuse)
    assert (refusal.cause, refusal.prompts) == ("congestion", (Phrase("outside.unavailable"),))


@pytest.mark.parametrize("dialled", ["999", "107", "10", "710", "*98", "", "1010", "lan", "901234567"])
def test_what_leads_nowhere(world: TenantWorld, lan: Party, dialled: str):
    refusal = start(world.route(dialled, lan))
    assert isinstance(refusal, schema.Refuse)
    assert (refusal.cause, refusal.prompts) == ("not_found", ())


# emergency


@pytest.mark.parametrize("number", ["112", "113", "114", "115"])
def test_emergency_calls_are_tried_on_every_trunk_the_tenants_first(
    world: TenantWorld, lan: Party, number: str
):
    flow = world.route(number, lan)
    assert start(flow) == schema.Outside(number, ("viettel", "vnpt", "fpt"), MAIN, emergency=True)
    assert flow.kind == "emergency"


def test_emergency_comes_before_every_other_rule(changed: Callable[..., TenantWorld]):
    """Even before a rule that should never have been: an extension in its way, a caller whom nobody knows."""
    stranger = Party(PartyKind.PERSON, "", person="gone")
    bad = changed(extensions=(Extension("113", "person", "lan"),), trunks=(), allowed_countries=frozenset())
    for by in (stranger, Party(PartyKind.PERSON, "101", person="lan"), Party(PartyKind.OUTSIDE, "")):
        node = start(bad.route("113", by))
        assert isinstance(node, schema.Outside)
        assert (node.emergency, node.trunks) == (True, ("viettel", "vnpt", "fpt"))


# from outside


def test_numbers_lead_where_they_were_led(world: TenantWorld, outsider: Party):
    assert world.route_number(MAIN, outsider).ref == "flow:menu:2"
    assert start(world.route_number(CONFERENCE, outsider)) == schema.Conference("room", ask_pin=True)
    assert isinstance(start(world.route_number(DIRECT, outsider)), schema.Dial)


def test_a_number_of_another_tenant_is_unknown(world: TenantWorld, outsider: Party):
    theirs, free = world.route_number(THEIRS, outsider), world.route_number("+842871234999", outsider)
    assert start(theirs) == start(free)
    assert isinstance(start(theirs), schema.Refuse)


@pytest.mark.parametrize("digits", ["101", "102", "200", "300"])
def test_people_and_departments_are_dialled_from_a_menu(world: TenantWorld, lan: Party, digits: str):
    assert world.route_menu(digits) == world.route(digits, lan)


def test_a_room_from_a_menu_asks_for_the_pin(world: TenantWorld):
    assert start(world.route_menu("600")) == schema.Conference("room", ask_pin=True)


@pytest.mark.parametrize(
    "digits",
    ["", "1", "10", "999", "100", "9000", "9100", "411", "*97", "*43", "700", "113", "0901234567", THEIRS],
)
def test_what_a_caller_in_a_menu_cannot_dial(world: TenantWorld, digits: str):
    assert world.route_menu(digits) is None


@pytest.mark.parametrize(
    "dialled", ["0901234567", "+14155550132", THEIRS, "*97", "*43", "700", "9000", "9100"]
)
def test_an_outsider_reaches_no_more_than_from_a_menu(world: TenantWorld, outsider: Party, dialled: str):
    """Otherwise anybody could telephone at the company's expense."""
    assert isinstance(start(world.route(dialled, outsider)), schema.Refuse)


def test_somebody_of_another_tenant_is_an_outsider(world: TenantWorld):
    thao = Party(PartyKind.PERSON, "101", person="thao")
    assert isinstance(start(world.route("0901234567", thao)), schema.Refuse)
    assert start(world.route("600", thao)) == schema.Conference("room", ask_pin=True)


@pytest.mark.parametrize(
    ("digits", "begins"),
    [
        ("1", True),
        ("10", True),
        ("101", False),
        ("2", True),
        ("6", True),
        ("9", False),
        ("0", False),
        ("", False),
    ],
)
def test_keys_that_could_begin_an_extension(world: TenantWorld, digits: str, begins: bool):
    assert world.begins_extension(digits) is begins


# refs


INSIDE = ("100", "101", "200", "300", "600", "9000", "9100", "*97", "*43", "411", "705", "113", "998")
OUTSIDE = (MAIN, THEIRS, "0901234567", "+14155550132")
EVERYTHING = st.sampled_from((*INSIDE, *OUTSIDE)) | st.text(max_size=20)


@given(EVERYTHING)
def test_every_flow_is_found_again_by_its_ref(dialled: str):
    world: World = directory_of(anphat(), binhminh()).worlds["anphat"]
    for by in (Party(PartyKind.PERSON, "101", person="lan"), Party(PartyKind.OUTSIDE, "+84901234567")):
        for flow in (world.route(dialled, by), world.route_number(dialled, by)):
            assert world.flow(flow.ref) == flow


def test_a_flow_is_found_after_a_restart_with_another_configuration(
    world: TenantWorld, changed: Callable[..., TenantWorld], lan: Party
):
    """A call in progress keeps its kind of node: its verb could make nothing of another."""
    ref = world.route("0901234567", lan).ref
    assert isinstance(start(changed(trunks=()).flow(ref)), schema.Outside)
    assert isinstance(start(changed(allowed_countries=frozenset()).flow(ref)), schema.Outside)


@pytest.mark.parametrize("ref", ["person:thao", "room:none", "flow:menu:9", "nonsense", "", "park:800"])
def test_a_ref_to_what_is_not_there(world: TenantWorld, ref: str):
    assert world.flow(ref) is None


@pytest.mark.parametrize("dialled", ["**", "**199", "**600", "**100", "***102", "**0901234567"])
def test_only_people_and_departments_have_calls_to_pick_up(world: TenantWorld, lan: Party, dialled: str):
    node = start(world.route(dialled, lan))
    assert isinstance(node, schema.Refuse)
    assert node.cause == "not_found"


@pytest.mark.parametrize(
    ("to", "kind"),
    [
        ("102", "person"),
        ("200", "department"),
        ("100", "switchboard"),
        ("0908123456", "outside"),
        (THEIRS, "hosted"),
        ("101", None),
        ("113", None),
        ("*97", None),
        ("**102", None),
        ("700", None),
        ("199", None),
        ("+12125550123", None),
    ],
)
def test_where_calls_may_be_forwarded(world: TenantWorld, lan: Party, to: str, kind: str | None):
    flow = world.forward(to, lan)
    assert (flow.kind if flow is not None else None) == kind


def test_nobody_of_another_tenant_forwards_here(world: TenantWorld):
    assert world.forward("102", Party(PartyKind.PERSON, "101", "Thảo", "thao")) is None


def test_a_tenants_own_codes_are_dialled_in_place_of_ours(lan: Party):
    own = anphat(feature_codes={"pickup": "*8", "park": "80", "dnd_on": ""})
    world = directory_of(own, binhminh()).worlds["anphat"]
    assert start(world.route("*8102", lan)) == schema.Pickup(person="minh")
    assert start(world.route("805", lan)) == schema.Park("805")
    assert world.flow("pickup:102") is not None
    for gone in ("**102", "705", "*78"):
        assert isinstance(start(world.route(gone, lan)), schema.Refuse), gone
    theirs = directory_of(own, binhminh()).worlds["binhminh"]
    thao = Party(PartyKind.PERSON, "101", "Thảo", "thao")
    assert start(theirs.route("*78", thao)) == schema.Prefer("dnd", "on")
