from __future__ import annotations

import pytest
from tests.unit.directory.conftest import anphat, directory_of

from tongdai.calls.prompts import Clip
from tongdai.directory import Directory, TenantWorld
from tongdai.flows.ports import Department, Person, RoomConfig, World
from tongdai.tenants.config import PersonConfig


def test_it_is_what_call_logic_needs(world: TenantWorld):
    port: World = world
    assert port.ring_seconds == 20.0


def test_the_process_may_set_how_long_phones_ring():
    assert directory_of(anphat(), ring_seconds=3.0).worlds["anphat"].ring_seconds == 3.0


def test_who_and_what_there_is(world: TenantWorld):
    assert world.person("lan") == Person("lan", "Lan Nguyen", "101", mailbox="lan")
    assert world.department("sales") == Department("sales", "Sales", "200", ("lan", "minh"), mailbox="sales")
    assert world.room("room") == RoomConfig("room", "Conference", "600", "2468")


def test_another_tenants_are_as_if_they_were_not(directory: Directory):
    mine, theirs = directory.worlds["anphat"], directory.worlds["binhminh"]
    assert theirs.person("thao") is not None
    assert list(theirs.bindings("thao")) == ["b3"]
    assert theirs.mailbox("thao") is not None
    assert theirs.check_pin("thao", "4101")
    for person in ("thao", "nobody"):
        assert mine.person(person) is None
        assert mine.mailbox(person) is None
        assert list(mine.bindings(person)) == []
        assert not mine.check_pin(person, "4101")
    for world, ids in ((theirs, ("sales", "room")), (mine, ("none", "none"))):
        assert world.department(ids[0]) is None
        assert world.room(ids[1]) is None
    assert [x.id for x in theirs.spelled("526")] == []


def test_mailboxes_and_bindings_are_asked_for(world: TenantWorld):
    view = world.mailbox("lan")
    assert view is not None
    assert view.greeting == Clip("lan.wav")
    assert world.check_pin("lan", "4101")
    assert not world.check_pin("lan", "0000")
    assert list(world.bindings("lan")) == ["b1", "b2"]


@pytest.mark.parametrize(
    ("digits", "found"),
    [
        ("526", ["lan"]),  # LAN
        ("6", ["minh", "lan"]),  # MINH, NGUYEN; by name: Đặng before Lan
        ("32", ["minh"]),  # DANG, with its Đ
        ("6464", ["minh"]),  # MINH
        ("648936", ["lan"]),  # NGUYEN
        ("526648", ["lan"]),  # LANNGU
        ("826", []),  # VAN is neither first nor last
        ("236", []),  # ADM: has no extension
        ("777", []),
        ("", []),
    ],
)
def test_people_are_found_by_spelling(world: TenantWorld, digits: str, found: list[str]):
    assert [person.id for person in world.spelled(digits)] == found


def test_somebody_whose_names_begin_alike_is_found_once():
    twice = (PersonConfig("lan", "Lan Lang", "101"),)
    world = directory_of(anphat(people=twice, devices=())).worlds["anphat"]
    assert [person.id for person in world.spelled("526")] == ["lan"]
