"""`kill -9`: legs go on in a new process from what the journal kept, as if nothing had happened."""

from __future__ import annotations

import pytest
from tests.unit.legs.doubles import a_trunk
from tests.unit.legs.stage import CARRIER, OUTSIDE, Phone, Stage
from tests.unit.legs.test_transfers import refer_to, results

from tongdai.calls import commands as c
from tongdai.calls import events as e
from tongdai.calls.model import Cause
from tongdai.sip.digest import Credentials, DigestServer
from tongdai.sip.message import Request


def order(stage: Stage, *lines: str) -> list[int]:
    """Where in the office's life these happened first."""
    return [next(i for i, done in enumerate(stage.office.trace) if line in done) for line in lines]


def origin(sdp: str | None) -> list[str]:
    return (sdp or "").split("\r\n")[1].split()


# what is kept, and when


def test_an_answered_leg_is_kept_before_the_caller_hears_of_it(stage: Stage, lan: Phone):
    _, leg = stage.offered(lan)
    stage.office.front.answer(leg, "")
    stage.run()
    kept, sent = order(stage, f"leg/{leg}", "send 200 INVITE")
    assert kept < sent


def test_an_answer_is_kept_before_it_is_acknowledged(stage: Stage, lan: Phone):
    leg = stage.talks(lan, "101")
    kept, sent = order(stage, f"leg/{leg}", "send ACK")
    assert kept < sent


def test_the_end_of_a_leg_is_kept_before_its_bye_leaves(stage: Stage, lan: Phone):
    leg = stage.talks(lan, "101")
    stage.office.trace.clear()
    stage.office.front.hangup(leg, Cause.NORMAL)
    stage.run()
    assert stage.office.trace[:2] == [f"commit leg/{leg}", "send BYE"]
    assert stage.office.journal.load() == {}


def test_legs_in_set_up_are_kept(stage: Stage, lan: Phone, minh: Phone):
    _, leg = stage.offered(lan)
    stage.office.front.progress(leg, "")
    minh.handler.on["invite"] = lambda session: session.progress(183, minh.sdp())
    called = stage.calls(c.DeviceTarget("bnd-102"))
    office, legs = stage.restart()
    assert legs == dict.fromkeys((leg, called), "anphat")
    minh.session.accept(minh.sdp())
    stage.run()
    assert office.last(e.LegAnswered).leg == called
    office.front.answer(leg, called)
    stage.run()
    assert lan.agent.sessions()[0].confirmed


def test_who_calls_over_a_connection_takes_its_end_for_the_end_of_the_call(stage: Stage):
    phone = stage.phone("anphat", "101", transport="tcp")
    stage.offered(phone)
    assert stage.restart()[1] == {}


def test_what_did_not_change_is_not_written_again(stage: Stage, lan: Phone):
    stage.answered(lan)
    stage.office.front.journal()
    assert stage.office.journal.pending == {}


# going on


def test_the_caller_may_hang_up(stage: Stage, lan: Phone):
    session, leg = stage.answered(lan)
    office, legs = stage.restart()
    assert legs == {leg: "anphat"}
    session.bye()
    stage.run()
    assert office.events == [("anphat", e.LegEnded(leg, Cause.NORMAL))]
    assert leg not in stage.media.live
    assert office.journal.load() == {}
    stage.run(60)
    assert stage.network.at_rest()


def test_the_called_may_hang_up(stage: Stage, lan: Phone):
    leg = stage.talks(lan, "101")
    office, _ = stage.restart()
    lan.session.bye()
    stage.run()
    assert office.events == [("anphat", e.LegEnded(leg, Cause.NORMAL))]


@pytest.mark.parametrize("inbound", [True, False], ids=["caller", "called"])
def test_the_call_logic_may_hang_up(stage: Stage, lan: Phone, inbound: bool):
    if inbound:
        session, leg = stage.answered(lan)
    else:
        leg = stage.talks(lan, "101")
        session = lan.session
    office, _ = stage.restart()
    office.front.hangup(leg, Cause.NORMAL)
    stage.run()
    assert lan.handler.names()[-1] == "bye"
    assert session.ended
    assert office.events == []
    assert office.journal.load() == {}


def test_hold_and_resume_go_on(stage: Stage, lan: Phone):
    session, leg = stage.answered(lan)
    before = origin(session.remote_sdp)
    session.reinvite(lan.sdp(direction="sendonly", version=2))
    stage.run()
    office, _ = stage.restart()
    session.reinvite(lan.sdp(version=3))
    stage.run()
    assert office.events == [("anphat", e.LegResumed(leg))]
    assert stage.media.remote_of(leg).direction == "sendrecv"
    after = origin(session.remote_sdp)
    assert (after[1], int(after[2])) == (before[1], int(before[2]) + 2)


def test_a_hold_whose_acknowledgement_never_came_is_not_forgotten(stage: Stage, lan: Phone):
    session, leg = stage.answered(lan)
    stage.network.drop = lambda flow, data: data.startswith(b"ACK")
    session.reinvite(lan.sdp(direction="sendonly", version=2))
    stage.run(0.1)
    stage.network.drop = lambda flow, data: False
    office, _ = stage.restart()
    stage.run(2)
    session.reinvite(lan.sdp(version=3))
    stage.run()
    assert office.events == [("anphat", e.LegResumed(leg))]


def test_the_codec_in_use_stays(stage: Stage, lan: Phone):
    session, leg = stage.answered(lan, sdp=lan.sdp("8 0 101"))
    stage.restart()
    session.reinvite(lan.sdp("0 8 101", version=2))
    stage.run()
    assert stage.media.remote_of(leg).codecs[0] == ("PCMA", 8)


def test_keys_in_info_go_on(stage: Stage, lan: Phone):
    session, leg = stage.answered(lan)
    office, _ = stage.restart()
    session.info(b"5", "application/dtmf")
    stage.run()
    assert office.events == [("anphat", e.LegDigit(leg, "5", signalled=True))]


def test_transfers_go_on(stage: Stage, lan: Phone):
    session, leg = stage.answered(lan)
    consultation, other = stage.answered(lan, "103")
    office, _ = stage.restart()
    session.refer(refer_to(consultation, "103"))
    stage.run()
    assert office.events == [("anphat", e.TransferRequested(leg, "103", other))]
    office.front.transfer_result(leg, True, Cause.NORMAL)
    stage.run()
    assert results(lan) == [202, 100, 200]


def test_another_leg_may_be_called_to_match_one_of_before(stage: Stage, lan: Phone, minh: Phone):
    _, leg = stage.answered(lan, sdp=lan.sdp("8 101"))
    stage.restart()
    stage.calls(c.DeviceTarget("bnd-102"), match=leg)
    assert "RTP/AVP 8 0 101" in (minh.session.remote_sdp or "")


def test_an_answer_that_was_never_sent_is_sent(stage: Stage, lan: Phone):
    """Killed between the journal and the network."""
    session, leg = stage.offered(lan)
    stage.network.drop = lambda flow, data: data.startswith(b"SIP/2.0 200")
    stage.office.front.answer(leg, "")
    stage.run(0.1)
    assert not session.confirmed
    stage.network.drop = lambda flow, data: False
    office, _ = stage.restart()
    stage.run(1)
    assert session.confirmed
    session.bye()
    stage.run()
    assert office.events == [("anphat", e.LegEnded(leg, Cause.NORMAL))]


def test_the_answer_to_our_offer_may_come_to_the_new_process(stage: Stage, lan: Phone):
    session, leg = stage.offered(lan, sdp=None)
    lan.handler.on["answered"] = lambda session, sdp: session.ack(lan.sdp("8 101", port=4400))
    stage.network.drop = lambda flow, data: data.startswith(b"ACK")
    stage.office.front.answer(leg, "")
    stage.run(0.1)
    stage.network.drop = lambda flow, data: False
    stage.restart()
    stage.run(2)
    told = stage.media.remote_of(leg)
    assert (told.port, told.codecs) == (4400, (("PCMA", 8),))
    assert session.confirmed


def test_the_ack_of_an_answer_is_repeated_by_the_new_process(stage: Stage, lan: Phone):
    stage.network.drop = lambda flow, data: data.startswith(b"ACK")
    leg = stage.talks(lan, "101")
    stage.network.drop = lambda flow, data: False
    office, _ = stage.restart()
    stage.run(2)
    assert "ack" in lan.handler.names()
    assert office.events == []
    assert office.front.all() == [leg]


def test_a_leg_whose_sound_is_gone_is_hung_up(stage: Stage, lan: Phone):
    _, leg = stage.answered(lan)
    office, _ = stage.restart()
    office.front.lost(leg)
    stage.run()
    assert lan.handler.names()[-1] == "bye"
    assert office.events == [("anphat", e.LegEnded(leg, Cause.FAILED))]
    assert office.journal.load() == {}


def test_a_connection_of_the_process_before_is_not_used(stage: Stage):
    """Numbers of connections begin anew: the old one could be somebody else's by now."""
    phone = stage.phone("anphat", "103", transport="tcp")
    leg = stage.talks(phone, "103")
    stage.run()
    assert {flow.connection for _, flow, _ in stage.network.log if flow.transport == "tcp"} >= {7}
    before = len(stage.network.log)
    office, _ = stage.restart()
    office.front.hangup(leg, Cause.NORMAL)
    stage.run()
    sent = [(flow, data) for _, flow, data in stage.network.log[before:] if flow.remote == phone.address]
    assert [(flow.transport, flow.connection) for flow, _ in sent] == [("tcp", 0)]
    assert sent[0][1].startswith(b"BYE")


def test_a_trunks_leg_has_its_credentials_again(stage: Stage):
    """A carrier that challenges the BYE of a call that began before the restart."""
    credentials = Credentials("anphat", "secret")
    stage.edge.trunks["trunk"] = a_trunk("trunk", *CARRIER, credentials=credentials)
    stage.carrier.picks_up()
    leg = stage.calls(c.TrunkTarget("trunk", OUTSIDE.number))
    office, _ = stage.restart()
    stage.network.drop = lambda flow, data: data.startswith(b"BYE")
    office.front.hangup(leg, Cause.NORMAL)
    stage.run(0.1)
    [bye] = stage.messages("BYE", to=stage.carrier)
    assert isinstance(bye, Request)
    challenge = DigestServer(b"k" * 32).challenge("carrier", stage.network.now)
    refusal = bytes(bye.response(401, headers=challenge))
    office.agent.receive(refusal, office.flow_to(stage.carrier), stage.network.now)
    stage.run(0.1)
    again = stage.messages("BYE", to=stage.carrier)[-1]
    assert 'username="anphat"' in (again.headers.get("Authorization") or "")


@pytest.mark.parametrize("damage", [b"\xc1", b"\x81\xa2id\xa1x", b""])
def test_a_record_that_cannot_be_read_costs_its_own_leg_only(
    stage: Stage, lan: Phone, minh: Phone, damage: bytes
):
    _, broken = stage.answered(lan)
    session, whole = stage.answered(minh, "101")
    stage.office.journal.kept[f"leg/{broken}"] = damage
    office, legs = stage.restart()
    assert legs == {whole: "anphat"}
    session.bye()
    stage.run()
    assert office.events == [("anphat", e.LegEnded(whole, Cause.NORMAL))]
    assert office.journal.load() == {}


def test_a_refresh_counts_on_after_it(stage: Stage, lan: Phone):
    """The refresh of a session takes a CSeq; a BYE with the same one would be refused as too old."""
    session, leg = stage.answered(lan)
    session.timer.stop()
    session.state.we_refresh = False
    dialog = stage.office.front._legs[leg].session_in_use
    dialog.state.we_refresh = True
    dialog.timer.run(stage.network.now)
    stage.run(1000)
    assert len(stage.messages("UPDATE", by=stage.office)) == 1
    office, _ = stage.restart()
    office.front.hangup(leg, Cause.NORMAL)
    stage.run()
    assert "bye" in lan.handler.names()
    [refresh] = stage.messages("UPDATE", by=office)
    [bye] = stage.messages("BYE", by=office)
    assert bye.cseq.number > refresh.cseq.number
