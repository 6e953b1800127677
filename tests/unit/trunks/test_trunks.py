"""Registrations, signs of life and the order of gateways, against carriers on a virtual network."""

from __future__ import annotations

import random  # noqa: TID251  (a seeded generator only)
from itertools import pairwise
from typing import Any

import pytest
from tests.unit.legs.doubles import MemoryJournal, a_trunk
from tests.unit.legs.stage import CARRIER, OFFICE, Phone, Stage

from tongdai.calls import commands as c
from tongdai.core.clock import SystemClock
from tongdai.sip.digest import Credentials, DigestServer, Verdict, ha1
from tongdai.sip.ua import IncomingRequest
from tongdai.tenants.trunk.model import Gateway, NumberFormat, Transport, Trunk, TrunkSettings
from tongdai.trunks import Limit, Trunks

SECOND = ("198.51.100.2", 5060)
ACCOUNT = Credentials("anphat", "secret")


def follow(stage: Stage, trunk: Trunk, limits: dict[str, Limit] | None = None) -> None:
    stage.edge.trunks["trunk"] = trunk
    stage.office.trunks.follow([trunk], limits or {})
    stage.office.agent.on_timers(stage.network.now)


def registrar(stage: Stage, carrier: Phone, expires: int = 120) -> list[int]:
    """The carrier registers who knows the password; the list gets the Expires of each that it took."""
    digest, taken = DigestServer(b"k" * 32), []

    def answer(incoming: IncomingRequest) -> None:
        now = stage.network.now
        found = digest.verify(
            incoming.request, "carrier", now, lambda _: {"MD5": ha1("anphat", "carrier", "secret", "MD5")}
        )
        if found.verdict is not Verdict.OK:
            incoming.respond(401, headers=digest.challenge("carrier", now))
            return
        taken.append(int(incoming.request.headers.get("Expires") or "-1"))
        contact = incoming.request.headers.get("Contact")
        incoming.respond(200, headers=[("Contact", f"{contact};expires={min(expires, taken[-1])}")])

    carrier.handler.on["register"] = answer
    return taken


def registers(stage: Stage) -> list[Any]:
    return stage.messages("REGISTER", to=stage.carrier)


def test_a_trunk_registers_answers_the_challenge_and_refreshes_in_time(stage: Stage):
    taken = registrar(stage, stage.carrier)
    follow(stage, a_trunk("trunk", *CARRIER, credentials=ACCOUNT, register=True, expires=600))
    stage.run(5)
    assert taken == [600]
    request = registers(stage)[-1]
    assert request.target == f"sip:{CARRIER[0]}:{CARRIER[1]}"
    assert request.headers.get("Contact") == f"<sip:anphat@{OFFICE[0]}:{OFFICE[1]}>"
    assert stage.office.trunks.states()[0].registered is True
    stage.run(120)  # what the carrier granted, not what was asked for
    assert len(taken) == 2
    assert len({x.call_id for x in registers(stage)}) == 1
    numbers = [x.cseq.number for x in registers(stage)]
    assert numbers == sorted(set(numbers))


def test_a_trunk_that_goes_is_unregistered(stage: Stage):
    taken = registrar(stage, stage.carrier)
    follow(stage, a_trunk("trunk", *CARRIER, credentials=ACCOUNT, register=True))
    stage.run(5)
    stage.office.trunks.follow([], {})
    stage.run(5)
    assert taken[-1] == 0
    stage.run(2000)
    assert taken[-1] == 0
    assert len(taken) == 2


def test_a_trunk_that_did_not_change_keeps_its_registration(stage: Stage):
    taken = registrar(stage, stage.carrier)
    trunk = a_trunk("trunk", *CARRIER, credentials=ACCOUNT, register=True)
    follow(stage, trunk)
    stage.run(5)
    follow(stage, trunk)
    stage.run(5)
    assert len(taken) == 1


@pytest.mark.parametrize(
    ("status", "headers", "least", "most"),
    [
        (503, [("Retry-After", "120 (maintenance)")], 115, 125),
        (503, [], 1, 3),
        (403, [], 30, 62),
        (404, [], 30, 62),
        (500, [], 1, 3),
    ],
)
def test_a_refusal_is_followed_by_a_pause(
    stage: Stage, status: int, headers: list[tuple[str, str]], least: float, most: float
):
    times: list[float] = []

    def refuse(incoming: IncomingRequest) -> None:
        times.append(stage.network.now)
        incoming.respond(status, headers=headers)

    stage.carrier.handler.on["register"] = refuse
    follow(stage, a_trunk("trunk", *CARRIER, credentials=ACCOUNT, register=True))
    stage.run(130)
    assert least <= times[1] - times[0] <= most
    state = stage.office.trunks.states()[0]
    assert state.registered is False
    assert f"{status}" in state.why


def test_a_registration_is_tried_for_ever_ever_less_often(stage: Stage):
    """Other PBXs give up after so many failures, and telephones stay dead after the carrier is back."""
    times: list[float] = []

    def refuse(incoming: IncomingRequest) -> None:
        times.append(stage.network.now)
        incoming.respond(500)

    stage.carrier.handler.on["register"] = refuse
    follow(stage, a_trunk("trunk", *CARRIER, credentials=ACCOUNT, register=True))
    stage.run(86_400)
    gaps = [b - a for a, b in pairwise(times)]
    assert gaps[0] < 5
    assert all(150 <= gap <= 301 for gap in gaps[10:])
    taken = registrar(stage, stage.carrier)
    stage.run(310)
    assert taken


def test_too_brief_a_registration_is_asked_for_longer(stage: Stage):
    asked: list[str] = []

    def answer(incoming: IncomingRequest) -> None:
        asked.append(incoming.request.headers.get("Expires") or "")
        if int(asked[-1]) < 1800:
            incoming.respond(423, headers=[("Min-Expires", "1800")])
        else:
            incoming.respond(200, headers=[("Expires", asked[-1])])

    stage.carrier.handler.on["register"] = answer
    follow(stage, a_trunk("trunk", *CARRIER, credentials=ACCOUNT, register=True, expires=60))
    stage.run(5)
    assert asked == ["60", "1800"]


# signs of life


def down(stage: Stage, carrier: Phone) -> None:
    stage.network.nodes.pop(carrier.address, None)


def answers_options(carrier: Phone, status: int = 200) -> None:
    carrier.handler.on["options"] = lambda incoming: incoming.respond(status)


def test_a_gateway_is_down_after_silences_and_up_after_answers(stage: Stage):
    answers_options(stage.carrier)
    follow(stage, a_trunk("trunk", *CARRIER, options_seconds=10, failures_to_down=2, successes_to_up=2))
    stage.run(60)
    assert stage.office.trunks.states()[0].up
    down(stage, stage.carrier)
    stage.run(100)
    state = stage.office.trunks.states()[0]
    assert (state.up, state.why) == (False, "does not answer")
    assert stage.office.trunks.metrics()["trunk_gateways_down"] == 1
    stage.network.nodes[CARRIER] = stage.carrier
    stage.run(60)
    assert stage.office.trunks.states()[0].up
    assert stage.office.trunks.metrics()["trunk_gateways_down"] == 0


@pytest.mark.parametrize(("status", "up"), [(404, True), (405, True), (501, True), (503, False)])
def test_any_answer_is_a_sign_of_life_but_out_of_service(stage: Stage, status: int, up: bool):
    answers_options(stage.carrier, status)
    follow(stage, a_trunk("trunk", *CARRIER, options_seconds=5, failures_to_down=2))
    stage.run(60)
    assert stage.office.trunks.states()[0].up is up


def test_a_dead_gateway_is_still_known_to_be_dead_after_a_restart(stage: Stage):
    follow(stage, a_trunk("trunk", *CARRIER, options_seconds=5, failures_to_down=1))
    down(stage, stage.carrier)
    stage.run(60)
    assert not stage.office.trunks.states()[0].up
    office, _ = stage.restart()
    assert not office.trunks.states()[0].up


# the order of gateways


def order(stage: Stage, trunk: Trunk) -> list[str]:
    return [x.host for x in stage.office.trunks.order(trunk)]


def test_the_lowest_priority_is_first_and_the_dead_are_last(stage: Stage):
    answers_options(stage.carrier)
    backup = Gateway(*SECOND, priority=1)
    trunk = a_trunk("trunk", *CARRIER, more=[backup], options_seconds=5, failures_to_down=1)
    follow(stage, trunk)
    assert order(stage, trunk) == [CARRIER[0], SECOND[0]]
    down(stage, stage.carrier)
    Phone(stage.network, SECOND, None, "udp").handler.on["options"] = lambda x: x.respond(200)
    stage.run(80)
    assert order(stage, trunk) == [SECOND[0], CARRIER[0]]


def test_a_gateway_that_asked_for_a_pause_is_last_meanwhile(stage: Stage):
    trunk = a_trunk("trunk", *CARRIER, more=[Gateway(*SECOND, priority=1)])
    follow(stage, trunk)
    stage.office.trunks.failed(trunk, trunk.gateways[0], pause=30)
    assert order(stage, trunk)[0] == SECOND[0]
    stage.run(31)
    assert order(stage, trunk)[0] == CARRIER[0]


def test_weights_share_the_calls():
    trunk = a_trunk("trunk", "192.0.2.1", 5060, more=[Gateway("192.0.2.2", weight=3)])
    chance = random.Random(7).random
    trunks = Trunks(clock=SystemClock(), journal=MemoryJournal(), local={"udp": [OFFICE]}, chance=chance)
    trunks.follow([trunk], {})
    firsts = [trunks.order(trunk)[0].host for _ in range(4000)]
    assert 0.71 <= firsts.count("192.0.2.2") / 4000 <= 0.79


# carriers by name


def named(*hosts: str, **settings: Any) -> Trunk:
    """A trunk of one name, whose addresses are tried in this order."""
    settings.setdefault("options_seconds", 0.0)
    asked = Gateway("sip.carrier.test", 0, Transport.AUTO)
    at = [Gateway(host, port, rank=rank, of=asked) for rank, (host, port) in enumerate(map(_pair, hosts))]
    return Trunk("trunk", "Trunk", NumberFormat.DIGITS, "VN", tuple(at), TrunkSettings(**settings))


def _pair(text: str) -> tuple[str, int]:
    host, _, port = text.partition(":")
    return host, int(port)


FIRST = f"{CARRIER[0]}:{CARRIER[1]}"
OTHER = f"{SECOND[0]}:{SECOND[1]}"
LOGIN: dict[str, Any] = {"username": "anphat", "password": "secret", "register": True}


def test_a_name_with_several_addresses_is_registered_at_one(stage: Stage):
    """Its servers share what is registered: at each of them every call would ring twice."""
    taken = registrar(stage, stage.carrier)
    second = Phone(stage.network, SECOND, None, "udp")
    others = registrar(stage, second)
    follow(stage, named(FIRST, OTHER, **LOGIN))
    stage.run(60)
    assert (len(taken), len(others)) == (1, 0)
    assert registers(stage)[-1].target == "sip:sip.carrier.test"
    assert [x.registered for x in stage.office.trunks.states()] == [True, True]


@pytest.mark.parametrize("silent", [True, False], ids=["says nothing", "answers 503"])
def test_a_registration_goes_to_the_next_address_of_its_name(stage: Stage, silent: bool):
    """RFC 3263 §4.3, and within seconds: Timer F takes 32."""
    second = Phone(stage.network, SECOND, None, "udp")
    others = registrar(stage, second)
    if silent:
        del stage.network.nodes[CARRIER]
    else:
        stage.carrier.handler.on["register"] = lambda incoming: incoming.respond(503)
    follow(stage, named(FIRST, OTHER, **LOGIN))
    stage.run(6)
    assert len(others) == 1
    assert all(x.registered for x in stage.office.trunks.states())
    branches = [x.via.branch for x in stage.messages("REGISTER", by=stage.office)]
    assert len(set(branches)) >= 2


def test_an_address_that_went_from_dns_loses_the_registration_to_another(stage: Stage):
    taken = registrar(stage, stage.carrier)
    second = Phone(stage.network, SECOND, None, "udp")
    others = registrar(stage, second)
    follow(stage, named(FIRST, **LOGIN))
    stage.run(5)
    follow(stage, named(OTHER, **LOGIN))
    stage.run(5)
    assert taken == [600]  # no REGISTER with Expires 0: it would undo what the other server has now
    assert others == [600]


def test_addresses_are_called_in_the_order_of_dns(stage: Stage):
    trunk = named(OTHER, FIRST)
    follow(stage, trunk)
    for _ in range(20):
        assert [x.host for x in stage.office.trunks.order(trunk)] == [SECOND[0], CARRIER[0]]


def test_a_name_without_an_address_is_no_way_out_and_says_so(stage: Stage):
    trunk = Trunk(
        "trunk", "Trunk", NumberFormat.DIGITS, "VN", (Gateway("sip.carrier.test", 0, Transport.AUTO),)
    )
    follow(stage, trunk)
    assert stage.office.trunks.order(trunk) == []
    state = stage.office.trunks.states()[0]
    assert (state.up, state.gateway, state.why) == (False, "sip.carrier.test", "DNS has no address of it")


# Service-Route


@pytest.mark.parametrize(
    ("given", "routes"),
    [
        (["<sip:orig@s.carrier.test;lr>"], ["<sip:orig@s.carrier.test;lr>"]),
        (["<sip:a.test;lr>, <sip:b.test;lr>"], ["<sip:a.test;lr>", "<sip:b.test;lr>"]),
        (["<sip:a.test;lr>, <sip:"], []),
        (["<sip:a.test;lr>"] * 9, []),
        ([], []),
    ],
    ids=["one", "several", "bad", "too many", "none"],
)
def test_calls_pass_the_proxies_that_the_registrar_named(stage: Stage, given: list[str], routes: list[str]):
    """RFC 3608: without its Service-Route such a carrier answers 403."""

    def answer(incoming: IncomingRequest) -> None:
        contact = f"{incoming.request.headers.get('Contact')};expires=120"
        incoming.respond(200, headers=[("Contact", contact), *(("Service-Route", x) for x in given)])

    stage.carrier.handler.on["register"] = answer
    stage.carrier.picks_up()
    follow(stage, a_trunk("trunk", *CARRIER, credentials=ACCOUNT, register=True))
    stage.run(5)
    stage.calls(c.TrunkTarget("trunk", "+84912345678"))
    assert stage.messages("INVITE", to=stage.carrier)[-1].headers.get_all("Route") == routes
