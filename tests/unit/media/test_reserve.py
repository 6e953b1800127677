"""Sessions that are opened on reserved ports, without waiting for the engine."""

from __future__ import annotations

from typing import Any

import pytest
from tests.unit.media.desk import Desk, settled

from tongdai.media import EngineGone, EngineRefused, wire
from tongdai.media.reserve import PAIRS


class Reserving(Desk):
    """Legs of tenant `t` in an engine that reserves `PAIRS` ports from 20000 on, on 192.0.2.1."""

    def __init__(self) -> None:
        super().__init__()
        self.engine.reserves = True
        self.gone: list[tuple[str, str]] = []
        self.sessions.on_gone = lambda *x: self.gone.append(x)
        self.at: dict[str, tuple[int, str]] = {}

    def ask(self, leg: str, ip: str | None = None) -> None:
        def done(opened: wire.Opened | None, error: str) -> None:
            assert opened is None or opened.rtcp_port == opened.port + 1
            self.at[leg] = (opened.port if opened is not None else 0, error)

        self.sessions.open("t", leg, done, ip)

    async def answer(self, op: str, result: Any) -> None:
        self.engine.answer(op, result)
        await settled()

    async def reserved(self) -> None:
        ports = [20000 + 2 * pair for pair in range(PAIRS)]
        await self.answer("reserve", wire.Reserved("192.0.2.1", ports))


@pytest.fixture
async def desk() -> Reserving:
    """The first leg has waited for the engine."""
    desk = Reserving()
    desk.ask("first")
    assert desk.engine.of("reserve") == [{"count": PAIRS}]
    assert not desk.at
    await desk.answer("open", wire.Opened("192.0.2.1", 30000, 30001))
    await desk.reserved()
    desk.engine.sent.clear()
    return desk


async def test_a_session_is_there_at_once_and_the_reply_brings_the_next_port(desk: Reserving):
    assert desk.at == {"first": (30000, "")}
    desk.ask("a")
    assert desk.at["a"] == (20000, "")
    assert desk.engine.sent == [{"op": "open", "session": "a", "port": 20000, "reserved": True}]
    for leg in range(PAIRS - 1):
        desk.ask(str(leg))
    desk.ask("waits")
    assert "waits" not in desk.at
    assert desk.engine.sent[-1] == {"op": "open", "session": "waits"}
    await desk.answer("open", wire.Opened("192.0.2.1", 20000, 20001, next=21000))
    desk.ask("b")
    assert desk.at["b"] == (21000, "")
    assert not desk.engine.of("reserve")


async def test_more_is_reserved_when_few_are_left_for_want_of_ports(desk: Reserving):
    for leg in range(PAIRS // 2 + 1):
        desk.ask(str(leg))
        await desk.answer("open", wire.Opened("192.0.2.1", 1, 2))
    assert not desk.engine.of("reserve")
    desk.ask("a")
    desk.ask("b")
    assert desk.engine.of("reserve") == [{"count": PAIRS // 2 + 1}]
    await desk.answer("reserve", wire.Reserved("192.0.2.1", []))
    desk.ask("c")
    assert len(desk.engine.of("reserve")) == 2


async def test_the_last_port_may_be_among_the_reserved(desk: Reserving):
    desk = Reserving()
    for leg in "abc":
        desk.ask(leg)
    await desk.answer("reserve", wire.Reserved("192.0.2.1", [20000]))
    await desk.answer("open", wire.Opened("192.0.2.1", 30000, 30001))
    for _ in "bc":
        await desk.answer("open", EngineRefused("open", "no_ports", "no pair of ports is free"))
    assert [desk.at[leg][0] for leg in "abc"] == [30000, 20000, 0]
    assert desk.at["c"][1] == "no_ports"


async def test_the_last_port_may_be_among_those_of_another_address():
    desk = Reserving()
    desk.ask("first")
    await desk.answer("reserve", wire.Reserved("192.0.2.1", [20000, 20002, 20004]))
    await desk.answer("open", wire.Opened("192.0.2.1", 30000, 30001))
    none_free = EngineRefused("open", "no_ports", "no pair of ports is free")
    elsewhere = "198.51.100.1"
    desk.ask("a", elsewhere)
    await desk.answer("open", none_free)
    assert "a" not in desk.at
    assert desk.engine.sent[-1] == {"op": "open", "session": "a", "ip": elsewhere, "release": 20004}
    await desk.answer("open", none_free)  # another program has it there
    assert desk.engine.sent[-1] == {"op": "open", "session": "a", "ip": elsewhere, "release": 20002}
    await desk.answer("open", wire.Opened(elsewhere, 20002, 20003))
    desk.ask("b")
    desk.ask("c", elsewhere)
    await desk.answer("open", wire.Opened("192.0.2.1", 20000, 20001))
    await desk.answer("open", none_free)
    assert desk.at == {"first": (30000, ""), "a": (20002, ""), "b": (20000, ""), "c": (0, "no_ports")}


async def test_each_address_has_ports_of_its_own(desk: Reserving):
    desk.ask("a", "198.51.100.1")
    assert "a" not in desk.at
    assert desk.engine.of("reserve") == [{"count": PAIRS, "ip": "198.51.100.1"}]
    await desk.answer("reserve", wire.Reserved("198.51.100.1", [40000]))
    desk.ask("b", "198.51.100.1")
    desk.ask("c")
    assert (desk.at["b"], desk.at["c"]) == ((40000, ""), (20000, ""))


async def test_an_engine_that_reserves_nothing_is_waited_for(desk: Reserving):
    desk = Reserving()
    desk.ask("a")
    await desk.answer("reserve", EngineRefused("reserve", "bad_command", "unknown"))
    desk.ask("b")
    assert not desk.at
    assert len(desk.engine.of("reserve")) == 1
    for port in (30000, 30002):
        await desk.answer("open", wire.Opened("192.0.2.1", port, port + 1))
    assert desk.at == {"a": (30000, ""), "b": (30002, "")}


async def test_a_promise_that_is_not_kept_ends_the_leg(desk: Reserving):
    desk.ask("a")
    await desk.answer("open", EngineRefused("open", "no_ports", "port 20000 is not reserved"))
    assert desk.gone == [("a", "sound_failed port 20000 is not reserved")]


async def test_nothing_is_reserved_behind_a_connection_that_broke(desk: Reserving):
    desk.ask("a")
    desk.sessions.lost(desk.engine)
    await desk.answer("open", EngineGone("gone"))
    desk.ask("b")
    assert "b" not in desk.at
    await desk.answer("reserve", EngineGone("gone"))
    desk.sessions.returned(desk.engine)
    assert desk.gone == [("a", "sound_failed the connection to the engine broke")]
    desk.engine.sent.clear()
    desk.ask("c")
    assert desk.engine.ops() == ["reserve", "open"]


async def test_the_sessions_of_an_engine_that_was_replaced_are_its_owners(desk: Reserving):
    desk.ask("a")
    desk.sessions.lost(desk.engine)
    await desk.answer("open", EngineGone("gone"))
    assert desk.sessions.replaced(desk.engine) == {"first", "a"}
    desk.sessions.returned(desk.engine)
    assert not desk.gone
