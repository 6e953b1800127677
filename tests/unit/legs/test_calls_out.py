"""Calls that go out: to a device through the flow it registered from, to a number through a trunk."""

from __future__ import annotations

import msgspec
import pytest
from tests.unit.legs.doubles import a_trunk
from tests.unit.legs.stage import CARRIER, MAIN, OFFICE, OUTSIDE, Phone, Stage

from tongdai.calls import commands as c
from tongdai.calls import events as e
from tongdai.calls.model import Cause, Diversion, DiversionReason, Party, PartyKind
from tongdai.sdp import parse
from tongdai.sip.digest import Algorithm, Credentials, DigestServer, Verdict, ha1
from tongdai.sip.message import Request
from tongdai.sip.ua import InviteSession

LEG = "call_x.l1"
PHONE = c.DeviceTarget("bnd-101")
NUMBER = c.TrunkTarget("trunk", "+84912345678")


def invite(stage: Stage, phone: Phone) -> Request:
    request = stage.messages("INVITE", to=phone)[0]
    assert isinstance(request, Request)
    return request


def test_a_device_is_called_at_its_contact_and_sees_who_calls(stage: Stage, lan: Phone):
    assert stage.talks(lan, "101") == LEG
    request = invite(stage, lan)
    assert request.target == lan.uri
    assert request.from_.display == "Ngoc"
    assert (request.from_.uri.user, request.from_.uri.host) == ("+84912345678", "anphat.demo")
    assert (request.to.uri.user, request.to.uri.host) == ("anphat-101", "anphat.demo")
    assert stage.office.kinds() == [e.LegRinging, e.LegAnswered]
    told = stage.media.remote_of(LEG)
    assert (told.ip, told.port, told.direction) == (lan.address[0], 4000, "sendrecv")


def test_a_device_behind_proxies_is_called_through_them(stage: Stage, lan: Phone):
    routes = ("<sip:edge@192.0.2.9;lr>", "<sip:far@192.0.2.10;lr>")
    stage.contacts["bnd-101"] = msgspec.structs.replace(stage.contacts["bnd-101"], path=routes)
    stage.calls(PHONE)
    request = invite(stage, lan)
    assert tuple(request.headers.get_list("Route")) == routes
    assert request.target == lan.uri


@pytest.mark.parametrize(
    ("caller", "shown"),
    [
        (Party(PartyKind.OUTSIDE, ""), '"Anonymous" <sip:anonymous@anphat.demo>'),
        (Party(PartyKind.OUTSIDE, "", "Ngoc"), '"Ngoc" <sip:anonymous@anphat.demo>'),
        (Party(PartyKind.PERSON, "102", 'Nguyễn Văn "Minh"'), None),
        (Party(PartyKind.PERSON, "", "Hoa"), '"Hoa" <sip:anonymous@anphat.demo>'),
    ],
)
def test_the_caller_is_shown_as_far_as_known(stage: Stage, lan: Phone, caller: Party, shown: str | None):
    stage.calls(PHONE, caller=caller)
    from_ = invite(stage, lan).from_
    if shown is not None:
        assert from_.without_params() == shown
    else:
        assert (from_.display, from_.uri.user) == (caller.name, "102")


@pytest.mark.parametrize("number", ["a\r\nX-Evil: 1", "a>b", 'a"b c', "á@b"])
def test_whatever_an_outside_caller_calls_himself_phones_are_rung(stage: Stage, lan: Phone, number: str):
    lan.picks_up()
    stage.calls(PHONE, caller=Party(PartyKind.OUTSIDE, number))
    request = invite(stage, lan)
    assert request.from_.uri.user == number
    assert request.headers.get("X-Evil") is None
    assert stage.office.kinds() == [e.LegRinging, e.LegAnswered]


def test_a_contact_that_cannot_be_called_fails_its_leg_only(stage: Stage, lan: Phone):
    stage.contacts["bnd-101"] = msgspec.structs.replace(stage.contacts["bnd-101"], domain="not a domain")
    stage.calls(PHONE)
    assert stage.ends() == [(LEG, Cause.FAILED)]
    assert stage.media.live == {}


def test_a_contact_that_is_gone_is_unavailable(stage: Stage):
    stage.calls(c.DeviceTarget("bnd-999"))
    assert stage.ends() == [(LEG, Cause.UNAVAILABLE)]
    assert stage.media.live == {}


def test_a_trunk_that_is_gone_is_unavailable(stage: Stage):
    stage.calls(c.TrunkTarget("none", "+84912345678"))
    assert stage.ends() == [(LEG, Cause.UNAVAILABLE)]
    assert stage.media.live == {}


def test_without_ports_a_call_out_is_congestion(stage: Stage, lan: Phone):
    stage.media.refuse = "no_ports"
    stage.calls(PHONE)
    assert stage.ends() == [(LEG, Cause.CONGESTION)]
    assert stage.messages("INVITE", to=lan) == []
    assert stage.office.front.all() == []


@pytest.mark.parametrize(
    ("status", "cause"),
    [
        (486, Cause.BUSY),
        (600, Cause.BUSY),
        (603, Cause.DECLINED),
        (480, Cause.UNAVAILABLE),
        (408, Cause.UNAVAILABLE),
        (404, Cause.NOT_FOUND),
        (484, Cause.NOT_FOUND),
        (403, Cause.FORBIDDEN),
        (401, Cause.FORBIDDEN),
        (488, Cause.NOT_ACCEPTABLE),
        (503, Cause.CONGESTION),
        (500, Cause.FAILED),
        (302, Cause.DECLINED),
        (499, Cause.FAILED),
        (699, Cause.DECLINED),
    ],
)
def test_a_refusal_has_a_cause(stage: Stage, lan: Phone, status: int, cause: Cause):
    lan.handler.on["invite"] = lambda session: session.reject(status)
    stage.calls(PHONE)
    assert stage.office.events == [("anphat", e.LegEnded(LEG, cause))]
    assert stage.media.closed == [LEG]
    assert stage.office.front.all() == []


def test_a_phone_that_says_nothing_is_unavailable(stage: Stage, lan: Phone):
    del stage.network.nodes[lan.address]
    stage.calls(PHONE)
    stage.run(40)
    assert stage.ends() == [(LEG, Cause.UNAVAILABLE)]


def test_a_phone_whose_connection_breaks_fails_at_once(stage: Stage):
    phone = stage.phone("anphat", "103", transport="tcp")
    stage.calls(c.DeviceTarget("bnd-103"))
    flow = stage.contacts["bnd-103"].flow
    stage.office.agent.flow_failed(flow, stage.network.now)
    stage.run()
    assert stage.ends() == [(LEG, Cause.CONGESTION)]
    assert phone.session.ended is False


def test_early_sound_is_heard_before_the_answer(stage: Stage, lan: Phone):
    lan.handler.on["invite"] = lambda session: session.progress(183, lan.sdp("8 101", port=4100))
    stage.calls(PHONE)
    assert stage.office.kinds() == [e.LegProgress]
    assert stage.media.remote_of(LEG).port == 4100
    lan.session.accept(lan.sdp("8 101", port=4100))
    stage.run()
    assert stage.office.kinds() == [e.LegProgress, e.LegAnswered]
    assert stage.media.remote_of(LEG).codecs == (("PCMA", 8),)


def test_early_sound_that_cannot_be_used_is_ringing(stage: Stage, lan: Phone):
    lan.handler.on["invite"] = lambda session: session.progress(183, lan.sdp("18"))
    stage.calls(PHONE)
    assert stage.office.kinds() == [e.LegRinging]
    assert LEG not in stage.media.remotes


def test_a_provisional_answer_that_is_no_ringing_says_nothing(stage: Stage, lan: Phone):
    lan.handler.on["invite"] = lambda session: session.progress(182)
    stage.calls(PHONE)
    assert stage.office.events == []


def test_an_answer_whose_description_came_early_needs_none(stage: Stage, lan: Phone):
    def answer(session: InviteSession) -> None:
        session.progress(183, lan.sdp())
        session.accept(None)  # type: ignore[arg-type]

    lan.handler.on["invite"] = answer
    stage.calls(PHONE)
    assert stage.office.kinds() == [e.LegProgress, e.LegAnswered]


@pytest.mark.parametrize(
    "answer",
    [None, "v=0\r\n", "18", "address"],
    ids=["none", "unreadable", "no codec in common", "an address we cannot send to"],
)
def test_an_answer_that_cannot_be_used_ends_the_leg(stage: Stage, lan: Phone, answer: str | None):
    sdp = {"18": lan.sdp("18"), "address": lan.sdp().replace(lan.address[0], "phone.example")}
    text = sdp.get(answer, answer) if answer is not None else None
    lan.handler.on["invite"] = lambda session: session.accept(text)
    stage.calls(PHONE)
    assert stage.ends() == [(LEG, Cause.NOT_ACCEPTABLE)]
    assert e.LegAnswered not in stage.office.kinds()
    assert "bye" in lan.handler.names()
    assert stage.media.live == {}
    assert stage.office.journal.load() == {}


# the call logic ends it


@pytest.mark.parametrize("state", ["calling", "ringing", "early sound", "answered"])
def test_the_call_logic_may_hang_up_a_called_leg_in_every_state(stage: Stage, lan: Phone, state: str):
    def act(session: InviteSession) -> None:
        if state == "ringing":
            session.progress(180)
        elif state == "early sound":
            session.progress(183, lan.sdp())
        elif state == "answered":
            session.accept(lan.sdp())

    lan.handler.on["invite"] = act
    stage.calls(PHONE)
    stage.office.front.hangup(LEG, Cause.NO_ANSWER)
    stage.run()
    assert lan.session.ended
    assert lan.handler.names()[-1] == ("bye" if state == "answered" else "cancelled")
    assert stage.ends() == []
    assert stage.media.live == {}
    assert stage.office.front.all() == []
    stage.run(60)
    assert stage.network.at_rest()


def test_a_called_leg_may_be_hung_up_before_the_engine_has_answered(stage: Stage, lan: Phone):
    stage.media.hold = True
    stage.calls(PHONE)
    stage.office.front.hangup(LEG, Cause.CANCELLED)
    stage.media.hold = False
    stage.run()
    assert stage.messages("INVITE", to=lan) == []
    assert stage.media.live == {}
    assert stage.office.events == []


def test_a_cancel_says_when_the_call_was_answered_elsewhere(stage: Stage, lan: Phone, minh: Phone):
    for phone, extension in ((lan, "101"), (minh, "102")):
        phone.handler.on["invite"] = lambda session: session.progress(180)
        stage.calls(c.DeviceTarget(f"bnd-{extension}"), f"call_x.l{extension}")
    stage.office.front.hangup("call_x.l101", Cause.ELSEWHERE)
    stage.office.front.hangup("call_x.l102", Cause.NO_ANSWER)
    stage.run()
    assert lan.handler.last("cancelled")[2] == 'SIP;cause=200;text="Call completed elsewhere"'
    assert minh.handler.last("cancelled")[2] is None


def test_an_answer_that_crosses_our_cancel_is_hung_up(stage: Stage, lan: Phone):
    lan.handler.on["invite"] = lambda session: session.progress(180)
    stage.calls(PHONE)
    stage.office.front.hangup(LEG, Cause.ELSEWHERE)
    lan.session.accept(lan.sdp())
    stage.run()
    assert lan.handler.names()[-2:] == ["ack", "bye"]
    assert [kind for kind in stage.office.kinds() if kind is not e.LegRinging] == []
    assert stage.media.live == {}
    stage.run(60)
    assert stage.network.at_rest()


def test_a_called_party_who_hangs_up_is_gone_with_the_sound(stage: Stage, lan: Phone):
    stage.talks(lan, "101")
    lan.session.bye()
    stage.run()
    assert stage.ends() == [(LEG, Cause.NORMAL)]
    assert stage.media.closed == [LEG]
    assert stage.office.journal.load() == {}


# trunks


def test_a_trunk_gets_the_number_as_it_wants_it_and_the_companys_number(stage: Stage):
    stage.carrier.picks_up()
    stage.calls(NUMBER, caller=Party(PartyKind.OUTSIDE, MAIN, "Lan"))
    request = invite(stage, stage.carrier)
    assert request.target == f"sip:84912345678@{CARRIER[0]}:{CARRIER[1]}"
    assert request.headers.get("P-Asserted-Identity") == f'"Lan" <sip:{MAIN[1:]}@{OFFICE[0]}>'
    assert (request.from_.uri.user, request.to.uri.user) == (MAIN[1:], "84912345678")
    assert stage.office.kinds() == [e.LegRinging, e.LegAnswered]


def test_an_emergency_number_is_dialled_as_it_is(stage: Stage):
    stage.calls(c.TrunkTarget("trunk", "113", emergency=True))
    assert invite(stage, stage.carrier).uri.user == "113"


def test_a_device_is_never_told_an_asserted_identity(stage: Stage, lan: Phone):
    stage.calls(PHONE, caller=OUTSIDE)
    assert invite(stage, lan).headers.get("P-Asserted-Identity") is None


def test_who_wants_to_stay_private_is_told_to_a_carrier_in_confidence_only(stage: Stage):
    stage.calls(NUMBER, caller=Party(PartyKind.OUTSIDE, MAIN, "Lan", private=True))
    request = invite(stage, stage.carrier)
    assert request.headers.get("P-Asserted-Identity") == f'"Lan" <sip:{MAIN[1:]}@{OFFICE[0]}>'
    assert request.headers.get("Privacy") == "id"
    rest = bytes(request).decode().replace(request.headers.get("P-Asserted-Identity") or "", "")
    assert "anonymous@anonymous.invalid" in rest
    assert MAIN not in rest
    assert "Lan" not in rest


def test_who_calls_for_help_is_never_private(stage: Stage):
    target = c.TrunkTarget("trunk", "113", emergency=True)
    stage.calls(target, caller=Party(PartyKind.OUTSIDE, MAIN, "Lan", private=True))
    request = invite(stage, stage.carrier)
    assert request.from_.uri.user == MAIN[1:]
    assert "Privacy" not in request.headers


def test_a_colleague_does_not_see_who_calls_in_private(stage: Stage, lan: Phone):
    stage.calls(PHONE, caller=Party(PartyKind.PERSON, "102", "Minh", private=True))
    text = bytes(invite(stage, lan)).decode()
    assert '"Anonymous" <sip:anonymous@anonymous.invalid>' in text
    assert "Minh" not in text
    assert "sip:102" not in text


@pytest.mark.parametrize("password", ["secret", "wrong"])
def test_a_trunk_that_asks_for_a_password_gets_it(stage: Stage, password: str):
    stage.edge.trunks["trunk"] = a_trunk("trunk", *CARRIER, credentials=Credentials("anphat", password))
    digest = DigestServer(b"k" * 32)
    verdicts = []

    def stored(username: str) -> dict[Algorithm, str]:
        return {"MD5": ha1("anphat", "carrier", "secret", "MD5")}

    def ask(session: InviteSession) -> None:
        assert session.request is not None
        now = stage.network.now
        verdicts.append(digest.verify(session.request, "carrier", now, stored).verdict)
        if verdicts[-1] is Verdict.OK:
            session.accept(stage.carrier.sdp())
        else:
            session.reject(401, headers=digest.challenge("carrier", now))

    stage.carrier.handler.on["invite"] = ask
    stage.calls(NUMBER)
    if password == "secret":
        assert verdicts == [Verdict.MISSING, Verdict.OK]
        assert stage.office.kinds() == [e.LegAnswered]
    else:
        assert verdicts == [Verdict.MISSING, Verdict.WRONG]
        assert stage.ends() == [(LEG, Cause.FORBIDDEN)]


def test_a_phone_learns_who_forwarded_the_call(stage: Stage, lan: Phone):
    by = Diversion(Party(PartyKind.PERSON, "103", "Hoa Le", "hoa"), DiversionReason.BUSY)
    stage.calls(PHONE, diversions=(by,), hops=1, max_forwards=12)
    request = invite(stage, lan)
    diversion = '"Hoa Le" <sip:103@anphat.demo>;reason=user-busy;counter=2'
    assert request.headers.get("Diversion") == diversion
    assert "<sip:103@anphat.demo>;index=1, " in (request.headers.get("History-Info") or "")
    assert request.headers.get_all("Max-Forwards") == ["12"]


def test_a_call_without_hops_left_goes_nowhere(stage: Stage, lan: Phone):
    stage.calls(PHONE, max_forwards=0)
    assert stage.ends() == [(LEG, Cause.FAILED)]
    assert stage.messages("INVITE", to=lan) == []


@pytest.mark.parametrize("gone", [True, False], ids=["430", "no answer"])
def test_a_phone_whose_flow_failed_is_called_over_its_other_one(stage: Stage, minh: Phone, gone: bool):
    """RFC 5626 §5.3: its proxy says so, or nobody is there any more."""
    other = Phone(stage.network, ("203.0.113.77", 5060), minh.who, "udp")
    other.picks_up()
    stage.contacts["bnd-102+"] = msgspec.structs.replace(
        stage.contacts["bnd-102"], uri=other.uri, flow=stage.office.flow_to(other)
    )
    if gone:
        minh.handler.on["invite"] = lambda session: session.reject(430)
    else:
        del stage.network.nodes[minh.address]
    stage.calls(c.DeviceTarget("bnd-102"))
    stage.run(40)
    assert stage.office.kinds()[-1] is e.LegAnswered
    assert ("bnd-102" in stage.contacts) is not gone


def test_a_phone_with_one_flow_that_failed_cannot_be_reached(stage: Stage, minh: Phone):
    minh.handler.on["invite"] = lambda session: session.reject(430)
    leg = stage.calls(c.DeviceTarget("bnd-102"))
    assert stage.ends() == [(leg, Cause.UNAVAILABLE)]


def test_a_phone_that_has_only_codecs_that_the_caller_lacks_is_offered_those_too(
    stage: Stage, lan: Phone, minh: Phone
):
    """A phone of nothing but G.722 refused (488) whoever called in G.711, although we can transcode."""
    _, near = stage.answered(lan, sdp=lan.sdp("8 101"))
    seen = []

    def answer(session: InviteSession) -> None:
        media = parse(session.remote_sdp or "").media[0]
        seen.append((media.protocol, [x.name for x in media.codecs if x.is_voice]))
        if media.protocol == "RTP/AVP" and "G722" in seen[-1][1]:
            session.accept(minh.sdp("9 101"))
        else:
            session.reject(488)

    minh.handler.on["invite"] = answer
    leg = stage.calls(c.DeviceTarget("bnd-102"), match=near)
    assert seen == [
        ("RTP/AVP", ["PCMA", "PCMU"]),
        ("RTP/SAVP", ["PCMA", "PCMU", "opus", "G722"]),
        ("RTP/AVP", ["PCMA", "PCMU", "opus", "G722"]),
    ]
    assert stage.media.remote_of(leg).codecs[0][0] == "G722"
