"""Random phones doing random things at random times; `Checked` looks after every event."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule
from tests.sim.company import CLINIC, CONFERENCE, CONFERENCE_PIN, MAIN, OUTSIDE, PEOPLE, Company
from tests.sim.invariants import Checked

from tongdai.calls.events import HangupRequested, LegEnded, PlayDone, RecordDone
from tongdai.calls.model import Cause, LegState
from tongdai.calls.preferences import Preferences
from tongdai.flows import schema
from tongdai.flows.simulated import BUSY, RINGS, SILENT, UNREACHABLE, Behaviour, answers, refuses
from tongdai.flows.verbs import node_of

PHONES = {f"{person}-{number}": person for person in PEOPLE for number in (1, 2)}
OUTSIDERS = (OUTSIDE, "+84987654321")
DIALLED = (*"101 102 103 105 100 200 300 300 411 600 600 *97 *97 *43 700 701 112 199".split(),)
DESTINATIONS = (*DIALLED, OUTSIDE, CLINIC, MAIN, "+15551234567")

phones = st.sampled_from(sorted(PHONES))
behaviours = st.sampled_from(
    [
        RINGS,
        RINGS,
        answers(),
        answers(3),
        BUSY,
        SILENT,
        UNREACHABLE,
        refuses(Cause.DECLINED, 1),
        Behaviour(early_media=True),
        Behaviour(early_media=True, refuses=Cause.CONGESTION, refuses_after=2),
    ]
)
FORWARDED = st.sampled_from(["", "", "", "0987654321", "103"])
keys = st.sampled_from(
    [*"01234#*97", "102", "300", "411", "01", "66#", "*102#", "*0912345678#", "8642#", "0000#"]
)
FITTING: dict[tuple[type, str], tuple[str, ...]] = {
    (schema.Mailbox, "pin"): ("PIN",),
    (schema.Mailbox, "messages"): ("0", "0", "1", "2", "3", "4"),
    (schema.Mailbox, "options"): ("1", "1", "2", "*"),
    (schema.Mailbox, "new_pin"): ("8642#", "1111#"),
    (schema.Directory, "spelling"): ("6#", "46#", "9#"),
    (schema.Directory, "choosing"): ("1", "2", "9"),
    (schema.Conference, "pin"): (f"{CONFERENCE_PIN}#", "0000#"),
    (schema.Conference, "in"): ("*102#", "*0912345678#", "*103#"),
    (schema.Outside, "confirming"): ("1", "1", "5"),
    (schema.Menu, "waiting"): ("0", "9", "300#", "109"),
}
pick = st.integers(min_value=0, max_value=10_000)


class Anything(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.sim = Checked(Company())

    # who there is to act

    def live(self, *states: LegState) -> list[str]:
        return [x.leg for x in self.sim.lines.values() if x.live and (not states or x.state in states)]

    def one(self, number: int, *states: LegState) -> str | None:
        legs = self.live(*states)
        return legs[number % len(legs)] if legs else None

    def has_legs(self) -> bool:
        return bool(self.live())

    def has_called(self) -> bool:
        return bool(self.live(LegState.CALLING, LegState.RINGING))

    def has_answered(self) -> bool:
        return bool(self.live(LegState.ANSWERED))

    # what they do

    @initialize(there=st.sets(phones, min_size=4))
    def begin(self, there: set[str]) -> None:
        for phone in sorted(there):
            self.sim.register(PHONES[phone], phone)

    @rule(phone=phones, behaviour=behaviours)
    def register(self, phone: str, behaviour: Behaviour) -> None:
        self.sim.register(PHONES[phone], phone, behaviour)

    @precondition(lambda self: len(self.sim.world.registered) > 3)
    @rule(phone=phones)
    def unregister(self, phone: str) -> None:
        self.sim.unregister(phone)

    @rule(at=st.sampled_from(["trunk-a", "trunk-b", OUTSIDE, CLINIC]), behaviour=behaviours)
    def behave(self, at: str, behaviour: Behaviour) -> None:
        self.sim.behaviours[at] = behaviour

    @rule(person=st.sampled_from(sorted(PEOPLE)), to=FORWARDED, confirm=st.booleans())
    def forward(self, person: str, to: str, confirm: bool) -> None:
        self.sim.world.preferred[person] = Preferences(always=to, confirm=confirm)

    @rule(number=pick, dialled=st.sampled_from(DESTINATIONS))
    def call(self, number: int, dialled: str) -> None:
        registered = sorted(self.sim.world.registered)
        if registered:
            self.sim.call(registered[number % len(registered)], dialled)

    @rule(caller=st.sampled_from(OUTSIDERS), dialled=st.sampled_from([MAIN, CONFERENCE, CLINIC]))
    def call_in(self, caller: str, dialled: str) -> None:
        self.sim.call(caller, dialled)

    @precondition(has_legs)
    @rule(number=pick, other=pick)
    def call_with_replaces(self, number: int, other: int) -> None:
        registered = sorted(self.sim.world.registered)
        replaced = self.one(other)
        if registered and replaced is not None:
            self.sim.call(registered[number % len(registered)], "100", replaces=replaced)

    @precondition(has_answered)
    @rule(number=pick, digits=keys)
    def press(self, number: int, digits: str) -> None:
        leg = self.one(number, LegState.ANSWERED)
        for digit in digits:
            if leg in self.live():
                self.sim.press(leg, digit)

    @precondition(has_answered)
    @rule(number=pick, choices=st.lists(pick, min_size=1, max_size=5))
    def press_what_fits(self, number: int, choices: list[int]) -> None:
        """Find one's way through menus, which keys at random seldom do."""
        calls = ((leg, self.sim.call_of(leg)) for leg in self.live(LegState.ANSWERED))
        asked = [leg for leg, call in calls if call.listener == leg]
        for choice in choices:
            if asked:
                self._press_what_fits(asked[number % len(asked)], choice)

    def _press_what_fits(self, leg: str, choice: int) -> None:
        call = self.sim.state.call_of(leg)
        if call is None or call.position is None:
            return
        node = node_of(call, self.sim.world)
        fits = FITTING.get((type(node), call.position.step), ("#",))
        digits = fits[choice % len(fits)]
        if digits == "PIN" and isinstance(node, schema.Mailbox):
            digits = "4" + node.mailbox.removeprefix("box-") + "#"
        for digit in digits:
            if leg in self.live():
                self.sim.press(leg, digit)

    @rule(times=st.integers(1, 3))
    def wait_for_what_is_next(self, times: int) -> None:
        for _ in range(times):
            deadline = self.sim.deadline()
            if deadline is not None:
                self.sim.advance(max(deadline - self.sim.now, 0))

    @precondition(has_answered)
    @rule(number=pick, seconds=st.sampled_from([0.2, 3.0, 200.0]))
    def speak(self, number: int, seconds: float) -> None:
        self.sim.speak(self.live(LegState.ANSWERED)[number % len(self.live(LegState.ANSWERED))], seconds)

    @precondition(has_called)
    @rule(number=pick)
    def answer(self, number: int) -> None:
        called = self.live(LegState.CALLING, LegState.RINGING)
        self.sim.answer(called[number % len(called)])

    @precondition(has_called)
    @rule(number=pick, early=st.booleans())
    def ring(self, number: int, early: bool) -> None:
        called = self.live(LegState.CALLING, LegState.RINGING)
        (self.sim.early_media if early else self.sim.ring)(called[number % len(called)])

    @precondition(has_called)
    @rule(number=pick, cause=st.sampled_from(list(Cause)))
    def refuse(self, number: int, cause: Cause) -> None:
        called = self.live(LegState.CALLING, LegState.RINGING)
        self.sim.hangup(called[number % len(called)], cause)

    @precondition(has_legs)
    @rule(number=pick)
    def hangup(self, number: int) -> None:
        self.sim.hangup(self.live()[number % len(self.live())])

    @precondition(has_answered)
    @rule(number=pick, hold=st.booleans())
    def hold(self, number: int, hold: bool) -> None:
        leg = self.live(LegState.ANSWERED)[number % len(self.live(LegState.ANSWERED))]
        (self.sim.hold if hold else self.sim.resume)(leg)

    @precondition(has_answered)
    @rule(number=pick, to=st.sampled_from(DESTINATIONS))
    def transfer(self, number: int, to: str) -> None:
        talking = self._talking() or self.live(LegState.ANSWERED)
        self.sim.refer(talking[number % len(talking)], to)

    @precondition(has_answered)
    @rule(number=pick, other=pick)
    def transfer_attended(self, number: int, other: int) -> None:
        """By preference to another leg of the same person, as phones do."""
        talking = self._talking() or self.live(LegState.ANSWERED)
        leg = talking[number % len(talking)]
        person = PHONES.get(self.sim.lines[leg].at)
        own = [x for x in self.live() if PHONES.get(self.sim.lines[x].at) == person and x != leg]
        others = own or self.live()
        self.sim.refer(leg, replaces=others[other % len(others)])

    def _talking(self) -> list[str]:
        return [leg for leg in self.live(LegState.ANSWERED) if self.sim.call_of(leg).peer]

    @rule(seconds=st.sampled_from([0.01, 0.5, 2.1, 2.1, 5.1, 9.0, 20.1, 65.0, 185.0]))
    def wait(self, seconds: float) -> None:
        self.sim.advance(seconds)

    @rule(number=pick)
    def end_one(self, number: int) -> None:
        calls = list(self.sim.state.calls)
        self.sim.apply(HangupRequested(calls[number % len(calls)] if calls else "none"))

    @rule(number=pick)
    def report_what_is_over(self, number: int) -> None:
        """Reports that crossed a command of ours on the way."""
        gone: list[Any] = [line.leg for line in self.sim.lines.values() if not line.live] or ["none"]
        leg = gone[number % len(gone)]
        before = len(self.sim.log)
        for event in (
            PlayDone(leg, "p"),
            LegEnded(leg, Cause.FAILED),
            RecordDone(leg, "r", "", 1, 1, "closed"),
        ):
            assert self.sim.apply(event).commands == []
        assert len(self.sim.log) == before

    def teardown(self) -> None:
        """When everybody has hung up, nothing is left."""
        while legs := self.live():
            self.sim.hangup(legs[-1])
        self.sim.advance(0)
        state = self.sim.state
        assert (state.calls, state.by_leg, state.parking, state.rooms) == ({}, {}, {}, {})
        assert not any(state.queues.values())


TestAnything = Anything.TestCase
TestAnything.settings = settings(
    max_examples=120,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
