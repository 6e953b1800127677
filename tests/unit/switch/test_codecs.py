"""Whole calls in which people with different codecs are brought together."""

from __future__ import annotations

import pytest
from tests.unit.legs.stage import Phone
from tests.unit.legs.test_transfers import refer_to
from tests.unit.switch.exchange import Exchange

G722_FIRST, G711 = "9 0 101", "0 101"


@pytest.fixture
def exchange() -> Exchange:
    return Exchange()


def asked(phone: Phone) -> int:
    return phone.handler.names().count("reinvite")


def agree(exchange: Exchange) -> set[str]:
    """What the two who talk send."""
    [call] = exchange.switch.calls()
    return {exchange.media.remote_of(leg).codecs[0][0] for leg in (call.subject, call.peer)}


def wide_phones_talk(exchange: Exchange) -> tuple[Phone, Phone, Phone]:
    """Lan and Minh, who have G.722, and Hoa, who has not, and is free."""
    lan, minh, hoa = (exchange.person(name) for name in ("lan", "minh", "hoa"))
    for phone, formats in ((lan, G722_FIRST), (minh, G722_FIRST), (hoa, G711)):
        phone.picks_up(formats)
        common = G711 if formats == G711 else "0 9 101"
        phone.handler.on["reinvite"] = lambda session, sdp, phone=phone, common=common: (
            session.accept_reinvite(phone.sdp(common, version=9))
        )
    lan.dial(exchange.office, "102", lan.sdp(G722_FIRST))
    exchange.run()
    assert agree(exchange) == {"G722"}
    return lan, minh, hoa


@pytest.mark.parametrize("attended", [False, True], ids=["blind", "attended"])
def test_after_a_transfer_both_have_the_codec_that_both_speak(exchange: Exchange, attended: bool):
    lan, minh, hoa = wide_phones_talk(exchange)
    if attended:
        consultation = minh.dial(exchange.office, "103", minh.sdp(G722_FIRST))
        exchange.run()
        minh.session.refer(refer_to(consultation, "103"))
    else:
        minh.session.refer("sip:103@anphat.demo")
    exchange.run()
    assert agree(exchange) == {"PCMU"}
    assert (asked(lan), asked(hoa)) == (1, 0)
    hoa.session.bye()
    exchange.run()
    assert exchange.nothing_is_left()


async def test_control_that_dies_while_it_asks_hears_the_answer_afterwards(exchange: Exchange):
    lan, minh, _ = wide_phones_talk(exchange)
    waiting = []
    lan.handler.on["reinvite"] = lambda session, sdp: waiting.append(session)
    minh.session.refer("sip:103@anphat.demo")
    exchange.run()
    assert len(waiting) == 1
    await exchange.kill()
    waiting[0].accept_reinvite(lan.sdp("0 9 101", version=9))
    exchange.run()
    assert agree(exchange) == {"PCMU"}


def test_a_call_that_was_set_up_well_is_left_alone(exchange: Exchange):
    lan, minh, _ = wide_phones_talk(exchange)
    assert asked(lan) == asked(minh) == 0
