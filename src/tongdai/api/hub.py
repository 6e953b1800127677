"""Live events: the facts of calls, who is reachable, mailboxes, changes; and who listens.

Events are numbered and the last are kept, so that a page that lost its connection goes on where it was. A
cursor that is too old, or of another run of this process, is answered by `resync`: read the lists again.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from typing import Any

import msgspec

from tongdai.api.rpc import messages as m
from tongdai.calls import facts as f
from tongdai.core.ids import new_id

KEPT = 5_000
MOST_UNREAD = 1_000
"""Events that may wait for a listener; one that falls further behind is told to resync."""
_MOST_CALLS = 20_000

TYPES: dict[type, str] = {
    f.CallStarted: "call.started",
    f.FlowEntered: "call.reached",
    f.LegCreated: "leg.calling",
    f.LegRang: "leg.ringing",
    f.Rerouted: "leg.rerouted",
    f.Carried: "leg.carried",
    f.LegAnsweredFact: "leg.answered",
    f.LegEndedFact: "leg.ended",
    f.Connected: "call.connected",
    f.Held: "call.held",
    f.Resumed: "call.resumed",
    f.Pressed: "call.pressed",
    f.Waiting: "call.waiting",
    f.MessageLeft: "call.message_left",
    f.Transferred: "call.transferred",
    f.GivenBack: "call.given_back",
    f.Parked: "call.parked",
    f.Retrieved: "call.retrieved",
    f.PickedUp: "call.picked_up",
    f.PassedBy: "call.passed_by",
    f.Forwarded: "call.forwarded",
    f.NotForwarded: "call.not_forwarded",
    f.Preferred: "preferences.changed",
    f.RoomJoined: "call.room_joined",
    f.Merged: "call.merged",
    f.Refused: "call.refused",
    f.Trouble: "call.trouble",
    f.Unheard: "leg.unheard",
    f.FellSilent: "leg.fell_silent",
    f.Heard: "leg.heard",
    f.SoundLost: "leg.sound_lost",
    f.LegMeasured: "leg.measured",
    f.CallEnded: "call.ended",
}


_LIVELY = f.CallStarted | f.LegCreated | f.LegAnsweredFact | f.Connected | f.LegEndedFact
"""What makes of somebody who is free one who is not, or the other way round."""


_OF_PRESENCE = ("presence.changed", "preferences.changed", "configuration.changed")


class Event(msgspec.Struct, frozen=True):
    """`people` may see it without being administrators; None: everybody of the tenant."""

    seq: int
    tenant: str
    at: float
    type: str
    data: dict[str, Any]
    people: frozenset[str] | None = None


class Listener:
    """One WebSocket. `administers`: it sees everything of its tenant."""

    def __init__(self, tenant: str, person: str, administers: bool) -> None:
        self.tenant = tenant
        self.person = person
        self.administers = administers
        self.queue: asyncio.Queue[Event | None] = asyncio.Queue(MOST_UNREAD)
        """None: something was missed."""

    def may_see(self, event: Event) -> bool:
        if event.tenant not in (self.tenant, ""):
            return False
        return self.administers or event.people is None or self.person in event.people

    def give(self, event: Event | None) -> None:
        if event is not None and not self.may_see(event):
            return
        try:
            self.queue.put_nowait(event)
        except asyncio.QueueFull:
            while not self.queue.empty():
                self.queue.get_nowait()
            self.queue.put_nowait(None)


class Hub:
    """All listeners of this process, and what they could have missed."""

    def __init__(self) -> None:
        self._run = new_id("run")
        self._seq = 0
        self._kept: deque[Event] = deque(maxlen=KEPT)
        self._gap = 0
        self._listeners: set[Listener] = set()
        self._presence: dict[str, int] = {}
        self._people: OrderedDict[str, frozenset[str]] = OrderedDict()
        self._legs: OrderedDict[str, dict[str, str]] = OrderedDict()
        """Whose the legs of each call are, while they last."""

    def __len__(self) -> int:
        return len(self._listeners)

    @property
    def cursor(self) -> str:
        """Where we are now."""
        return self.cursor_at(self._seq)

    def cursor_at(self, seq: int) -> str:
        return f"{self._run}.{seq}"

    def presence_of(self, tenant: str) -> int:
        """The number of the last event by which the presence in this tenant may be another one."""
        return max(self._presence.get(tenant, 0), self._gap)

    # in

    def on_told(self, told: m.Told) -> None:
        """Something happened in control."""
        news = told.news
        if isinstance(news, m.CallFact):
            self._fact(news)
        elif isinstance(news, m.Registered):
            self.publish(news.tenant, "presence.changed", {"person": news.person}, told.at)
        elif isinstance(news, m.CallStored):
            self.publish(news.tenant, "call.logged", {"call": news.call}, told.at, news.people)
        else:
            self.publish(
                news.tenant, "mailbox.changed", {"mailbox": news.mailbox}, told.at,
            )  # fmt: skip

    def on_gap(self) -> None:
        """Events of control may have been missed."""
        self._gap = self._seq
        for listener in self._listeners:
            listener.give(None)

    def publish(
        self,
        tenant: str,
        type_: str,
        data: dict[str, Any],
        at: float,
        people: frozenset[str] | None = None,
    ) -> None:
        self._seq += 1
        if type_ in _OF_PRESENCE:
            self._presence[tenant] = self._seq
        event = Event(self._seq, tenant, at, type_, data, people)
        self._kept.append(event)
        for listener in self._listeners:
            listener.give(event)

    def _fact(self, news: m.CallFact) -> None:
        logged, fact = news.fact, news.fact.fact
        people = self._people.get(logged.call, frozenset()) | f.people_of((logged,))
        if not isinstance(fact, f.LegMeasured):  # it may come when the call is over and forgotten
            self._people[logged.call] = people
        data = {"call": logged.call, "seq": logged.seq, **msgspec.to_builtins(fact)}
        del data["type"]
        self.publish(logged.tenant, TYPES[type(fact)], data, logged.at, people)
        if isinstance(fact, f.CallEnded):
            del self._people[logged.call]
        while len(self._people) > _MOST_CALLS:
            self._people.popitem(last=False)
        for person in self._moved(logged.call, fact):
            self.publish(logged.tenant, "presence.changed", {"person": person}, logged.at)

    def _moved(self, call: str, fact: f.Fact) -> list[str]:
        """Whose presence may be another one: all that colleagues are told of calls that are not theirs. Empty
        for somebody of a call that had begun before this process."""
        if isinstance(fact, f.CallEnded):
            ended = self._legs.pop(call, None)
            return [""] if ended is None else sorted({x for x in ended.values() if x})
        if not isinstance(fact, _LIVELY):
            return []
        legs = self._legs.setdefault(call, {})
        if isinstance(fact, f.CallStarted | f.LegCreated):
            legs[fact.leg] = fact.party.person
        while len(self._legs) > _MOST_CALLS:
            self._legs.popitem(last=False)
        person = legs.get(fact.leg, "")
        return [person] if person else []

    # out

    def listen(self, listener: Listener, cursor: str | None) -> bool:
        """Begin to give it what happens, and first what it missed since the cursor. False when that is not
        known any more."""
        self._listeners.add(listener)
        if cursor is None:
            return True
        run, _, text = cursor.rpartition(".")
        since = int(text) if text.isascii() and text.isdigit() and len(text) < 18 else -1
        oldest = self._kept[0].seq if self._kept else self._seq + 1
        if run != self._run or not max(oldest - 1, self._gap) <= since <= self._seq:
            return False
        missed = [event for event in self._kept if event.seq > since and listener.may_see(event)]
        if len(missed) >= MOST_UNREAD:
            return False
        for event in missed:
            listener.give(event)
        return True

    def close(self) -> None:
        """The process ends: every listener is told to come again."""
        self.on_gap()

    def leave(self, listener: Listener) -> None:
        self._listeners.discard(listener)
