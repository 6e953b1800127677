"""What comes outside of calls."""

from __future__ import annotations

from typing import Any

import pytest
from tests.unit.legs.doubles import PASSWORD, MemoryJournal
from tests.unit.legs.stage import Phone, Stage

from tongdai.app.front import admit
from tongdai.calls import commands as c
from tongdai.calls import events as e
from tongdai.core.clock import ManualClock
from tongdai.registrar import Bindings, Registrar
from tongdai.sip.digest import Credentials
from tongdai.sip.message import Response
from tongdai.sip.pickup import ringing_dialog


class Reception(Stage):
    """The office with a registrar."""

    def __init__(self) -> None:
        super().__init__()
        clock = ManualClock(self.network.now)
        self.bindings = Bindings(MemoryJournal(), clock)
        callers = self.office.callers
        self.office.front.registrar = Registrar(
            self.bindings, admit=lambda incoming: admit(callers, incoming), clock=clock
        )
        self.answers: list[Response | None] = []

    def ask(self, phone: Phone, method: str, *, password: str = "", user: str = "", **more: Any) -> int:
        """The final answer to a request of the phone; its password is given only when named."""
        who = user or (phone.who.username if phone.who is not None else "x")
        phone.agent.request(
            method,
            "sip:anphat.demo",
            phone.flow_to(self.office),
            from_=f"<sip:{who}@anphat.demo>",
            to=f"<sip:{who}@anphat.demo>",
            contact_user=who,
            credentials=Credentials(who, password) if password else None,
            on_final=lambda status, response: self.answers.append(response),
            **more,
        )
        self.run()
        answer = self.answers[-1]
        assert answer is not None
        return answer.status


@pytest.fixture
def reception() -> Reception:
    return Reception()


def header(reception: Reception, name: str) -> str | None:
    answer = reception.answers[-1]
    return answer.headers.get(name) if answer is not None else None


def test_a_device_registers_with_its_password(reception: Reception):
    lan = reception.phone("anphat", "101")
    assert lan.who is not None
    assert reception.ask(lan, "REGISTER", password=PASSWORD) == 200
    [binding] = reception.bindings.of_device("anphat", lan.who.device)
    assert (binding.person, binding.flow.remote) == (lan.who.person, lan.address)


@pytest.mark.parametrize(
    ("user", "password"), [("anphat-101", "wrong"), ("nobody", PASSWORD)], ids=["password", "user"]
)
def test_who_proves_nothing_is_not_registered_and_costs_no_memory(
    reception: Reception, user: str, password: str
):
    lan = reception.phone("anphat", "101")
    assert reception.ask(lan, "REGISTER", user=user) == 401
    assert reception.office.agent.transactions() == 0
    assert reception.ask(lan, "REGISTER", user=user, password=password) == 401
    assert len(reception.bindings) == 0
    reception.run(60)
    assert reception.network.at_rest()


def test_a_trunk_must_register_like_everybody(reception: Reception):
    """A trunk's calls are known by their address; its address alone binds no contact."""
    assert reception.ask(reception.carrier, "REGISTER") == 401
    assert len(reception.bindings) == 0


def test_a_device_cannot_register_for_another(reception: Reception):
    lan = reception.phone("anphat", "101")
    reception.phone("anphat", "102")
    lan.agent.request(
        "REGISTER",
        "sip:anphat.demo",
        lan.flow_to(reception.office),
        from_="<sip:anphat-101@anphat.demo>",
        to="<sip:anphat-102@anphat.demo>",
        credentials=Credentials("anphat-101", PASSWORD),
        on_final=lambda status, response: reception.answers.append(response),
    )
    reception.run()
    answer = reception.answers[-1]
    assert answer is not None
    assert answer.status == 403
    assert len(reception.bindings) == 0


def test_who_asks_whether_we_are_there_learns_it(reception: Reception):
    assert reception.ask(reception.carrier, "OPTIONS") == 200
    assert "INVITE" in (header(reception, "Allow") or "")
    assert header(reception, "Accept") == "application/sdp"


@pytest.mark.parametrize(
    ("method", "status"),
    [
        ("PUBLISH", 405),
        ("MESSAGE", 405),
        ("REFER", 403),
        ("NOTIFY", 481),
    ],
)
def test_what_is_not_offered_is_refused(reception: Reception, method: str, status: int):
    lan = reception.phone("anphat", "101")
    event = [("Event", "presence")]
    assert reception.ask(lan, method, headers=event, body=b"x" * 513, content_type="text/plain") == 401
    assert reception.office.agent.transactions() == 0, "a stranger's request costs memory"
    assert reception.ask(lan, method, password=PASSWORD, headers=event) == status
    if status == 405:
        allowed = (header(reception, "Allow") or "").split(", ")
        assert "INVITE" in allowed
        assert method not in allowed
    assert reception.office.events == []


def test_a_call_for_which_there_is_no_room_is_refused_but_an_emergency_and_what_replaces_a_call_are_not(
    reception: Reception,
):
    lan, hoa = reception.phone("anphat", "101"), reception.phone("anphat", "102")
    hoa.handler.on["invite"] = lambda session: session.progress(180)
    rings = reception.calls(c.DeviceTarget("bnd-102"))
    reception.office.front.full = lambda request: request.uri.subscriber != "115"
    lan.dial(reception.office, "103")
    reception.run()
    [refusal] = reception.messages("SIP/2.0 503", to=lan)
    assert int(refusal.headers.get("Retry-After") or 0) > 0
    assert reception.office.of(e.LegOffered) == []
    reception.offered(lan, "102", headers=[("Replaces", str(ringing_dialog(rings)))])
    assert reception.office.last(e.LegOffered).replaces == rings
    reception.offered(lan, "115")
    assert reception.office.last(e.LegOffered).dialled == "115"
    reception.office.front.full = lambda request: False
    reception.offered(lan, "103")
    assert reception.office.last(e.LegOffered).dialled == "103"
