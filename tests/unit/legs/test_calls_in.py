"""Calls that come in: who may call, and what the call logic learns of it."""

from __future__ import annotations

import re

import pytest
from tests.unit.legs.doubles import PASSWORD, a_trunk
from tests.unit.legs.stage import MAIN, THEIRS, Phone, Stage, statuses

from tongdai.calls import events as e
from tongdai.calls.model import Cause, Party, PartyKind
from tongdai.sip.message import Response


def test_a_device_is_challenged_without_memory_and_offered_when_it_knows_its_password(
    stage: Stage, lan: Phone
):
    session = lan.dial(stage.office, "102", password="")
    stage.run(0.021)
    challenge = stage.messages("SIP/2.0 401", to=lan)[0]
    assert [x.partition(" ")[0] for x in challenge.headers.get_all("WWW-Authenticate")] == ["Digest"] * 2
    assert "MD5" in challenge.headers.get_all("WWW-Authenticate")[0]
    assert stage.office.agent.transactions() == 0
    assert not stage.office.agent.sessions()
    session = lan.dial(stage.office, "102")
    stage.run()
    assert not session.ended
    offered = stage.office.last(e.LegOffered)
    assert stage.office.events == [("anphat", offered)]
    assert offered.party == Party(PartyKind.PERSON, "101", "Person 101", lan_id(lan), f"device-{user(lan)}")
    assert (offered.dialled, offered.replaces) == ("102", "")
    assert stage.media.live == {offered.leg: "anphat"}
    assert offered.leg.startswith(offered.call)


def lan_id(phone: Phone) -> str:
    return f"person-{user(phone)}"


def user(phone: Phone) -> str:
    assert phone.who is not None
    return phone.who.username


def refusals(stage: Stage, phone: Phone) -> list[str]:
    """The answers that a phone got to INVITEs, without what is new in each."""
    own = r'(tag=|branch=|Call-ID: |nonce="|CSeq: |:)[^;>"\r\n]*'
    return [
        re.sub(own, r"\1…", bytes(m).decode()).replace(user(phone), "WHO")
        for m in stage.messages("SIP/2.0 4", to=phone)
    ]


def test_a_wrong_password_and_an_unknown_user_get_the_same_answer(stage: Stage, lan: Phone, minh: Phone):
    one = lan.dial(stage.office, "102", password="wrong")
    del stage.edge.devices[user(minh)]
    other = minh.dial(stage.office, "102")
    stage.run()
    assert statuses(one, lan) == statuses(other, minh) == [401]
    ours, theirs = refusals(stage, lan), refusals(stage, minh)
    host, their_host = lan.address[0], minh.address[0]
    assert len(ours) == 2
    assert [x.replace(host, "HOST") for x in ours] == [x.replace(their_host, "HOST") for x in theirs]
    assert stage.office.events == []
    assert stage.media.live == {}


def test_what_was_challenged_costs_nothing_and_what_was_refused_goes_after_its_time(stage: Stage, lan: Phone):
    lan.dial(stage.office, "102", password="wrong")
    stage.run(60)
    assert stage.network.at_rest()


def test_credentials_that_cannot_be_read_are_a_bad_request(stage: Stage, lan: Phone):
    headers = [("Authorization", 'Digest realm="tongdai", username="x"')]
    session = lan.dial(stage.office, "102", headers=headers)
    stage.run()
    assert statuses(session, lan) == [400]


@pytest.mark.parametrize(
    "sdp",
    [
        "m=audio 4000 RTP/AVP 77\r\n",
        "m=audio 4000 RTP/AVP 0\r\na=rtpmap:0 PCMU/16000\r\n",
        "m=audio 4000 RTP/AVP 101\r\na=rtpmap:101 telephone-event/8000\r\n",
        "m=audio 4000 RTP/SAVP 0\r\n",
        "m=audio 4000 UDP/TLS/RTP/SAVPF 0\r\n",
        "m=audio 0 RTP/AVP 0\r\n",
        "m=video 4000 RTP/AVP 0\r\n",
        "m=audio 4000 RTP/AVP 0\r\nc=IN IP4 phone.example\r\n",
        "m=audio 4000 RTP/AVP 0\r\nc=IN IP6 2001:db8::1\r\n",
        "",
        "m=audio\r\n",
    ],
    ids=[
        "no codec",
        "other clock rate",
        "keys only",
        "protected without a key",
        "protected otherwise",
        "refused",
        "video",
        "a name",
        "another family",
        "no stream",
        "not sdp",
    ],
)
def test_an_offer_that_could_never_be_answered_is_refused_at_once(stage: Stage, lan: Phone, sdp: str):
    head = "v=0\r\no=- 1 1 IN IP4 203.0.113.1\r\ns=-\r\nc=IN IP4 203.0.113.1\r\nt=0 0\r\n"
    session = lan.dial(stage.office, "102", head + sdp)
    stage.run()
    assert statuses(session, lan) == [488]
    assert stage.office.events == []
    assert stage.media.live == {}


def test_an_offer_without_any_address_is_refused_at_once(stage: Stage, lan: Phone):
    session = lan.dial(
        stage.office, "102", "v=0\r\no=- 1 1 IN IP4 a\r\ns=-\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n"
    )
    stage.run()
    assert statuses(session, lan) == [488]


def test_without_ports_a_caller_is_asked_to_try_later(stage: Stage, lan: Phone):
    stage.media.refuse = "no_ports"
    session = lan.dial(stage.office, "102")
    stage.run()
    assert statuses(session, lan) == [503]
    refusal = stage.messages("SIP/2.0 503", to=lan)[0]
    assert refusal.headers.get("Retry-After") == "5"
    assert stage.office.events == []
    assert stage.office.front.all() == []


def test_while_shutting_down_new_calls_are_asked_to_try_later(stage: Stage, lan: Phone):
    stage.office.front.close()
    session = lan.dial(stage.office, "102")
    stage.run()
    assert statuses(session, lan) == [503]
    assert stage.messages("SIP/2.0 503", to=lan)[0].headers.get("Retry-After") == "5"
    assert stage.media.live == {}


def test_a_caller_who_leaves_before_the_engine_has_answered_is_never_offered(stage: Stage, lan: Phone):
    stage.media.hold = True
    session = lan.dial(stage.office, "102")
    stage.run()
    assert len(stage.media.opening) == 1
    session.cancel()
    stage.run()
    stage.media.hold = False
    stage.run()
    assert e.LegOffered not in stage.office.kinds()
    assert statuses(session, lan) == [487]
    assert stage.media.live == {}
    assert stage.office.front.all() == []


def test_an_invite_without_an_offer_gets_ours_and_answers_it_in_the_ack(stage: Stage, lan: Phone):
    session, leg = stage.offered(lan, sdp=None)
    lan.handler.on["answered"] = lambda session, sdp: session.ack(lan.sdp("8 101", port=4400))
    stage.office.front.ring(leg)
    stage.office.front.answer(leg, "")
    stage.run()
    assert session.confirmed
    ours = session.remote_sdp or ""
    assert "m=audio 20002 RTP/AVP 111 9 0 8 110 101" in ours
    told = stage.media.remote_of(leg)
    assert (told.ip, told.port, told.codecs, told.dtmf) == (lan.address[0], 4400, (("PCMA", 8),), (101,))


@pytest.mark.parametrize("formats", ["18", None], ids=["no codec of ours", "no answer"])
def test_a_late_answer_that_does_not_fit_ends_the_call(stage: Stage, lan: Phone, formats: str | None):
    session, leg = stage.offered(lan, sdp=None)
    answer = lan.sdp(formats) if formats is not None else "v=0\r\n"
    lan.handler.on["answered"] = lambda session, sdp: session.ack(answer)
    stage.office.front.answer(leg, "")
    stage.run()
    assert stage.ends() == [(leg, Cause.NOT_ACCEPTABLE)]
    assert "bye" in lan.handler.names()
    assert session.ended
    assert stage.media.live == {}


# trunks


def test_a_trunk_needs_no_password_and_its_numbers_become_e164(stage: Stage):
    session, leg = stage.offered(stage.carrier, "842871234500", from_='"Ngoc" <sip:84912345678@carrier>')
    offered = stage.office.last(e.LegOffered)
    assert stage.office.events == [("anphat", offered)]
    assert offered.dialled == MAIN
    assert offered.party == Party(PartyKind.OUTSIDE, "+84912345678", "Ngoc")
    assert not session.ended
    assert stage.media.live == {leg: "anphat"}


def test_the_same_address_with_another_port_is_no_trunk(stage: Stage):
    stranger = Phone(stage.network, (stage.carrier.address[0], 5081), None, "udp")
    session = stranger.dial(stage.office, "842871234500")
    stage.run()
    assert statuses(session, stranger) == [401]
    assert stage.office.events == []


def test_a_trunks_call_to_a_number_of_nobody_is_not_found(stage: Stage):
    session = stage.carrier.dial(stage.office, "842871234999")
    stage.run()
    assert statuses(session, stage.carrier) == [404]
    assert stage.media.live == {}


ASSERTED = [("P-Asserted-Identity", '"Ngoc" <sip:84912345678@carrier>')]


def test_a_trunk_is_believed_whom_it_asserts(stage: Stage):
    stage.offered(stage.carrier, "842871234500", from_="<sip:84900000000@carrier>", headers=ASSERTED)
    assert stage.office.last(e.LegOffered).party == Party(PartyKind.OUTSIDE, "+84912345678", "Ngoc")


def test_parameters_inside_a_number_are_no_part_of_it(stage: Stage):
    """Carriers write where a number was ported to behind it: nobody was found at such a number."""
    dialled = "842871234500;npdi;rn=+8490"
    stage.offered(stage.carrier, dialled, from_="<sip:84912345678;cpc=ordinary@carrier>")
    offered = stage.office.last(e.LegOffered)
    assert (offered.dialled, offered.party.number) == (MAIN, "+84912345678")


def test_a_telephone_uri_is_believed_as_well(stage: Stage):
    headers = [("P-Asserted-Identity", "not an address"), ("P-Asserted-Identity", "<tel:84912345678>")]
    stage.offered(stage.carrier, "842871234500", from_='"N" <sip:1@carrier>', headers=headers)
    assert stage.office.last(e.LegOffered).party == Party(PartyKind.OUTSIDE, "+84912345678", "N")


@pytest.mark.parametrize(
    ("privacy", "private"),
    [("id", True), ("header; user", True), ("ID;critical", True), ("none", False), ("session", False)],
)
def test_a_phone_may_want_not_to_be_shown(stage: Stage, lan: Phone, privacy: str, private: bool):
    stage.offered(lan, headers=[("Privacy", privacy)])
    party = stage.office.last(e.LegOffered).party
    assert (party.number, party.private) == ("101", private)


def test_a_device_is_not_believed_whom_it_asserts(stage: Stage, lan: Phone):
    stage.offered(lan, headers=ASSERTED, from_='"The Boss" <sip:999@anphat.demo>')
    party = stage.office.last(e.LegOffered).party
    assert (party.kind, party.number, party.name) == (PartyKind.PERSON, "101", "Person 101")


@pytest.mark.parametrize(
    ("from_", "headers"),
    [
        ("<sip:anonymous@anonymous.invalid>", []),
        ("<sip:Anonymous@anonymous.invalid>", []),
        ("<sip:anonymous@anonymous.invalid>", [*ASSERTED, ("Privacy", "id")]),
        ("<sip:84900000000@carrier>", [*ASSERTED, ("Privacy", "header;id")]),
    ],
    ids=["from", "capital", "asserted in confidence", "asserted in confidence, with a From"],
)
def test_who_withholds_the_number_is_anonymous(stage: Stage, from_: str, headers: list[tuple[str, str]]):
    """A carrier tells us who calls even when the caller asked it to keep that from the called (RFC 3325
    §7)."""
    stage.offered(stage.carrier, "842871234500", from_=from_, headers=headers)
    assert stage.office.last(e.LegOffered).party == Party(PartyKind.OUTSIDE, "")


def test_numbers_of_two_tenants_come_by_the_same_trunk_each_to_its_own(stage: Stage):
    stage.offered(stage.carrier, MAIN.removeprefix("+"))
    stage.offered(stage.carrier, THEIRS.removeprefix("+"))
    assert [tenant for tenant, _ in stage.office.events] == ["anphat", "binhminh"]


def test_a_second_trunk_at_the_same_host_is_told_by_its_port(stage: Stage):
    stage.edge.trunks["other"] = a_trunk("other", stage.carrier.address[0], 5090)
    other = Phone(stage.network, (stage.carrier.address[0], 5090), None, "udp")
    _, leg = stage.offered(other, "842871234500")
    assert leg
    assert PASSWORD not in str(stage.network.log)


def test_what_comes_again_is_not_offered_twice(stage: Stage, lan: Phone):
    stage.network.duplicate = 1.0
    session, leg = stage.offered(lan)
    stage.office.front.ring(leg)
    stage.run(2)
    assert len(stage.office.of(e.LegOffered)) == 1
    assert not session.ended
    assert all(isinstance(m, Response) for m in stage.messages("SIP/2.0 180", to=lan))


def test_a_trunks_caller_who_cannot_be_read_is_refused_and_nothing_is_left(stage: Stage):
    session = stage.carrier.dial(stage.office, "842871234500", from_="<mailto:ngoc@example.com>")
    stage.run(60)
    assert statuses(session, stage.carrier) == [416]
    assert stage.network.at_rest()


@pytest.mark.parametrize("domain", ["binhminh.demo", "nobody.example"])
def test_another_domain_leads_nowhere_whether_it_is_hosted_here_or_not(stage: Stage, lan: Phone, domain: str):
    """sip:101@ the other company's domain rang one's own 101."""
    session = lan.dial(stage.office, "101", domain=domain)
    stage.run()
    assert statuses(session, lan)[-1] == 404
    assert stage.office.events == []


@pytest.mark.parametrize("domain", ["192.0.2.1", "pbx.example.com", "anphat.demo"])
def test_the_server_is_called_by_address_name_or_own_domain(stage: Stage, lan: Phone, domain: str):
    lan.dial(stage.office, "102", domain=domain)
    stage.run()
    assert stage.office.last(e.LegOffered).dialled == "102"


def test_an_emergency_number_is_one_whatever_stands_behind_it(stage: Stage, lan: Phone):
    lan.dial(stage.office, "113", domain="binhminh.demo")
    stage.run()
    assert stage.office.last(e.LegOffered).dialled == "113"
