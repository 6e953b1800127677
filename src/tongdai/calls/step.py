"""One application of the call logic: the tenant's state is changed in place, commands are gathered.

Equal state, event, time and world give equal commands and equal state: nothing here reads a clock or a
random number.
"""

from __future__ import annotations

from collections.abc import Iterable

from tongdai.calls import commands as c
from tongdai.calls import facts as f
from tongdai.calls import hearing
from tongdai.calls.legs import Trigger, advance
from tongdai.calls.model import (
    Call,
    Cause,
    InRoom,
    Leg,
    LegState,
    Music,
    Party,
    PartyKind,
    Room,
    Source,
    TenantState,
)
from tongdai.calls.prompts import Chime, Prompt

RECORDING_GRACE = 5.0
"""Seconds that an ended call waits for the end of its recording to be reported."""


def await_recording(call: Call, now: float) -> None:
    """A call that has ended waits for the end of its recording, from now on."""
    call.timers["recording"] = now + RECORDING_GRACE


class Step:
    """Operations on calls and legs; each keeps the state, the command and the log together."""

    def __init__(self, state: TenantState, now: float) -> None:
        self.state = state
        self.now = now
        self.commands: list[c.Command] = []
        self.touched: dict[str, None] = {}
        self.freed = False
        self.reason = ""
        """What who ended a leg said of it: passed on to who is hung up on because of that."""

    def do(self, command: c.Command) -> None:
        self.commands.append(command)

    def note(self, call: Call, fact: f.Fact) -> None:
        self.commands.append(c.Note(call.id, fact))

    def touch(self, call: Call) -> None:
        self.touched[call.id] = None

    # calls

    def new_call(self, call: Call) -> None:
        self.state.calls[call.id] = call
        self.touch(call)

    def add_leg(self, call: Call, leg: Leg) -> None:
        call.legs[leg.id] = leg
        self.state.by_leg[leg.id] = call.id
        self.touch(call)

    def drop_leg(self, call: Call, leg: Leg) -> None:
        call.legs.pop(leg.id, None)
        self.state.by_leg.pop(leg.id, None)
        if leg.id == call.asked:
            call.asked, call.playing, call.saying = "", "", []
        if leg.party.person:
            self.state.idle_since[leg.party.person] = self.now
            self.freed = True
        self.touch(call)

    def end_call(self, call: Call, cause: Cause, by: str = "") -> None:
        """Hang up every leg that is left and close the log. A recording in progress is waited for."""
        if call.ended:
            return
        for leg in list(call.legs.values()):
            self.hangup(call, leg, cause)
        call.ended, call.cause, call.ended_by = True, cause, by
        self.leave_places(call)
        call.timers.clear()
        if call.recording:
            self.timer(call, "recording", RECORDING_GRACE)
        else:
            self.close(call)

    def close(self, call: Call) -> None:
        """Nothing more can come of this call: write the last fact."""
        self.note(call, f.CallEnded(call.cause, call.ended_by))
        self.forget(call)

    def forget(self, call: Call) -> None:
        self.state.calls.pop(call.id, None)
        for leg in call.legs:
            self.state.by_leg.pop(leg, None)
        self.touch(call)

    def merged(self, gone: Call, into: Call) -> None:
        """`gone`, whose legs `into` has taken over, is over; its log says where they went."""
        gone.legs = {}
        gone.ended = True
        self.note(gone, f.Merged(into.id))
        self.note(gone, f.CallEnded(Cause.NORMAL, by=""))
        self.forget(gone)

    def leave_places(self, call: Call) -> None:
        """Take the call out of what spans calls: parking, queues, rooms."""
        for slot in [s for s, parked in self.state.parking.items() if parked == call.id]:
            del self.state.parking[slot]
        for waiting in self.state.queues.values():
            if call.id in waiting:
                waiting.remove(call.id)
        for name in [name for name, room in self.state.rooms.items() if call.id in room.members.values()]:
            self.leave_room(name, call)

    # rooms

    def join_room(self, name: str, call: Call, leg: Leg, tones: bool) -> int:
        """Returns how many are in the room now. Who is alone there hears music."""
        room = self.state.rooms.setdefault(name, Room())
        room.tones = tones
        room.members[leg.id] = call.id
        self._room_sounds(name)
        if tones and len(room.members) > 1:
            self.do(c.RoomChime(name, joined=True))
        return len(room.members)

    def leave_room(self, name: str, call: Call) -> None:
        room = self.state.rooms[name]
        room.members = {leg: owner for leg, owner in room.members.items() if owner != call.id}
        if room.members:
            self._room_sounds(name)
            if room.tones:
                self._tell_leaving(name, room)
        else:
            del self.state.rooms[name]
            self.do(c.CloseRoom(name))

    def _tell_leaving(self, name: str, room: Room) -> None:
        if len(room.members) > 1:
            self.do(c.RoomChime(name, joined=False))
            return
        for owner in room.members.values():  # who is alone is in no mixer any more
            self.play(self.state.calls[owner], [Chime(joined=False)])

    def _room_sounds(self, name: str) -> None:
        members = self.state.rooms[name].members
        source: Source = InRoom(name) if len(members) > 1 else Music()
        for leg_id, owner in sorted(members.items()):
            call = self.state.calls[owner]
            leg = call.legs[leg_id]
            self.hear(call, leg, source)

    # legs

    def call_leg(
        self,
        call: Call,
        target: c.Target,
        party: Party,
        caller: Party,
        purpose: str,
        behind: Party | None = None,
        *,
        answers: bool = False,
    ) -> Leg:
        """Start calling somebody; the codec of the call's subject is preferred. `answers`: by
        itself."""
        leg = Leg(
            id=call.next_id("l"),
            party=party,
            state=LegState.CALLING,
            inbound=False,
            since=self.now,
            purpose=purpose,
        )
        self.add_leg(call, leg)
        self.do(
            c.CreateLeg(
                call.id,
                leg.id,
                target,
                caller,
                call.subject,
                behind,
                call.transferred_by,
                tuple(call.diversions),
                call.hops,
                call.max_forwards - 1,
                answers,
            )
        )
        self.note(call, f.LegCreated(leg.id, party, purpose))
        return leg

    def ring(self, call: Call, leg: Leg) -> None:
        if leg.state is LegState.OFFERED:
            advance(leg, Trigger.RING, self.now)
            self.do(c.Ring(leg.id))
            self.touch(call)

    def progress(self, call: Call, leg: Leg, match: str) -> None:
        if leg.state in (LegState.OFFERED, LegState.ALERTING):
            advance(leg, Trigger.PROGRESS, self.now)
            self.do(c.Progress(leg.id, match))
            self.touch(call)

    def answer(self, call: Call, leg: Leg, match: str = "") -> None:
        """Answer an inbound leg; nothing when it is answered already."""
        if leg.state in (LegState.OFFERED, LegState.ALERTING):
            advance(leg, Trigger.ANSWER, self.now)
            self.do(c.Answer(leg.id, match))
            self.note(call, f.LegAnsweredFact(leg.id))
            self.touch(call)

    def hangup(self, call: Call, leg: Leg, cause: Cause) -> None:
        if leg.state is LegState.ENDED:
            return
        if cause is Cause.NORMAL and leg.state in (LegState.CALLING, LegState.RINGING):
            cause = Cause.CANCELLED
        hearing.gone(self, call, leg)
        advance(leg, Trigger.END, self.now)
        self.do(c.Hangup(leg.id, cause, self.reason))
        self.note(call, f.LegEndedFact(leg.id, cause, by_us=True))
        self.drop_leg(call, leg)

    def far_end(self, call: Call, leg: Leg, cause: Cause) -> None:
        """The other side ended this leg."""
        hearing.gone(self, call, leg)
        advance(leg, Trigger.END, self.now)
        self.note(call, f.LegEndedFact(leg.id, cause, by_us=False, reason=self.reason))
        self.drop_leg(call, leg)

    def hear(self, call: Call, leg: Leg, source: Source) -> None:
        if leg.hears != source:
            leg.hears = source
            self.do(c.Hear(leg.id, source))
            self.touch(call)

    # the subject's sound

    def play(self, call: Call, prompts: Iterable[Prompt]) -> None:
        """Play to the subject, over what it hears. `PlayDone` is reported when it ends by itself."""
        call.playing, call.saying = call.next_id("p"), list(prompts)
        self.do(c.Play(call.listener, call.playing, tuple(call.saying)))
        self.touch(call)

    def ask(self, call: Call, leg: Leg, prompts: Iterable[Prompt]) -> None:
        """Play to a leg that was called, and hear its keys, instead of the subject, until `stop_play`."""
        call.asked = leg.id
        self.play(call, prompts)

    def stop_play(self, call: Call) -> None:
        if call.playing:
            self.do(c.StopPlay(call.listener))
            call.playing, call.saying = "", []
            self.touch(call)
        if call.asked:
            call.asked = ""
            self.touch(call)

    def record(self, call: Call, limit: float, silence: float) -> None:
        call.recording = call.next_id("r")
        self.do(c.Record(call.subject, call.recording, int(limit * 1000), int(silence * 1000)))
        self.touch(call)

    def discard(self, blob: str) -> None:
        """Nobody wants this recording."""
        if blob:
            self.do(c.DiscardRecording(blob))

    # time

    def timer(self, call: Call, name: str, seconds: float) -> None:
        at = self.now + seconds
        call.timers[name] = at
        self.do(c.SetTimer(call.id, name, at))
        self.touch(call)

    def cancel(self, call: Call, *names: str) -> None:
        for name in names:
            if call.timers.pop(name, None) is not None:
                self.touch(call)

    # who is busy

    def engaged(self, person: str, but: Call) -> bool:
        """Whether somebody has a leg in another call than this."""
        return any(
            leg.party.person == person
            for call in self.state.calls.values()
            if call is not but
            for leg in call.legs.values()
        )

    def busy_people(self) -> set[str]:
        """People who have a leg in any call of the tenant."""
        return {
            leg.party.person
            for call in self.state.calls.values()
            for leg in call.legs.values()
            if leg.party.kind is PartyKind.PERSON
        }
