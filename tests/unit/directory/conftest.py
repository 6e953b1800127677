from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from tongdai.calls.model import Party, PartyKind
from tongdai.calls.preferences import Preferences
from tongdai.calls.prompts import Clip, Text
from tongdai.core.tenancy import TenantId
from tongdai.directory import Directory, TenantWorld, flows
from tongdai.directory.menus import Choices, Key, Kind, Menu, Target, flow_of
from tongdai.flows.ports import MailboxView
from tongdai.tenants.config import DepartmentConfig, PersonConfig, ProviderConfig, RoomConfig, TenantConfig
from tongdai.tenants.device.model import Device
from tongdai.tenants.extension.model import Extension
from tongdai.tenants.flow.model import FlowVersion
from tongdai.tenants.number.model import Number
from tongdai.tenants.trunk.model import Gateway, NumberFormat, Trunk

MAIN, CONFERENCE, DIRECT = "+842871234500", "+842871234560", "+842871234501"
THEIRS = "+842871234600"

OPERATOR = Target(Kind.EXTENSION, "102")
MENU = flow_of(
    Menu(
        "Main menu",
        Choices(
            greeting=Text("Welcome."),
            keys=(
                Key("1", Target(Kind.DEPARTMENT, "sales"), "Sales"),
                Key("9", Target(Kind.DIRECTORY, "102"), "directory"),
                Key("0", OPERATOR, "operator"),
            ),
            otherwise=OPERATOR,
        ),
    )
)


def anphat(**changes: object) -> TenantConfig:
    settings: dict[str, object] = {
        "id": TenantId("anphat"),
        "name": "An Phát",
        "domain": "anphat.example",
        "country": "VN",
        "language": "en",
        "ring_seconds": 20.0,
        "main_number": MAIN,
        "allowed_countries": frozenset({"VN"}),
        "music_blob": "",
        "sha256_digest": False,
        "trunks": ("viettel",),
        "people": (
            PersonConfig("lan", "Lan Nguyen", "101"),
            PersonConfig("minh", "Đặng Văn Minh", "102"),
            PersonConfig("admin", "Administrator", ""),
        ),
        "devices": (
            Device("lan-desk", "lan", "anphat-101", "md5-of-lan", "sha-of-lan"),
            Device("minh-desk", "minh", "anphat-102", "md5-of-minh", "sha-of-minh"),
        ),
        "departments": (
            DepartmentConfig("sales", "Sales", "200", "ring", ("lan", "minh")),
            DepartmentConfig("support", "Support", "300", "queue", ("minh",)),
        ),
        "rooms": (RoomConfig("room", "Conference", "600", "2468"), RoomConfig("open", "Open", "9100", "")),
        "flows": (
            FlowVersion("menu", 1, flows.encode(MENU), published=False),
            FlowVersion("menu", 2, flows.encode(MENU), published=True),
        ),
        "extensions": (
            Extension("100", "flow", "menu"),
            Extension("101", "person", "lan"),
            Extension("102", "person", "minh"),
            Extension("200", "department", "sales"),
            Extension("300", "department", "support"),
            Extension("600", "room", "room"),
            Extension("9000", "music", ""),
            Extension("9100", "room", "open"),
        ),
        "numbers": (
            Number(MAIN, "flow", "menu"),
            Number(CONFERENCE, "room", "room"),
            Number(DIRECT, "person", "lan"),
        ),
    }
    return TenantConfig(**(settings | changes))  # type: ignore[arg-type]


def binhminh(**changes: object) -> TenantConfig:
    settings: dict[str, object] = {
        "id": TenantId("binhminh"),
        "name": "Bình Minh",
        "domain": "binhminh.example",
        "main_number": THEIRS,
        "sha256_digest": True,
        "people": (PersonConfig("thao", "Nguyễn Thị Thảo", "101"),),
        "devices": (Device("thao-desk", "thao", "binhminh-101", "md5-of-thao", "sha-of-thao"),),
        "departments": (),
        "rooms": (),
        "flows": (),
        "extensions": (Extension("101", "person", "thao"),),
        "numbers": (Number(THEIRS, "person", "thao"),),
    }
    return anphat(**(settings | changes))


TRUNKS = (
    Trunk("viettel", "Viettel", NumberFormat.E164, "VN", (Gateway("192.0.2.1", 5060),)),
    Trunk("vnpt", "VNPT", NumberFormat.NATIONAL, "VN", (Gateway("192.0.2.1", 5062),)),
    Trunk("fpt", "FPT", NumberFormat.DIGITS, "VN", (Gateway("192.0.2.2", 5060),)),
)


class Registered:
    """Who is registered, by person."""

    def of(self, person: str) -> Sequence[str]:
        return {"lan": ["b1", "b2"], "thao": ["b3"]}.get(person, [])


class Boxes:
    """Mailboxes of An Phát's people, all with the PIN 4101."""

    def view(self, tenant: str, mailbox: str) -> MailboxView | None:
        if (tenant, mailbox) in (("anphat", "lan"), ("binhminh", "thao")):
            return MailboxView(mailbox, mailbox, Clip(f"{mailbox}.wav"), ())
        return None

    def check_pin(self, tenant: str, mailbox: str, pin: str) -> bool:
        return self.view(tenant, mailbox) is not None and pin == "4101"


class Preferring:
    """Lan does not want to be disturbed."""

    def of(self, tenant: str, person: str) -> Preferences:
        return Preferences(dnd=(tenant, person) == ("anphat", "lan"))


def directory_of(*tenants: TenantConfig, ring_seconds: float | None = None) -> Directory:
    return Directory(
        ProviderConfig(TRUNKS, tenants), Registered(), Boxes(), Preferring(), ring_seconds=ring_seconds
    )


@pytest.fixture
def directory() -> Directory:
    return directory_of(anphat(), binhminh())


@pytest.fixture
def world(directory: Directory) -> TenantWorld:
    return directory.worlds["anphat"]


@pytest.fixture
def changed() -> Callable[..., TenantWorld]:
    """An Phát with another setting."""
    return lambda **changes: directory_of(anphat(**changes), binhminh()).worlds["anphat"]


@pytest.fixture
def lan() -> Party:
    return Party(PartyKind.PERSON, "101", "Lan Nguyen", "lan", "lan-desk")


@pytest.fixture
def outsider() -> Party:
    return Party(PartyKind.OUTSIDE, "+84901234567")
