"""What happened in a call and why, from its facts alone: step by step, in no language; `tell` says a step.

called +84 28 7123 4500 → main menu → pressed 1 → Sales rang 101 and 102 → 102 answered after 4 s → 2 min 10
s → 102 hung up"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from tongdai.calllog.phrases import CATALOGUES, Value, Who, phrase
from tongdai.calllog.words import number
from tongdai.calls import facts as f
from tongdai.calls.model import Cause, Party, PartyKind
from tongdai.core.language import Language

POOR_MOS = 3.1
"""Below it nearly all users are dissatisfied (ITU-T G.107 annex B)."""


class Step(msgspec.Struct, frozen=True):
    """One thing that happened: `what` is the key of its phrase, `values` are what the phrase is about. `at`
    is wall-clock seconds."""

    at: float
    what: str
    values: Mapping[str, Value]


def explain(facts: Sequence[f.LoggedFact]) -> list[Step]:
    """The story of a call, also of one that has not ended."""
    story = _Story()
    for logged in facts:
        story.tell(logged.at, logged.fact)
    story.rest()
    return story.steps


def tell(step: Step, language: Language) -> str:
    """A step in words."""
    return phrase(step.what, step.values, language)


def one_line(steps: Sequence[Step], language: Language) -> str:
    """The story in one line."""
    return " → ".join(tell(step, language) for step in steps)


class _Leg(msgspec.Struct):
    party: Party
    called: float
    caller: bool = False
    answered: bool = False
    rerouted: bool = False
    """That its last way did not do was told."""


class _Story:
    """Goes through the facts. Legs that are called at once are told as one step, so that step waits for its
    end."""

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self._legs: dict[str, _Leg] = {}
        self._place: f.FlowEntered | None = None
        self._placed = 0.0
        self._ringing: list[str] = []
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

    def _say(self, at: float, what: str, **values: Value) -> None:
        self._say_place()
        self.steps.append(Step(at, what, values))

    def _say_place(self) -> None:
        """Where the call went, when nobody rang there."""
        place, self._place = self._place, None
        if place is not None and place.kind not in _UNTOLD:
            values = {"label": number(place.label)}
            self.steps.append(Step(self._placed, _kind("place", place.kind), values))

    def _say_ringing(self) -> None:
        """`Sales rang 101 and 102`; several devices of one person are named once."""
        if not self._ringing:
            return
        place, self._place = self._place, None
        names = list(dict.fromkeys(self._ringing))
        self._ringing = []
        what = "rang.person" if place is None else _kind("rang", place.kind)
        label = "" if place is None else place.label
        self.steps.append(Step(self._placed, what, {"label": label, "names": names}))

    def _who(self, leg: str) -> str:
        known = self._legs.get(leg)
        if known is None:
            return Who.OTHER
        return Who.CALLER if known.caller else _name(known.party)

    def _end_talk(self, at: float) -> None:
        if self._talk_since is not None:
            seconds = at - self._talk_since
            self._say(at, "talked" if seconds >= 1 else "talked.hardly", seconds=seconds)
            self._talk_since = None

    # -- one per fact

    def started(self, at: float, fact: f.CallStarted) -> None:
        if fact.leg:
            self._legs[fact.leg] = _Leg(fact.party, at, caller=True)
        self._say(at, "called", number=number(fact.dialled))

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
        """Told already: who is called, rings."""

    def rerouted(self, at: float, fact: f.Rerouted) -> None:
        self._say(at, "rerouted", via=fact.via, why=fact.why)
        if fact.leg in self._legs:
            self._legs[fact.leg].rerouted = True

    def carried(self, at: float, fact: f.Carried) -> None:
        self._say(at, "carried", via=fact.via)
        if fact.leg in self._legs:
            self._legs[fact.leg].rerouted = False

    def answered(self, at: float, fact: f.LegAnsweredFact) -> None:
        leg = self._legs.get(fact.leg)
        if leg is None:
            return
        leg.answered = True
        if not leg.caller:
            self._say(at, "answered", who=_name(leg.party), seconds=at - leg.called)

    def leg_ended(self, at: float, fact: f.LegEndedFact) -> None:
        leg = self._legs.get(fact.leg)
        if leg is not None and (leg.answered or leg.caller):
            self._end_talk(at)
            left = leg.party.label in self._transferrers  # as his phone does when it has transferred a call
            if not fact.by_us and not left and not (leg.caller and not leg.answered):
                self._say_gone(at, fact)
        elif leg is None:
            if not fact.by_us:
                self._end_talk(at)
                self._say_gone(at, fact)
        elif fact.cause is Cause.NO_ANSWER and fact.by_us:
            self._say_once(at, "nobody_answered", seconds=at - leg.called)
        elif not fact.by_us and not leg.rerouted:
            what = f"refusal.{fact.cause.value}"
            if what in CATALOGUES["en"]:
                self._say_once(at, what, who=_name(leg.party), given=fact.reason)

    def _say_gone(self, at: float, fact: f.LegEndedFact) -> None:
        what = "connection_failed" if fact.cause is Cause.FAILED else "hung_up"
        self._say(at, what, who=self._who(fact.leg), given=fact.reason)
        self._hung_up = True

    def _say_once(self, at: float, what: str, **values: Value) -> None:
        """Several devices of a person, or people of a department, give up for one reason at one time."""
        last = self.steps[-1] if self.steps else None
        if last is None or (last.what, last.values) != (what, values):
            self._say(at, what, **values)

    def connected(self, at: float, fact: f.Connected) -> None:
        self._end_talk(at)
        self._talk_since = at
        for leg in (fact.leg, fact.to):
            if leg in self._legs:
                self._legs[leg].answered = True

    def held(self, at: float, fact: f.Held) -> None:
        self._say(at, "held", who=self._who(fact.leg))

    def resumed(self, at: float, fact: f.Resumed) -> None:
        self._say(at, "resumed", who=self._who(fact.leg))

    def pressed(self, at: float, fact: f.Pressed) -> None:
        self._say(at, _kind("pressed", fact.meaning), digits=fact.digits)

    def waiting(self, at: float, fact: f.Waiting) -> None:
        self._say(at, "waited", position=fact.position)

    def message(self, at: float, fact: f.MessageLeft) -> None:
        self._say(at, "message", seconds=fact.ms / 1000, label=fact.label)

    def transferred(self, at: float, fact: f.Transferred) -> None:
        self._end_talk(at)
        self._transferrers.add(fact.by)
        what = "transferred.asked" if fact.attended else "transferred"
        self._say(at, what, who=number(fact.by), number=number(fact.to))

    def given_back(self, at: float, fact: f.GivenBack) -> None:
        self._transferrers.discard(fact.to.label)
        self._say(at, "given_back", who=_name(fact.to))

    def parked(self, at: float, fact: f.Parked) -> None:
        self._place = None
        self._say(at, "parked", place=fact.slot)

    def retrieved(self, at: float, fact: f.Retrieved) -> None:
        self._say(at, "retrieved", who=_name(fact.by), place=fact.slot)

    def picked_up(self, at: float, fact: f.PickedUp) -> None:
        self._say(at, "picked_up", who=_name(fact.by), place=_name(fact.at))

    def passed_by(self, at: float, fact: f.PassedBy) -> None:
        self._place = None
        self._say(at, f"passed_by.{fact.why}", who=_name(fact.party))

    def preferred(self, at: float, fact: f.Preferred) -> None:
        self._say(at, f"preferred.{fact.what}", who=_name(fact.by), number=number(fact.number))

    def forwarded(self, at: float, fact: f.Forwarded) -> None:
        self._place = None
        self._say(at, f"forwarded.{fact.reason.value}", who=_name(fact.by), number=number(fact.to))

    def not_forwarded(self, at: float, fact: f.NotForwarded) -> None:
        self._say(at, "not_forwarded", who=_name(fact.by), number=number(fact.to), why=fact.why)

    def joined(self, at: float, fact: f.RoomJoined) -> None:
        self._place = None
        what = "joined.alone" if fact.members == 1 else "joined"
        self._say(at, what, label=fact.label, count=fact.members)
        self._talk_since = at

    def merged(self, at: float, fact: f.Merged) -> None:
        self._end_talk(at)
        self._say(at, "merged", call=fact.into)
        self._hung_up = True

    def refused(self, at: float, fact: f.Refused) -> None:
        self._place = None
        self._say(at, "refused", why=fact.why)

    def trouble(self, at: float, fact: f.Trouble) -> None:
        self._say(at, "trouble", why=fact.what)

    def unheard(self, at: float, fact: f.Unheard) -> None:
        self._say(at, f"unheard.{fact.lack}", who=self._who(fact.leg), seconds=fact.ms / 1000)

    def silence(self, at: float, fact: f.FellSilent | f.Heard) -> None:
        """Told by `unheard`, with how long."""

    def sound_lost(self, at: float, fact: f.SoundLost) -> None:
        self._end_talk(at)
        self._say(at, "sound_lost", who=self._who(fact.leg), why=fact.why)

    def measured(self, at: float, fact: f.LegMeasured) -> None:
        who = self._who(fact.leg)
        if fact.mos is not None and fact.mos < POOR_MOS:
            what = "hard_to_understand" + (".lost" if fact.lost >= 0.01 else "")
            self._say(at, what, who=who, mos=f"{fact.mos:.1f}", lost=f"{fact.lost:.0%}")
        if fact.heard_mos is not None and fact.heard_mos < POOR_MOS:
            self._say(at, "heard_badly", who=who, mos=f"{fact.heard_mos:.1f}")

    def ended(self, at: float, fact: f.CallEnded) -> None:
        self._end_talk(at)
        if not self._hung_up:
            self._say(at, f"ended.{fact.cause.value}")


_UNTOLD = ("pickup", "preference", "refused")
"""Kinds of places of which what follows tells everything."""


def _kind(what: str, kind: str) -> str:
    """The phrase for this kind of it, or for any."""
    return f"{what}.{kind}" if f"{what}.{kind}" in CATALOGUES["en"] else what


def _name(party: Party) -> str:
    if party.kind is PartyKind.OUTSIDE:
        return number(party.number) or party.name or Who.UNKNOWN
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
    f.FellSilent: _Story.silence,
    f.Heard: _Story.silence,
    f.SoundLost: _Story.sound_lost,
    f.LegMeasured: _Story.measured,
    f.CallEnded: _Story.ended,
}
