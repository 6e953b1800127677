"""A directory that becomes another one while it is used."""

from __future__ import annotations

from tests.unit.directory.conftest import CONFERENCE, MENU, anphat, binhminh, directory_of

from tongdai.calls.model import Party
from tongdai.calls.prompts import Text
from tongdai.directory import Directory, flows
from tongdai.directory.flows import Choice
from tongdai.tenants.device.model import Device
from tongdai.tenants.flow.model import FlowVersion
from tongdai.tenants.number.model import Number


def test_what_others_hold_answers_from_the_newer_configuration(directory: Directory, lan: Party):
    edge, worlds = directory.edge, directory.worlds
    assert worlds["anphat"].route("+14155550100", lan).ref.startswith("forbidden:")
    new = anphat(
        allowed_countries=frozenset({"VN", "US"}),
        domain="new.example",
        devices=(Device("minh-desk", "minh", "anphat-102", "md5", "sha"),),
    )
    directory.become(directory_of(new, binhminh()))
    assert worlds["anphat"].route("+14155550100", lan).ref.startswith("outside:")
    assert (edge.device("anphat-101"), edge.domain("anphat")) == (None, "new.example")
    assert edge.tenant_of_domain("anphat.example") is None


def test_a_number_that_moved_is_hosted_where_it_is_now(directory: Directory, lan: Party):
    theirs = binhminh()
    moved = directory_of(anphat(numbers=(Number(CONFERENCE, "room", "room"),)), theirs)
    directory.become(moved)
    assert directory.edge.tenant_of_number(CONFERENCE) == "anphat"
    moved = directory_of(anphat(numbers=()), theirs)
    directory.become(moved)
    assert directory.edge.tenant_of_number(CONFERENCE) is None
    assert directory.worlds["anphat"].route(CONFERENCE, lan).ref.startswith("outside:")


def test_tenants_come_and_go(lan: Party):
    directory = directory_of(anphat())
    worlds = directory.worlds
    directory.become(directory_of(binhminh()))
    assert list(worlds) == ["binhminh"]


def test_a_call_in_progress_keeps_its_version_and_the_next_one_enters_the_new(
    directory: Directory, lan: Party
):
    in_progress = directory.worlds["anphat"].route("100", lan).ref
    third = flows.switchboard("Main menu", Text("New."), (Choice("0", "operator", "102"),), "102")
    versions = (
        FlowVersion("menu", 2, flows.encode(MENU), published=False),
        FlowVersion("menu", 3, flows.encode(third), published=True),
    )
    directory.become(directory_of(anphat(flows=versions), binhminh()))
    world = directory.worlds["anphat"]
    old = world.flow(in_progress)
    assert old is not None
    assert old.nodes == MENU.nodes
    assert world.route("100", lan).nodes == third.nodes
