"""What the people of a company see of each other, and nothing of another company's."""

from __future__ import annotations

from collections.abc import Iterable
from xml.etree import ElementTree

import pytest
from tests.unit.directory.conftest import anphat, binhminh, directory_of

from tongdai.calls.model import Call, Leg, LegState, Party, PartyKind, TenantState
from tongdai.presence.packages import PACKAGES, Mail, State, Talk, Watched, accepts
from tongdai.presence.sights import Sights

LAN = Party(PartyKind.PERSON, "101", "Lan Nguyen", "lan", "lan-desk")
MINH = Party(PartyKind.PERSON, "102", "Đặng Văn Minh", "minh", "minh-desk")
THAO = Party(PartyKind.PERSON, "101", "Nguyễn Thị Thảo", "thao", "thao-desk")
OUTSIDE = Party(PartyKind.OUTSIDE, "+84901234567", 'A & "B" <c>')
DIALOG, PRESENCE, MAIL = (PACKAGES[name] for name in ("dialog", "presence", "message-summary"))


class Office:
    def __init__(self) -> None:
        self.states = {name: TenantState(name) for name in ("anphat", "binhminh", "nobody")}
        self.sights = Sights(directory_of(anphat(), binhminh()).worlds, self.states.__getitem__)

    def call(self, caller: Party, state: LegState, *called: tuple[Party, LegState], talks: bool) -> Call:
        call = Call("c1", "anphat", "c1.l0", caller, 0.0, dialled="102")
        call.legs["c1.l0"] = Leg("c1.l0", caller, state)
        for number, (party, leg_state) in enumerate(called, 1):
            call.legs[f"c1.l{number}"] = Leg(f"c1.l{number}", party, leg_state, inbound=False)
        call.peer = "c1.l1" if talks else ""
        self.states["anphat"].calls["c1"] = call
        return call

    def talks(self, person: str) -> Iterable[Talk]:
        state = self.sights.look(Watched("anphat", "person", person))
        assert state is not None
        return state.talks


@pytest.fixture
def office() -> Office:
    return Office()


def find(office: Office, by: Party, user: str, package: str, tenant: str = "anphat") -> Watched | None:
    username = {"lan": "anphat-101", "minh": "anphat-102", "thao": "binhminh-101"}[by.person]
    return office.sights.find(tenant, by, username, user, PACKAGES[package])


@pytest.mark.parametrize(
    ("user", "package", "subject", "id_"),
    [
        ("102", "dialog", "person", "minh"),
        ("102", "presence", "person", "minh"),
        ("anphat-101", "dialog", "person", "lan"),
        ("", "dialog", "person", "lan"),
        ("705", "dialog", "park", "705"),
        ("anphat-101", "message-summary", "mailbox", "lan"),
        ("101", "message-summary", "mailbox", "lan"),
        ("*97", "message-summary", "mailbox", "lan"),
        ("200", "message-summary", "mailbox", "sales"),
    ],
)
def test_colleagues_places_and_ones_own_messages_can_be_watched(
    office: Office, user: str, package: str, subject: str, id_: str
):
    found = find(office, LAN, user, package)
    assert found is not None
    assert (found.tenant, found.subject, found.id) == ("anphat", subject, id_)


@pytest.mark.parametrize(
    ("user", "package"),
    [
        ("102", "message-summary"),
        ("300", "message-summary"),
        ("705", "presence"),
        ("705", "message-summary"),
        ("200", "dialog"),
        ("600", "dialog"),
        ("100", "dialog"),
        ("112", "dialog"),
        ("+84901234567", "dialog"),
        ("199", "dialog"),
        ("anphat-102", "dialog"),
    ],
)
def test_other_peoples_messages_and_what_has_no_state_cannot(office: Office, user: str, package: str):
    assert find(office, LAN, user, package) is None


def test_the_other_companys_people_are_as_if_they_were_not_there(office: Office):
    assert find(office, THAO, "102", "dialog", "binhminh") is None, "only An Phát has a 102"
    found = find(office, THAO, "101", "dialog", "binhminh")
    assert found is not None
    assert found.id == "thao"
    assert office.sights.look(Watched("binhminh", "person", "lan")) is None
    assert office.sights.look(Watched("binhminh", "mailbox", "lan")) is None
    assert office.sights.look(Watched("nobody", "person", "lan")) is None
    office.call(LAN, LegState.ANSWERED, (OUTSIDE, LegState.ANSWERED), talks=True)
    thaos = office.sights.look(Watched("binhminh", "person", "thao"))
    assert thaos is not None
    assert thaos.talks == ()


def test_a_phone_that_rings_shows_who_calls(office: Office):
    office.call(LAN, LegState.ALERTING, (MINH, LegState.RINGING), (MINH, LegState.CALLING), talks=False)
    assert office.talks("minh") == (Talk("c1.l1", False, False, "101", "Lan Nguyen"),)
    assert office.talks("lan") == (Talk("c1.l0", True, False, "102", ""),)


def test_two_who_talk_show_each_other(office: Office):
    office.call(OUTSIDE, LegState.ANSWERED, (MINH, LegState.ANSWERED), talks=True)
    assert office.talks("minh") == (Talk("c1.l1", False, True, OUTSIDE.number, OUTSIDE.name),)
    assert office.talks("lan") == ()


def test_a_leg_that_has_ended_is_no_call(office: Office):
    office.call(OUTSIDE, LegState.ANSWERED, (MINH, LegState.ENDED), talks=False)
    assert office.talks("minh") == ()


def test_a_parking_place_shows_who_waits_there(office: Office):
    place = Watched("anphat", "park", "705")
    office.call(OUTSIDE, LegState.ANSWERED, talks=False)
    assert office.sights.look(place) == State()
    office.states["anphat"].parking["705"] = "c1"
    assert office.sights.look(place) == State(
        talks=(Talk("c1.l0", False, True, OUTSIDE.number, OUTSIDE.name),)
    )


def test_lamps_do_not_show_who_calls_in_private(office: Office):
    private = Party(PartyKind.PERSON, "101", "Lan", private=True)
    office.call(private, LegState.ANSWERED, talks=False)
    office.states["anphat"].parking["705"] = "c1"
    assert office.sights.look(Watched("anphat", "park", "705")) == State(
        talks=(Talk("c1.l0", False, True, "", ""),)
    )


def test_who_has_a_phone_is_present(office: Office):
    lan, minh = (office.sights.look(Watched("anphat", "person", person)) for person in ("lan", "minh"))
    assert lan is not None
    assert minh is not None
    assert (lan.registered, minh.registered) == (True, False)


@pytest.mark.parametrize("package", ["dialog", "presence"])
def test_bodies_are_well_formed_whatever_somebody_is_called(package: str):
    state = State(talks=(Talk("l1", True, False, OUTSIDE.number, OUTSIDE.name),), registered=True)
    body = PACKAGES[package].write(state, 'sip:"<&>"@anphat.demo', 3)
    root = ElementTree.fromstring(body)
    assert root.attrib["entity"] == 'sip:"<&>"@anphat.demo'
    if package == "dialog":
        identity = root.find(".//{*}remote/{*}identity")
        assert identity is not None
        assert identity.attrib["display"] == OUTSIDE.name


def test_a_person_without_a_number_is_anonymous():
    body = DIALOG.write(State(talks=(Talk("l1", False, True, "", ""),)), "sip:103@anphat.demo", 0)
    assert "sip:anonymous@anphat.demo" in body
    assert "display" not in body


def test_presence_says_whether_somebody_talks():
    for state, word in (
        (State(), "Away"),
        (State(registered=True), "Available"),
        (State(registered=True, talks=(Talk("l", True, True, "1", ""),)), "On the phone"),
    ):
        assert f"<note>{word}</note>" in PRESENCE.write(state, "sip:103@anphat.demo", 0)


def test_no_messages_is_no_lamp():
    assert MAIL.write(State(mail=Mail(0, 0)), "sip:lan@x", 0).startswith("Messages-Waiting: no\r\n")


@pytest.mark.parametrize(
    ("ranges", "yes"),
    [
        ([], True),
        (["application/dialog-info+xml"], True),
        (["text/plain", "application/*;q=0.5"], True),
        (["text/plain"], False),
    ],
)
def test_accept_is_respected(ranges: list[str], yes: bool):
    assert accepts(DIALOG, ranges) is yes


def test_a_lamp_is_lit_for_who_does_not_want_to_be_disturbed(office: Office) -> None:
    """Lan has turned it on (tests.unit.directory); phones know no other word for it than a call."""
    state = office.sights.look(Watched("anphat", "person", "lan"))
    assert state is not None
    body = ElementTree.fromstring(DIALOG.write(state, "sip:101@anphat.example", 1))
    assert [x.text for x in body.iter("{urn:ietf:params:xml:ns:dialog-info}state")] == ["confirmed"]
    assert "<rpid:busy/>" in PRESENCE.write(state, "sip:101@anphat.example", 1)
    other = office.sights.look(Watched("anphat", "person", "minh"))
    assert other is not None
    assert "<dialog " not in DIALOG.write(other, "sip:102@anphat.example", 1)


def test_a_key_shows_whether_ones_own_do_not_disturb_is_on(office: Office) -> None:
    for by, on in ((LAN, True), (MINH, False)):
        watched = find(office, by, "*76", "dialog")
        assert watched == Watched("anphat", "dnd", by.person)
        state = office.sights.look(watched)
        assert state == State(dnd=on)
    assert find(office, LAN, "*70", "dialog") is None
