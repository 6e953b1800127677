"""Names of carriers against a DNS that changes, fails, and is silent from the start."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest
from tests.unit.legs.doubles import MemoryJournal, a_trunk

from tongdai.core.clock import ManualClock
from tongdai.sip.location import Located, Place, Target
from tongdai.tenants.trunk.model import Gateway, Transport, Trunk, TrunkSettings
from tongdai.trunks import Locator

NAME = Gateway("sip.carrier.test", 0, Transport.AUTO, priority=3)
ONE, TWO = Target("udp", ("192.0.2.1", 5060)), Target("tcp", ("192.0.2.2", 5070), 1, 7)


class Dns:
    """Keeps questions until the test answers them."""

    def __init__(self) -> None:
        self.asked: list[tuple[Place, Callable[[Located | None], None]]] = []

    def look_up(self, place: Place, done: Callable[[Located | None], None]) -> None:
        self.asked.append((place, done))

    def says(self, *targets: Target, seconds: float = 60) -> None:
        self.asked.pop(0)[1](Located(targets, seconds))

    def fails(self) -> None:
        self.asked.pop(0)[1](None)


class Desk:
    def __init__(self, journal: MemoryJournal | None = None) -> None:
        self.clock = ManualClock(1000.0)
        self.dns = Dns()
        self.journal = journal or MemoryJournal()
        self.changes = 0
        self.locator = Locator(
            clock=self.clock, journal=self.journal, look_up=self.dns.look_up, on_change=self._changed
        )

    def _changed(self) -> None:
        self.changes += 1

    def after(self, seconds: float) -> None:
        self.clock.advance(seconds)
        self.locator.on_timers(self.clock.monotonic())

    @property
    def at(self) -> list[str]:
        return [str(x) for trunk in self.locator.trunks for x in trunk.gateways]


def trunk(*gateways: Gateway) -> Trunk:
    return msgspec.structs.replace(a_trunk("trunk", "192.0.2.9", 5060), gateways=gateways)


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_a_name_becomes_its_addresses_which_know_whose_they_are(desk: Desk):
    desk.locator.follow([trunk(NAME, Gateway("192.0.2.9"))])
    assert desk.at == ["sip.carrier.test", "udp:192.0.2.9:5060"]
    assert desk.dns.asked[0][0] == Place("sip.carrier.test")
    desk.dns.says(ONE, TWO)
    assert desk.at == ["udp:192.0.2.1:5060", "tcp:192.0.2.2:5070", "udp:192.0.2.9:5060"]
    second = desk.locator.trunks[0].gateways[1]
    assert (second.asked, second.priority, second.rank, second.weight) == (NAME, 3, 1, 7)
    assert desk.changes == 1


def test_it_is_asked_again_when_the_answer_runs_out(desk: Desk):
    desk.locator.follow([trunk(NAME)])
    desk.dns.says(ONE, seconds=60)
    desk.after(59)
    assert desk.dns.asked == []
    desk.after(1)
    desk.dns.says(ONE)
    assert desk.changes == 1
    desk.after(60)
    desk.dns.says(TWO)
    assert (desk.at, desk.changes) == (["tcp:192.0.2.2:5070"], 2)


def test_what_was_known_serves_while_dns_is_silent(desk: Desk):
    desk.locator.follow([trunk(NAME)])
    desk.dns.says(ONE)
    pauses = []
    for _ in range(9):
        at = desk.locator.deadline()
        assert at is not None
        pauses.append(at - desk.clock.monotonic())
        desk.after(pauses[-1])
        desk.dns.fails()
        assert desk.at == ["udp:192.0.2.1:5060"]
    assert pauses == [60, 2, 4, 8, 16, 32, 60, 60, 60]


def test_a_question_that_hangs_keeps_nobody_waiting(desk: Desk):
    desk.locator.follow([trunk(NAME)])
    desk.dns.says(ONE, seconds=5)
    desk.after(3600)
    assert len(desk.dns.asked) == 1  # no second one on top of it
    assert desk.at == ["udp:192.0.2.1:5060"]


def test_a_domain_that_says_it_is_nowhere_is_believed(desk: Desk):
    desk.locator.follow([trunk(NAME)])
    desk.dns.says(ONE)
    desk.after(60)
    desk.dns.says()
    assert desk.at == ["sip.carrier.test"]


def test_a_new_process_knows_where_carriers_were_before_dns_says_a_word(desk: Desk):
    desk.locator.follow([trunk(NAME)])
    desk.dns.says(ONE, TWO)
    desk.locator.journal()
    desk.journal.commit()
    again = Desk(desk.journal)
    again.locator.restore(desk.journal.load())
    again.locator.follow([trunk(NAME)])
    assert again.at == ["udp:192.0.2.1:5060", "tcp:192.0.2.2:5070"]
    assert len(again.dns.asked) == 1
    again.locator.follow([])
    again.locator.journal()
    again.journal.commit()
    assert again.journal.load() == {}


def test_an_answer_for_a_trunk_that_is_gone_changes_nothing(desk: Desk):
    desk.locator.follow([trunk(NAME)])
    desk.locator.follow([])
    desk.dns.says(ONE)
    assert (desk.changes, desk.locator.deadline()) == (0, None)


def redirects(desk: Desk) -> list[str]:
    return [str(x) for x in desk.locator.trunks[0].redirects]


def test_names_that_calls_may_be_sent_on_to_are_located_too(desk: Desk):
    settings = TrunkSettings(redirect_hosts=("192.0.2.50", "other.test"))
    desk.locator.follow([msgspec.structs.replace(trunk(Gateway("192.0.2.9")), settings=settings)])
    assert [place.host for place, _ in desk.dns.asked] == ["other.test"]
    assert redirects(desk) == []
    desk.dns.says(ONE)
    assert redirects(desk) == ["udp:192.0.2.1:5060"]
    assert desk.at == ["udp:192.0.2.9:5060"]
