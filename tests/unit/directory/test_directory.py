"""A directory that becomes another one while it is used."""

from __future__ import annotations

from tests.unit.directory.conftest import (
    CONFERENCE,
    MENU,
    OPERATOR,
    THEIRS,
    TRUNKS,
    anphat,
    binhminh,
    directory_of,
)

from tongdai.calls.model import Party
from tongdai.calls.prompts import Text
from tongdai.directory import Directory, flows
from tongdai.directory.menus import Choices, Key, Menu, flow_of
from tongdai.flows import schema
from tongdai.tenants.config import ProviderConfig, TenantConfig
from tongdai.tenants.device.model import Device
from tongdai.tenants.flow.model import FlowVersion
from tongdai.tenants.number.model import Number
from tongdai.tenants.trunk.model import Trunk


def follow(directory: Directory, *tenants: TenantConfig, trunks: tuple[Trunk, ...] = TRUNKS) -> None:
    directory.become(directory.prepare(ProviderConfig(trunks, tenants)))


def test_what_others_hold_answers_from_the_newer_configuration(directory: Directory, lan: Party):
    edge, worlds = directory.edge, directory.worlds
    assert worlds["anphat"].route("+14155550100", lan).ref.startswith("forbidden:")
    new = anphat(
        allowed_countries=frozenset({"VN", "US"}),
        domain="new.example",
        devices=(Device("minh-desk", "minh", "anphat-102", "md5", "sha"),),
    )
    follow(directory, new, binhminh())
    assert worlds["anphat"].route("+14155550100", lan).ref.startswith("outside:")
    assert (edge.device("anphat-101"), edge.domain("anphat")) == (None, "new.example")
    assert edge.tenant_of_domain("anphat.example") is None


def test_a_number_that_moved_is_hosted_where_it_is_now(directory: Directory, lan: Party):
    theirs = binhminh()
    follow(directory, anphat(numbers=(Number(CONFERENCE, "room", "room"),)), theirs)
    assert directory.edge.tenant_of_number(CONFERENCE) == "anphat"
    follow(directory, anphat(numbers=()), theirs)
    assert directory.edge.tenant_of_number(CONFERENCE) is None
    assert directory.worlds["anphat"].route(CONFERENCE, lan).ref.startswith("outside:")


def test_tenants_come_and_go(lan: Party):
    directory = directory_of(anphat())
    worlds = directory.worlds
    follow(directory, binhminh())
    assert list(worlds) == ["binhminh"]


def test_a_call_in_progress_keeps_its_version_and_the_next_one_enters_the_new(
    directory: Directory, lan: Party
):
    in_progress = directory.worlds["anphat"].route("100", lan).ref
    keys = (Key("0", OPERATOR, "operator"),)
    third = flow_of(Menu("Main menu", Choices(greeting=Text("New."), keys=keys, otherwise=OPERATOR)))
    versions = (
        FlowVersion("menu", 2, flows.encode(MENU), published=False),
        FlowVersion("menu", 3, flows.encode(third), published=True),
    )
    follow(directory, anphat(flows=versions), binhminh())
    world = directory.worlds["anphat"]
    old = world.flow(in_progress)
    assert old is not None
    assert old.nodes == MENU.nodes
    assert world.route("100", lan).nodes == third.nodes


def test_a_change_of_one_tenant_leaves_the_others_as_they_are(lan: Party):
    """With 500 tenants of 100 people a new name took control longer than the API waits for it."""
    ours, theirs = anphat(), binhminh()
    directory = directory_of(ours, theirs)
    before = dict(directory.worlds)
    follow(directory, ours, binhminh(name="Another name"))
    assert directory.worlds["anphat"] is before["anphat"]
    assert directory.worlds["binhminh"] is not before["binhminh"]


def test_who_did_not_change_sees_what_became_of_others(lan: Party):
    """The worlds that stay share what is known of all: hosted numbers, and trunks of emergency calls."""
    ours = anphat()
    directory = directory_of(ours, binhminh())
    world = directory.worlds["anphat"]
    assert world.route(THEIRS, lan).ref.startswith("hosted:")
    follow(directory, ours, binhminh(numbers=()), trunks=TRUNKS[:1])
    assert world.route(THEIRS, lan).ref.startswith("outside:")
    node = world.route("113", lan).nodes["start"]
    assert isinstance(node, schema.Outside)
    assert node.trunks == ("viettel",)
    follow(directory, ours, binhminh(), trunks=TRUNKS)
    assert world.route(THEIRS, lan).ref.startswith("hosted:")


def test_a_phone_a_domain_and_a_number_can_go_to_another_tenant():
    """Whether the one who loses it or the one who gets it comes first."""
    phone = Device("minh-desk", "minh", "wandering", "md5", "sha")
    theirs = Device("thao-desk", "thao", "wandering", "md5", "sha")
    number = Number(CONFERENCE, "person", "minh")
    for order in (list, lambda pair: list(reversed(pair))):
        directory = directory_of(*order([anphat(devices=(phone,), numbers=(number,)), binhminh(devices=())]))
        moved = binhminh(
            devices=(theirs,), numbers=(Number(CONFERENCE, "person", "thao"),), domain="anphat.example"
        )
        follow(directory, *order([anphat(devices=(), numbers=(), domain="elsewhere.example"), moved]))
        known = directory.edge.device("wandering")
        assert known is not None
        assert (known.tenant, directory.edge.tenant_of_number(CONFERENCE)) == ("binhminh", "binhminh")
        assert directory.edge.tenant_of_domain("anphat.example") == "binhminh"
