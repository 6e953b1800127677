"""Calls through a trunk: several gateways, refusals of all kinds, who is shown, whom our password is for."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from tests.unit.legs.doubles import a_trunk
from tests.unit.legs.stage import (
    CARRIER,
    MAIN,
    OFFICE,
    PCMU_PCMA,
    THEIR_KEY,
    Phone,
    Stage,
    protected,
    statuses,
    with_key,
)

from tongdai import sdp
from tongdai.calls import commands as c
from tongdai.calls import events as e
from tongdai.calls.model import Cause, Diversion, DiversionReason, Party, PartyKind
from tongdai.sip.digest import Credentials, DigestServer
from tongdai.sip.message import Request
from tongdai.sip.ua import InviteSession
from tongdai.tenants.trunk.model import CallerRule, Encryption, Gateway, Transport
from tongdai.trunks import Limit

LEG = "call_x.l1"
SECOND = ("198.51.100.2", 5060)
BACKUP = Gateway(*SECOND, priority=1)
NUMBER = c.TrunkTarget("trunk", "+84912345678")
COMPANY = Party(PartyKind.OUTSIDE, MAIN, "Lan")
ACCOUNT = Credentials("anphat", "secret")


def use(stage: Stage, limits: dict[str, Limit] | None = None, **settings: Any) -> Phone:
    """The trunk has two gateways and these settings; returns the second carrier."""
    settings.setdefault("more", [BACKUP])
    trunk = stage.edge.trunks["trunk"] = a_trunk("trunk", *CARRIER, **settings)
    stage.office.trunks.follow([trunk], limits or {})
    second = Phone(stage.network, SECOND, None, "udp")
    second.picks_up()
    return second


def call(stage: Stage, leg: str = LEG, *, behind: Party | None = None, **target: Any) -> None:
    """The company calls a number outside."""
    wanted = c.TrunkTarget("trunk", "+84912345678", **target)
    command = c.CreateLeg("call_x", leg, wanted, COMPANY, behind=behind)
    stage.office.front.create("anphat", command)
    stage.run()


def answers(carrier: Phone, *given: int | str) -> None:
    """It answers each INVITE with the next of these: a refusal or a description."""
    following = iter(given)

    def answer(session: InviteSession) -> None:
        match next(following):
            case int(status):
                session.reject(status)
            case description:
                session.accept(description)

    carrier.handler.on["invite"] = answer


def invites(stage: Stage, carrier: Phone) -> list[Request]:
    found = stage.messages("INVITE", to=carrier)
    return [x for x in found if isinstance(x, Request)]


def reasons(stage: Stage) -> list[str]:
    return [f"{x.via} {x.why}" for x in stage.office.of(e.LegRerouted)]


# failover


def test_a_gateway_that_says_nothing_is_left_within_seconds(stage: Stage):
    """The owner's caller heard nothing for half a minute: Timer B."""
    use(stage)
    del stage.network.nodes[CARRIER]
    call(stage)
    stage.run(4.5)
    assert stage.office.kinds()[-1] is e.LegAnswered
    assert reasons(stage) == [f"Trunk ({CARRIER[0]}:{CARRIER[1]}) silent 3.5"]
    assert stage.office.last(e.LegCarried).via == f"Trunk ({SECOND[0]}:{SECOND[1]})"


def test_the_last_gateway_that_says_nothing_ends_the_leg(stage: Stage):
    second = use(stage)
    del stage.network.nodes[CARRIER], stage.network.nodes[second.address]
    call(stage)
    stage.run(8)
    assert stage.ends() == [(LEG, Cause.UNAVAILABLE)]
    assert len(reasons(stage)) == 2
    assert stage.media.live == {}
    stage.run(60)
    assert stage.network.at_rest()


def test_a_gateway_that_only_tries_is_waited_for(stage: Stage):
    second = use(stage)
    stage.carrier.handler.on["invite"] = lambda session: None  # 100 alone
    call(stage)
    stage.run(10)
    assert invites(stage, second) == []
    stage.carrier.session.accept(stage.carrier.sdp())
    stage.run()
    assert stage.office.kinds() == [e.LegAnswered]


def test_an_answer_that_comes_after_we_left_is_hung_up(stage: Stage):
    """The dead carrier comes back and finds the INVITE: its phone must not stay connected to nobody."""
    use(stage)
    nodes = stage.network.nodes
    held = nodes.pop(CARRIER)
    call(stage)
    stage.run(4.5)
    nodes[CARRIER] = held
    stage.carrier.picks_up()
    stage.run(40)
    assert all(event[1].ended for event in stage.carrier.handler.events if event[0] == "invite")
    assert stage.office.of(e.LegAnswered) == [e.LegAnswered(LEG)]


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_gateway_in_trouble_gives_way_to_the_next(stage: Stage, status: int):
    second = use(stage)
    stage.carrier.handler.on["invite"] = lambda session: session.reject(status)
    call(stage)
    assert stage.office.kinds()[-1] is e.LegAnswered
    assert f"answered {status}" in reasons(stage)[0]
    assert len(invites(stage, second)) == 1


@pytest.mark.parametrize(
    ("status", "cause"),
    [
        (404, Cause.NOT_FOUND),
        (486, Cause.BUSY),
        (480, Cause.NO_ANSWER),
        (403, Cause.FORBIDDEN),
        (603, Cause.DECLINED),
    ],
)
def test_what_the_called_party_says_is_final(stage: Stage, status: int, cause: Cause):
    second = use(stage)
    stage.carrier.handler.on["invite"] = lambda session: session.reject(status)
    call(stage)
    assert stage.ends() == [(LEG, cause)]
    assert invites(stage, second) == []


def test_a_pause_that_a_carrier_asks_for_is_kept(stage: Stage):
    second = use(stage)
    stage.carrier.handler.on["invite"] = lambda session: session.reject(503, headers=[("Retry-After", "60")])
    call(stage)
    call(stage, "call_x.l2")
    assert (len(invites(stage, stage.carrier)), len(invites(stage, second))) == (1, 2)


def test_early_sound_of_a_gateway_that_failed_is_not_the_next_ones(stage: Stage):
    use(stage)

    def fail(session: InviteSession) -> None:
        session.progress(183, stage.carrier.sdp("8 101", port=4100))
        session.reject(503)

    stage.carrier.handler.on["invite"] = fail
    call(stage)
    assert stage.office.kinds()[-1] is e.LegAnswered
    told = stage.media.remote_of(LEG)
    assert (told.ip, told.port) == (SECOND[0], 4000)


def test_a_call_that_is_given_up_while_the_gateway_is_silent_is_tried_nowhere_else(stage: Stage):
    second = use(stage)
    del stage.network.nodes[CARRIER]
    call(stage)
    stage.office.front.hangup(LEG, Cause.CANCELLED)
    stage.run(10)
    assert invites(stage, second) == []
    assert stage.office.events == []


# codecs


def test_a_carrier_that_takes_no_codec_is_offered_what_everybody_has_once(stage: Stage):
    use(stage, more=[], codecs=("OPUS", "G722", "PCMU"))
    answers(stage.carrier, 488, stage.carrier.sdp("8 101"))
    call(stage)
    first, again = (codecs_of(x) for x in invites(stage, stage.carrier))
    assert first[:3] == ["opus", "G722", "PCMU"]
    assert again == ["PCMA", "PCMU"]
    assert stage.office.kinds()[-1] is e.LegAnswered


def test_a_second_488_is_the_end(stage: Stage):
    use(stage)
    stage.carrier.handler.on["invite"] = lambda session: session.reject(488)
    call(stage)
    assert stage.ends() == [(LEG, Cause.NOT_ACCEPTABLE)]
    assert len(invites(stage, stage.carrier)) == 2


def codecs_of(request: Request) -> list[str]:
    [media] = sdp.parse(request.sdp or "").media
    return [x.name for x in media.codecs if x.name not in ("telephone-event", "CN")]


# encryption


def over_tls(stage: Stage, **settings: Any) -> Phone:
    """The trunk is reached over TLS, and has these settings; returns the carrier."""
    trunk = a_trunk("trunk", *CARRIER, transport=Transport.TLS, **settings)
    stage.edge.trunks["trunk"] = trunk
    stage.office.trunks.follow([trunk], {})
    hear_tls(stage)
    return Phone(stage.network, CARRIER, None, "tls")


def hear_tls(stage: Stage) -> None:
    stage.network.nodes[OFFICE[0], 5061] = stage.office


def offers(stage: Stage, carrier: Phone) -> list[tuple[str, bool, list[str]]]:
    """Of each INVITE the protocol, whether there are keys, and the codecs."""
    found = []
    for request in invites(stage, carrier):
        [media] = sdp.parse(request.sdp or "").media
        found.append((media.protocol, "crypto" in dict(media.attributes), codecs_of(request)))
    return found


def test_sound_is_encrypted_over_tls(stage: Stage):
    carrier = over_tls(stage)
    carrier.handler.on["invite"] = lambda session: session.accept(protected(carrier))
    call(stage)
    assert offers(stage, carrier) == [("RTP/SAVP", True, ["opus", "G722", "PCMU", "PCMA"])]
    agreed = stage.media.remote_of(LEG).srtp
    assert agreed is not None
    assert agreed.receive == THEIR_KEY
    assert stage.office.kinds()[-1] is e.LegAnswered


def test_a_carrier_that_refuses_keys_is_called_without_and_then_with_few_codecs(stage: Stage):
    carrier = over_tls(stage)
    answers(carrier, 415, 488, carrier.sdp())
    call(stage)
    everything = ["opus", "G722", "PCMU", "PCMA"]
    assert offers(stage, carrier) == [
        ("RTP/SAVP", True, everything),
        ("RTP/AVP", True, everything),
        ("RTP/AVP", True, ["PCMA", "PCMU"]),
    ]
    assert reasons(stage) == ["Trunk not_encrypted 415", "Trunk no_codec 488"]
    assert stage.media.remote_of(LEG).srtp is None
    assert stage.office.kinds()[-1] is e.LegAnswered


@pytest.mark.parametrize("restarted", [False, True])
def test_no_call_goes_out_in_the_clear_where_encryption_is_required(stage: Stage, restarted: bool):
    carrier = over_tls(stage, encryption=Encryption.REQUIRED)
    asked: list[InviteSession] = []
    carrier.handler.on["invite"] = asked.append
    call(stage)
    asked[0].progress(180)
    if restarted:
        stage.run()
        stage.restart()
        hear_tls(stage)
    asked[0].reject(488)
    stage.run()
    asked[1].accept(carrier.sdp())  # against what was offered
    stage.run()
    assert [offer[:2] for offer in offers(stage, carrier)] == [("RTP/SAVP", True)] * 2
    assert stage.ends() == [(LEG, Cause.NOT_ACCEPTABLE)]
    assert asked[1].ended
    assert stage.media.live == {}


def test_a_call_for_help_goes_out_in_the_clear_if_need_be(stage: Stage):
    carrier = over_tls(stage, encryption=Encryption.REQUIRED)
    answers(carrier, 488, carrier.sdp())
    call(stage, emergency=True)
    assert [offer[0] for offer in offers(stage, carrier)] == ["RTP/SAVP", "RTP/AVP"]
    assert stage.office.kinds()[-1] is e.LegAnswered


def test_no_carrier_sends_an_encrypted_call_to_where_its_keys_would_be_read(stage: Stage):
    carrier = over_tls(stage, encryption=Encryption.REQUIRED, redirect_hosts=(SECOND[0],))
    second = Phone(stage.network, SECOND, None, "udp")
    headers = [("Contact", f"<sip:84999@{SECOND[0]}>")]
    carrier.handler.on["invite"] = lambda session: session.reject(302, headers=headers)
    call(stage)
    assert invites(stage, second) == []
    assert reasons(stage) == ["Trunk sent_nowhere 302"]


def test_nothing_is_encrypted_where_it_never_shall_be(stage: Stage):
    carrier = over_tls(stage, encryption=Encryption.NEVER)
    carrier.picks_up()
    call(stage)
    assert [offer[:2] for offer in offers(stage, carrier)] == [("RTP/AVP", False)]


def test_the_next_gateway_is_offered_keys_again(stage: Stage):
    spare = Gateway(*SECOND, Transport.TLS, priority=1)
    carrier = over_tls(stage, more=[spare])
    second = Phone(stage.network, SECOND, None, "tls")
    answers(carrier, 488, 503)
    second.handler.on["invite"] = lambda session: session.accept(protected(second))
    call(stage)
    assert [offer[0] for offer in offers(stage, carrier)] == ["RTP/SAVP", "RTP/AVP"]
    assert [offer[0] for offer in offers(stage, second)] == ["RTP/SAVP"]


@pytest.mark.parametrize(
    ("encryption", "how", "taken"),
    [
        (Encryption.AUTO, "plain", True),
        (Encryption.AUTO, "keyed", True),
        (Encryption.REQUIRED, "plain", False),
        (Encryption.REQUIRED, "keys that are welcome", True),
        (Encryption.REQUIRED, "keyed", True),
        (Encryption.REQUIRED, "plain and keyed", True),
    ],
)
def test_who_calls_in_where_encryption_is_required(
    stage: Stage, encryption: Encryption, how: str, taken: bool
):
    carrier = over_tls(stage, encryption=encryption)
    plain, streams = carrier.sdp(), protected(carrier)
    offer = {
        "plain": plain,
        "keyed": streams,
        "keys that are welcome": with_key(plain),
        "plain and keyed": plain + streams[streams.index("m=") :],
    }[how]
    session = carrier.dial(stage.office, MAIN, offer)
    stage.run()
    assert bool(stage.office.of(e.LegOffered)) is taken
    if not taken:
        assert statuses(session, carrier) == [488]
        return
    leg = stage.office.last(e.LegOffered).leg
    stage.office.front.answer(leg, "")
    stage.run()
    assert (stage.media.remote_of(leg).srtp is not None) is (how != "plain")


@pytest.mark.parametrize("required", [True, False])
def test_who_calls_in_without_an_offer_gets_one_with_keys(stage: Stage, required: bool):
    carrier = over_tls(stage, encryption=Encryption.REQUIRED if required else Encryption.AUTO)
    offered = []
    for answer in (protected(carrier), carrier.sdp()):
        session = carrier.dial(stage.office, MAIN, None)
        carrier.handler.on["answered"] = lambda session, text, answer=answer: session.ack(answer)
        stage.run()
        stage.office.front.answer(stage.office.last(e.LegOffered).leg, "")
        stage.run()
        [media] = sdp.parse(session.remote_sdp or "").media
        offered.append((media.protocol, "crypto" in dict(media.attributes)))
        assert session.ended is (required and "crypto" not in answer)
    assert set(offered) == {("RTP/SAVP" if required else "RTP/AVP", True)}


# 3xx


def redirect(stage: Stage, contact: str) -> None:
    headers = [("Contact", contact)]
    stage.carrier.handler.on["invite"] = lambda session: session.reject(302, headers=headers)


def test_a_redirect_to_a_host_that_is_named_is_followed(stage: Stage):
    second = use(stage, more=[], redirect_hosts=(SECOND[0],))
    redirect(stage, f"<sip:84999@{SECOND[0]}:{SECOND[1]}>")
    call(stage)
    assert invites(stage, second)[0].uri.user == "84999"
    assert stage.office.kinds()[-1] is e.LegAnswered


def test_a_redirect_to_anybody_else_is_not(stage: Stage):
    """Whoever can redirect our calls sends them to numbers that earn him money."""
    second = use(stage, more=[])
    redirect(stage, f"<sip:+882161234567@{SECOND[0]}>")
    call(stage)
    assert invites(stage, second) == []
    assert stage.ends() == [(LEG, Cause.FAILED)]
    assert "302" in reasons(stage)[0]


def test_redirects_in_a_circle_end(stage: Stage):
    use(stage, more=[])
    redirect(stage, f"<sip:84999@{CARRIER[0]}:{CARRIER[1]}>")
    call(stage)
    stage.run(5)
    assert len(invites(stage, stage.carrier)) == 4
    assert stage.ends() == [(LEG, Cause.FAILED)]


# limits


def test_a_call_above_the_limit_is_refused_and_one_that_ends_makes_room(stage: Stage):
    use(stage, channels=1)
    stage.carrier.picks_up()
    call(stage)
    call(stage, "call_x.l2")
    assert stage.ends() == [("call_x.l2", Cause.LIMITED)]
    assert reasons(stage)[0].endswith("trunk_full 1")
    assert len(invites(stage, stage.carrier)) == 1
    stage.office.front.hangup(LEG, Cause.NORMAL)
    call(stage, "call_x.l3")
    assert stage.office.last(e.LegAnswered).leg == "call_x.l3"


def test_an_emergency_call_passes_over_every_limit(stage: Stage):
    use(stage, {"anphat": Limit(1, 0.01)}, channels=1, per_second=0.01)
    stage.carrier.picks_up()
    call(stage)
    call(stage, "call_x.l2", emergency=True)
    assert stage.office.last(e.LegAnswered).leg == "call_x.l2"


def test_the_limit_of_one_tenant_is_not_the_others(stage: Stage):
    use(stage, {"anphat": Limit(at_once=1)})
    stage.carrier.picks_up()
    call(stage)
    call(stage, "call_x.l2")
    assert stage.ends() == [("call_x.l2", Cause.LIMITED)]
    stage.calls(NUMBER, "call_y.l1", tenant="binhminh")
    assert stage.office.last(e.LegAnswered).leg == "call_y.l1"


def test_calls_that_went_on_through_a_restart_still_have_their_channel(stage: Stage):
    use(stage, channels=1)
    stage.carrier.picks_up()
    call(stage)
    office, legs = stage.restart()
    assert list(legs) == [LEG]
    call(stage, "call_x.l2")
    assert [(x.leg, x.cause) for x in office.of(e.LegEnded)] == [("call_x.l2", Cause.LIMITED)]


def test_calls_in_have_a_channel_too(stage: Stage):
    use(stage, channels=1)
    _, leg = stage.answered(stage.carrier, MAIN)
    call(stage)
    assert stage.ends() == [(LEG, Cause.LIMITED)]
    stage.office.front.hangup(leg, Cause.NORMAL)
    stage.carrier.picks_up()
    call(stage, "call_x.l2")
    assert stage.office.last(e.LegAnswered).leg == "call_x.l2"


# who is shown


NGOC = Party(PartyKind.OUTSIDE, "+84987654321", "Ngoc")


@pytest.mark.parametrize(
    ("rule", "behind", "from_user"),
    [
        ("own", NGOC, MAIN[1:]),
        ("pass", None, MAIN[1:]),
        ("pass", NGOC, "84987654321"),
        ("fixed", NGOC, "84900000000"),
    ],
)
def test_whose_number_is_shown_is_the_trunks_rule(
    stage: Stage, rule: str, behind: Party | None, from_user: str
):
    use(stage, caller=CallerRule(rule), caller_number="+84900000000" if rule == "fixed" else "")
    call(stage, behind=behind)
    [request] = invites(stage, stage.carrier)
    assert request.from_.uri.user == from_user
    diverted = rule == "pass" and behind is not None
    assert (request.headers.get("Diversion") is not None) is diverted
    assert (request.headers.get("History-Info") is not None) is diverted
    if diverted:
        assert f"<sip:{MAIN[1:]}@{OFFICE[0]}>" in (request.headers.get("Diversion") or "")
        assert MAIN[1:] in (request.headers.get("P-Asserted-Identity") or "")


def test_who_hides_his_number_stays_hidden_when_his_call_is_passed_on(stage: Stage):
    use(stage, caller=CallerRule.PASS)
    call(stage, behind=Party(PartyKind.OUTSIDE, ""))
    [request] = invites(stage, stage.carrier)
    assert request.headers.get("Privacy") == "id"
    assert str(request.from_.uri) == "sip:anonymous@anonymous.invalid"


def test_a_carrier_that_is_not_trusted_gets_and_gives_no_asserted_identity(stage: Stage):
    use(stage, trusted=False)
    call(stage)
    assert invites(stage, stage.carrier)[0].headers.get("P-Asserted-Identity") is None
    stage.offered(stage.carrier, MAIN, headers=[("P-Asserted-Identity", "<sip:84911111111@x.example>")])
    assert stage.office.last(e.LegOffered).party.number != "+84911111111"


def test_the_carriers_name_stands_in_the_addresses(stage: Stage):
    use(stage, domain="sip.carrier.example")
    call(stage)
    [request] = invites(stage, stage.carrier)
    assert request.target == "sip:84912345678@sip.carrier.example"
    assert request.from_.uri.host == "sip.carrier.example"


# whom our password is for


def challenge(stage: Stage, realm: str = "carrier") -> list[tuple[str, str]]:
    return DigestServer(b"k" * 32).challenge(realm, stage.network.now)


def leaks(stage: Stage) -> list[bytes]:
    return [data for _, _, data in stage.network.log if b"uthorization:" in data]


def test_nobody_who_called_us_learns_anything_by_challenging_our_bye(stage: Stage):
    """Digest leak: call, have the other hang up, answer the BYE with 407, and guess at leisure."""
    use(stage, credentials=ACCOUNT)
    _, leg = stage.answered(stage.carrier, MAIN)
    for restarted in (False, True):
        office = stage.restart()[0] if restarted else stage.office
        stage.network.drop = lambda flow, data: data.startswith(b"BYE")
        office.front.hangup(leg, Cause.NORMAL)
        stage.run(0.1)
        bye = stage.messages("BYE", to=stage.carrier)[-1]
        assert isinstance(bye, Request)
        for status in (401, 407):
            refusal = bytes(bye.response(status, headers=challenge(stage)))
            office.agent.receive(refusal, office.flow_to(stage.carrier), stage.network.now)
        stage.run(0.1)
    assert leaks(stage) == []


def test_another_realm_than_the_carriers_gets_nothing(stage: Stage):
    use(stage, more=[], credentials=ACCOUNT, realm="carrier")
    stage.carrier.handler.on["invite"] = lambda session: session.reject(401, headers=challenge(stage, "evil"))
    call(stage)
    assert leaks(stage) == []
    assert stage.ends() == [(LEG, Cause.FORBIDDEN)]


def test_who_a_call_was_redirected_to_gets_nothing(stage: Stage):
    second = use(stage, more=[], credentials=ACCOUNT, redirect_hosts=(SECOND[0],))
    redirect(stage, f"<sip:84999@{SECOND[0]}>")
    second.handler.on["invite"] = lambda session: session.reject(407, headers=challenge(stage))
    call(stage)
    assert len(invites(stage, second)) == 1
    assert leaks(stage) == []


def test_who_the_dialog_was_moved_to_gets_nothing(stage: Stage):
    """A carrier's Contact leads elsewhere, and that challenges our BYE."""
    use(stage, more=[], credentials=ACCOUNT)
    elsewhere = Phone(stage.network, ("198.51.100.66", 5060), None, "udp")

    def answer(session: InviteSession) -> None:
        session.state.local_contact = "sip:carrier@198.51.100.66:5060"
        session.accept(stage.carrier.sdp(PCMU_PCMA))

    stage.carrier.handler.on["invite"] = answer
    call(stage)
    stage.network.drop = lambda flow, data: data.startswith(b"BYE")
    stage.office.front.hangup(LEG, Cause.NORMAL)
    stage.run(0.1)
    bye = stage.messages("BYE", to=elsewhere)[-1]
    assert isinstance(bye, Request)
    refusal = bytes(bye.response(407, headers=challenge(stage)))
    stage.office.agent.receive(refusal, stage.office.flow_to(elsewhere), stage.network.now)
    stage.run(0.1)
    assert leaks(stage) == []


def test_a_carrier_by_name_is_called_by_its_name_at_its_addresses(stage: Stage):
    """RFC 3263: the Request-URI keeps the name; the second address is tried with another branch."""
    asked = Gateway("sip.carrier.test", 0, Transport.AUTO)
    second = use(stage)
    trunk = msgspec.structs.replace(
        stage.edge.trunks["trunk"],
        gateways=(Gateway(*CARRIER, rank=0, of=asked), Gateway(*SECOND, rank=1, of=asked)),
    )
    stage.edge.trunks["trunk"] = trunk
    stage.office.trunks.follow([trunk], {})
    stage.carrier.handler.on["invite"] = lambda session: session.reject(503)
    call(stage)
    assert stage.office.kinds()[-1] is e.LegAnswered
    sent = [*invites(stage, stage.carrier), *invites(stage, second)]
    assert [x.target for x in sent] == ["sip:84912345678@sip.carrier.test"] * 2
    assert len({x.via.branch for x in sent}) == 2


def test_a_carrier_that_dns_does_not_know_leaves_the_call_to_the_next_trunk(stage: Stage):
    use(stage)
    trunk = msgspec.structs.replace(stage.edge.trunks["trunk"], gateways=(Gateway("sip.carrier.test", 0),))
    stage.edge.trunks["trunk"] = trunk
    stage.office.trunks.follow([trunk], {})
    call(stage)
    assert stage.ends() == [(LEG, Cause.UNAVAILABLE)]
    assert reasons(stage) == ["Trunk no_address"]
    assert stage.media.live == {}


def test_a_carrier_learns_that_a_colleague_forwarded_the_call(stage: Stage):
    by = Diversion(Party(PartyKind.PERSON, "103", "Hoa Le", "hoa"), DiversionReason.NO_ANSWER)
    stage.calls(NUMBER, caller=COMPANY, diversions=(by,))
    [request] = invites(stage, stage.carrier)
    diversion = request.headers.get("Diversion") or ""
    assert "reason=no-answer;counter=1" in diversion
    assert "103" not in diversion, "an extension means nothing outside"
    assert ";cause=408>;index=1.1;mp=1" in (request.headers.get("History-Info") or "")


def test_a_redirect_to_a_name_that_may_be_followed_is_followed_to_its_address(stage: Stage):
    second = use(stage, more=[], redirect_hosts=("other.test",))
    there = Gateway(*SECOND, of=Gateway("other.test", 0, Transport.AUTO))
    trunk = msgspec.structs.replace(stage.edge.trunks["trunk"], redirects=(there,))
    stage.edge.trunks["trunk"] = trunk
    stage.office.trunks.follow([trunk], {})
    moved = [("Contact", "<sip:0777@other.test>")]
    stage.carrier.handler.on["invite"] = lambda session: session.reject(302, headers=moved)
    call(stage)
    assert stage.office.kinds()[-1] is e.LegAnswered
    assert invites(stage, second)[-1].target == "sip:0777@other.test"


# another process


@pytest.mark.parametrize("status", [0, 180], ids=["100 alone", "rings"])
def test_a_gateway_that_refuses_after_a_crash_gives_way_to_the_next(stage: Stage, status: int):
    """The process that came after knew of no other gateway, and the caller heard that it is busy."""
    second = use(stage)
    stage.carrier.handler.on["invite"] = lambda session: session.progress(status) if status else None
    call(stage, behind=Party(PartyKind.OUTSIDE, "+84908000000", "Mai"))
    office, legs = stage.restart()
    office.trunks.follow([stage.edge.trunks["trunk"]], {})
    assert legs == {LEG: "anphat"}
    stage.carrier.session.reject(503)
    stage.run()
    assert [x.why for x in office.of(e.LegRerouted)] == ["answered 503 Service Unavailable"]
    assert office.kinds()[-1] is e.LegAnswered
    first, other = invites(stage, stage.carrier)[0], invites(stage, second)[0]
    assert (
        str(first.headers.get("From")).partition(";")[0] == str(other.headers.get("From")).partition(";")[0]
    )
    assert first.uri.user == other.uri.user
    office.front.hangup(LEG, Cause.NORMAL)
    stage.run(60)
    assert office.journal.load() == {}


def test_a_gateway_that_says_nothing_is_left_by_the_process_after_a_crash_too(stage: Stage):
    use(stage)
    del stage.network.nodes[CARRIER]
    call(stage)
    office, _ = stage.restart()
    office.trunks.follow([stage.edge.trunks["trunk"]], {})
    stage.run(4.5)
    assert office.kinds()[-1] is e.LegAnswered


def test_the_journal_has_no_password_of_a_carrier(stage: Stage):
    use(stage, credentials=ACCOUNT)
    stage.carrier.handler.on["invite"] = lambda session: session.progress(180)
    call(stage)
    entries = stage.office.journal.load()
    assert any(key.startswith("way/") for key in entries)
    assert not any(b"secret" in value for value in entries.values())


def test_what_is_answered_is_a_way_no_more(stage: Stage):
    use(stage)
    stage.carrier.picks_up()
    call(stage)
    assert stage.office.kinds()[-1] is e.LegAnswered
    assert not any(key.startswith("way/") for key in stage.office.journal.load())
