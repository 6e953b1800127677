"""A server that gets three times and ten times what it can do, and one whose phones all come at once.

The user agent, the screening, the refusals and the registrar are real; the socket's queue and the time that a
message takes are a model. How fast a real one is, `bench/pbx.py --only overload` measures."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator
from heapq import heapify, heappop, heappush
from itertools import count

import pytest
from tests.unit.app.test_front import Reception
from tests.unit.legs.doubles import PASSWORD, device

from tongdai.app.wires import Wires
from tongdai.sip.digest import Credentials, DigestClient
from tongdai.sip.flow import Flow
from tongdai.sip.message import Response, parse
from tongdai.sip.transport import UdpTransport
from tongdai.sip.ua.overload import RETRY_SECONDS, Overload

WORK, REFUSAL = 500e-6, 20e-6
"""Seconds that a message takes, done or refused."""
CAPACITY = 1 / WORK
ROOM, PIECE = 4 << 20, 2304
"""Bytes of the socket's queue, and what the kernel counts for a datagram."""
HERE = ("192.0.2.100", 5060)


class Socket(UdpTransport):
    """What waits to be read, and what is sent."""

    def __init__(self) -> None:
        super().__init__(HERE, lambda data, flow: None)
        self.waiting: deque[tuple[bytes, Flow]] = deque()
        self.sent: list[tuple[Flow, bytes]] = []
        self.longest = 0

    def arrive(self, data: bytes, flow: Flow) -> bool:
        """A datagram comes; False when there is no room for it."""
        if len(self.waiting) * PIECE >= ROOM:
            return False
        self.waiting.append((data, flow))
        self.longest = max(self.longest, len(self.waiting))
        return True

    def queue(self) -> tuple[int, int]:
        return len(self.waiting) * PIECE, ROOM

    def send(self, flow: Flow, data: bytes) -> None:
        self.sent.append((flow, data))


class Server(Reception):
    """An office behind a socket."""

    def __init__(self) -> None:
        super().__init__()
        self.overload = Overload("t", lambda user: user == "113")
        self.socket = Socket()
        self.wires = Wires(
            self.office.agent,
            clock=lambda: self.network.now,
            stir=lambda: None,
            on_lost=lambda flow: None,
            overload=self.overload,
        )
        self.wires._udp = {HERE: self.socket}

    def read(self) -> list[tuple[Flow, bytes]]:
        """Read one datagram, which takes its time; what was sent then."""
        data, flow = self.socket.waiting.popleft()
        refused = self.overload.refused
        self.wires.on_datagram(data, flow)
        self.network.now += WORK if self.overload.refused == refused else REFUSAL
        sent = [*self.socket.sent, *self.office.agent.drain()]
        self.socket.sent.clear()
        return sent


def text(method: str, user: str, number: int, to: str = "", more: str = "") -> bytes:
    return (
        f"{method} sip:{user}@anphat.demo SIP/2.0\r\n"
        f"Via: SIP/2.0/UDP 10.0.0.7;rport;branch=z9hG4bK{number}\r\n"
        f"From: <sip:a@anphat.demo>;tag=1\r\nTo: <sip:{user}@anphat.demo>{to}\r\nCall-ID: {number}\r\n"
        f"CSeq: 1 {method}\r\nContact: <sip:a@10.0.0.7>\r\n{more}Content-Length: 0\r\n\r\n"
    ).encode()


def source(number: int) -> Flow:
    """One of many."""
    return Flow("udp", HERE, (f"198.51.{number % 200}.{number // 200 % 200 + 1}", 5060))


def traffic(seconds: float, factor: float) -> Iterator[tuple[float, str, bytes]]:
    """New calls at so many times the capacity; beside them what must not be lost."""
    kinds = (("call", CAPACITY * factor), ("bye", 100.0), ("emergency", 20.0), ("options", 50.0))
    arrivals = [(0.0, kind, 1 / rate) for kind, rate in kinds]
    heapify(arrivals)
    for number in count():
        at, kind, pause = heappop(arrivals)
        if at > seconds:
            return
        data = {
            "call": lambda n: text("INVITE", "102", n),
            "bye": lambda n: text("BYE", "102", n, ";tag=x"),
            "emergency": lambda n: text("INVITE", "113", n),
            "options": lambda n: text("OPTIONS", "x", n),
        }[kind](number)
        yield at, kind, data
        heappush(arrivals, (at + pause, kind, pause))


@pytest.mark.parametrize(("factor", "goodput"), [(3.0, 0.8), (10.0, 0.5)])
def test_too_many_calls_are_refused_early_and_what_matters_is_served(factor: float, goodput: float):
    server, seconds = Server(), 2.0
    began, done, refused, lost = server.network.now, Counter[str](), Counter[str](), Counter[str]()
    kinds: dict[int, str] = {}
    coming = enumerate(traffic(seconds, factor))
    ahead = next(coming, None)
    while ahead is not None or server.socket.waiting:
        while ahead is not None and (began + ahead[1][0] <= server.network.now or not server.socket.waiting):
            number, (at, kind, data) = ahead
            server.network.now = max(server.network.now, began + at)
            kinds[number] = kind
            if not server.socket.arrive(data, source(number)):
                lost[kind] += 1
            ahead = next(coming, None)
        if not server.socket.waiting:
            continue
        for _, answer in server.read():
            response = parse(answer)
            assert isinstance(response, Response)
            kind = kinds[int(response.call_id)]
            if response.status == 503:
                refused[kind] += 1
                after = response.number("Retry-After")
                assert after is not None
                assert RETRY_SECONDS[0] <= after <= RETRY_SECONDS[1]
            else:
                done[kind] += 1
    assert not lost, "the queue never overflows"
    assert not refused["bye"]
    assert not refused["emergency"]
    sent = Counter(kinds.values())
    assert done["bye"] == sent["bye"] > 0
    assert done["emergency"] == sent["emergency"] > 0
    assert done["call"] >= goodput * CAPACITY * seconds
    assert refused["options"] > 0, "what is no call goes first"
    assert server.office.agent.transactions() == 0, "a refusal costs no memory"
    assert not server.office.agent.sessions()
    assert server.socket.longest * PIECE < ROOM
    assert server.network.now - began < seconds + 1.0, "it does not lag behind for long"


class StormPhone:
    """A phone that has just got power: registers until it is in, as its timers and a Retry-After say."""

    def __init__(self, number: int, at: float) -> None:
        self.name = f"anphat-{number}"
        self.number = number
        self.flow = source(number)
        self.next_at, self.pause = at, 0.5
        self.proof = ""
        self.tries = 0
        self.registered_at: float | None = None
        self.digest = DigestClient(Credentials(self.name, PASSWORD), lambda: "c")

    def asks(self, now: float) -> bytes:
        self.next_at, self.pause = now + self.pause, min(2 * self.pause, 4.0)
        self.tries += 1
        return (
            text("REGISTER", "", self.number * 1000 + self.tries, more=self.proof)
            .replace(b"Call-ID: %d" % (self.number * 1000 + self.tries), b"Call-ID: %d" % self.number)
            .replace(b"To: <sip:@anphat.demo>", f"To: <sip:{self.name}@anphat.demo>".encode())
            .replace(b"REGISTER sip:@anphat.demo", b"REGISTER sip:anphat.demo")
        )

    def hears(self, response: Response, now: float) -> None:
        if self.registered_at is not None:
            return
        self.pause = 0.5
        if response.status == 200:
            self.registered_at = now
        elif response.status == 401:
            answer = self.digest.answer(response, "REGISTER", "sip:anphat.demo")
            if answer is None:  # another challenge than the one that was answered; it came late
                return
            self.proof, self.next_at = f"{answer[0]}: {answer[1]}\r\n", now
        else:
            assert response.status == 503
            self.proof = ""
            self.digest = DigestClient(Credentials(self.name, PASSWORD), lambda: "c")
            self.next_at = now + (response.number("Retry-After") or 0)


def test_all_phones_come_back_at_once_and_are_served_in_order():
    """After a power cut: every phone is in soon, those that were told to wait too, and calls go through. The
    work alone takes three seconds."""
    server, phones = Server(), [StormPhone(number, 0.0) for number in range(3000)]
    for phone in phones:
        server.edge.devices[phone.name] = device("anphat", str(phone.number), "Somebody")
    began = server.network.now
    turns = [(began + phone.number / 3000, phone.number) for phone in phones]
    heapify(turns)
    calls, refused_calls, next_call = 0, 0, began
    by_flow = {phone.flow: phone for phone in phones}
    while any(phone.registered_at is None for phone in phones):
        assert server.network.now < began + 30.0, "not all phones are in after half a minute"
        if not server.socket.waiting and turns:
            server.network.now = max(server.network.now, min(turns[0][0], next_call))
        now = server.network.now
        if next_call <= now:
            calls += 1
            server.socket.arrive(text("INVITE", "102", 10**7 + calls), source(39_999))
            next_call += 0.05
        while turns and turns[0][0] <= now:
            at, number = heappop(turns)
            phone = phones[number]
            if phone.registered_at is None and at >= phone.next_at - 1e-9:
                server.socket.arrive(phone.asks(now), phone.flow)
                heappush(turns, (phone.next_at, number))
            elif phone.registered_at is None:
                heappush(turns, (phone.next_at, number))
        if not server.socket.waiting:
            continue
        for flow, answer in server.read():
            response = parse(answer)
            assert isinstance(response, Response)
            if response.cseq.method == "INVITE":
                refused_calls += response.status == 503 and server.network.now > began + 1.0
            else:
                phone = by_flow[flow]
                phone.hears(response, server.network.now)
                heappush(turns, (phone.next_at, phone.number))
    assert len(server.bindings) == len(phones)
    assert refused_calls == 0, "as soon as the first rush is over"
    within = [sorted((phone.registered_at or 0.0) - began for phone in phones)[at] for at in (1500, 2700, -1)]
    assert all(took < most for took, most in zip(within, (3.0, 6.0, 12.0), strict=True)), within
    first = sorted(phones, key=lambda phone: phone.registered_at or 0.0)[: len(phones) // 10]
    assert max(phone.number for phone in first) < len(phones) // 2, "who came first is in first"


def test_who_comes_when_all_is_quiet_again_is_let_in():
    """What the last of a flood made of the pressure was kept for the first who came long after it."""
    server = Server()
    for number in range(int(3 * CAPACITY)):
        server.socket.arrive(text("INVITE", "102", number), source(number))
    server.network.now += 1.0
    while len(server.socket.waiting) > 800:
        server.read()
    assert server.overload.pressure > 0.5
    server.socket.waiting.clear()
    server.network.now += 60.0
    server.socket.arrive(text("INVITE", "102", 1_000_000), source(7))
    [(_, answer)] = server.read()
    assert answer.startswith(b"SIP/2.0 401"), "challenged, as anybody"
