"""What is refused when too much comes, and what never is."""

from __future__ import annotations

import pytest

from tongdai.sip.flow import Flow
from tongdai.sip.message import Response, parse
from tongdai.sip.ua.overload import RETRY_SECONDS, Overload, Queue, Returns

FLOW = Flow("udp", ("192.0.2.1", 5060), ("198.51.100.7", 40000))


def request(
    method: str, *more: str, target: str = "sip:102@anphat.demo", to: str = "", rport: str = ";rport"
):
    lines = [
        f"{method} {target} SIP/2.0",
        f"Via: SIP/2.0/UDP 10.0.0.7:5060{rport};branch=z9hG4bK1",
        "Via: SIP/2.0/UDP 10.0.0.8;branch=z9hG4bK0",
        "f: Lan <sip:101@anphat.demo>;tag=1",
        f"TO: <sip:102@anphat.demo>{to}",
        "Call-ID: c1",
        f"CSeq: 7 {method}",
        *more,
        "Content-Length: 0",
    ]
    return "".join(f"{line}\r\n" for line in [*lines, ""]).encode()


@pytest.fixture
def overload() -> Overload:
    return Overload("abc", lambda user: user == "115")


def test_a_refusal_can_be_answered_to_and_says_when_to_come_back(overload: Overload):
    overload.pressure = 0.7
    answer = parse(overload.refuse(request("INVITE"), FLOW, 0.0) or b"")
    assert isinstance(answer, Response)
    assert answer.status == 503
    assert answer.via.params == {"rport": "40000", "received": "198.51.100.7", "branch": "z9hG4bK1"}
    assert len(answer.vias) == 2
    assert (answer.call_id, answer.cseq.number, answer.to.tag) == ("c1", 7, "busy-abc")
    assert RETRY_SECONDS[0] <= (answer.number("Retry-After") or 0) <= RETRY_SECONDS[1]
    assert overload.refused == 1


def test_the_ack_of_a_refusal_costs_nothing(overload: Overload):
    ack = request("ACK", to=";tag=busy-abc")
    assert overload.refuse(ack, FLOW, 0.0) is None, "none was refused, so it is not ours"
    overload.pressure = 1.0
    overload.refuse(request("INVITE"), FLOW, 0.0)
    overload.pressure = 0.0
    assert overload.refuse(ack, FLOW, 0.0) == b""
    assert overload.refuse(request("ACK", to=";tag=other"), FLOW, 0.0) is None


PROOF = "Authorization: Digest x=y"


@pytest.mark.parametrize(
    ("message", "until"),
    [
        (request("REGISTER"), 0.5),
        (request("OPTIONS"), 0.5),
        (request("INVITE"), 0.7),
        (request("REGISTER", PROOF), 0.95),
        (request("INVITE", PROOF), 0.95),
        (request("INVITE", to=";tag=2"), 9.0),
        (request("BYE", to=";tag=2"), 9.0),
        (request("CANCEL"), 9.0),
        (request("INVITE", target="sip:115@anphat.demo"), 9.0),
        (b"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP a\r\n\r\n", 9.0),
        (b"\r\n\r\n", 9.0),
        (request("INVITE", "Call-ID: c2"), 9.0),  # odd ones are for the parser, which says what is wrong
        (request("INVITE", " folded"), 9.0),
    ],
)
def test_what_costs_least_to_lose_is_lost_first(overload: Overload, message: bytes, until: float):
    for pressure in (0.5, 0.7, 0.95):
        overload.pressure = pressure
        assert (overload.refuse(message, FLOW, 0.0) is None) is (pressure < until)


def test_the_share_of_calls_that_is_refused_grows_with_the_pressure(overload: Overload):
    calls = [request("INVITE").replace(b"Call-ID: c1", b"Call-ID: %d" % number) for number in range(1000)]

    def refused() -> list[bool]:
        return [overload.refuse(call, FLOW, 0.0) is not None for call in calls]

    shares = []
    before = [False] * len(calls)
    for pressure in (0.44, 0.5, 0.575, 0.65, 0.71):
        overload.pressure = pressure
        now = refused()
        assert all(still for was, still in zip(before, now, strict=True) if was), "nor is one let in later"
        before = now
        shares.append(sum(now) / len(now))
    assert shares == pytest.approx([0, 1 / 5, 1 / 2, 4 / 5, 1], abs=0.05)


def busy(rate: int) -> Returns:
    """As much was let in for a second before time 1."""
    returns = Returns()
    for number in range(rate + 1):
        returns.took(number / rate)
    return returns


def test_a_few_that_are_refused_come_back_after_a_second():
    assert [busy(400).wait(phone, 0, 1.0) for phone in range(3)] == [1, 1, 1]


def test_many_that_are_refused_come_back_as_fast_as_there_is_room_in_the_order_of_their_coming():
    returns = busy(400)
    waits = [returns.wait(number, 0, 1.0 + number / 1000) for number in range(500)]
    came_back = [1.0 + number / 1000 + wait for number, wait in enumerate(waits)]
    for quarter in range(int(max(came_back) + 1) * 4):
        assert sum(quarter <= 4 * at < quarter + 1 for at in came_back) <= 400 / 4 / 2, "two requests of each"
    assert waits[:250] == sorted(waits[:250]), "of each quarter of a second"
    assert max(waits) == 5


def test_who_comes_before_its_time_is_told_what_is_left_of_it_and_takes_no_second_place():
    returns = busy(8)
    assert [returns.wait(phone, 0, 1.0) for phone in range(3)] == [1, 2, 3]
    assert [returns.wait(2, 0, at) for at in (1.0, 1.5, 2.0, 2.9, 3.0, 3.75)] == [3, 3, 2, 2, 1, 1]
    assert returns.wait(3, 0, 1.0) == 4, "the next place of this quarter"
    assert returns.wait(2, 0, 4.0) == 2, "it came at its time, and queues as anybody: behind the fourth"


def test_only_who_has_a_place_is_remembered():
    returns = busy(400)
    for stranger in range(100_000):
        returns.wait(stranger, 0, 1.0 + stranger / 1000)
    assert len(returns._places) < 400 * 60, "a minute's worth"


def test_when_all_places_are_given_away_they_come_back_at_any_time_from_then_on():
    returns = busy(8)
    waits = [returns.wait(number, number, 1.0) for number in range(1000)]
    assert waits[:30] == list(range(1, 31))
    assert set(waits[30:]) == set(range(15, 31))
    assert returns.wait(0, 0, 40.0) == 1, "long after it"


def test_calls_that_are_refused_make_no_phone_wait_longer(overload: Overload):
    overload.pressure = 1.0
    for number in range(10_000):
        overload.refuse(request("INVITE").replace(b"Call-ID: c1", b"Call-ID: %d" % number), FLOW, 0.0)
    answer = parse(overload.refuse(request("REGISTER"), FLOW, 0.0) or b"")
    assert answer.number("Retry-After") == 1


def test_a_request_that_is_repeated_is_refused_alike_and_makes_nobody_wait_longer(overload: Overload):
    overload.pressure = 1.0
    register = request("REGISTER")
    flows = [FLOW] * 10_000 + [Flow("udp", FLOW.local, ("198.51.100.7", port)) for port in range(50)]
    answers = [parse(overload.refuse(register, flow, 1.0) or b"") for flow in flows]
    assert {answer.number("Retry-After") for answer in answers} == {1}


def test_no_phone_is_always_among_the_first_that_are_refused(overload: Overload):
    overload.pressure = 0.375
    register = request("REGISTER")
    let_in = [overload.refuse(register, FLOW, float(second)) is None for second in range(100)]
    assert 40 <= sum(let_in) <= 60
    longest = max(len(run) for run in "".join("-x"[in_] for in_ in let_in).split("x"))
    assert longest <= 3, "seconds in a row"


def test_without_rport_only_who_listens_where_it_sends_from_is_refused_here(overload: Overload):
    overload.pressure = 0.7
    assert overload.refuse(request("INVITE", rport=""), FLOW, 0.0) is None
    home = Flow("udp", FLOW.local, ("10.0.0.7", 5060))
    assert overload.refuse(request("INVITE", rport=""), home, 0.0) is not None


def test_what_stands_in_the_queue_makes_the_pressure():
    queue = Queue()
    assert queue.pressure(1 << 20, 8 << 20, 100.0) == 0.25, "it came at once"
    assert queue.pressure(1 << 20, 8 << 20, 100.11) == 1.0, "and is still there"
    assert queue.pressure(1 << 19, 8 << 20, 100.15) == 0.5
    assert queue.pressure(1 << 20, 8 << 20, 100.19) == 0.5, "it was less in the meantime"


def test_what_is_worked_off_is_no_pressure_however_often_it_comes():
    queue = Queue()
    for second in range(10):
        assert queue.pressure(1 << 20, 8 << 20, second) == 0.25
        assert queue.pressure(0, 8 << 20, second + 0.09) == 0.0
        assert queue.pressure(1 << 20, 8 << 20, second + 0.11) == 0.25


def test_much_at_once_is_pressure_too():
    assert Queue().pressure(2 << 20, 100 << 20, 0.0) == 0.5, "it will take long"
    assert Queue().pressure(100 << 20, 100 << 20, 0.0) == 1.0
    assert Queue().pressure(400 << 10, 416 << 10, 0.0) == 0.0, "a small queue is full after one pause"


def test_a_small_queue_that_stays_full_is_pressure():
    queue = Queue()
    queue.pressure(416 << 10, 416 << 10, 0.0)
    assert queue.pressure(416 << 10, 416 << 10, 0.15) == 1.0


def test_what_was_there_long_ago_does_not_count():
    queue = Queue()
    queue.pressure(1 << 20, 8 << 20, 0.0)
    assert queue.pressure(1 << 20, 8 << 20, 60.0) == 0.25
