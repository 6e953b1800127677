"""Session timers (RFC 4028) against SIPp, over real sockets. The shortest interval is 90 s, so the user agent
that calls here lives ten times as fast as SIPp; the demo lives as everybody does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from tests.interop.conftest import Phones
from tests.interop.demo import Demo
from tests.interop.phones.raw import Account
from tests.unit.sip.network import OFFER, Recorder

from tongdai.sip.flow import Flow
from tongdai.sip.ids import RandomIds
from tongdai.sip.transport import UdpTransport, bind_udp
from tongdai.sip.ua import InviteSession, UserAgent

PACE = 10.0


class Line:
    """A user agent on a socket of its own, with a fast clock."""

    def __init__(self) -> None:
        self.handler = Recorder()
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self.agent = UserAgent(
            self.handler, clock=self.now, ids=RandomIds(), on_output=self._stir, session_seconds=90
        )

    def now(self) -> float:
        return self._loop.time() * PACE

    async def open(self) -> Line:
        self._udp = await UdpTransport.open(bind_udp(("127.0.0.1", 0)), self._receive)
        return self

    async def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        await self._udp.close()

    def call(self, port: int) -> InviteSession:
        flow = self._udp.flow_to(("127.0.0.1", port))
        return self.agent.invite(f"sip:x@127.0.0.1:{port}", flow, from_="<sip:us@127.0.0.1>", sdp=OFFER)

    def _receive(self, data: bytes, flow: Flow) -> None:
        self.agent.receive(data, flow, self.now())
        self._stir()

    def _stir(self) -> None:
        self._loop.call_soon(self._flush)

    def _flush(self) -> None:
        for flow, data in self.agent.drain():
            self._udp.send(flow, data)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        at = self.agent.deadline()
        if at is not None:
            self._timer = self._loop.call_later(max(0.0, (at - self.now()) / PACE), self._wake)

    def _wake(self) -> None:
        self.agent.on_timers(self.now())
        self._flush()


@pytest.fixture
async def line() -> AsyncIterator[Line]:
    one = await Line().open()
    yield one
    await one.close()


async def until(line: Line, event: str) -> None:
    async with asyncio.timeout(20):
        while event not in line.handler.names():
            await asyncio.sleep(0.02)


PEER = Account("peer", "", ("127.0.0.1", 5060))


async def test_a_peer_that_lets_us_refresh_is_refreshed_in_time(line: Line, phones: Phones):
    """Two UPDATEs, at half of each interval."""
    peer = await phones.sipp("timer_refreshed", PEER, seconds=30).open()
    session = line.call(peer.port)
    async with asyncio.timeout(25):
        while peer.messages().count("UPDATE sip:") < 2:
            await asyncio.sleep(0.1)
    await asyncio.sleep(0.5)
    assert session.confirmed
    session.bye()
    await peer.finished()


async def test_a_peer_that_forgets_to_refresh_is_hung_up_on_in_time(line: Line, phones: Phones):
    peer = await phones.sipp("timer_forgets", PEER, seconds=30).open()
    began = line.now()
    line.call(peer.port)
    await until(line, "ended")
    assert line.now() - began >= 60  # 90 s less a third
    await peer.finished()


async def test_a_peer_that_wants_more_time_gets_it_and_refreshes_by_itself(line: Line, phones: Phones):
    peer = await phones.sipp("timer_too_short", PEER, seconds=30).open()
    session = line.call(peer.port)
    async with asyncio.timeout(20):
        while "agreed" not in peer.messages() and peer.messages().count("UPDATE sip:") < 1:
            await asyncio.sleep(0.05)
    await asyncio.sleep(0.5)
    assert session.state.session_seconds == 120
    assert not session.state.we_refresh
    session.bye()
    await peer.finished()


async def test_the_demo_refuses_too_short_an_interval_and_is_refreshed(demo: Demo, phones: Phones):
    """422 with Min-SE, then UPDATE and re-INVITE as refreshes."""
    await phones.sipp("timer_call", demo.account("103"), target="*43").run()
