"""The demo as it is seeded, with the number plan of live calls: every row of what one can dial there."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from tests.sim.company import spelled
from tests.sim.invariants import Checked

from tongdai.app.demo.secrets import fixed_secrets
from tongdai.app.demo.seed import seed
from tongdai.calls import commands as c
from tongdai.calls import facts as f
from tongdai.calls.model import Cause, Echo, InRoom, Music
from tongdai.calls.preferences import Preferences
from tongdai.calls.prompts import Phrase
from tongdai.db import migrate, open_database
from tongdai.directory import Directory
from tongdai.flows.linter import lint
from tongdai.flows.ports import MailboxView
from tongdai.tenants.config import ProviderConfig, TenantConfig, load

MAIN, CONFERENCE, OUTSIDE = "+842871234500", "+842871234560", "+84912345678"
PIN = "4321"
EVERYTHING = [
    *(str(n) for n in range(101, 107)),
    "100",
    "200",
    "300",
    "411",
    "600",
    "*97",
    "*43",
    "700",
    "709",
    "*78",
    "*72",
    "*72103",
    "*73",
    "*80103",
    "*80200",
]


class Nobody:
    def of(self, person: str) -> Sequence[str]:
        return ()


class Boxes:
    """An empty mailbox for everybody and every department."""

    def view(self, tenant: str, mailbox: str) -> MailboxView | None:
        return MailboxView(mailbox, mailbox, Phrase("voicemail.greeting.person", {"name": mailbox}), ())

    def check_pin(self, tenant: str, mailbox: str, pin: str) -> bool:
        return pin == PIN


class Unset:
    """Nobody has preferred anything."""

    def of(self, tenant: str, person: str) -> Preferences:
        return Preferences()


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> ProviderConfig:
    url = f"sqlite+aiosqlite:///{tmp_path_factory.mktemp('demo') / 'tongdai.db'}"

    async def seeded() -> ProviderConfig:
        await migrate(url)
        db = open_database(url)
        await seed(db, fixed_secrets(), bench=False, trunk_host="127.0.0.1", trunk_port=5070, ring_seconds=20)
        config = await load(db)
        await db.close()
        return config

    return asyncio.run(seeded())


@pytest.fixture
def company(config: ProviderConfig) -> TenantConfig:
    return next(tenant for tenant in config.tenants if tenant.domain == "anphat.demo")


@pytest.fixture
def sim(config: ProviderConfig, company: TenantConfig) -> Checked:
    """A phone for everybody but the agents of Support, called by the extension: `101`, `102` …"""
    sim = Checked(Directory(config, Nobody(), Boxes(), Unset()).worlds[company.id])
    for person in company.people:
        if person.extension in ("101", "102", "103", "104"):
            sim.register(person.id, person.extension)
    return sim


def test_every_flow_is_clean(sim: Checked, company: TenantConfig) -> None:
    caller, _ = sim._party("101")
    inside = [sim.world.route(dialled, caller) for dialled in EVERYTHING]
    outside = [sim.world.route_number(number.number, caller) for number in company.numbers]
    assert len({flow.ref for flow in inside}) == len(EVERYTHING)
    for flow in (*inside, *outside):
        assert lint(flow, sim.world) == [], flow.ref
        assert sim.world.flow(flow.ref) == flow


@pytest.mark.parametrize("dialled", EVERYTHING)
def test_whatever_is_dialled_survives_a_restart_at_every_step(sim: Checked, dialled: str) -> None:
    leg = sim.call("101" if dialled != "101" else "102", dialled)
    sim.advance(400)
    if leg in sim.state.by_leg:
        sim.hangup(leg)
    sim.advance(10)
    assert sim.state.calls == {}


@pytest.mark.parametrize("extension", ["102", "103", "104"])
def test_a_person_rings_for_twenty_seconds_then_takes_a_message(sim: Checked, extension: str) -> None:
    lan = sim.call("101", extension)
    assert sim.ringing(extension)
    sim.advance(20.1)
    assert sim.saying(lan) == ["voicemail.greeting.person", "Beep"]


@pytest.mark.parametrize(("key", "rings"), [("0", ["104"]), ("1", ["101", "102"]), ("103", ["103"])])
def test_the_switchboard(sim: Checked, key: str, rings: list[str]) -> None:
    caller = sim.call(OUTSIDE, MAIN)
    sim.press(caller, key)
    sim.advance(2.1)
    for extension in rings:
        assert sim.ringing(extension)


def test_nothing_pressed_twice_reaches_the_operator(sim: Checked) -> None:
    caller = sim.call(OUTSIDE, MAIN)
    sim.advance(60)
    assert sim.noted(caller, f.Pressed) == [f.Pressed(caller, "", "nothing")]
    assert [fact.party.number for fact in sim.noted(caller, f.LegCreated)] == ["104"]


def test_support_waits_for_an_agent(sim: Checked, company: TenantConfig) -> None:
    caller = sim.call(OUTSIDE, MAIN)
    sim.press(caller, "2")
    sim.advance(60)
    assert sim.lines[caller].source == Music()
    mai = next(person.id for person in company.people if person.extension == "106")
    sim.register(mai, "106")
    assert sim.talk(caller, sim.answer_at("106"))


@pytest.mark.parametrize("name", ["hoa", "le"])
def test_the_directory_by_key_9(sim: Checked, name: str) -> None:
    caller = sim.call(OUTSIDE, MAIN)
    sim.press(caller, "9")
    sim.press(caller, spelled(name) + "#")
    assert "directory.choice" in sim.saying(caller)
    sim.press(caller, "1")
    assert sim.ringing("103")


def test_the_conference_from_inside_from_outside_and_with_a_third_party(sim: Checked) -> None:
    lan, guest = sim.call("101", "600"), sim.call(OUTSIDE, CONFERENCE)
    sim.press(guest, "2468#")
    sim.advance(5)
    sim.press(lan, "*0987654321#")
    third = sim.answer_at("+84987654321")
    assert {sim.lines[leg].source for leg in (lan, guest, third)} == {sim.lines[lan].source}
    assert isinstance(sim.lines[lan].source, InRoom)


def test_the_own_mailbox_the_echo_and_the_parking(sim: Checked) -> None:
    lan = sim.call("101", "*97")
    sim.press(lan, PIN + "#")
    assert sim.saying(lan)[0] == "mailbox.count"
    sim.hangup(lan)
    assert sim.hears(sim.call("101", "*43")) == Echo()
    hoa, minh = sim.connect("103", "102", "102")
    assert sim.refer(minh, "700").ok
    assert sim.talk(hoa, sim.call("104", "700"))


def test_outside_abroad_hosted_and_emergency(sim: Checked, config: ProviderConfig) -> None:
    lan, outside = sim.connect("101", "0912345678", OUTSIDE)
    shown = sim.lines[outside].shown
    assert shown is not None
    assert shown.number == MAIN
    sim.hangup(lan)
    abroad = sim.call("101", "+15551234567")
    assert sim.saying(abroad) == ["outside.not_permitted"]
    (clinic,) = (x.main_number for x in config.tenants if x.domain == "binhminh.demo")
    sim.call("102", clinic)
    assert sim.lines[sim.ringing(clinic)].target == c.HostedTarget(clinic)
    sim.call("103", "115")
    target = sim.lines[sim.ringing("115")].target
    assert isinstance(target, c.TrunkTarget)
    assert target.emergency


def test_what_nobody_has_is_not_found(sim: Checked) -> None:
    lan = sim.call("101", "199")
    assert sim.cause(lan) is Cause.NOT_FOUND
    assert sim.noted(lan, f.Refused)
