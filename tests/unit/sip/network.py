"""Two or more user agents on a virtual network with a virtual clock: loss, duplication, reordering, all
seeded."""

from __future__ import annotations

import random  # noqa: TID251  (seeded generators only)
from collections.abc import Callable
from heapq import heappop, heappush
from itertools import count
from typing import Any

import msgspec

from tongdai.sip.digest import Credentials
from tongdai.sip.flow import Address, Flow, Transport
from tongdai.sip.location import Located, Place, Target
from tongdai.sip.message import Request, Response
from tongdai.sip.ua import DialogState, IncomingRequest, InviteSession, Refer, UserAgent

OFFER = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n"
ANSWER = "v=0\r\no=- 2 1 IN IP4 192.0.2.2\r\ns=-\r\nc=IN IP4 192.0.2.2\r\nt=0 0\r\nm=audio 5000 RTP/AVP 0\r\n"


class SeededIds:
    """Tokens that repeat with the seed."""

    def __init__(self, name: str) -> None:
        self._random = random.Random(name)

    def token(self) -> str:
        return f"{self._random.getrandbits(72):018x}"


class Recorder:
    """A handler that notes every event as (name, session or incoming, details...) and can be told what to
    do."""

    def __init__(self) -> None:
        self.events: list[tuple[Any, ...]] = []
        self.on: dict[str, Callable[..., None]] = {}

    def _note(self, name: str, *args: Any) -> None:
        self.events.append((name, *args))
        if name in self.on:
            self.on[name](*args)

    def names(self) -> list[str]:
        return [event[0] for event in self.events]

    def last(self, name: str) -> tuple[Any, ...]:
        return next(event for event in reversed(self.events) if event[0] == name)

    def on_register(self, incoming: IncomingRequest) -> None:
        self._note("register", incoming)

    def on_invite(self, session: InviteSession) -> None:
        self._note("invite", session)

    def on_options(self, incoming: IncomingRequest) -> None:
        self._note("options", incoming)

    def on_request(self, incoming: IncomingRequest) -> None:
        self._note("request", incoming)

    def on_provisional(self, session: InviteSession, response: Response, sdp: str | None) -> None:
        self._note("provisional", session, response.status, sdp)

    def on_answered(self, session: InviteSession, response: Response, sdp: str | None) -> None:
        self._note("answered", session, sdp)

    def on_failed(self, session: InviteSession, status: int, reason: str, response: Response | None) -> None:
        self._note("failed", session, status)

    def on_cancelled(self, session: InviteSession, reason: str | None) -> None:
        self._note("cancelled", session, reason)

    def on_ack(self, session: InviteSession, sdp: str | None) -> None:
        self._note("ack", session, sdp)

    def on_reinvite(self, session: InviteSession, sdp: str | None) -> None:
        self._note("reinvite", session, sdp)

    def on_reinvite_result(self, session: InviteSession, status: int, sdp: str | None) -> None:
        self._note("reinvite_result", session, status, sdp)

    def on_changed(self, session: InviteSession) -> None:
        """Nothing happened that a user would notice."""

    def on_bye(self, session: InviteSession, reason: str | None) -> None:
        self._note("bye", session, reason)

    def on_ended(self, session: InviteSession, status: int, cause: str) -> None:
        self._note("ended", session, status)

    def on_refer(self, session: InviteSession, refer: Refer) -> None:
        self._note("refer", session, refer)

    def on_refer_result(self, session: InviteSession, refer_id: int, status: int) -> None:
        self._note("refer_result", session, refer_id, status)

    def on_info(self, session: InviteSession, request: Request) -> None:
        self._note("info", session, request.body)

    def on_message(self, session: InviteSession, incoming: IncomingRequest) -> None:
        self._note("message", session, incoming)


class Node:
    """A user agent at an address."""

    def __init__(self, network: Network, address: Address, transport: Transport) -> None:
        self.network = network
        self.address = address
        self.transport = transport
        self.handler = Recorder()
        self.generation = 0
        self.agent = self._new_agent()

    def _new_agent(self) -> UserAgent:
        name = f"{self.network.seed}-{self.address}-{self.generation}"
        return UserAgent(
            self.handler,
            clock=lambda: self.network.now,
            ids=SeededIds(name),
            product=self.address[0],
            locate=self.network.locate,
        )

    def flow_to(self, other: Node) -> Flow:
        connection = 0 if self.transport == "udp" else 1
        return Flow(self.transport, self.address, other.address, connection)

    def call(self, other: Node, sdp: str | None = OFFER, **more: Any) -> InviteSession:
        host, port = other.address
        return self.agent.invite(
            f"sip:callee@{host}:{port}",
            self.flow_to(other),
            from_=f'"Caller" <sip:caller@{self.address[0]}>',
            sdp=sdp,
            **more,
        )

    def kill_and_restore(self, credentials: Credentials | None = None) -> list[InviteSession]:
        """Lose the process; begin a new one from the snapshots of the old one."""
        stored = [msgspec.msgpack.encode(session.snapshot()) for session in self.agent.sessions()]
        self.generation += 1
        self.agent = self._new_agent()
        states = [msgspec.msgpack.decode(data, type=DialogState) for data in stored]
        return [self.agent.restore(state, credentials=credentials) for state in states]


class Network:
    """Delivers what nodes send. `loss` and `duplicate` are probabilities; a delay of (low, high) seconds
    reorders."""

    def __init__(
        self,
        seed: int = 0,
        *,
        loss: float = 0.0,
        duplicate: float = 0.0,
        delay: tuple[float, float] = (0.01, 0.01),
        transport: Transport = "udp",
    ) -> None:
        self.seed = seed
        self.random = random.Random(seed)
        self.loss = loss
        self.duplicate = duplicate
        self.delay = delay
        self.transport: Transport = transport
        self.now = 1000.0
        self.nodes: dict[Address, Node] = {}
        self.wire: list[tuple[float, int, Flow, bytes]] = []
        self.log: list[tuple[float, Flow, bytes]] = []
        self.drop: Callable[[Flow, bytes], bool] = lambda flow, data: False
        self.alter: Callable[[Flow, bytes], bytes] = lambda flow, data: data
        self.names: dict[str, list[Address]] = {}
        self.asked: list[Place] = []
        self._order = count()

    def node(self, host: str, port: int = 5060) -> Node:
        node = Node(self, (host, port), self.transport)
        self.nodes[node.address] = node
        return node

    def locate(self, place: Place, done: Callable[[Located | None], None]) -> None:
        """A name server that knows `names`."""
        self.asked.append(place)
        kind = place.transport or "udp"
        addresses = self.names.get(place.host)
        targets = [Target(kind, address, rank) for rank, address in enumerate(addresses or ())]
        done(None if addresses is None else Located(tuple(targets), 60.0))

    def flush(self) -> None:
        for node in self.nodes.values():
            for flow, data in node.agent.drain():
                self.log.append((self.now, flow, data))
                if self.drop(flow, data):
                    continue
                data = self.alter(flow, data)
                copies = 1 + (self.random.random() < self.duplicate)
                for _ in range(copies):
                    if flow.transport == "udp" and self.random.random() < self.loss:
                        continue
                    at = self.now + self.random.uniform(*self.delay)
                    heappush(self.wire, (at, next(self._order), flow, data))

    def run(self, seconds: float) -> None:
        """Let virtual time pass."""
        end = self.now + seconds
        while True:
            self.flush()
            times = [self.wire[0][0]] if self.wire else []
            times += [at for node in self.nodes.values() if (at := node.agent.deadline()) is not None]
            if not times or min(times) > end:
                self.now = end
                return
            self.now = max(self.now, min(times))
            while self.wire and self.wire[0][0] <= self.now:
                _, _, flow, data = heappop(self.wire)
                node = self.nodes.get(flow.remote)
                if node is not None:
                    back = Flow(flow.transport, flow.remote, flow.local, flow.connection)
                    node.agent.receive(data, back, self.now)
                    self.flush()
            for node in self.nodes.values():
                node.agent.on_timers(self.now)

    def sent(self, node: Node) -> list[str]:
        """The start lines of what a node has sent."""
        return [
            data.split(b"\r\n", 1)[0].decode() for _, flow, data in self.log if flow.local == node.address
        ]

    def at_rest(self) -> bool:
        """No session, no transaction, no timer anywhere."""
        return all(
            not node.agent.sessions() and not node.agent.transactions() and node.agent.deadline() is None
            for node in self.nodes.values()
        )


def establish(network: Network, caller: Node, callee: Node) -> tuple[InviteSession, InviteSession]:
    """A call that is answered at once: (the caller's session, the callee's)."""
    callee.handler.on["invite"] = lambda session: session.accept(ANSWER)
    ours = caller.call(callee)
    network.run(1)
    theirs = callee.handler.last("invite")[1]
    assert ours.confirmed
    assert theirs.confirmed
    return ours, theirs


def hang_up(network: Network, session: InviteSession) -> None:
    """It hangs up, and nothing is left of the call."""
    session.bye()
    network.run(100)
    assert network.at_rest()
