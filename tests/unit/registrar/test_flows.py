"""Phones that keep flows to us (RFC 5626): what they are told, and which of their flows is called."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.unit.registrar.test_registrar import TCP, UDP, Office

from tongdai.sip.flow import Flow

A = "<sip:lan@192.0.2.9:5062>"
B = "<sip:lan@192.0.2.9:5064>"
PHONE = '+sip.instance="<urn:uuid:1>"'
ASKS = [("Supported", "path, outbound")]


@pytest.fixture
def kept() -> list[tuple[Flow, float]]:
    return []


@pytest.fixture
def office(tmp_path: Path, kept: list[tuple[Flow, float]]) -> Office:
    one = Office(tmp_path)
    one.registrar._on_keeping = lambda flow, seconds: kept.append((flow, seconds))
    return one


def test_who_asks_for_flows_learns_how_often_to_show_that_he_is_there(
    office: Office, kept: list[tuple[Flow, float]]
):
    answer = office.register(f"{A};{PHONE};reg-id=1", headers=ASKS, flow=TCP)
    assert dict(answer.headers)["Require"] == "outbound"
    assert dict(answer.headers)["Flow-Timer"] == "90"
    assert kept == [(TCP, 90)]


def test_a_phone_finds_its_contacts_by_the_names_that_it_gave_them(office: Office):
    office.register(f"{A};{PHONE};reg-id=1")
    office.register(f'{B};+sip.instance="a;b";reg-id="1,2"', expires=70)
    assert office.register().contacts == [
        f"{A};{PHONE};reg-id=1;expires=60",
        f'{B};+sip.instance="a;b";reg-id="1,2";expires=70',
    ]


@pytest.mark.parametrize(
    ("contact", "asks"),
    [(f"{A};{PHONE};reg-id=1", False), (f"{A};{PHONE}", True), (f"{A};reg-id=1", True)],
    ids=["does not ask", "no number", "no name"],
)
def test_who_does_not_ask_is_told_nothing(
    office: Office, kept: list[tuple[Flow, float]], contact: str, asks: bool
):
    answer = office.register(contact, headers=ASKS if asks else (), flow=TCP)
    assert answer.status == 200
    assert not {"Require", "Flow-Timer"} & {name for name, _ in answer.headers}
    assert kept == []


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("<sip:edge.example;lr;ob>", 200),
        ("<sip:inner.example;lr>, <sip:edge.example;lr;ob>", 200),
        ("<sip:edge.example;lr>", 439),
        ("<sip:edge.example;lr;ob>, <sip:nearest.example;lr>", 439),
    ],
)
def test_the_proxy_next_to_the_phone_has_to_keep_the_flow_too(office: Office, path: str, status: int):
    """RFC 5626 §6: only the edge proxy has the phone's connection."""
    answer = office.register(f"{A};{PHONE};reg-id=1", headers=[*ASKS, ("Path", path)])
    assert answer.status == status
    assert bool(office.reach()) is (status == 200)


def rings(office: Office) -> list[str]:
    found = (office.bindings.binding(id_) for id_ in office.bindings.of("p1"))
    return [one.contact for one in found if one is not None]


def test_of_the_flows_of_one_phone_the_latest_rings(office: Office):
    office.register(f"{A};{PHONE};reg-id=1", headers=ASKS)
    office.clock.advance(1)
    office.register(f"{B};{PHONE};reg-id=2", headers=ASKS, flow=TCP)
    office.register('<sip:lan@192.0.2.7:5060>;+sip.instance="<urn:uuid:2>";reg-id=1')
    office.register("<sip:lan@192.0.2.8:5060>")
    assert rings(office) == ["sip:lan@192.0.2.9:5064", "sip:lan@192.0.2.7:5060", "sip:lan@192.0.2.8:5060"]
    office.clock.advance(1)
    office.register(f"{A};{PHONE};reg-id=1", headers=ASKS)
    assert rings(office)[0] == "sip:lan@192.0.2.9:5062"


def test_another_flow_of_the_same_phone_is_found_and_a_dead_one_forgotten(office: Office):
    office.register(f"{A};{PHONE};reg-id=1", headers=ASKS, flow=UDP)
    office.register(f"{B};{PHONE};reg-id=2", headers=ASKS, flow=TCP)
    office.register('<sip:lan@192.0.2.7:5060>;+sip.instance="<urn:uuid:2>";reg-id=1')
    first, second, other = (x.id for x in office.bindings.of_device("t1", "d1"))
    assert office.bindings.next_flow(first, gone=False) == second
    assert office.bindings.next_flow(other, gone=False) == ""
    assert office.bindings.next_flow(second, gone=True) == first
    assert office.bindings.binding(second) is None
    assert office.bindings.next_flow(second, gone=True) == ""
