"""A call to the outside, through the first trunk that takes it, or to a number hosted here without a
trunk.
"""

from __future__ import annotations

from tongdai.calls import facts as f
from tongdai.calls.commands import HostedTarget, Target, TrunkTarget
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
from tongdai.calls.model import Cause, Hears, Leg, LegState, Party, PartyKind, RingTone, Silence
from tongdai.calls.prompts import Phrase
from tongdai.calls.talk import connect
from tongdai.flows.ports import Person
from tongdai.flows.run import Run, Table, ignore
from tongdai.flows.schema import Hosted, Outside
from tongdai.flows.verbs.dial import answered

NO_ANSWER_SECONDS = 120.0
"""How long an outside number may ring."""
ACCEPT_KEY = "1"
ACCEPT_SECONDS = 3.0
"""From the end of the question until it is asked again."""
QUESTIONS = 4
"""A mobile's voicemail greets for some seconds before anybody could hear the first ones."""

_NEXT_TRUNK = (Cause.CONGESTION, Cause.LIMITED, Cause.UNAVAILABLE, Cause.FAILED)


def start(run: Run, node: Outside | Hosted) -> None:
    run.at.step = "calling"
    run.timer("ring", NO_ANSWER_SECONDS)
    _try(run, node)


def target_of(node: Outside | Hosted, attempt: int = 0) -> Target | None:
    """What to call at the given attempt (each trunk is one), None when there is nothing left to try."""
    if isinstance(node, Hosted):
        return HostedTarget(node.number) if attempt == 0 else None
    if attempt >= len(node.trunks):
        return None
    return TrunkTarget(node.trunks[attempt], node.number, node.emergency, again=attempt > 0)


def shown(run: Run, node: Outside | Hosted) -> Party:
    """Who the outside sees calling: the company's number."""
    party = run.subject.party
    return Party(PartyKind.OUTSIDE, node.caller, party.name, private=party.private)


def _try(run: Run, node: Outside | Hosted) -> None:
    target = target_of(node, run.at.index)
    if target is None:
        _give_up(run, Cause.CONGESTION)
        return
    run.at.index += 1
    if run.subject.state is LegState.ANSWERED or isinstance(run.subject.hears, Hears):
        run.step.hear(run.call, run.subject, RingTone())
    party = Party(PartyKind.OUTSIDE, node.number)
    behind = run.subject.party if run.subject.party.kind is PartyKind.OUTSIDE else None
    run.step.call_leg(run.call, target, party, shown(run, node), "outside", behind)


def _give_up(run: Run, cause: Cause) -> None:
    """A caller who was not answered yet learns the cause from his phone, another is told. That every line is
    in use no phone can say. Who wanted somebody that has his calls go there leaves him a message."""
    run.cancel("ring")
    diverter = _diverter(run)
    if run.call.returns_to is not None:
        run.end(cause)
    elif diverter is not None:
        run.call.diversions = []
        run.enter(run.world.voicemail(diverter.mailbox))
    elif cause is Cause.LIMITED:
        run.say(Phrase("outside.limited"), step="refusing")
    elif run.subject.state is LegState.ANSWERED:
        run.say(Phrase("outside.unavailable"), step="refusing")
    else:
        run.end(cause)


def _diverter(run: Run) -> Person | None:
    """Whose calls go to this number, when it was not dialled."""
    last = run.call.diversions[-1] if run.call.diversions else None
    return run.world.person(last.by.person) if last is not None else None


def _rang(run: Run, node: Outside | Hosted, event: LegRinging) -> None:
    run.rang(run.call.legs[event.leg])
    run.step.ring(run.call, run.subject)


def _progress(run: Run, node: Outside | Hosted, event: LegProgress) -> None:
    leg = run.call.legs[event.leg]
    advance(leg, Trigger.PROGRESSED, run.now)
    run.step.progress(run.call, run.subject, match=leg.id)
    run.step.hear(run.call, run.subject, Hears(leg.id))
    run.step.hear(run.call, leg, Hears(run.subject.id))


def _answered(run: Run, node: Outside | Hosted, event: LegAnswered) -> None:
    diverter = _diverter(run)
    if diverter is None or not run.world.preferences(diverter.id).confirm:
        answered(run, node, event)
        return
    leg = run.call.legs[event.leg]
    run.cancel("ring")
    run.answered(leg)
    if run.subject.state is LegState.ANSWERED or isinstance(run.subject.hears, Hears):
        run.step.hear(run.call, run.subject, RingTone())
    run.step.hear(run.call, leg, Silence())
    run.at.step = "confirming"
    _ask(run, leg)


def _ask(run: Run, leg: Leg) -> None:
    run.at.tries += 1
    run.step.ask(run.call, leg, [Phrase("outside.accept")])


def _asked(run: Run, node: Outside | Hosted, event: PlayDone) -> None:
    run.timer("accept", ACCEPT_SECONDS)


def _accept_key(run: Run, node: Outside | Hosted, event: LegDigit) -> None:
    if event.digit == ACCEPT_KEY:
        run.step.note(run.call, f.Pressed(event.leg, event.digit, "accepted"))
        connect(run.step, run.call, run.call.legs[event.leg])


def _not_accepted(run: Run, node: Outside | Hosted, event: TimerFired) -> None:
    leg = run.call.legs[run.call.asked]
    if run.at.tries < QUESTIONS:
        _ask(run, leg)
        return
    run.step.note(run.call, f.Pressed(leg.id, "", "unaccepted"))
    run.stop_targets(Cause.NORMAL)
    _give_up(run, Cause.NO_ANSWER)


def _left_unaccepted(run: Run, node: Outside | Hosted, event: LegEnded) -> None:
    run.cancel("accept")
    run.step.note(run.call, f.Pressed(event.leg, "", "unaccepted"))
    run.step.far_end(run.call, run.call.legs[event.leg], event.cause)
    _give_up(run, Cause.NO_ANSWER)


def _ended(run: Run, node: Outside | Hosted, event: LegEnded) -> None:
    run.step.far_end(run.call, run.call.legs[event.leg], event.cause)
    emergency = isinstance(node, Outside) and node.emergency
    if (emergency or event.cause in _NEXT_TRUNK) and target_of(node, run.at.index) is not None:
        _try(run, node)
    else:
        _give_up(run, event.cause)


def _no_answer(run: Run, node: Outside | Hosted, event: TimerFired) -> None:
    run.stop_targets(Cause.NO_ANSWER)
    _give_up(run, Cause.NO_ANSWER)


def _refused(run: Run, node: Outside | Hosted, event: PlayDone) -> None:
    run.end()


TABLE: Table = {
    ("calling", LegRinging): _rang,
    ("calling", LegProgress): _progress,
    ("calling", LegAnswered): _answered,
    ("calling", LegEnded): _ended,
    ("calling", TimerFired): _no_answer,
    ("calling", LegDigit): ignore,
    ("confirming", PlayDone): _asked,
    ("confirming", TimerFired): _not_accepted,
    ("confirming", LegDigit): _accept_key,
    ("confirming", LegEnded): _left_unaccepted,
    ("confirming", LegRinging): ignore,
    ("confirming", LegProgress): ignore,
    ("confirming", LegAnswered): ignore,
    ("refusing", PlayDone): _refused,
    ("refusing", LegDigit): ignore,
}
