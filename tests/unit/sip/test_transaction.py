"""The transaction machines: RFC 3261 §17 and RFC 6026, timer by timer."""

from __future__ import annotations

import pytest
from tests.unit.sip.network import SeededIds

from tongdai.sip.flow import Flow
from tongdai.sip.message import Headers, Request, Response
from tongdai.sip.timers import Timers
from tongdai.sip.transaction import ClientTransaction, ServerTransaction, State, TransactionLayer
from tongdai.sip.transaction.machines import CLIENT, INVITE_CLIENT, INVITE_SERVER, SERVER, Event, Table

UDP = Flow("udp", ("192.0.2.1", 5060), ("192.0.2.2", 5060))
TCP = Flow("tcp", ("192.0.2.1", 5060), ("192.0.2.2", 5060), 1)


class Bench:
    """A layer, its clock and what it says."""

    def __init__(self, flow: Flow = UDP) -> None:
        self.flow = flow
        self.timers = Timers()
        self.now = 0.0
        self.sent: list[tuple[float, str]] = []
        self.heard: list[int] = []
        self.layer = TransactionLayer(self._transmit, self.timers, SeededIds("b"))

    def _transmit(self, flow: Flow, data: bytes) -> None:
        self.sent.append((round(self.now, 3), data.split(b" ")[0 if data[:3] != b"SIP" else 1].decode()))

    def run(self, until: float) -> None:
        while (at := self.timers.deadline()) is not None and at <= until:
            self.now = at
            self.timers.fire(at)
        self.now = until

    def ask(self, method: str) -> ClientTransaction:
        self.asked = request(method)
        return self.layer.send(
            self.asked,
            self.flow,
            lambda response, now: self.heard.append(response.status),
            lambda status, now: self.heard.append(-status),
            self.now,
        )

    def hear(self, transaction: ClientTransaction, status: int) -> None:
        response = self.asked.response(status, to_tag="t")
        assert self.layer.receive_response(response, self.now)

    def serve(self, method: str, branch: str = "z9hG4bKx") -> ServerTransaction | None:
        message = request(method)
        message.headers.set("Via", f"SIP/2.0/UDP 192.0.2.2;branch={branch}")
        return self.layer.receive_request(message, self.flow, self.now)

    def times(self, what: str) -> list[float]:
        return [at for at, said in self.sent if said == what]


def request(method: str) -> Request:
    fields = [("From", "<sip:a@b>;tag=1"), ("To", "<sip:c@d>"), ("Call-ID", "x"), ("CSeq", f"1 {method}")]
    return Request(method, "sip:c@d", headers=Headers.of(fields))


def answer(bench: Bench, transaction: ServerTransaction | None, status: int) -> None:
    assert transaction is not None
    assert transaction.request is not None
    transaction.respond(transaction.request.response(status, to_tag="t"), bench.now)


def test_invite_is_repeated_with_doubling_gaps_until_timer_b() -> None:
    bench = Bench()
    bench.ask("INVITE")
    bench.run(100)
    assert bench.times("INVITE") == [0, 0.5, 1.5, 3.5, 7.5, 15.5, 31.5]
    assert bench.heard == [-408]
    assert len(bench.layer) == len(bench.timers) == 0


def test_other_requests_are_repeated_at_most_every_t2_until_timer_f() -> None:
    bench = Bench()
    bench.ask("OPTIONS")
    bench.run(100)
    assert bench.times("OPTIONS") == [0, 0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5]
    assert bench.heard == [-408]


@pytest.mark.parametrize("method", ["INVITE", "OPTIONS"])
def test_a_reliable_transport_repeats_nothing(method: str) -> None:
    bench = Bench(TCP)
    bench.ask(method)
    bench.run(100)
    assert bench.times(method) == [0]
    assert bench.heard == [-408]


def test_a_provisional_response_ends_the_repetition_of_invite_for_good() -> None:
    bench = Bench()
    transaction = bench.ask("INVITE")
    bench.run(0.6)
    bench.hear(transaction, 180)
    bench.run(1000)
    assert bench.times("INVITE") == [0, 0.5]
    assert bench.heard == [180]
    assert transaction.state is State.PROCEEDING


def test_a_provisional_response_slows_other_requests_to_t2() -> None:
    bench = Bench()
    transaction = bench.ask("OPTIONS")
    bench.hear(transaction, 100)
    bench.run(13)
    assert bench.times("OPTIONS") == [0, 0.5, 4.5, 8.5, 12.5]
    bench.hear(transaction, 200)
    bench.run(100)
    assert bench.heard == [100, 200]
    assert len(bench.layer) == 0


def test_a_failure_is_acknowledged_as_often_as_it_comes_and_told_once() -> None:
    bench = Bench()
    transaction = bench.ask("INVITE")
    for _ in range(3):
        bench.hear(transaction, 486)
    assert bench.heard == [486]
    assert bench.times("ACK") == [0, 0, 0]
    bench.run(31.9)
    assert len(bench.layer) == 1
    bench.run(32.1)
    assert len(bench.layer) == 0


def test_every_2xx_is_told_for_64_t1() -> None:
    """RFC 6026: forks and repetitions reach the user; it acknowledges, not the transaction."""
    bench = Bench()
    transaction = bench.ask("INVITE")
    bench.hear(transaction, 200)
    bench.run(30)
    bench.hear(transaction, 200)
    assert bench.heard == [200, 200]
    assert bench.times("ACK") == []
    bench.run(33)
    assert not bench.layer.receive_response(bench.asked.response(200), bench.now)


def test_responses_that_come_too_late_or_too_early_change_nothing() -> None:
    bench = Bench()
    transaction = bench.ask("INVITE")
    bench.hear(transaction, 200)
    bench.hear(transaction, 180)
    bench.hear(transaction, 486)
    other = bench.ask("INVITE")
    bench.hear(other, 486)
    bench.hear(other, 200)
    bench.hear(other, 180)
    assert bench.heard == [200, 486]


def test_a_server_repeats_its_last_response_to_a_repeated_request() -> None:
    bench = Bench()
    transaction = bench.serve("OPTIONS")
    assert bench.serve("OPTIONS") is None
    assert bench.sent == []
    answer(bench, transaction, 200)
    assert bench.serve("OPTIONS") is None
    assert bench.times("200") == [0, 0]
    bench.run(33)
    assert len(bench.layer) == 0
    assert bench.serve("OPTIONS") is not None


def test_a_refused_invite_is_repeated_until_its_ack() -> None:
    bench = Bench()
    transaction = bench.serve("INVITE")
    answer(bench, transaction, 180)
    bench.serve("INVITE")
    assert bench.times("180") == [0, 0]
    answer(bench, transaction, 486)
    bench.run(9)
    assert bench.times("486") == [0, 0.5, 1.5, 3.5, 7.5]
    ack = request("ACK")
    ack.headers.set("Via", "SIP/2.0/UDP 192.0.2.2;branch=z9hG4bKx")
    assert bench.layer.receive_ack(ack, bench.now)
    assert bench.layer.receive_ack(ack, bench.now)
    bench.run(20)
    assert len(bench.times("486")) == 5
    assert len(bench.layer) == 0


def test_a_refused_invite_without_ack_is_given_up() -> None:
    bench = Bench()
    answer(bench, bench.serve("INVITE"), 486)
    bench.run(33)
    assert len(bench.layer) == len(bench.timers) == 0


def test_a_second_final_response_is_the_owners_mistake() -> None:
    bench = Bench()
    transaction = bench.serve("OPTIONS")
    assert transaction is not None
    message = transaction.request
    assert message is not None
    transaction.respond(message.response(200), 0.0)
    with pytest.raises(RuntimeError, match="already"):
        transaction.respond(message.response(200), 0.0)


def test_an_accepted_invite_absorbs_its_repetitions() -> None:
    bench = Bench()
    transaction = bench.serve("INVITE")
    answer(bench, transaction, 200)
    assert bench.serve("INVITE") is None
    assert bench.times("200") == [0]
    bench.run(33)
    assert len(bench.layer) == 0


@pytest.mark.parametrize("branch", ["", "old", "z9hG4bK"])
def test_requests_without_a_magic_branch_are_told_apart_by_their_content(branch: str) -> None:
    """RFC 2543 clients, and the empty branch of RFC 4475 §3.2.1."""
    bench = Bench()
    assert bench.serve("INVITE", branch) is not None
    assert bench.serve("INVITE", branch) is None
    message = request("INVITE")
    message.headers.set("CSeq", "2 INVITE")
    message.headers.set("Via", f"SIP/2.0/UDP 192.0.2.2;branch={branch}")
    assert bench.layer.receive_request(message, UDP, 0.0) is not None


def test_same_branch_from_another_sender_is_another_transaction() -> None:
    bench = Bench()
    assert bench.serve("OPTIONS") is not None
    message = request("OPTIONS")
    message.headers.set("Via", "SIP/2.0/UDP 192.0.2.3;branch=z9hG4bKx")
    assert bench.layer.receive_request(message, UDP, 0.0) is not None


CLIENT_EVENTS = {Event.PROVISIONAL, Event.SUCCESS, Event.FAILURE, Event.TRANSPORT_ERROR}
SERVER_EVENTS = {Event.REQUEST, Event.TRANSPORT_ERROR}


@pytest.mark.parametrize(
    ("table", "outside"),
    [
        (INVITE_CLIENT, CLIENT_EVENTS),
        (CLIENT, CLIENT_EVENTS),
        (INVITE_SERVER, SERVER_EVENTS | {Event.ACK}),
        (SERVER, SERVER_EVENTS),
    ],
)
def test_whatever_the_network_does_a_machine_has_an_answer(table: Table, outside: set[Event]) -> None:
    states = {state for state, _ in table} | {state for state, _ in table.values()}
    for state in states - {State.TERMINATED}:
        for event in outside:
            assert (state, event) in table, (state, event)


def test_a_response_without_a_transaction_is_not_taken() -> None:
    bench = Bench()
    stray = Response(
        200, "", headers=Headers.of([("Via", "SIP/2.0/UDP x;branch=z9hG4bKy"), ("CSeq", "1 INVITE")])
    )
    assert not bench.layer.receive_response(stray, 0.0)


# -- timers


def test_timers_fire_in_order_and_cancelled_ones_not() -> None:
    timers = Timers()
    fired: list[str] = []

    def note(name: str, now: float) -> None:
        fired.append(f"{name}@{now}")

    timers.schedule(2.0, note, "b")
    gone = timers.schedule(1.0, note, "x")
    timers.schedule(1.5, note, "a")
    timers.schedule(2.0, note, "c")
    timers.cancel(gone)
    timers.cancel(gone)
    assert timers.deadline() == 1.5
    timers.fire(2.5)
    assert fired == ["a@2.5", "b@2.5", "c@2.5"]
    assert timers.deadline() is None


def test_cancelled_timers_do_not_pile_up() -> None:
    timers = Timers()
    keep = timers.schedule(1000.0, lambda now: None)
    for at in range(10_000):
        timers.cancel(timers.schedule(float(at), lambda now: None))
    assert len(timers) == 1
    assert len(timers._heap) < 200
    timers.cancel(keep)
    assert timers.deadline() is None
    assert len(timers) == 0
