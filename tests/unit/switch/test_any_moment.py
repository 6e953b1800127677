"""A process may be killed after any of its commits (`test_local` cuts the journal at any byte, and finds the
last whole one): whatever it left is taken up, and ends with one record for each call."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import cast

import pytest
from tests.unit.legs.stage import MAIN, THEIRS, Phone
from tests.unit.switch.exchange import Exchange

from tongdai.app.takeover import take_over
from tongdai.calls import events as e
from tongdai.calls import facts as f
from tongdai.calls.model import Cause
from tongdai.media.sessions import Sessions

Story = Callable[[Exchange], None]


def connected(exchange: Exchange) -> tuple[Phone, Phone]:
    lan, minh = exchange.person("lan"), exchange.person("minh")
    minh.handler.on["invite"] = lambda session: session.progress(180)
    lan.dial(exchange.office, "102")
    exchange.run()
    minh.session.accept(minh.sdp())
    exchange.run()
    return lan, minh


def hold_and_end(exchange: Exchange) -> None:
    lan, minh = connected(exchange)
    session = lan.agent.sessions()[0]
    session.reinvite(lan.sdp(direction="sendonly", version=2))
    exchange.run()
    session.reinvite(lan.sdp(version=3))
    exchange.run()
    minh.session.bye()
    exchange.run()


def transfer(exchange: Exchange) -> None:
    _, minh = connected(exchange)
    hoa = exchange.person("hoa")
    hoa.picks_up()
    minh.session.refer("sip:103@anphat.demo")
    exchange.run()
    hoa.session.bye()
    exchange.run()


def park_and_fetch(exchange: Exchange) -> None:
    _, minh = connected(exchange)
    hoa = exchange.person("hoa")
    minh.session.refer("sip:700@anphat.demo")
    exchange.run()
    hoa.dial(exchange.office, "700")
    exchange.run()
    hoa.agent.sessions()[0].bye()
    exchange.run()


def menu_and_message(exchange: Exchange) -> None:
    exchange.carrier.dial(exchange.office, MAIN.removeprefix("+"))
    exchange.run()
    leg = exchange.office.last(e.LegOffered).leg
    for digit in "102":
        exchange.office.post("anphat", e.LegDigit(leg, digit))
        exchange.run()
    play = exchange.media.of("play")[-1][1]
    exchange.office.post("anphat", e.PlayDone(leg, play.play))
    exchange.run()
    exchange.carrier.agent.sessions()[0].bye()
    exchange.run()


def the_other_tenant(exchange: Exchange) -> None:
    lan, doctor = exchange.person("lan"), exchange.person("anna", "binhminh")
    doctor.picks_up()
    exchange.worlds["binhminh"].put("", exchange.worlds["binhminh"].flows["ext-104"], THEIRS)
    lan.dial(exchange.office, "02871239900")
    exchange.run()
    doctor.session.bye()
    exchange.run()


@pytest.mark.parametrize(
    "story", [hold_and_end, transfer, park_and_fetch, menu_and_message, the_other_tenant]
)
async def test_what_any_commit_left_is_taken_up_and_ends(story: Story):
    exchange = Exchange()
    journal, states = exchange.office.journal, list[tuple[dict[str, bytes], dict[str, str]]]()
    commit = journal.commit

    def committed() -> bool:
        before = dict(journal.kept)
        done = commit()
        if journal.kept != before:
            states.append((dict(journal.kept), dict(exchange.media.live)))
        return done

    journal.commit = committed  # type: ignore[method-assign]
    story(exchange)
    assert len(states) > 4, "the story is too short"
    for entries, living in states:
        calls = {key.rpartition("/")[2] for key in entries if key.startswith("call/")}
        after = Exchange()
        after.worlds = exchange.worlds
        after.media.live = dict(living)
        after.office = after.new_office(entries, 1)
        await take_over(entries, after.switch, after.office.front, cast(Sessions, after.media))
        after.office.front.begin_again()
        after.run()
        assert {call.id for call in after.switch.calls()} <= calls
        after.switch.end_all(Cause.SHUTDOWN)
        after.run(70)
        assert after.nothing_is_left()
        ended = Counter(call for _, call, fact in after.media.of("fact") if isinstance(fact, f.CallEnded))
        assert all(count == 1 for count in ended.values()), ended
        assert calls <= ended.keys()
