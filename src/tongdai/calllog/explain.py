"""What happened in a call and why, in plain English, from its facts alone.

called +84 28 7123 4500 → main menu → pressed 1 → Sales rang 101 and 102 → 102 answered after 4 s → 2 min 10
s → 102 hung up"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from tongdai.calllog.words import ENDINGS, REFUSALS, after, duration, listed, number
from tongdai.calls import facts as f
from tongdai.calls.model import Cause, DiversionReason, Party, PartyKind

POOR_MOS = 3.1
"""Below it nearly all users are dissatisfied (ITU-T G.107 annex B)."""


class Line(msgspec.Struct, frozen=True):
    """One thing that happened. `at` is wall-clock seconds; None continues the line before it (a duration)."""

    at: float
    text: str


def explain(facts: Sequence[f.LoggedFact]) -> list[Line]:
    """The story of a call, also of one that has not ended."""
    story = _Story()
    for logged in facts:
        story.tell(logged.at, logged.fact)
    story.rest()
    return story.lines


def one_line(facts: Sequence[f.LoggedFact]) -> str:
    """The story in one line."""
    return " → ".join(line.text for line in explain(facts))


class _Leg(msgspec.Struct):
    party: Party
    called: float
    caller: bool = False
    rang: bool = False
    answered: bool = False
    rerouted: bool = False
    """That its last way did not do was told."""


class _Story:
    """Goes through the facts. Legs that are called at once are told as one line, so that line waits for its
    end."""

    def __init__(self) -> None:
        self.lines: list[Line] = []
        self._legs: dict[str, _Leg] = {}
        self._place: f.FlowEntered | None = None
        self._placed = 0.0
        self._ringing: list[str] = []
        self._unanswered: list[str] = []
        self._talk_since: float | None = None
        self._hung_up = False
        self._transferrers: set[str] = set()

    def tell(self, at: float, fact: f.Fact) -> None:
        if not isinstance(fact, f.LegCreated):
            self._say_ringing()
        _TELL[type(fact)](self, at, fact)

    def rest(self) -> None:
        self._say_ringing()
        self._say_place()

    # -- saying

    def _say(self, at: float, text: str) -> None:
        self._say_place()
        self.lines.append(Line(at, text))

    def _say_place(self) -> None:
        """Where the call went, when nobody rang there."""
        if self._place is not None:
            place, self._place = self._place, None
            text = _PLACES.get(place.kind, "{label}").format(label=number(place.label))
            if text:
                self.lines.append(Line(self._placed, text))

    def _say_ringing(self) -> None:
        """`Sales rang 101 and 102`; several devices of one person are named once."""
        if not self._ringing:
            return
        place, self._place = self._place, None
        names = listed(list(dict.fromkeys(self._ringing)))
        self._ringing = []
        who = "" if place is None else _RING.get(place.kind, "{label} ").format(label=place.label)
        self.lines.append(Line(self._placed, f"{who}rang {names}"))

    def _who(self, leg: str) -> str:
        known = self._legs.get(leg)
        if known is None:
            return "the other side"
        return "the caller" if known.caller else _name(known.party)

    def _end_talk(self, at: float) -> None:
        if self._talk_since is not None:
            seconds = at - self._talk_since
            self._say(at, duration(seconds) if seconds >= 1 else "less than a second")
            self._talk_since = None

    # -- one per fact

    def started(self, at: float, fact: f.CallStarted) -> None:
        if fact.leg:
            self._legs[fact.leg] = _Leg(fact.party, at, caller=True)
        self._say(at, f"called {number(fact.dialled)}")

    def entered(self, at: float, fact: f.FlowEntered) -> None:
        self._end_talk(at)
        self._say_place()
        self._place, self._placed = fact, at

    def created(self, at: float, fact: f.LegCreated) -> None:
        self._legs[fact.leg] = _Leg(fact.party, at)
        if not self._ringing and self._place is None:
            self._placed = at
        self._ringing.append(_name(fact.party))

    def rang(self, at: float, fact: f.LegRang) -> None:
        if fact.leg in self._legs:
            self._legs[fact.leg].rang = True

    def rerouted(self, at: float, fact: f.Rerouted) -> None:
        self._say(at, f"{fact.via} {fact.why}")
        if fact.leg in self._legs:
            self._legs[fact.leg].rerouted = True

    def carried(self, at: float, fact: f.Carried) -> None:
        self._say(at, fact.via)
        if fact.leg in self._legs:
            self._legs[fact.leg].rerouted = False

    def answered(self, at: float, fact: f.LegAnsweredFact) -> None:
        leg = self._legs.get(fact.leg)
        if leg is None:
            return
        leg.answered = True
        if not leg.caller:
            self._say(at, f"{_name(leg.party)} answered {after(at - leg.called)}")

    def leg_ended(self, at: float, fact: f.LegEndedFact) -> None:
        leg = self._legs.get(fact.leg)
        reason = f" ({fact.reason})" if fact.reason else ""
        if leg is not None and (leg.answered or leg.caller):
            self._end_talk(at)
            left = leg.party.label in self._transferrers  # as his phone does when it has transferred a call
            if not fact.by_us and not left and not (leg.caller and not leg.answered):
                who = self._who(fact.leg)
                failed = fact.cause is Cause.FAILED
                self._say(at, f"the connection to {who} failed" if failed else f"{who} hung up" + reason)
                self._hung_up = True
        elif leg is None:
            if not fact.by_us:
                self._end_talk(at)
                self._say(at, "the other side hung up")
                self._hung_up = True
        elif fact.cause is Cause.NO_ANSWER and fact.by_us:
            self._say_once(at, f"nobody answered for {duration(at - leg.called)}")
        elif not fact.by_us and fact.cause in REFUSALS and not leg.rerouted:
            self._say_once(at, f"{_name(leg.party)} {REFUSALS[fact.cause]}{reason}")

    def _say_once(self, at: float, text: str) -> None:
        """Several devices of a person, or people of a department, give up for one reason at one time."""
        if not (self.lines and self.lines[-1].text == text):
            self._say(at, text)

    def connected(self, at: float, fact: f.Connected) -> None:
        self._end_talk(at)
        self._talk_since = at
        for leg in (fact.leg, fact.to):
            if leg in self._legs:
                self._legs[leg].answered = True

    def held(self, at: float, fact: f.Held) -> None:
        self._say(at, f"{self._who(fact.leg)} put the call on hold")

    def resumed(self, at: float, fact: f.Resumed) -> None:
        self._say(at, f"{self._who(fact.leg)} took the call off hold")

    def pressed(self, at: float, fact: f.Pressed) -> None:
        if fact.meaning == "nothing":
            text = "pressed nothing"
        elif not fact.digits:
            text = f"gave {fact.meaning}" if fact.meaning.endswith("PIN") else fact.meaning
            text = text.replace("gave changed", "changed")
        elif fact.meaning in ("menu", ""):
            text = f"pressed {fact.digits}"
        elif fact.meaning == "extension":
            text = f"dialled extension {fact.digits}"
        elif fact.meaning == "unknown":
            text = f"pressed {fact.digits}, which is no choice"
        else:
            text = f"pressed {fact.digits}: {fact.meaning}"
        self._say(at, text)

    def played(self, at: float, fact: f.Played) -> None:
        self._say(at, f"heard {fact.what}")

    def waiting(self, at: float, fact: f.Waiting) -> None:
        self._say(at, f"waited in position {fact.position}")

    def message(self, at: float, fact: f.MessageLeft) -> None:
        self._say(at, f"left a message of {duration(fact.ms / 1000)} for {fact.label}")

    def transferred(self, at: float, fact: f.Transferred) -> None:
        self._end_talk(at)
        how = "after asking " if fact.attended else ""
        self._transferrers.add(fact.by)
        self._say(at, f"{number(fact.by)} transferred the call {how}to {number(fact.to)}")

    def given_back(self, at: float, fact: f.GivenBack) -> None:
        self._transferrers.discard(fact.to.label)
        self._say(at, f"the call went back to {_name(fact.to)}")

    def parked(self, at: float, fact: f.Parked) -> None:
        self._place = None
        self._say(at, f"parked at {fact.slot}")

    def retrieved(self, at: float, fact: f.Retrieved) -> None:
        self._say(at, f"{_name(fact.by)} took the call back from {fact.slot}")

    def picked_up(self, at: float, fact: f.PickedUp) -> None:
        self._say(at, f"{_name(fact.by)} picked up the call that rang at {_name(fact.at)}")

    def passed_by(self, at: float, fact: f.PassedBy) -> None:
        self._place = None
        self._say(at, f"{_name(fact.party)} {_PASSED_BY[fact.why]}")

    def preferred(self, at: float, fact: f.Preferred) -> None:
        self._say(at, f"{_name(fact.by)} {_PREFERRED[fact.what].format(number=number(fact.number))}")

    def forwarded(self, at: float, fact: f.Forwarded) -> None:
        self._place = None
        self._say(at, f"{_name(fact.by)} forwards {_FORWARDED[fact.reason]} to {number(fact.to)}")

    def not_forwarded(self, at: float, fact: f.NotForwarded) -> None:
        self._say(at, f"{_name(fact.by)} forwards to {number(fact.to)}, which {fact.why}")

    def joined(self, at: float, fact: f.RoomJoined) -> None:
        self._place = None
        there = "alone there" if fact.members == 1 else f"{fact.members} there"
        self._say(at, f"joined {fact.label} ({there})")
        self._talk_since = at

    def merged(self, at: float, fact: f.Merged) -> None:
        self._end_talk(at)
        self._say(at, f"went on as part of call {fact.into}")
        self._hung_up = True

    def refused(self, at: float, fact: f.Refused) -> None:
        self._place = None
        self._say(at, f"refused: {fact.why}")

    def trouble(self, at: float, fact: f.Trouble) -> None:
        self._say(at, f"trouble on our side: {fact.what}")

    def unheard(self, at: float, fact: f.Unheard) -> None:
        who = self._who(fact.leg)
        if fact.lack == "packets":
            self._say(at, f"{who} could not be heard for {duration(fact.ms / 1000)}: the phone sent nothing")
        else:
            self._say(at, f"{who} was never heard: the phone sent only silence")

    def sound_lost(self, at: float, fact: f.SoundLost) -> None:
        self._end_talk(at)
        self._say(at, f"no sound with {self._who(fact.leg)}: {fact.why}")

    def measured(self, at: float, fact: f.LegMeasured) -> None:
        for mos, text in ((fact.mos, "{} was hard to understand"), (fact.heard_mos, "{} heard badly")):
            if mos is not None and mos < POOR_MOS:
                lost = f", {fact.lost:.0%} of the sound lost" if mos is fact.mos and fact.lost >= 0.01 else ""
                self._say(at, f"{text.format(self._who(fact.leg))} (MOS {mos:.1f}{lost})")

    def ended(self, at: float, fact: f.CallEnded) -> None:
        self._end_talk(at)
        if not self._hung_up:
            self._say(at, ENDINGS[fact.cause])


_PASSED_BY = {
    "dnd": "does not want to be disturbed",
    "talking": "is in a call",
    "engaged": "is in a call, and takes one at a time",
}

_PREFERRED = {
    "dnd.on": "wants not to be disturbed from now on",
    "dnd.off": "can be called again",
    "call_waiting.on": "takes a second call while in one from now on",
    "call_waiting.off": "is busy from now on while in a call",
    "always.on": "forwards all calls to {number} from now on",
    "always.off": "forwards calls no longer",
    "busy.on": "forwards to {number} when busy from now on",
    "busy.off": "forwards no longer when busy",
    "no_answer.on": "forwards to {number} what is not answered from now on",
    "no_answer.off": "forwards no longer what is not answered",
    "unreachable.on": "forwards to {number} from now on when no phone is there",
    "unreachable.off": "forwards no longer when no phone is there",
}

_FORWARDED = {
    DiversionReason.ALWAYS: "all calls",
    DiversionReason.DND: "undisturbed",
    DiversionReason.BUSY: "when busy",
    DiversionReason.NO_ANSWER: "what is not answered",
    DiversionReason.UNREACHABLE: "when no phone is there",
    DiversionReason.PHONE: "by the phone",
}

_PLACES = {
    "originate": "click to call",
    "person": "{label} has no phone that could ring",
    "department": "{label} has no phone that could ring",
    "outside": "outside call",
    "emergency": "emergency call",
    "hosted": "outside call, hosted here",
    "queue": "{label} queue",
    "mailbox": "voicemail of {label}",
    "directory": "directory by name",
    "echo": "echo test",
    "pickup": "",
    "preference": "",
    "intercom": "intercom with {label}, who cannot be spoken to",
    "page": "page of {label}, of whom nobody can be spoken to",
    "refused": "",
}
"""What is said of a destination where nobody rang, by its kind; of the others the label says it."""

_RING = {
    "person": "",
    "outside": "outside call ",
    "emergency": "emergency call ",
    "hosted": "outside call, hosted here, ",
    "queue": "{label} queue ",
    "intercom": "intercom ",
    "page": "page of {label} ",
}
"""What is said before `rang 101`, by the kind of the destination."""


def _name(party: Party) -> str:
    if party.kind is PartyKind.OUTSIDE:
        return number(party.number) or party.name or "an unknown number"
    return party.label


_TELL: dict[type, Callable[[_Story, float, Any], None]] = {
    f.CallStarted: _Story.started,
    f.FlowEntered: _Story.entered,
    f.LegCreated: _Story.created,
    f.LegRang: _Story.rang,
    f.Rerouted: _Story.rerouted,
    f.Carried: _Story.carried,
    f.LegAnsweredFact: _Story.answered,
    f.LegEndedFact: _Story.leg_ended,
    f.Connected: _Story.connected,
    f.Held: _Story.held,
    f.Resumed: _Story.resumed,
    f.Pressed: _Story.pressed,
    f.Played: _Story.played,
    f.Waiting: _Story.waiting,
    f.MessageLeft: _Story.message,
    f.Transferred: _Story.transferred,
    f.GivenBack: _Story.given_back,
    f.Parked: _Story.parked,
    f.Retrieved: _Story.retrieved,
    f.PickedUp: _Story.picked_up,
    f.PassedBy: _Story.passed_by,
    f.Forwarded: _Story.forwarded,
    f.NotForwarded: _Story.not_forwarded,
    f.Preferred: _Story.preferred,
    f.RoomJoined: _Story.joined,
    f.Merged: _Story.merged,
    f.Refused: _Story.refused,
    f.Trouble: _Story.trouble,
    f.Unheard: _Story.unheard,
    f.SoundLost: _Story.sound_lost,
    f.LegMeasured: _Story.measured,
    f.CallEnded: _Story.ended,
}
