"""Speak to a colleague whose phone answers by itself, or to all phones of a department that are free."""

from __future__ import annotations

from collections.abc import Sequence

from tongdai.calls import facts as f
from tongdai.calls.commands import DeviceTarget
from tongdai.calls.events import (
    LegAnswered,
    LegDigit,
    LegEnded,
    LegProgress,
    LegRinging,
    PlayDone,
    TimerFired,
)
from tongdai.calls.legs import Trigger, advance
from tongdai.calls.model import Cause, Hears, LegState, Party, PartyKind, Silence
from tongdai.calls.prompts import Beep
from tongdai.flows.run import Run, Table, ignore
from tongdai.flows.schema import Intercom, Page
from tongdai.flows.verbs.dial import answered, rang

ANSWER_SECONDS = 8.0
"""A phone that has not answered by itself by then does not know how to."""
LONGEST_PAGE = 300.0
"""A page that somebody forgot to end lets the phones go after this long."""


def start(run: Run, node: Intercom) -> None:
    _call(run, (node.person,))
    if run.targets():
        run.at.step = "ringing"
        run.timer("answer", ANSWER_SECONDS)


def start_page(run: Run, node: Page) -> None:
    department = run.world.department(node.department)
    if department is None:
        run.fail(f"department {node.department} does not exist")
        return
    _call(run, [member for member in department.members if member != run.subject.party.person])
    if run.targets():
        run.at.step = "gathering"
        run.timer("answer", ANSWER_SECONDS)


def _call(run: Run, people: Sequence[str]) -> None:
    """Call those who can be spoken to now; the call ends where there is nobody. Nobody's conversation is put
    on hold by a phone that answers by itself."""
    passed = False
    for name in people:
        person = run.world.person(name)
        bindings = run.world.bindings(name) if person is not None else ()
        if person is None or not bindings:
            continue
        party = Party(PartyKind.PERSON, person.extension, person.name, person.id)
        dnd = run.world.preferences(name).dnd
        if dnd or run.step.engaged(name, run.call):
            passed = True
            run.step.note(run.call, f.PassedBy(party, "dnd" if dnd else "talking"))
            continue
        for binding in bindings:
            target, caller = DeviceTarget(binding), run.subject.party
            run.step.call_leg(run.call, target, party, caller, "intercom", answers=True)
    if not run.targets():
        run.end(Cause.BUSY if passed else Cause.UNAVAILABLE)


# one colleague


def _ended(run: Run, node: Intercom, event: LegEnded) -> None:
    run.step.far_end(run.call, run.call.legs[event.leg], event.cause)
    if not run.targets():
        run.end(event.cause)


def _no_answer(run: Run, node: Intercom, event: TimerFired) -> None:
    run.stop_targets(Cause.NO_ANSWER)
    run.end(Cause.NO_ANSWER)


# a department


def _page_rang(run: Run, node: Page, event: LegRinging | LegProgress) -> None:
    run.rang(run.call.legs[event.leg])


def _page_answered(run: Run, node: Page, event: LegAnswered) -> None:
    leg = run.call.legs[event.leg]
    advance(leg, Trigger.ANSWERED, run.now)
    run.step.note(run.call, f.LegAnsweredFact(leg.id))
    run.step.touch(run.call)
    for other in run.targets():  # one phone of each person is enough
        if other.id != leg.id and other.party.person == leg.party.person:
            run.step.hangup(run.call, other, Cause.ELSEWHERE)
    run.step.hear(run.call, leg, Hears(run.call.subject))
    if run.subject.state is not LegState.ANSWERED or run.at.note != "heard":
        run.at.note = "heard"
        run.step.answer(run.call, run.subject, match=leg.id)
        run.step.note(run.call, f.Connected(run.call.subject, leg.id))
        run.step.hear(run.call, run.subject, Silence())
        run.step.play(run.call, [Beep()])


def _page_ended(run: Run, node: Page, event: LegEnded) -> None:
    run.step.far_end(run.call, run.call.legs[event.leg], event.cause)
    if not run.targets():
        run.end(Cause.NORMAL if run.at.note == "heard" else event.cause)


def _page_timer(run: Run, node: Page, event: TimerFired) -> None:
    if event.timer == "page":
        run.end()
        return
    for leg in run.targets():
        if leg.state is not LegState.ANSWERED:
            run.step.hangup(run.call, leg, Cause.NO_ANSWER)
    if not run.targets():
        run.end(Cause.NO_ANSWER)
    else:
        run.timer("page", LONGEST_PAGE)


TABLE: Table = {
    ("ringing", LegRinging): rang,
    ("ringing", LegProgress): rang,
    ("ringing", LegAnswered): answered,
    ("ringing", LegEnded): _ended,
    ("ringing", TimerFired): _no_answer,
    ("ringing", LegDigit): ignore,
}
PAGE_TABLE: Table = {
    ("gathering", LegRinging): _page_rang,
    ("gathering", LegProgress): _page_rang,
    ("gathering", LegAnswered): _page_answered,
    ("gathering", LegEnded): _page_ended,
    ("gathering", TimerFired): _page_timer,
    ("gathering", PlayDone): ignore,
    ("gathering", LegDigit): ignore,
}
