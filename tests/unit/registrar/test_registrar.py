from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest

from tongdai.core.clock import ManualClock
from tongdai.journal import LocalJournal
from tongdai.registrar import Binding, Bindings, Registrar
from tongdai.sip.flow import Flow
from tongdai.sip.message import Headers, Request

UDP = Flow("udp", ("10.0.0.1", 5060), ("192.0.2.9", 40001))
TCP = Flow("tcp", ("10.0.0.1", 5060), ("192.0.2.9", 40002), connection=7)


class Phone(msgspec.Struct, frozen=True):
    tenant: str = "t1"
    person: str = "p1"
    device: str = "d1"
    username: str = "lan"


class Incoming:
    """A request and how it was answered."""

    def __init__(self, request: Request, flow: Flow) -> None:
        self.request = request
        self.flow = flow
        self.status = 0
        self.headers: Sequence[tuple[str, str]] = ()

    def respond(
        self, status: int, reason: str | None = None, headers: Sequence[tuple[str, str]] = ()
    ) -> None:
        assert not self.status, "answered twice"
        self.status, self.headers = status, headers

    @property
    def contacts(self) -> list[str]:
        return [value for name, value in self.headers if name == "Contact"]


class Office:
    def __init__(self, directory: Path) -> None:
        self.clock = ManualClock()
        self.directory = directory
        self.journal = LocalJournal(directory)
        self.reached: list[tuple[str, str]] = []
        self.paths: list[Binding] = []
        self.phone: Phone | None = Phone()
        self.cseq = 0
        self.begin()

    def begin(self) -> None:
        self.bindings = Bindings(self.journal, self.clock, on_reachable=lambda *who: self.reached.append(who))
        self.registrar = Registrar(
            self.bindings, admit=lambda incoming: self.phone, clock=self.clock, on_path=self.paths.append
        )

    def restart(self, *, same_boot: bool = False) -> None:
        """What is left after kill -9: the journal's commits."""
        self.journal.commit()
        self.journal.close()
        self.journal = LocalJournal(self.directory)
        self.begin()
        self.bindings.restore(self.journal.load(), same_boot=same_boot)

    def register(
        self,
        *contacts: str,
        expires: int | str | None = 60,
        flow: Flow = UDP,
        to: str = "sip:lan@anphat.demo",
        call_id: str = "reg1",
        cseq: int | None = None,
        headers: Sequence[tuple[str, str]] = (),
    ) -> Incoming:
        self.cseq = cseq if cseq is not None else self.cseq + 1
        request = Request(
            "REGISTER",
            "sip:anphat.demo",
            headers=Headers.of(
                [
                    ("To", f"<{to}>"),
                    ("From", f"<{to}>;tag=1"),
                    ("Call-ID", call_id),
                    ("CSeq", f"{self.cseq} REGISTER"),
                    *headers,
                ]
            ),
        )
        for contact in contacts:
            request.headers.add("Contact", contact)
        if expires is not None:
            request.headers.add("Expires", str(expires))
        incoming = Incoming(request, flow)
        self.registrar.on_register(incoming)  # type: ignore[arg-type]
        return incoming

    def reach(self) -> list[str]:
        """The contacts that ring for the person."""
        found = [self.bindings.binding(id_) for id_ in self.bindings.of("p1")]
        return [binding.contact for binding in found if binding is not None]


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path / "journal")


A = "<sip:lan@192.0.2.9:5062>"
B = "<sip:lan@192.0.2.9:5064>"


def test_a_phone_is_reached_where_its_register_came_from(office: Office):
    answer = office.register("<sip:lan@10.1.1.1:5060>", expires=60)
    assert answer.status == 200
    assert answer.contacts == ["<sip:lan@10.1.1.1:5060>;expires=60"]
    (id_,) = office.bindings.of("p1")
    binding = office.bindings.binding(id_)
    assert binding is not None
    assert (binding.contact, binding.flow) == ("sip:lan@10.1.1.1:5060", UDP)


def test_all_contacts_of_the_device_are_listed_with_what_is_left_of_them(office: Office):
    office.register(A, expires=100)
    office.clock.advance(30)
    answer = office.register(B, expires=60)
    assert answer.contacts == ["<sip:lan@192.0.2.9:5062>;expires=70", "<sip:lan@192.0.2.9:5064>;expires=60"]
    assert office.register(expires=None).contacts == answer.contacts


def test_several_devices_of_a_person_ring_together_and_see_only_their_own_contacts(office: Office):
    office.register(A)
    office.phone = Phone(device="d2", username="lan-mobile")
    answer = office.register(B, to="sip:lan-mobile@anphat.demo", call_id="reg2")
    assert answer.contacts == ["<sip:lan@192.0.2.9:5064>;expires=60"]
    assert len(office.bindings.of("p1")) == 2


def test_a_refresh_keeps_the_binding_and_takes_the_new_flow(office: Office):
    office.register(A)
    before = office.bindings.of("p1")
    moved = msgspec.structs.replace(UDP, remote=("192.0.2.9", 40099))
    office.register(A, flow=moved)
    assert office.bindings.of("p1") == before
    binding = office.bindings.binding(before[0])
    assert binding is not None
    assert binding.flow == moved


def test_unregistering_one_contact_leaves_the_other(office: Office):
    office.register(A)
    office.register(B)
    answer = office.register(f"{A};expires=0", expires=None)
    assert answer.contacts == ["<sip:lan@192.0.2.9:5064>;expires=60"]


def test_unregistering_what_is_not_there_is_fine(office: Office):
    assert office.register(A, expires=0).status == 200


def test_the_star_removes_everything_of_this_device_only(office: Office):
    office.register(A)
    office.register(B)
    office.phone = Phone(device="d2", username="lan2")
    office.register(A, to="sip:lan2@x", call_id="other")
    office.phone = Phone()
    answer = office.register("*", expires=0)
    assert (answer.status, answer.contacts) == (200, [])
    assert len(office.bindings.of("p1")) == 1


@pytest.mark.parametrize("expires", [60, None])
def test_the_star_needs_expires_zero(office: Office, expires: int | None):
    office.register(A)
    assert office.register("*", expires=expires).status == 400
    assert office.reach()


def test_the_star_beside_another_contact_is_refused(office: Office):
    assert office.register("*", A, expires=0).status == 400


def test_a_contacts_own_expiry_wins_over_the_headers(office: Office):
    assert office.register(f"{A};expires=90;q=0.1", expires=20).contacts == [f"{A};expires=90"]


@pytest.mark.parametrize(
    ("wish", "granted"), [(None, 3600), ("soon", 3600), (99999, 3600), (4294967296, 3600)]
)
def test_what_is_not_said_or_too_long_gets_ours(office: Office, wish: int | str | None, granted: int):
    assert office.register(A, expires=wish).contacts == [f"{A};expires={granted}"]


def test_too_brief_is_refused_with_the_least(office: Office):
    answer = office.register(A, expires=9)
    assert answer.status == 423
    assert dict(answer.headers)["Min-Expires"] == "10"
    assert not office.reach()


def test_an_older_request_of_the_same_client_changes_nothing(office: Office):
    office.register(A, cseq=5)
    assert office.register(A, cseq=5, expires=0).status == 500
    assert office.register("*", cseq=4, expires=0).status == 500
    assert office.reach()
    assert office.register(A, cseq=1, call_id="after a reboot", expires=0).status == 200
    assert not office.reach()


def test_one_bad_contact_undoes_the_whole_request(office: Office):
    assert office.register(A, "<sip:@@@>").status == 400
    assert not office.reach()


def test_nobody_registers_somebody_else(office: Office):
    assert office.register(A, to="sip:minh@anphat.demo").status == 403


def test_who_is_not_admitted_was_answered_by_the_one_who_refused(office: Office):
    office.phone = None
    assert office.register(A).status == 0
    assert not office.reach()


def test_equal_uris_are_one_contact_however_they_are_written(office: Office):
    office.register("<sip:lan@PHONE.example:5060;transport=udp>")
    office.register("<sip:lan@phone.example:5060;transport=UDP>")
    assert len(office.reach()) == 1
    office.register("<sip:Lan@phone.example:5060;transport=udp>")
    assert len(office.reach()) == 2


def test_a_phone_that_names_its_instance_replaces_itself_at_a_new_address(office: Office):
    office.register(f'{A};+sip.instance="<urn:uuid:1>";reg-id=1')
    office.register(f'{B};+sip.instance="<urn:uuid:1>";reg-id=1')
    assert office.reach() == ["sip:lan@192.0.2.9:5064"]


def test_the_eleventh_contact_takes_the_place_of_the_one_refreshed_longest_ago(office: Office):
    for port in range(10):
        office.register(f"<sip:lan@192.0.2.9:{6000 + port}>", expires=3600)
        office.clock.advance(1)
    office.register("<sip:lan@192.0.2.9:6000>", expires=3600)
    office.clock.advance(1)
    answer = office.register("<sip:lan@192.0.2.9:7000>", expires=20)
    assert len(answer.contacts) == 10
    assert "sip:lan@192.0.2.9:6001" not in office.reach()
    assert "sip:lan@192.0.2.9:7000" in office.reach()


def test_more_contacts_in_one_request_than_may_be_are_refused(office: Office):
    assert office.register(*(f"<sip:lan@192.0.2.9:{port}>" for port in range(6000, 6011))).status == 403


def test_a_registration_ends_by_itself(office: Office):
    office.register(A, expires=60)
    office.register(B, expires=120)
    office.clock.advance(59)
    office.bindings.on_timers(office.clock.monotonic())
    assert len(office.reach()) == 2
    office.register(A, expires=60)
    office.clock.advance(30)
    office.bindings.on_timers(office.clock.monotonic())
    assert len(office.reach()) == 2, "it was refreshed"
    office.clock.advance(31)
    office.bindings.on_timers(office.clock.monotonic())
    assert office.reach() == []
    assert office.bindings.deadline() is None


def test_the_machines_clock_being_set_expires_nobody(office: Office):
    office.register(A, expires=60)
    office.clock.set_wall(office.clock.wall() + 3600)
    office.bindings.on_timers(office.clock.monotonic())
    assert office.reach()


def test_somebody_is_reachable_is_told_for_new_contacts_and_not_for_refreshes(office: Office):
    office.register(A)
    office.register(A)
    office.register(B)
    assert office.reached == [("t1", "p1"), ("t1", "p1")]


# After kill -9


def test_registrations_survive_the_process(office: Office):
    office.register(A, expires=100, call_id="c", cseq=9)
    before = office.bindings.of("p1")
    office.clock.advance(40)
    office.restart()
    assert office.bindings.of("p1") == before
    assert office.register(expires=None, call_id="x").contacts == [f"{A};expires=60"]
    assert office.register(A, call_id="c", cseq=9).status == 500, "the order is kept, too"
    assert len(office.reached) == 1, "coming back is no news for a queue"


def test_what_ended_while_nobody_ran_is_gone(office: Office):
    office.register(A, expires=60)
    office.journal.commit()
    office.clock.advance(61)
    office.restart()
    assert not office.reach()
    office.journal.commit()
    assert not office.journal.load()


def test_unregistering_survives_too(office: Office):
    office.register(A)
    office.register(A, expires=0)
    office.restart()
    assert not office.reach()


def test_a_journal_entry_that_cannot_be_read_is_dropped(office: Office):
    office.journal.put("binding/t1/d1/x", b"\x01")
    office.register(A)
    office.restart()
    assert office.reach() == ["sip:lan@192.0.2.9:5062"]


# Streams


def test_a_phone_behind_a_nat_is_unreachable_once_its_connection_is_gone(office: Office):
    office.register("<sip:lan@10.1.1.1:5060;transport=tcp>", flow=TCP)
    assert office.reach()
    office.bindings.connection_lost(TCP)
    assert not office.reach()


def test_a_phone_that_names_its_own_address_is_called_there(office: Office):
    office.register("<sip:lan@192.0.2.9:5060;transport=tcp>", flow=TCP)
    office.bindings.connection_lost(TCP)
    (id_,) = office.bindings.of("p1")
    binding = office.bindings.binding(id_)
    assert binding is not None
    assert binding.flow == Flow("tcp", ("10.0.0.1", 5060), ("192.0.2.9", 5060), connection=0)


def test_a_connection_that_was_replaced_by_a_refresh_may_go(office: Office):
    office.register("<sip:lan@10.1.1.1:5060;transport=tcp>", flow=TCP)
    office.register("<sip:lan@10.1.1.1:5060;transport=tcp>", flow=msgspec.structs.replace(TCP, connection=8))
    office.bindings.connection_lost(TCP)
    assert office.reach()


@pytest.mark.parametrize(("contact", "left"), [("10.1.1.1:5060", 0), ("192.0.2.9:5060", 1)])
def test_connections_do_not_survive_the_process(office: Office, contact: str, left: int):
    office.register(f"<sip:lan@{contact};transport=tcp>", flow=TCP)
    office.restart()
    assert len(office.reach()) == left


def test_the_phones_of_a_deleted_device_ring_no_more_nor_after_a_restart(office: Office):
    office.register("<sip:lan@192.0.2.9:40001>")
    office.phone = Phone(device="d2", username="mobile")
    office.register("<sip:mobile@192.0.2.9:40003>", to="sip:mobile@anphat.demo", call_id="reg2")
    office.bindings.retain({("t1", "d1"), ("t2", "d2")})
    assert office.bindings.of_device("t1", "d2") == ()
    (left,) = office.bindings.of("p1")
    office.restart()
    assert office.bindings.of("p1") == (left,)


def test_where_the_phones_of_a_device_are_is_known(office: Office):
    def places() -> list[tuple[bool, bool]]:
        ends = [("192.0.2.9", 40001), ("192.0.2.9", 40003), ("192.0.2.7", 40001)]
        return [office.bindings.are_at("t1", "d1", end) for end in ends]

    nowhere = (False, False)
    assert places() == [nowhere, nowhere, nowhere]
    office.register("<sip:lan@192.0.2.9:40001>")
    assert places() == [(True, True), (False, True), nowhere]
    assert office.bindings.are_at("t2", "d1", ("192.0.2.9", 40001)) == nowhere
    office.register(
        "<sip:lan@192.0.2.9:40001>", flow=msgspec.structs.replace(UDP, remote=("192.0.2.7", 40001))
    )
    assert places() == [nowhere, nowhere, (True, True)]
    office.register("*", expires=0)
    assert places() == [nowhere, nowhere, nowhere]
    assert not office.bindings._places


def test_another_path_is_told_and_a_refresh_over_the_same_is_not(office: Office):
    again = msgspec.structs.replace(TCP, remote=("192.0.2.9", 40099), connection=9)
    contact = '<sip:lan@x.invalid;transport=tcp>;+sip.instance="<urn:uuid:1>";reg-id=1'
    office.register(contact, flow=TCP)
    office.register(contact, flow=TCP)
    office.register(contact, flow=again)
    office.register(contact, flow=again, expires=0)
    assert [binding.flow for binding in office.paths] == [TCP, again]


def test_a_phone_that_came_back_after_kill_9_is_told_as_new(office: Office):
    contact = '<sip:lan@x.invalid;transport=tcp>;+sip.instance="<urn:uuid:1>";reg-id=1'
    office.register(contact, flow=TCP)
    office.restart()
    office.register(contact, flow=TCP)
    assert [binding.instance for binding in office.paths] == ["<urn:uuid:1>;1"] * 2


def test_who_gives_a_name_without_numbering_its_flows_has_as_many_contacts_as_it_says(office: Office):
    office.register(*(f'{contact};+sip.instance="<urn:uuid:1>"' for contact in (A, B)))
    assert len(office.reach()) == 2
    assert {binding.instance for binding in office.paths} == {"<urn:uuid:1>;"}
    assert office.bindings.instance_on("t1", "d1", UDP) == "<urn:uuid:1>;"
    assert office.bindings.instance_on("t2", "d1", UDP) == ""
    assert office.bindings.instance_on("t1", "d1", TCP) == ""


EDGE = [
    ("Path", "<sip:edge@192.0.2.9:5080;lr>, <sip:far@192.0.2.10;lr>"),
    ("Path", "<sip:own@192.0.2.11;lr>"),
]
PATH = ("<sip:edge@192.0.2.9:5080;lr>", "<sip:far@192.0.2.10;lr>", "<sip:own@192.0.2.11;lr>")


def paths(office: Office) -> list[tuple[str, ...]]:
    found = [office.bindings.binding(id_) for id_ in office.bindings.of("p1")]
    return [binding.path for binding in found if binding is not None]


def test_the_proxies_between_are_remembered_in_order_and_over_a_restart(office: Office):
    answer = office.register(A, headers=[*EDGE, ("Supported", "path")])
    assert answer.status == 200
    assert [value for name, value in answer.headers if name == "Path"] == [value for _, value in EDGE]
    assert paths(office) == [PATH]
    office.restart()
    assert paths(office) == [PATH]
    office.register(A)
    assert paths(office) == [()]


def test_a_phone_that_cannot_read_the_path_is_not_told(office: Office):
    answer = office.register(A, headers=EDGE)
    assert answer.status == 200
    assert "Path" not in dict(answer.headers)
    assert paths(office) == [PATH]


@pytest.mark.parametrize(
    ("path", "status"), [("<sip:edge", 400), (", ".join(f"<sip:p{n}@192.0.2.9;lr>" for n in range(9)), 403)]
)
def test_a_path_that_cannot_be_followed_registers_nothing(office: Office, path: str, status: int):
    assert office.register(A, headers=[("Path", path)]).status == status
    assert office.reach() == []


def test_a_connection_to_a_proxy_can_be_opened_anew(office: Office):
    office.register("<sip:lan@10.9.9.9:5062;transport=tcp>", flow=TCP, headers=EDGE)
    office.bindings.connection_lost(TCP)
    [id_] = office.bindings.of("p1")
    binding = office.bindings.binding(id_)
    assert binding is not None
    assert (binding.flow.remote, binding.flow.connection) == (("192.0.2.9", 5080), 0)


@pytest.mark.parametrize("hours", [-1, 1])
def test_a_clock_that_was_set_while_nobody_was_there_ends_no_registration(office: Office, hours: int):
    """Every phone was unreachable until it registered again, an hour later."""
    office.register(A, expires=600)
    office.clock.set_wall(office.clock.wall() + hours * 3600)
    office.restart(same_boot=True)
    assert office.reach() == ["sip:lan@192.0.2.9:5062"]
    office.clock.advance(599)
    office.bindings.on_timers(office.clock.monotonic())
    assert office.reach()
    office.clock.advance(2)
    office.bindings.on_timers(office.clock.monotonic())
    assert not office.reach()


def test_a_registration_outlives_a_start_of_the_machine_and_then_a_clock_that_is_set(office: Office):
    office.register(A, expires=600)
    office.journal.commit()
    office.clock = ManualClock(monotonic=5000.0, wall=office.clock.wall() + 100)
    office.restart()
    office.clock.set_wall(office.clock.wall() + 3600)
    office.restart(same_boot=True)
    office.clock.advance(499)
    office.bindings.on_timers(office.clock.monotonic())
    assert office.reach() == ["sip:lan@192.0.2.9:5062"]
    office.clock.advance(2)
    office.bindings.on_timers(office.clock.monotonic())
    assert not office.reach()
