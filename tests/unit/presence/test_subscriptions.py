"""Subscriptions: who may, what is told and when, and what outlives the process."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec
import pytest
from tests.unit.legs.doubles import MemoryJournal

from tongdai.calls.model import Party, PartyKind
from tongdai.core.clock import ManualClock
from tongdai.presence import Subscriptions
from tongdai.presence.packages import Mail, Package, State, Talk, Watched
from tongdai.presence.subscriptions import MAX_OF_DEVICE, Subscription
from tongdai.sip.flow import Flow
from tongdai.sip.message import Headers, ParseError, Request
from tongdai.sip.ua import DialogState

FLOW = Flow("udp", ("10.0.0.1", 5060), ("192.0.2.9", 40001))
IDLE, BUSY = State(), State(talks=(Talk("l1", False, True, "101", "Lan"),))


class Phone(msgspec.Struct, frozen=True):
    tenant: str = "anphat"
    device: str = "d1"
    username: str = "lan"
    party: Party = Party(PartyKind.PERSON, "101", "Lan", "lan", "d1")


class Incoming:
    """A SUBSCRIBE and how it was answered."""

    def __init__(self, request: Request, to_tag: str) -> None:
        self.request, self.flow, self.to_tag = request, FLOW, to_tag
        self.status = 0
        self.headers: dict[str, str] = {}

    def respond(
        self, status: int, reason: str | None = None, headers: Sequence[tuple[str, str]] = ()
    ) -> None:
        assert not self.status, "answered twice"
        self.status, self.headers = status, dict(headers)


class Notified(msgspec.Struct):
    dialog: DialogState
    headers: dict[str, str]
    body: str
    answer: Callable[[int], None]

    @property
    def state(self) -> str:
        return self.headers["Subscription-State"]


class Notes:
    """The notifier: keeps what is sent."""

    def __init__(self) -> None:
        self.sent: list[Notified] = []
        self.dialogs = 0

    def begin(self, incoming: Incoming) -> DialogState:
        if "Contact" not in incoming.request.headers:
            raise ParseError("SUBSCRIBE without Contact")
        self.dialogs += 1
        return DialogState(
            key=f"k{self.dialogs}",
            role="uas",
            phase="confirmed",
            call_id=incoming.request.call_id,
            local_tag=incoming.to_tag,
            remote_tag=incoming.request.from_.tag,
            local_uri="",
            remote_uri="",
            local_contact="sip:us",
            remote_target="sip:them",
            flow=FLOW,
            remote_cseq=incoming.request.cseq.number,
        )

    def refresh(self, dialog: DialogState, incoming: Incoming) -> bool:
        if incoming.request.cseq.number <= dialog.remote_cseq:
            return False
        dialog.remote_cseq = incoming.request.cseq.number
        return True

    def notify(
        self,
        dialog: DialogState,
        headers: Sequence[tuple[str, str]],
        body: bytes,
        content_type: str,
        on_final: Callable[[int], None],
    ) -> None:
        self.sent.append(Notified(dialog, dict(headers), body.decode(), on_final))


class Office:
    """A node's subscriptions, and what there is to see."""

    def __init__(self, journal: MemoryJournal | None = None, clock: ManualClock | None = None) -> None:
        self.clock = clock or ManualClock(1000.0)
        self.journal = journal or MemoryJournal()
        self.notes = Notes()
        self.phone: Phone | None = Phone()
        self.here = True
        self.instance = ""
        self.seen: dict[str, State] = {"103": IDLE, "lan": IDLE}
        self.looks = 0
        self.cseq = 0
        self.stirred = 0
        self.subscriptions = Subscriptions(
            self,  # type: ignore[arg-type]
            self.notes,  # type: ignore[arg-type]
            admit=lambda incoming: self.phone,
            instances=lambda tenant, device, flow: self.instance,
            leads_here=lambda device, request: self.here,
            journal=self.journal,
            clock=self.clock,
            on_change=self._stir,
        )

    def _stir(self) -> None:
        self.stirred += 1

    def find(self, tenant: str, by: Party, username: str, user: str, package: Package) -> Watched | None:
        return Watched(tenant, "person", user) if user in self.seen else None

    def look(self, watched: Watched) -> State | None:
        self.looks += 1
        return self.seen.get(watched.id)

    def subscribe(
        self,
        user: str = "103",
        event: str = "dialog",
        *,
        expires: int | str | None = 600,
        accept: str = "",
        call_id: str = "",
        to_tag: str = "",
        contact: bool = True,
    ) -> Incoming:
        self.cseq += 1
        to = f"<sip:{user}@anphat.demo>" + (f";tag={to_tag}" if to_tag else "")
        headers = [
            ("Via", "SIP/2.0/UDP 192.0.2.9;branch=z9hG4bK1"),
            ("From", "<sip:lan@anphat.demo>;tag=f1"),
            ("To", to),
            ("Call-ID", call_id or f"call{self.cseq}"),
            ("CSeq", f"{self.cseq} SUBSCRIBE"),
        ]
        headers += [("Event", event)] if event else []
        headers += [("Contact", "<sip:lan@192.0.2.9>")] if contact else []
        headers += [("Expires", str(expires))] if expires is not None else []
        headers += [("Accept", accept)] if accept else []
        incoming = Incoming(
            Request("SUBSCRIBE", f"sip:{user}@anphat.demo", headers=Headers.of(headers)),
            to_tag or f"t{self.cseq}",
        )
        self.subscriptions.on_subscribe(incoming)  # type: ignore[arg-type]
        return incoming

    def answered(self, status: int = 200) -> None:
        """The phone answers the last NOTIFY."""
        self.notes.sent[-1].answer(status)

    def changes(self, user: str, state: State) -> None:
        self.seen[user] = state
        self.subscriptions.stir("anphat")
        self.tick()

    def tick(self) -> None:
        self.subscriptions.flush()
        self.journal.commit()

    def kept(self) -> int:
        self.tick()
        return len(self.journal.kept)

    def restarted(self) -> Office:
        """What is left after kill -9: the journal's commits."""
        after = Office(self.journal, self.clock)
        after.seen = self.seen
        after.subscriptions.restore(self.journal.load())
        return after


@pytest.fixture
def office() -> Office:
    return Office()


def test_a_subscription_is_granted_and_told_at_once(office: Office):
    answer = office.subscribe(event="dialog;id=7")
    assert (answer.status, answer.headers["Expires"]) == (200, "600")
    (told,) = office.notes.sent
    assert told.state == "active;expires=600"
    assert told.headers["Event"] == "dialog;id=7"
    assert 'version="0"' in told.body
    assert 'entity="sip:103@anphat.demo"' in told.body


def test_only_what_changed_is_told(office: Office):
    office.subscribe("103")
    office.answered()
    office.subscribe("lan")
    office.answered()
    office.changes("103", BUSY)
    assert len(office.notes.sent) == 3
    assert 'version="1"' in office.notes.sent[-1].body
    assert "<state>confirmed</state>" in office.notes.sent[-1].body
    office.answered()
    office.changes("103", BUSY)
    assert len(office.notes.sent) == 3


def test_where_nobody_watches_nothing_is_looked_at(office: Office):
    office.subscriptions.stir("binhminh")
    office.tick()
    assert (office.looks, office.stirred) == (0, 0)


def test_many_lamps_of_one_person_cost_one_look(office: Office):
    for _ in range(5):
        office.subscribe("103")
        office.answered()
    office.looks = 0
    office.changes("103", BUSY)
    assert (office.looks, len(office.notes.sent)) == (1, 10)


def test_while_a_notify_is_not_answered_the_next_waits_and_tells_the_latest(office: Office):
    office.subscribe()
    office.changes("103", BUSY)
    office.changes("103", State(registered=True))
    office.changes("103", BUSY)
    assert len(office.notes.sent) == 1
    office.answered()
    assert len(office.notes.sent) == 2
    assert "confirmed" in office.notes.sent[-1].body
    office.answered()
    assert len(office.notes.sent) == 2


@pytest.mark.parametrize(
    ("how", "status", "field"),
    [
        ({"event": "weather"}, 489, "Allow-Events"),
        ({"event": ""}, 489, "Allow-Events"),
        ({"user": "199"}, 404, ""),
        ({"expires": 5}, 423, "Min-Expires"),
        ({"expires": "soon"}, 400, ""),
        ({"accept": "text/plain"}, 406, "Accept"),
        ({"contact": False}, 400, ""),
        ({"to_tag": "nobody"}, 481, ""),
    ],
)
def test_what_cannot_be_is_refused_and_leaves_nothing(
    office: Office, how: dict[str, object], status: int, field: str
):
    answer = office.subscribe(**how)  # type: ignore[arg-type]
    assert answer.status == status
    assert not field or field in answer.headers
    assert (len(office.subscriptions), office.notes.sent, office.kept()) == (0, [], 0)


def test_who_is_not_proven_was_answered_already(office: Office):
    office.phone = None
    assert office.subscribe().status == 0
    assert len(office.subscriptions) == 0


def test_a_domain_that_is_not_ones_own_leads_nowhere(office: Office):
    office.here = False
    assert office.subscribe().status == 404


def test_a_phone_has_no_lamps_without_end(office: Office):
    for _ in range(MAX_OF_DEVICE):
        assert office.subscribe().status == 200
    assert office.subscribe().status == 403
    office.phone = Phone(device="d2")
    assert office.subscribe().status == 200


def test_a_refresh_lengthens_it_and_tells_again(office: Office):
    office.subscribe(call_id="c", expires=60)
    office.answered()
    office.clock.advance(50)
    assert office.subscribe(call_id="c", to_tag="t1", expires=60).status == 200
    assert office.notes.sent[-1].state == "active;expires=60"
    office.answered()
    office.clock.advance(50)
    office.subscriptions.on_timers(office.clock.monotonic())
    assert len(office.subscriptions) == 1
    office.clock.advance(11)
    office.subscriptions.on_timers(office.clock.monotonic())
    assert len(office.subscriptions) == 0
    assert office.notes.sent[-1].state == "terminated;reason=timeout"


def test_a_refresh_by_another_device_or_an_older_one_changes_nothing(office: Office):
    office.subscribe(call_id="c")
    office.phone = Phone(device="d2")
    assert office.subscribe(call_id="c", to_tag="t1", expires=0).status == 481
    office.phone = Phone()
    office.cseq = 0
    assert office.subscribe(call_id="c", to_tag="t1", expires=0).status == 500
    assert office.subscribe(call_id="c", to_tag="t1", event="presence").status == 481
    assert len(office.subscriptions) == 1


def test_an_end_is_told_with_the_state_as_it_is(office: Office):
    office.subscribe(call_id="c")
    office.answered()
    assert office.kept() == 1
    assert office.subscribe(call_id="c", to_tag="t1", expires=0).headers["Expires"] == "0"
    last = office.notes.sent[-1]
    assert last.state == "terminated;reason=timeout"
    assert "<dialog-info" in last.body
    assert (len(office.subscriptions), office.kept()) == (0, 0)


def test_to_ask_once_is_no_subscription(office: Office):
    assert office.subscribe(expires=0).status == 200
    assert office.notes.sent[-1].state == "terminated;reason=timeout"
    assert (len(office.subscriptions), office.kept()) == (0, 0)


@pytest.mark.parametrize("status", [481, 404, 408, 503])
def test_a_phone_that_does_not_know_it_or_is_gone_ends_it(office: Office, status: int):
    office.subscribe()
    office.answered(status)
    assert (len(office.subscriptions), office.kept()) == (0, 0)
    office.changes("103", BUSY)
    assert len(office.notes.sent) == 1


def test_who_is_watched_and_gone_ends_it(office: Office):
    office.subscribe()
    office.answered()
    del office.seen["103"]
    office.subscriptions.retain([("anphat", "d1")])
    office.tick()
    assert office.notes.sent[-1].state == "terminated;reason=noresource"
    assert office.notes.sent[-1].body == ""


def test_a_deleted_device_has_no_lamps(office: Office):
    office.subscribe()
    office.answered()
    office.subscriptions.retain([("binhminh", "d1")])
    assert office.notes.sent[-1].state == "terminated;reason=rejected"
    assert len(office.subscriptions) == 0


def test_what_changed_while_no_process_was_there_is_told_by_the_next(office: Office):
    office.subscribe(call_id="c", expires=600)
    office.answered()
    office.tick()
    office.clock.advance(100)
    office.seen["103"] = BUSY
    after = office.restarted()
    after.tick()
    (told,) = after.notes.sent
    assert told.state == "active;expires=500"
    assert 'version="1"' in told.body
    assert told.dialog.call_id == "c"
    after.cseq = 9
    assert after.subscribe(call_id="c", to_tag="t1").status == 200


def test_what_did_not_change_is_not_told_again_after_a_restart(office: Office):
    office.subscribe()
    office.answered()
    office.tick()
    after = office.restarted()
    after.tick()
    assert after.notes.sent == []
    office.clock.advance(601)
    after.subscriptions.on_timers(office.clock.monotonic())
    assert after.notes.sent[-1].state == "terminated;reason=timeout"


def test_a_journal_entry_that_cannot_be_read_costs_no_other(office: Office):
    office.subscribe()
    office.tick()
    office.journal.kept["subscription/anphat/bad"] = b"\xc1"
    after = office.restarted()
    assert len(after.subscriptions) == 1
    after.tick()
    assert "subscription/anphat/bad" not in after.journal.kept


def test_messages_are_counted_as_the_package_writes_them(office: Office):
    office.seen["lan"] = State(mail=Mail(2, 1))
    office.subscribe("lan", "message-summary")
    body = office.notes.sent[-1].body
    assert "Messages-Waiting: yes\r\n" in body
    assert "Voice-Message: 2/1 (0/0)\r\n" in body
    office.answered()
    office.changes("lan", State(mail=Mail(0, 3)))
    assert "Messages-Waiting: no\r\n" in office.notes.sent[-1].body


PAGE = Flow("wss", ("10.0.0.1", 8089), ("192.0.2.9", 40001), connection=7)
BACK = Flow("wss", ("10.0.0.1", 8089), ("192.0.2.77", 40002), connection=9)


def on_a_page(office: Office, instance: str = "") -> Subscription:
    """A subscription that a page holds over its connection."""
    office.instance = instance
    office.subscribe()
    [subscription] = office.subscriptions._all.values()
    subscription.dialog.flow, subscription.dialog.pinned = PAGE, True
    return subscription


def test_a_phone_that_registered_from_elsewhere_is_told_there(office: Office):
    """Lamps went dark when a laptop changed its network, until the page was loaded again."""
    subscription = on_a_page(office, "urn:uuid:1;1")
    office.answered()
    office.subscriptions.moved("anphat", "d1", "urn:uuid:1;1", "sip:other@x.invalid", BACK)
    assert subscription.dialog.flow == BACK
    office.changes("103", BUSY)
    assert office.notes.sent[-1].dialog.flow == BACK
    assert len(office.restarted().subscriptions) == 1


@pytest.mark.parametrize(
    ("tenant", "device", "instance", "uri"),
    [
        ("binhminh", "d1", "urn:uuid:1;1", "sip:them"),
        ("anphat", "d2", "urn:uuid:1;1", "sip:them"),
        ("anphat", "d1", "urn:uuid:2;1", "sip:them"),
    ],
    ids=["another company's", "another device", "another phone of the device"],
)
def test_what_others_watch_stays_where_it_is(
    office: Office, tenant: str, device: str, instance: str, uri: str
):
    subscription = on_a_page(office, "urn:uuid:1;1")
    office.subscriptions.moved(tenant, device, instance, uri, BACK)
    assert subscription.dialog.flow == PAGE


def test_a_page_that_was_away_learns_what_it_missed(office: Office):
    """A NOTIFY into a closed connection was taken for the end of the subscription."""
    on_a_page(office)
    office.answered()
    office.changes("103", BUSY)
    office.answered(503)
    assert len(office.subscriptions) == 1
    before = len(office.notes.sent)
    office.subscriptions.moved("anphat", "d1", "", "sip:them", BACK)
    office.tick()
    assert len(office.notes.sent) == before + 1
    assert office.notes.sent[-1].dialog.flow == BACK
