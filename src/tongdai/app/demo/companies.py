"""The demo's companies as data. Numbers and names are fixed: newcomers read them, checks rely on them."""

from __future__ import annotations

import msgspec

from tongdai.tenants.department.model import DepartmentKind

PROVIDER_NAME = "tongdai demo"
PROVIDER_EMAIL = "provider@tongdai.demo"
CARRIER = "carrier"
OUTSIDE = "outside"
OUTSIDE_COMPANY = "Outside world"
OUTSIDE_DOMAIN = "outside.demo"
OUTSIDE_NAME = "Customer"
OUTSIDE_NUMBER = "+84932718045"
"""Not one that comes to mind: whatever else is dialled outside is the carrier's."""
BENCH_DOMAIN = "bench.demo"
BENCH_ACCOUNTS = (*range(10000, 11000), *range(20000, 21000))
BENCH_PASSWORD = "secret"
BENCH_MUSIC = "9000"
BENCH_ROOM = "9100"


class DemoPerson(msgspec.Struct, frozen=True):
    extension: str
    name: str
    email: str
    devices: tuple[str, ...]


class DemoDepartment(msgspec.Struct, frozen=True):
    """`members` are extensions."""

    extension: str
    name: str
    kind: DepartmentKind
    members: tuple[str, ...]


class Choice(msgspec.Struct, frozen=True):
    """A key of the switchboard; without an extension it leads to the directory by name."""

    digit: str
    label: str
    extension: str = ""


class Company(msgspec.Struct, frozen=True, kw_only=True):
    slug: str
    name: str
    domain: str
    language: str
    main_number: str
    conference_number: str
    room: str
    room_name: str
    room_pin: str
    switchboard: str
    switchboard_name: str
    greeting: str
    choices: tuple[Choice, ...]
    operator: str
    people: tuple[DemoPerson, ...]
    departments: tuple[DemoDepartment, ...] = ()

    @property
    def admin_email(self) -> str:
        return f"admin@{self.domain}"


COMPANIES = (
    Company(
        slug="anphat",
        name="An Phát Trading",
        domain="anphat.demo",
        language="en",
        main_number="+842871234500",
        conference_number="+842871234560",
        room="600",
        room_name="Conference",
        room_pin="2468",
        switchboard="100",
        switchboard_name="Main menu",
        greeting="Thank you for calling An Phát Trading.",
        choices=(
            Choice("1", "Sales", "200"),
            Choice("2", "Support", "300"),
            Choice("9", "the directory"),
            Choice("0", "the operator", "104"),
        ),
        operator="104",
        people=(
            DemoPerson("101", "Lan Nguyen", "lan@anphat.demo", ("anphat-101", "anphat-101-mobile")),
            DemoPerson("102", "Minh Tran", "minh@anphat.demo", ("anphat-102",)),
            DemoPerson("103", "Hoa Le", "hoa@anphat.demo", ("anphat-103",)),
            DemoPerson("104", "Anna Pham", "anna@anphat.demo", ("anphat-104",)),
            DemoPerson("105", "Quang Vo", "quang@anphat.demo", ("anphat-105",)),
            DemoPerson("106", "Mai Dang", "mai@anphat.demo", ("anphat-106",)),
        ),
        departments=(
            DemoDepartment("200", "Sales", DepartmentKind.RING, ("101", "102")),
            DemoDepartment("300", "Support", DepartmentKind.QUEUE, ("105", "106")),
        ),
    ),
    Company(
        slug="binhminh",
        name="Bình Minh Clinic",
        domain="binhminh.demo",
        language="vi",
        main_number="+842871234600",
        conference_number="+842871234660",
        room="600",
        room_name="Phòng họp",
        room_pin="1357",
        switchboard="100",
        switchboard_name="Lời chào",
        greeting="Phòng khám Bình Minh xin chào.",
        choices=(
            Choice("1", "bộ phận đặt lịch khám", "101"),
            Choice("2", "bác sĩ", "102"),
            Choice("9", "người cần tìm theo tên"),
            Choice("0", "lễ tân", "101"),
        ),
        operator="101",
        people=(
            DemoPerson("101", "Nguyễn Thị Thảo", "thao@binhminh.demo", ("binhminh-101",)),
            DemoPerson("102", "Đặng Văn Hải", "hai@binhminh.demo", ("binhminh-102",)),
        ),
    ),
)
