"""A room: with the PIN for outsiders; a member of the company may dial a third party in."""

from __future__ import annotations

from typing import NamedTuple

from tongdai.calls import facts as f
from tongdai.calls.commands import DeviceTarget, Target
from tongdai.calls.events import (
    LegAnswered,
    LegDigit,
    LegEnded,
    LegProgress,
    LegRinging,
    PlayDone,
    TimerFired,
)
from tongdai.calls.model import Call, Cause, Party, PartyKind, Position
from tongdai.calls.prompts import Phrase
from tongdai.flows.ports import RoomConfig
from tongdai.flows.run import Run, Table, ignore
from tongdai.flows.schema import Conference, Dial, Hosted, Outside
from tongdai.flows.verbs import outside, pin

PIN_TRIES = 3
PIN_SECONDS = 8.0
NUMBER_SECONDS = 8.0
GUEST_SECONDS = 60.0


def start(run: Run, node: Conference) -> None:
    room = run.world.room(node.room)
    if room is None:
        run.fail(f"room {node.room} does not exist")
    elif not node.ask_pin or not room.pin:
        run.answer()
        _join(run, room)
    elif pin.locked(run.step.state, _lock(run, node), run.now):
        run.say(Phrase("conference.wrong_pin"), step="leaving")
    else:
        run.say(Phrase("conference.pin"), step="pin")


def _lock(run: Run, node: Conference) -> str:
    """Guesses are counted by room and caller, so that a guesser does not lock the others out."""
    return f"{node.room}/{run.call.caller.number}"


# the PIN


def _pin_key(run: Run, node: Conference, event: LegDigit) -> None:
    run.hush()
    if event.digit != "#":
        run.at.digits += event.digit
        run.timer("idle", PIN_SECONDS)
    else:
        _check_pin(run, node)


def _pin_asked(run: Run, node: Conference, event: PlayDone) -> None:
    run.timer("idle", PIN_SECONDS)


def _pin_idle(run: Run, node: Conference, event: TimerFired) -> None:
    _check_pin(run, node)


def _check_pin(run: Run, node: Conference) -> None:
    room = run.world.room(node.room)
    given, run.at.digits = run.at.digits, ""
    run.cancel("idle")
    locked = pin.locked(run.step.state, _lock(run, node), run.now)
    if room is not None and given == room.pin and not locked:
        pin.right(run.step.state, _lock(run, node))
        run.pressed("", "right_pin")
        _join(run, room)
        return
    if given and not locked:
        pin.wrong(run.step.state, _lock(run, node), run.now)
        run.pressed("", "wrong_pin")
    run.at.tries += 1
    if run.at.tries >= PIN_TRIES or locked:
        run.say(Phrase("conference.wrong_pin"), Phrase("goodbye"), step="leaving")
    else:
        run.say(Phrase("conference.wrong_pin"), Phrase("conference.pin"), step="pin")


# in the room


def _join(run: Run, room: RoomConfig) -> None:
    run.at.step = "in"
    run.at.digits = ""
    members = run.step.join_room(room.id, run.call, run.subject, room.tones)
    run.step.note(run.call, f.RoomJoined(room.id, room.name, members))
    if members == 1:
        run.step.play(run.call, [Phrase("conference.alone")])


def _room_key(run: Run, node: Conference, event: LegDigit) -> None:
    """`*`, a number and `#` dial a third party in; only people of the company may."""
    if run.subject.party.kind is not PartyKind.PERSON:
        return
    if event.digit == "*":
        run.at.step, run.at.digits = "inviting", ""
        run.hush()
        run.step.play(run.call, [Phrase("conference.invite")])
        run.timer("invite", NUMBER_SECONDS)


def _number_key(run: Run, node: Conference, event: LegDigit) -> None:
    run.hush()
    if event.digit == "*":
        run.cancel("invite")
        run.at.step, run.at.digits = "in", ""
    elif event.digit == "#":
        _invite(run, node)
    else:
        run.at.digits += event.digit
        run.timer("invite", NUMBER_SECONDS)


def _number_idle(run: Run, node: Conference, event: TimerFired) -> None:
    _invite(run, node)


def _invite(run: Run, node: Conference) -> None:
    number, run.at.digits = run.at.digits, ""
    run.at.step = "in"
    run.cancel("invite")
    if not number:
        return
    run.pressed(number, "invited")
    flow = run.world.route(number, run.subject.party)
    guest = _guest(run, flow.nodes[flow.start])
    if guest is None:
        run.step.play(run.call, [Phrase("conference.invite_failed")])
    else:
        _call_guest(run, guest)


class _Guest(NamedTuple):
    targets: list[Target]
    party: Party
    shown: Party


def _guest(run: Run, node: object) -> _Guest | None:
    """Who a number reaches, when it is somebody who can be called into a room."""
    if isinstance(node, Outside | Hosted):
        target = outside.target_of(node)
        if target is not None:
            return _Guest([target], Party(PartyKind.OUTSIDE, node.number), outside.shown(run, node))
    if isinstance(node, Dial) and len(node.people) == 1:
        person = run.world.person(node.people[0])
        if person is not None:
            targets: list[Target] = [DeviceTarget(binding) for binding in run.world.bindings(person.id)]
            party = Party(PartyKind.PERSON, person.extension, person.name, person.id)
            return _Guest(targets, party, run.subject.party) if targets else None
    return None


def _call_guest(run: Run, guest: _Guest) -> None:
    """The guest has a call of his own, which stays in the room when the one who invited him leaves."""
    inviter = run.call
    call = Call(
        id=inviter.next_id("c"),
        tenant=inviter.tenant,
        subject="",
        caller=guest.party,
        started=run.now,
        dialled=guest.party.number,
        position=Position(run.at.flow, run.at.node, step="calling", since=run.now, note=inviter.id),
    )
    run.step.new_call(call)
    run.step.note(call, f.CallStarted("", run.subject.party, guest.party.number))
    for target in guest.targets:
        leg = run.step.call_leg(call, target, guest.party, guest.shown, "guest")
        call.subject = call.subject or leg.id
    run.step.timer(call, "guest", GUEST_SECONDS)


def _guest_rang(run: Run, node: Conference, event: LegRinging | LegProgress) -> None:
    run.rang(run.call.legs[event.leg])


def _guest_answered(run: Run, node: Conference, event: LegAnswered) -> None:
    run.cancel("guest")
    run.call.subject = event.leg
    run.answered(run.call.legs[event.leg])
    room = run.world.room(node.room)
    if room is None:
        run.fail(f"room {node.room} does not exist")
    else:
        _join(run, room)


def _guest_ended(run: Run, node: Conference, event: LegEnded) -> None:
    leg = run.call.legs[event.leg]
    run.step.far_end(run.call, leg, event.cause)
    if run.call.legs:
        run.call.subject = next(iter(run.call.legs))
        return
    _guest_failed(run, event.cause)


def _guest_no_answer(run: Run, node: Conference, event: TimerFired) -> None:
    _guest_failed(run, Cause.NO_ANSWER)


def _guest_failed(run: Run, cause: Cause) -> None:
    inviter = run.step.state.calls.get(run.at.note)
    if inviter is not None and inviter.position is not None and inviter.position.step == "in":
        run.step.play(inviter, [Phrase("conference.invite_failed")])
    run.end(cause)


def _leave(run: Run, node: Conference, event: PlayDone) -> None:
    run.end()


TABLE: Table = {
    ("pin", LegDigit): _pin_key,
    ("pin", PlayDone): _pin_asked,
    ("pin", TimerFired): _pin_idle,
    ("in", LegDigit): _room_key,
    ("in", PlayDone): ignore,
    ("inviting", LegDigit): _number_key,
    ("inviting", PlayDone): ignore,
    ("inviting", TimerFired): _number_idle,
    ("calling", LegRinging): _guest_rang,
    ("calling", LegProgress): _guest_rang,
    ("calling", LegAnswered): _guest_answered,
    ("calling", LegEnded): _guest_ended,
    ("calling", TimerFired): _guest_no_answer,
    ("leaving", PlayDone): _leave,
    ("leaving", LegDigit): ignore,
}
