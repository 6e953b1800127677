"""Whole calls by phones through legs, switch and logic, and what becomes of them at `kill -9`."""

from __future__ import annotations

import pytest
from tests.unit.legs.stage import MAIN, THEIRS, Phone
from tests.unit.legs.test_transfers import refer_to, results
from tests.unit.switch.exchange import Exchange

from tongdai.calls import events as e
from tongdai.calls import facts as f
from tongdai.calls.model import Cause, Hears, Music


@pytest.fixture
def exchange() -> Exchange:
    return Exchange()


@pytest.fixture
def lan(exchange: Exchange) -> Phone:
    return exchange.person("lan")


@pytest.fixture
def minh(exchange: Exchange) -> Phone:
    return exchange.person("minh")


def talk(exchange: Exchange, lan: Phone, minh: Phone) -> tuple[str, str]:
    """Lan calls Minh, who answers: their legs."""
    minh.picks_up()
    session = lan.dial(exchange.office, "102")
    exchange.run()
    assert session.confirmed
    [call] = exchange.switch.calls()
    return call.subject, call.peer


def kinds(exchange: Exchange) -> list[type]:
    return [type(fact) for fact in exchange.facts()]


# a call, for comparison


def test_two_phones_talk_and_hang_up(exchange: Exchange, lan: Phone, minh: Phone):
    caller, called = talk(exchange, lan, minh)
    sources = [command for _, command in exchange.media.of("hear")]
    assert [(x.leg, x.source) for x in sources] == [(caller, Hears(called)), (called, Hears(caller))]
    assert lan.handler.names() == ["provisional", "answered"]
    minh.session.bye()
    exchange.run()
    assert lan.handler.names()[-1] == "bye"
    assert exchange.nothing_is_left()
    assert kinds(exchange)[-1] is f.CallEnded
    exchange.run(60)
    assert exchange.network.at_rest()


def test_nobody_answers_before_the_journal_knows(exchange: Exchange, lan: Phone, minh: Phone):
    caller, _ = talk(exchange, lan, minh)
    trace = exchange.office.trace
    answered = trace.index("send 200 INVITE")
    written = next(i for i, line in enumerate(trace) if f"leg/{caller}" in line)
    assert written < answered
    assert f"call/anphat/{caller.partition('.')[0]}" in trace[written]


def test_a_caller_who_is_challenged_in_vain_leaves_no_trace(exchange: Exchange, lan: Phone):
    lan.dial(exchange.office, "102", password="wrong")
    exchange.run(60)
    assert exchange.nothing_is_left()
    assert exchange.facts() == []


# kill -9


@pytest.mark.parametrize("by", ["caller", "called"])
async def test_a_bye_of_either_side_ends_a_call_of_the_process_before(
    exchange: Exchange, lan: Phone, minh: Phone, by: str
):
    talk(exchange, lan, minh)
    opened = dict(exchange.media.live)
    await exchange.kill()
    assert exchange.media.live == opened
    assert exchange.office.events == []
    calling = lan.agent.sessions()[0]
    (calling if by == "caller" else minh.session).bye()
    exchange.run()
    assert (minh if by == "caller" else lan).handler.names()[-1] == "bye"
    assert exchange.nothing_is_left()
    ended = [fact for fact in exchange.facts() if isinstance(fact, f.CallEnded)]
    assert ended == [f.CallEnded(Cause.NORMAL, "101" if by == "caller" else "102")]
    exchange.run(60)
    assert exchange.network.at_rest()


async def test_hold_and_resume_after_a_restart(exchange: Exchange, lan: Phone, minh: Phone):
    caller, called = talk(exchange, lan, minh)
    await exchange.kill()
    session = lan.agent.sessions()[0]
    session.reinvite(lan.sdp(direction="sendonly", version=2))
    exchange.run()
    heard = {x.leg: x.source for _, x in exchange.media.of("hear")}
    assert heard[called] == Music()
    await exchange.kill()
    session.reinvite(lan.sdp(version=3))
    exchange.run()
    heard = {x.leg: x.source for _, x in exchange.media.of("hear")}
    assert heard == {caller: Hears(called), called: Hears(caller)}


async def test_a_transfer_after_a_restart(exchange: Exchange, lan: Phone, minh: Phone):
    talk(exchange, lan, minh)
    hoa = exchange.person("hoa")
    hoa.picks_up()
    await exchange.kill()
    minh.session.refer("sip:103@anphat.demo")
    exchange.run()
    assert results(minh) == [202, 100, 180, 200]
    assert minh.session.ended
    assert hoa.session.confirmed
    assert lan.agent.sessions()[0].confirmed
    hoa.session.bye()
    exchange.run()
    assert exchange.nothing_is_left()


async def test_an_attended_transfer_after_a_restart(exchange: Exchange, lan: Phone, minh: Phone):
    talk(exchange, lan, minh)
    hoa = exchange.person("hoa")
    hoa.picks_up()
    consultation = minh.dial(exchange.office, "103")
    exchange.run()
    await exchange.kill()
    minh.session.refer(refer_to(consultation, "103"))
    exchange.run()
    assert results(minh) == [202, 100, 200]
    assert minh.agent.sessions() == []
    caller, called = (call := exchange.switch.calls()[0]).subject, call.peer
    heard = {x.leg: x.source for _, x in exchange.media.of("hear")}
    assert (heard[caller], heard[called]) == (Hears(called), Hears(caller))
    lan.agent.sessions()[0].bye()
    exchange.run()
    assert hoa.handler.names()[-1] == "bye"
    assert exchange.nothing_is_left()


async def test_a_menu_goes_on_waiting_after_a_restart(exchange: Exchange):
    carrier = exchange.carrier
    session = carrier.dial(exchange.office, MAIN.removeprefix("+"))
    exchange.run()
    [(_, play)] = exchange.media.of("play")
    exchange.office.post("anphat", e.PlayDone(play.leg, play.play))
    exchange.run(1)
    await exchange.kill()
    exchange.run(5)
    assert len(exchange.media.of("play")) == 2
    session.bye()
    exchange.run()
    assert exchange.nothing_is_left()


def rings(exchange: Exchange, lan: Phone, minh: Phone) -> None:
    """Lan calls Minh, whose phone rings."""
    minh.handler.on["invite"] = lambda session: session.progress(180)
    lan.dial(exchange.office, "102")
    exchange.run()
    assert lan.handler.names() == ["provisional"]


async def test_a_phone_that_rings_is_answered_after_a_restart(exchange: Exchange, lan: Phone, minh: Phone):
    """The caller heard it ring for ever, and who answered talked to nobody."""
    rings(exchange, lan, minh)
    await exchange.kill()
    minh.session.accept(minh.sdp())
    exchange.run()
    [session] = lan.agent.sessions()
    assert session.confirmed
    [call] = exchange.switch.calls()
    sources = {x.leg: x.source for _, x in exchange.media.of("hear")}
    assert (sources[call.subject], sources[call.peer]) == (Hears(call.peer), Hears(call.subject))
    session.bye()
    exchange.run()
    assert minh.handler.names()[-1] == "bye"
    assert exchange.nothing_is_left()
    assert sum(isinstance(fact, f.CallEnded) for fact in exchange.facts()) == 1
    exchange.run(60)
    assert exchange.network.at_rest()


async def test_who_gives_up_after_a_restart_leaves_nobody_ringing(
    exchange: Exchange, lan: Phone, minh: Phone
):
    rings(exchange, lan, minh)
    await exchange.kill()
    lan.agent.sessions()[0].cancel()
    exchange.run()
    assert minh.session.ended
    assert minh.handler.names()[-1] == "cancelled"
    assert lan.handler.names()[-1] == "failed"
    assert exchange.nothing_is_left()
    exchange.run(60)
    assert exchange.network.at_rest()


async def test_who_declines_after_a_restart_is_heard(exchange: Exchange, lan: Phone, minh: Phone):
    rings(exchange, lan, minh)
    await exchange.kill()
    minh.session.reject(486)
    exchange.run()
    [(_, played)] = exchange.media.of("play")
    assert played.leg == exchange.switch.calls()[0].subject, "voicemail has taken the call"
    lan.agent.sessions()[0].bye()
    exchange.run()
    assert kinds(exchange)[-1] is f.CallEnded
    assert exchange.nothing_is_left()


async def test_it_rings_no_longer_than_it_would_have_without_a_restart(
    exchange: Exchange, lan: Phone, minh: Phone
):
    rings(exchange, lan, minh)
    exchange.run(10)
    await exchange.kill()
    exchange.run(9)
    assert not minh.session.ended
    exchange.run(2)
    assert minh.session.ended


async def test_who_called_in_the_last_moment_is_served_by_the_next_process(
    exchange: Exchange, lan: Phone, minh: Phone
):
    """The engine had not answered yet: nobody but the journal knew of the call."""
    minh.picks_up()
    exchange.media.hold = True
    session = lan.dial(exchange.office, "102")
    exchange.run()
    assert exchange.switch.calls() == []
    assert lan.handler.names() == []
    exchange.media.forget_opening()
    exchange.media.hold = False
    await exchange.kill()
    exchange.run(1)
    assert session.confirmed
    assert len(exchange.switch.calls()) == 1
    session.bye()
    exchange.run()
    assert exchange.nothing_is_left()


async def test_a_call_to_the_other_tenant_that_rings_is_answered_after_a_restart(
    exchange: Exchange, lan: Phone
):
    doctor = exchange.person("anna", "binhminh")
    doctor.handler.on["invite"] = lambda session: session.progress(180)
    exchange.worlds["binhminh"].put("", exchange.worlds["binhminh"].flows["ext-104"], THEIRS)
    session = lan.dial(exchange.office, "02871239900")
    exchange.run()
    await exchange.kill()
    doctor.session.accept(doctor.sdp())
    exchange.run()
    assert session.confirmed
    session.bye()
    exchange.run()
    assert doctor.handler.names()[-1] == "bye"
    assert exchange.nothing_is_left()
    assert sum(isinstance(fact, f.CallEnded) for fact in exchange.facts()) == 2


async def test_whom_a_menu_has_answered_reaches_a_phone_that_rang_before_a_restart(
    exchange: Exchange, lan: Phone, minh: Phone
):
    minh.handler.on["invite"] = lambda session: session.progress(180)
    session = exchange.carrier.dial(exchange.office, MAIN.removeprefix("+"))
    exchange.run()
    leg = exchange.office.last(e.LegOffered).leg
    for digit in "102":
        exchange.office.post("anphat", e.LegDigit(leg, digit))
    exchange.run()
    assert not minh.session.ended
    await exchange.kill()
    minh.session.accept(minh.sdp())
    exchange.run()
    [call] = exchange.switch.calls()
    assert call.subject == leg
    assert call.peer
    session.bye()
    exchange.run(60)
    assert minh.session.ended
    assert exchange.nothing_is_left()


async def test_a_leg_whose_engine_died_with_the_process_gets_its_sound_again(
    exchange: Exchange, lan: Phone, minh: Phone
):
    """The machine had no memory left, and the system killed both."""
    caller, called = talk(exchange, lan, minh)
    before = exchange.media.remote_of(called)
    exchange.media.live.clear()
    await exchange.kill()
    assert exchange.media.live.keys() == {caller, called}
    assert exchange.media.remotes[called] == [before, before]
    heard = {x.leg: x.source for _, x in exchange.media.of("hear")}
    assert heard == {caller: Hears(called), called: Hears(caller)}
    minh.session.bye()
    exchange.run()
    assert lan.handler.names()[-1] == "bye"
    assert exchange.nothing_is_left()


async def test_a_leg_without_a_place_for_its_sound_ends_the_call(exchange: Exchange, lan: Phone, minh: Phone):
    _, called = talk(exchange, lan, minh)
    del exchange.media.live[called]
    exchange.media.refuse = "no_ports"
    await exchange.kill()
    assert lan.handler.names()[-1] == "bye"
    assert minh.handler.names()[-1] == "bye"
    assert exchange.nothing_is_left()
    assert [type(x) for x in exchange.facts()][-1] is f.CallEnded


async def test_a_leg_that_the_journal_lost_ends_the_call(exchange: Exchange, lan: Phone, minh: Phone):
    _, called = talk(exchange, lan, minh)
    del exchange.office.journal.kept[f"leg/{called}"]
    await exchange.kill()
    assert lan.handler.names()[-1] == "bye"
    assert exchange.nothing_is_left()


async def test_a_leg_without_a_call_is_hung_up(exchange: Exchange, lan: Phone, minh: Phone):
    talk(exchange, lan, minh)
    [key] = [key for key in exchange.office.journal.kept if key.startswith("call/")]
    del exchange.office.journal.kept[key]
    await exchange.kill()
    assert lan.handler.names()[-1] == minh.handler.names()[-1] == "bye"
    assert exchange.nothing_is_left()


async def test_sessions_of_nobody_are_closed(exchange: Exchange, lan: Phone, minh: Phone):
    talk(exchange, lan, minh)
    exchange.media.live["stray"] = "anphat"
    await exchange.kill()
    assert "stray" in exchange.media.closed
    assert len(exchange.media.live) == 2


async def test_the_legs_of_a_tenant_that_is_gone_end(exchange: Exchange, lan: Phone, minh: Phone):
    doctor = exchange.person("hoa", "binhminh")
    other = exchange.person("quang", "binhminh")
    other.picks_up()
    theirs = doctor.dial(exchange.office, "105")
    exchange.run()
    talk_of_theirs = list(exchange.media.live)
    del exchange.worlds["binhminh"]
    for leg in talk_of_theirs:
        del exchange.media.live[leg]
    await exchange.kill()
    assert theirs.ended
    assert other.session.ended
    assert exchange.nothing_is_left()


# numbers hosted here


async def test_a_call_to_the_other_tenant_and_its_end_after_a_restart(exchange: Exchange, lan: Phone):
    doctor = exchange.person("anna", "binhminh")
    doctor.picks_up()
    exchange.worlds["binhminh"].put("", exchange.worlds["binhminh"].flows["ext-104"], THEIRS)
    session = lan.dial(exchange.office, "02871239900")
    exchange.run()
    assert session.confirmed
    assert doctor.session.confirmed
    shown = exchange.messages("INVITE", to=doctor)[0].from_
    assert shown.uri.user == MAIN
    assert {call.tenant for call in exchange.switch.calls()} == {"anphat", "binhminh"}
    assert len(exchange.media.live) == 4
    await exchange.kill()
    doctor.session.bye()
    exchange.run()
    assert lan.handler.names()[-1] == "bye"
    assert exchange.nothing_is_left()
    assert sum(isinstance(fact, f.CallEnded) for fact in exchange.facts()) == 2


# what was decided, and never told to the engine


async def test_a_greeting_that_had_not_begun_is_heard_from_the_next_process(exchange: Exchange):
    """It was still being spoken when control was killed: the caller heard nothing for ever."""
    session = exchange.carrier.dial(exchange.office, MAIN.removeprefix("+"))
    exchange.run()
    [(tenant, greeting)] = exchange.media.of("play")
    exchange.media.done.remove(("play", tenant, greeting))
    await exchange.kill()
    assert exchange.media.of("play") == [(tenant, greeting)]
    exchange.office.post("anphat", e.PlayDone(greeting.leg, greeting.play))
    exchange.run(6)
    assert len(exchange.media.of("play")) == 2, "the menu goes on behind it"
    session.bye()
    exchange.run()
    assert exchange.nothing_is_left()


async def test_a_greeting_that_is_being_heard_is_not_begun_again(exchange: Exchange):
    exchange.carrier.dial(exchange.office, MAIN.removeprefix("+"))
    exchange.run()
    await exchange.kill()
    assert len(exchange.media.of("play")) == 1


async def test_who_was_connected_in_the_last_moment_is_heard(exchange: Exchange, lan: Phone, minh: Phone):
    caller, called = talk(exchange, lan, minh)
    [lost] = [entry for entry in exchange.media.done if entry[0] == "hear" and entry[2].leg == caller]
    exchange.media.done.remove(lost)
    await exchange.kill()
    heard = {x.leg: x.source for _, x in exchange.media.of("hear")}
    assert heard == {caller: Hears(called), called: Hears(caller)}


async def test_a_recording_that_the_journal_does_not_know_is_not_waited_for(exchange: Exchange, lan: Phone):
    lan.dial(exchange.office, "102")
    exchange.run()
    [(_, greeting)] = exchange.media.of("play")
    exchange.office.post("anphat", e.PlayDone(greeting.leg, greeting.play))
    exchange.run()
    [lost] = [entry for entry in exchange.media.done if entry[0] == "record"]
    exchange.media.done.remove(lost)
    await exchange.kill()
    assert exchange.media.of("play")[-1][1].prompts[0].key == "voicemail.failed"
