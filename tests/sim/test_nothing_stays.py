"""Calls that fail or are abandoned in every way leave nothing: no transaction, session, timer, leg, call or
port.

Real user agents, legs, switch and call logic on a virtual clock. `make soak` does it with 100,000 calls."""

from __future__ import annotations

import gc
import os
import re
from collections.abc import Callable, Iterator
from heapq import heapify, heappop, heappush
from itertools import count, cycle

import pytest
from tests.unit.legs.stage import Phone
from tests.unit.switch.exchange import Exchange

from tongdai.calls.model import TenantState
from tongdai.sip.flow import Flow
from tongdai.sip.ua import InviteSession

CALLS = int(os.environ.get("TONGDAI_SOAK", "1000"))
BATCH = 100
"""So many at the same time."""

Script = Iterator[float]
"""What becomes of one call: does something, and says how many seconds later it does more."""

_call_id = re.compile(rb"\r\nCall-ID: ([^\r]+)").search


class Nowhere(list[object]):
    """Where tests keep what happened, when there is too much of it."""

    def append(self, _: object) -> None:
        pass

    def __iadd__(self, _: object) -> Nowhere:  # type: ignore[misc]
        return self


class Company(Exchange):
    """Phones that behave badly, each in its own way."""

    def __init__(self) -> None:
        super().__init__()
        self.gone: set[bytes] = set()
        """Call-IDs of whose phone nothing comes any more, nor reaches it."""
        self.deaf: set[bytes] = set()
        """Call-IDs that are not acknowledged."""
        self.wrong: set[bytes] = set()
        """Call-IDs that are acknowledged with the CSeq of another INVITE."""
        self.network.drop = self._is_lost
        self.network.alter = self._made_wrong
        self.caller = self.person("lan")
        self.answers, self.rings, self.refuses, self.leaves, self.absent = (
            self.person(name) for name in ("minh", "hoa", "anna", "quang", "mai")
        )
        assert self.caller.who is not None
        self.office.lives[self.caller.who.username] = self.caller.address
        self.answers.picks_up()
        self.rings.handler.on["invite"] = lambda session: session.progress(180)
        statuses = cycle((404, 480, 486, 488, 500, 503, 603))
        self.refuses.handler.on["invite"] = lambda session: session.reject(next(statuses))
        self.leaves.picks_up()
        self.leaves.handler.on["ack"] = lambda session, sdp: self.vanishes(session)
        del self.network.nodes[self.absent.address]
        self.keep_nothing()

    def keep_nothing(self) -> None:
        self.network.log = Nowhere()  # type: ignore[assignment]
        self.office.trace = self.office.journal.trace = Nowhere()  # type: ignore[assignment]
        self.office.events = Nowhere()  # type: ignore[assignment]
        self.media.done = Nowhere()  # type: ignore[assignment]
        self.media.closed = Nowhere()  # type: ignore[assignment]
        for node in self.network.nodes.values():
            node.handler.events = Nowhere()  # type: ignore[assignment]

    def _is_lost(self, flow: Flow, data: bytes) -> bool:
        found = _call_id(data)
        call = found[1] if found else b""
        return call in self.gone or (data.startswith(b"ACK") and call in self.deaf)

    def _made_wrong(self, flow: Flow, data: bytes) -> bytes:
        found = _call_id(data)
        if not data.startswith(b"ACK") or found is None or found[1] not in self.wrong:
            return data
        return re.sub(rb"CSeq: \d+ ACK", b"CSeq: 77 ACK", data)

    def vanishes(self, session: InviteSession) -> None:
        self.gone.add(session.call_id.encode())

    def left(self) -> dict[str, object]:
        """How much of everything there is."""
        agent, front, switch = self.office.agent, self.office.front, self.switch
        core = agent._core
        return {
            "transactions": agent.transactions(),
            "transactions on streams": len(core.layer._on_streams),
            "sessions": [len(core.by_key), len(core.by_tag), len(core.by_caller)],
            "timers": len(core.timers),
            "messages to be sent": len(core.outgoing),
            "calls": len(switch.calls()),
            "timers of calls": len(switch._timers),
            "events": len(switch._queue),
            "legs": [len(front._legs), len(front._kept._kept), len(front._kept._dirty)],
            "twins": [len(front._twins._legs), len(front._twins._dirty)],
            "sessions of the engine": len(self.media.live),
            "journal": sorted(self.office.journal.load()),
            "tenants": [self._of_tenant(switch.state(tenant)) for tenant in self.worlds],
        }

    @staticmethod
    def _of_tenant(state: TenantState) -> list[int]:
        waiting = sum(len(calls) for calls in state.queues.values())
        kept = (state.calls, state.by_leg, state.parking, state.rooms, state.lockouts)
        return [waiting, *(len(each) for each in kept)]


# the ways of failing


def wrong_password(company: Company) -> Script:
    company.caller.dial(company.office, "102", password="wrong")
    yield 1.0


def cancelled_before_anything_came(company: Company) -> Script:
    company.caller.dial(company.office, "103").cancel()
    yield 1.0


def cancelled_while_it_rings(company: Company) -> Script:
    session = company.caller.dial(company.office, "103")
    yield 2.0
    if not session.ended:  # no port was left just then
        session.cancel()
    yield 1.0


def cancelled_as_it_is_answered(company: Company) -> Script:
    session = company.caller.dial(company.office, "102")
    yield 0.045
    if not session.ended and not session.confirmed:
        session.cancel()
    yield 1.0
    session.bye()


def caller_vanishes_while_it_rings(company: Company) -> Script:
    session = company.caller.dial(company.office, "103")
    yield 1.0
    company.vanishes(session)
    yield 1.0


def _marked_as_it_begins(company: Company, phone: Phone, number: str, marks: set[bytes]) -> Script:
    session = phone.dial(company.office, number)
    marks.add(session.call_id.encode())
    yield 1.0


def _marked_as_it_holds(company: Company, phone: Phone, number: str, marks: set[bytes]) -> Script:
    session = phone.dial(company.office, number)
    yield 1.0
    _holds(session, phone, marks)
    yield 1.0


def _holds(session: InviteSession, phone: Phone, marks: set[bytes]) -> None:
    marks.add(session.call_id.encode())
    if session.confirmed:
        session.reinvite(phone.sdp(direction="sendonly"))


def the_answer_is_never_acknowledged(company: Company) -> Script:
    return _marked_as_it_begins(company, company.caller, "102", company.deaf)


def the_answer_is_acknowledged_wrongly(company: Company) -> Script:
    return _marked_as_it_begins(company, company.caller, "102", company.wrong)


def the_answer_to_a_carrier_is_never_acknowledged(company: Company) -> Script:
    return _marked_as_it_begins(company, company.carrier, "842871234501", company.deaf)


def the_answer_to_a_carrier_is_acknowledged_wrongly(company: Company) -> Script:
    return _marked_as_it_begins(company, company.carrier, "842871234501", company.wrong)


def a_hold_is_never_acknowledged(company: Company) -> Script:
    return _marked_as_it_holds(company, company.caller, "102", company.deaf)


def a_hold_is_acknowledged_wrongly(company: Company) -> Script:
    return _marked_as_it_holds(company, company.caller, "102", company.wrong)


def a_hold_is_acknowledged_wrongly_and_the_caller_hangs_up(company: Company) -> Script:
    session = company.caller.dial(company.office, "102")
    yield 1.0
    _holds(session, company.caller, company.wrong)
    yield 1.0
    session.bye()
    yield 1.0


def a_carriers_hold_is_never_acknowledged(company: Company) -> Script:
    return _marked_as_it_holds(company, company.carrier, "842871234501", company.deaf)


def a_carriers_hold_is_acknowledged_wrongly(company: Company) -> Script:
    return _marked_as_it_holds(company, company.carrier, "842871234501", company.wrong)


def caller_vanishes_without_bye(company: Company) -> Script:
    session = company.caller.dial(company.office, "102")
    yield 1.0
    company.vanishes(session)
    yield 1.0


def callee_vanishes_without_bye(company: Company) -> Script:
    company.caller.dial(company.office, "105")
    yield 1.0


def callee_refuses_and_caller_leaves_the_mailbox(company: Company) -> Script:
    session = company.caller.dial(company.office, "104")
    yield 3.0
    session.bye()
    yield 1.0


def nobody_answers_and_caller_vanishes_in_the_mailbox(company: Company) -> Script:
    session = company.caller.dial(company.office, "103")
    yield 25.0
    company.vanishes(session)
    yield 1.0


def callee_is_gone_and_caller_leaves(company: Company) -> Script:
    session = company.caller.dial(company.office, "106")
    yield 40.0
    session.bye()
    yield 1.0


def caller_transfers_and_vanishes(company: Company) -> Script:
    session = company.caller.dial(company.office, "102")
    yield 1.0
    if session.confirmed:
        session.refer("sip:103@anphat.demo")
        yield 0.03
        company.vanishes(session)
    yield 1.0


def caller_transfers_to_nobody_and_hangs_up(company: Company) -> Script:
    session = company.caller.dial(company.office, "102")
    yield 1.0
    if session.confirmed:
        session.refer("sip:104@anphat.demo")
        yield 0.03
        session.bye()
    yield 1.0


def no_port_is_left_for_the_caller(company: Company) -> Script:
    company.media.refuse = "no port is free"
    company.caller.dial(company.office, "102")
    yield 0.2
    company.media.refuse = ""


def no_port_is_left_for_the_callee(company: Company) -> Script:
    session = company.caller.dial(company.office, "102")
    yield 0.035
    company.media.refuse = "no port is free"
    yield 0.2
    company.media.refuse = ""
    yield 3.0
    session.bye()


def nothing_can_be_offered(company: Company) -> Script:
    company.caller.dial(company.office, "102", "v=0\r\nm=audio 4000 RTP/AVP 77\r\n")
    yield 1.0


def number_does_not_exist(company: Company) -> Script:
    company.caller.dial(company.office, "199")
    yield 1.0


def trunk_is_gone(company: Company) -> Script:
    session = company.caller.dial(company.office, "+84912345678")
    yield 10.0
    session.bye()


def queue_is_left(company: Company) -> Script:
    session = company.caller.dial(company.office, "300")
    yield 3.0
    session.bye()
    yield 1.0


WAYS: tuple[Callable[[Company], Script], ...] = (
    wrong_password,
    cancelled_before_anything_came,
    cancelled_while_it_rings,
    cancelled_as_it_is_answered,
    caller_vanishes_while_it_rings,
    the_answer_is_never_acknowledged,
    the_answer_is_acknowledged_wrongly,
    the_answer_to_a_carrier_is_never_acknowledged,
    the_answer_to_a_carrier_is_acknowledged_wrongly,
    a_hold_is_never_acknowledged,
    a_hold_is_acknowledged_wrongly,
    a_hold_is_acknowledged_wrongly_and_the_caller_hangs_up,
    a_carriers_hold_is_never_acknowledged,
    a_carriers_hold_is_acknowledged_wrongly,
    caller_vanishes_without_bye,
    callee_vanishes_without_bye,
    callee_refuses_and_caller_leaves_the_mailbox,
    nobody_answers_and_caller_vanishes_in_the_mailbox,
    callee_is_gone_and_caller_leaves,
    caller_transfers_and_vanishes,
    caller_transfers_to_nobody_and_hangs_up,
    no_port_is_left_for_the_caller,
    no_port_is_left_for_the_callee,
    nothing_can_be_offered,
    number_does_not_exist,
    trunk_is_gone,
    queue_is_left,
)


def happen(company: Company, scripts: list[Script]) -> None:
    """Let all of these happen, each begun a little later than the one before, until their ends."""
    order = count()
    began = company.network.now
    waiting = [(began + 0.1 * number, next(order), script) for number, script in enumerate(scripts)]
    heapify(waiting)
    while waiting:
        at, _, script = heappop(waiting)
        company.network.run(max(0.0, at - company.network.now))
        seconds = next(script, None)
        if seconds is not None:
            heappush(waiting, (at + seconds, next(order), script))


def rest(company: Company) -> tuple[dict[str, object], int]:
    """Hours later, after two good calls: what there is, and how many objects."""
    company.network.run(2 * 3600)
    for phone in company.network.nodes.values():
        if phone is not company.office:  # who was transferred is still in a mailbox, who vanished still waits
            for session in phone.agent.sessions():
                session.bye()
    company.network.run(120)
    company.gone.clear()
    company.deaf.clear()
    company.wrong.clear()
    for _ in range(2):
        session = company.caller.dial(company.office, "102")
        company.network.run(1)
        assert session.confirmed, "a good call is not possible any more"
        session.bye()
        company.network.run(70)
    company.media.remotes.clear()
    gc.collect()
    return company.left(), len(gc.get_objects())


@pytest.fixture
def company() -> Company:
    return Company()


def test_calls_that_fail_in_every_way_leave_nothing(company: Company):
    happen(company, [way(company) for way in WAYS * 3])
    before, objects = rest(company)
    assert [before[name] for name in ("transactions", "calls", "sessions of the engine")] == [0, 0, 0]
    ways = cycle(WAYS)
    for _ in range(-(-CALLS // BATCH)):
        happen(company, [next(ways)(company) for _ in range(BATCH)])
    after, more = rest(company)
    assert after == before
    assert more - objects < 500, f"{more - objects} objects stayed after {CALLS} calls"


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_each_way_of_failing_leaves_nothing(company: Company, way: Callable[[Company], Script]):
    before, _ = rest(company)
    happen(company, [way(company) for _ in range(2)])
    after, _ = rest(company)
    assert after == before
