from __future__ import annotations

from typing import Any

import pytest
from msgspec import structs
from tests.unit.directory.conftest import (
    CONFERENCE,
    MAIN,
    THEIRS,
    TRUNKS,
    Boxes,
    Preferring,
    Registered,
    anphat,
    directory_of,
)

from tongdai.calls.model import Party, PartyKind
from tongdai.directory import DeviceRef, Directory
from tongdai.directory.edge import Edge
from tongdai.tenants.config import ProviderConfig
from tongdai.tenants.trunk.model import Gateway, Transport, TrunkSettings


def test_a_device_is_known_by_its_user_name(directory: Directory):
    assert directory.edge.device("anphat-101") == DeviceRef(
        tenant="anphat",
        person="lan",
        device="lan-desk",
        username="anphat-101",
        party=Party(PartyKind.PERSON, "101", "Lan Nguyen", "lan", "lan-desk"),
        ha1={"MD5": "md5-of-lan", "SHA-256": "sha-of-lan"},
    )
    device = directory.edge.device("binhminh-101")
    assert device is not None
    assert device.tenant == "binhminh"
    assert directory.edge.device("anphat-999") is None


def test_a_name_that_is_nobodys_is_looked_up_with_somebody_elses_account(directory: Directory):
    """So that who guesses names cannot tell by the time which of them exist."""
    edge = directory.edge
    assert edge.account("anphat-101") == (edge.device("anphat-101"), True)
    somebody, known = edge.account("anphat-999")
    assert somebody is not None
    assert not known
    assert edge.account("anphat-999")[0] is somebody
    assert Edge(ProviderConfig((), ())).account("anphat-999") == (None, False)


def test_a_trunk_is_known_by_address_and_port(directory: Directory):
    edge = directory.edge
    assert edge.trunk_at("192.0.2.1", 5060) == edge.trunk("viettel")
    assert edge.trunk_at("192.0.2.1", 5062) == edge.trunk("vnpt")
    assert edge.trunk_at("192.0.2.1", 5061) is None
    assert edge.trunk_at("192.0.2.9", 5060) is None
    assert edge.trunk("none") is None


def test_numbers_and_domains_have_their_tenant(directory: Directory):
    edge = directory.edge
    assert [edge.tenant_of_number(number) for number in (MAIN, CONFERENCE, THEIRS, "+842871234999")] == [
        "anphat",
        "anphat",
        "binhminh",
        None,
    ]
    assert edge.domain("anphat") == "anphat.example"
    assert edge.tenant_of_domain("AnPhat.example") == "anphat"
    assert edge.tenant_of_domain("nobody.example") is None


@pytest.mark.parametrize("text", [MAIN, "842871234500", "02871234500", "2871234500", "0084 28 7123 4500"])
def test_what_a_carrier_writes_is_understood(directory: Directory, text: str):
    assert directory.edge.number_from_trunk("viettel", text) == MAIN


@pytest.mark.parametrize("text", ["anonymous", "101", "", "+1", "x" * 100])
def test_what_is_no_number_stays_as_it_is(directory: Directory, text: str):
    assert directory.edge.number_from_trunk("viettel", text) == text


@pytest.mark.parametrize(
    ("trunk", "number", "written"),
    [
        ("viettel", "+84901234567", "+84901234567"),
        ("fpt", "+84901234567", "84901234567"),
        ("vnpt", "+84901234567", "0901234567"),
        ("vnpt", "+14155550132", "0014155550132"),
    ],
)
def test_a_number_is_written_as_the_carrier_wants_it(
    directory: Directory, trunk: str, number: str, written: str
):
    assert directory.edge.number_to_trunk(trunk, number) == written
    assert directory.edge.number_from_trunk(trunk, written) == number


def trunked(**changes: Any) -> Directory:
    """Viettel's trunk with these settings."""
    first, *others = TRUNKS
    gateways = changes.pop("gateways", first.gateways)
    changed = structs.replace(first, gateways=gateways, settings=TrunkSettings(**changes))
    return Directory(ProviderConfig((changed, *others), (anphat(),)), Registered(), Boxes(), Preferring())


def test_what_a_carrier_wants_in_front_of_numbers_is_put_there_and_taken_away():
    edge = trunked(strip=3, prefix="9*0", inbound_prefix="77").edge
    assert edge.number_to_trunk("viettel", "+84901234567") == "9*0901234567"
    assert edge.number_to_trunk("viettel", "113", emergency=True) == "113"
    assert edge.caller_to_trunk("viettel", MAIN) == MAIN
    assert edge.number_from_trunk("viettel", "77842871234500") == MAIN
    assert edge.number_from_trunk("viettel", MAIN) == MAIN


def test_a_carrier_may_call_from_other_addresses_that_it_named():
    edge = trunked(sources=("203.0.113.7", "198.51.100.0/24", "2001:db8::/32")).edge
    for host in ("203.0.113.7", "198.51.100.200", "2001:db8::5", "192.0.2.1"):
        assert (edge.trunk_at(host, 5060) == edge.trunk("viettel")) is True
    for host in ("203.0.113.8", "198.51.101.1", "2001:db9::5", "not an address"):
        assert edge.trunk_at(host, 5060) is None


def test_a_carrier_on_a_stream_calls_from_any_port_and_one_on_udp_from_its_own():
    edge = trunked(gateways=(Gateway("192.0.2.8", 5061, Transport.TLS),)).edge
    assert edge.trunk_at("192.0.2.8", 40_000) == edge.trunk("viettel")
    assert edge.trunk_at("192.0.2.1", 40_000) is None


@pytest.mark.parametrize("trunk", ["viettel", "fpt", "vnpt"])
def test_an_emergency_number_is_the_same_for_every_carrier(directory: Directory, trunk: str):
    assert directory.edge.number_to_trunk(trunk, "113", emergency=True) == "113"


def test_md5_comes_first_and_sha256_by_a_tenants_setting(directory: Directory):
    assert directory.edge.algorithms("anphat") == ("MD5",)
    assert directory.edge.algorithms("binhminh") == ("MD5", "SHA-256")


def test_before_the_tenant_is_known_a_challenge_is_the_same_for_all(directory: Directory):
    assert directory.edge.algorithms(None) == ("MD5", "SHA-256")
    assert directory_of(anphat()).edge.algorithms(None) == ("MD5",)


def test_an_emergency_number_is_known_by_the_tenants_country(directory: Directory):
    assert directory.edge.is_emergency("anphat", "113")
    assert not directory.edge.is_emergency("anphat", "911")
    assert not directory.edge.is_emergency("anphat", "101")
