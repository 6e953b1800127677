"""Live events: from what control tells to who listens."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import cast, get_args

import msgspec

from tongdai.api.hub import TYPES, Hub, Listener
from tongdai.api.rpc import messages as m
from tongdai.api.rpc.client import RpcClient
from tongdai.api.rpc.server import RpcServer
from tongdai.calls import facts as f
from tongdai.calls.model import Cause, Party, PartyKind
from tongdai.core.clock import SystemClock

TENANT, CALL = "tenant_1", "call_1"


def told(fact: f.Fact, seq: int = 1) -> m.Told:
    return m.Told("feed_1", seq, 0.0, m.CallFact(f.LoggedFact(CALL, TENANT, seq, 0.0, fact)))


def test_every_fact_is_an_event():
    """How good a call had sounded became a fact, which the list of events did not know: after the first call
    that was measured, the API answered everything with 503 until it was restarted."""
    assert set(get_args(f.Fact)) == set(TYPES)


def test_what_is_measured_after_the_end_is_told_and_nothing_is_kept_of_the_call():
    hub, listener = Hub(), Listener(TENANT, "", administers=True)
    hub.listen(listener, None)
    hub.on_told(told(f.CallEnded(Cause.NORMAL, "")))
    hub.on_told(told(f.LegMeasured("leg_1", mos=4.2), 2))
    kept = [listener.queue.get_nowait() for _ in range(3)]
    assert [event and event.type for event in kept] == ["call.ended", "presence.changed", "leg.measured"]
    assert not hub._people


def test_colleagues_are_told_that_somebody_is_free_or_not_and_nothing_else_of_his_call():
    """They saw "Available" until they loaded the page again."""
    hub, colleague, stranger = Hub(), Listener(TENANT, "mai", False), Listener("tenant_2", "x", True)
    for listener in (colleague, stranger):
        hub.listen(listener, None)
    lan, minh = [Party(PartyKind.PERSON, x, "", x) for x in ("lan", "minh")]
    facts: tuple[f.Fact, ...] = (
        f.CallStarted("l0", lan, "102"),
        f.LegCreated("l1", minh, "target"),
        f.LegRang("l1"),
        f.LegAnsweredFact("l1"),
        f.LegEndedFact("l1", Cause.NORMAL, False),
        f.CallEnded(Cause.NORMAL, ""),
    )
    for seq, fact in enumerate(facts):
        hub.on_told(told(fact, seq))
    seen = [colleague.queue.get_nowait() for _ in range(colleague.queue.qsize())]
    assert {x.type for x in seen if x} == {"presence.changed"}
    assert [x.data["person"] for x in seen if x] == ["lan", "minh", "minh", "minh", "lan", "minh"]
    assert stranger.queue.empty()
    assert not hub._legs


def test_who_was_in_a_call_is_told_when_its_record_can_be_read():
    """Pages read the log when the call ended, before it stood there, and counted one missed call too few."""
    hub, lan, mai = Hub(), Listener(TENANT, "lan", False), Listener(TENANT, "mai", False)
    for listener in (lan, mai):
        hub.listen(listener, None)
    hub.on_told(m.Told("feed_1", 1, 0.0, m.CallStored(TENANT, CALL, frozenset({"lan"}))))
    event = lan.queue.get_nowait()
    assert event is not None
    assert (event.type, event.data) == ("call.logged", {"call": CALL})
    assert mai.queue.empty()


def test_the_end_of_a_call_that_had_begun_before_us_is_news_of_somebody():
    hub, colleague = Hub(), Listener(TENANT, "mai", False)
    hub.listen(colleague, None)
    hub.on_told(told(f.CallEnded(Cause.NORMAL, "")))
    event = colleague.queue.get_nowait()
    assert event is not None
    assert (event.type, event.data) == ("presence.changed", {"person": ""})


async def test_what_a_later_version_tells_is_passed_over(tmp_path: Path):
    """Control is replaced first by an upgrade: until web is too, it may tell of what web does not know."""
    passed: list[m.News] = []
    arrived = asyncio.Event()

    def on_told(told: m.Told) -> None:
        passed.append(told.news)
        arrived.set()

    async def handle(request: m.Request) -> m.Answer:
        return m.Done()

    class News(msgspec.Struct, frozen=True, tag="OfTheNextVersion"):
        what: str

    server = RpcServer(tmp_path / "control.sock", handle, SystemClock())
    await server.open()
    client = RpcClient(tmp_path / "control.sock", on_told=on_told, on_gap=lambda: None)
    running = asyncio.create_task(client.run())
    try:
        async with asyncio.timeout(5):
            await client.ask(m.ReadMetrics(), m.Done)
            server.tell(cast(m.News, News("new")))
            server.tell(m.MailboxChanged(TENANT, "mailbox_1"))
            await arrived.wait()
            assert await client.ask(m.ReadMetrics(), m.Done) == m.Done()
    finally:
        running.cancel()
        await server.close()
    assert passed == [m.MailboxChanged(TENANT, "mailbox_1")]


async def test_an_event_that_cannot_be_passed_on_does_not_cost_the_connection(tmp_path: Path):
    passed: list[m.Told] = []
    missed, arrived = asyncio.Event(), asyncio.Event()

    def on_told(news: m.Told) -> None:
        passed.append(news)
        if len(passed) == 1:
            raise KeyError("unknown")
        arrived.set()

    async def handle(request: m.Request) -> m.Answer:
        return m.Done()

    server = RpcServer(tmp_path / "control.sock", handle, SystemClock())
    await server.open()
    client = RpcClient(tmp_path / "control.sock", on_told=on_told, on_gap=missed.set)
    running = asyncio.create_task(client.run())
    try:
        async with asyncio.timeout(5):
            await client.ask(m.ReadMetrics(), m.Done)
            server.tell(m.MailboxChanged(TENANT, "mailbox_1"))
            await missed.wait()
            server.tell(m.MailboxChanged(TENANT, "mailbox_2"))
            await arrived.wait()
            assert await client.ask(m.ReadMetrics(), m.Done) == m.Done()
    finally:
        running.cancel()
        await server.close()
