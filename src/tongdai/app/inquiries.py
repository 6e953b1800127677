"""What the web process asks of control, answered from memory on the signalling loop."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol

import msgspec

from tongdai.api.rpc import messages as m
from tongdai.calls import commands as c
from tongdai.calls import events as e
from tongdai.calls import hearing
from tongdai.calls.facts import LoggedFact
from tongdai.calls.model import Call, Cause, InRoom, Leg, LegState, Party, PartyKind, TenantState
from tongdai.calls.preferences import FORWARDS, Preferences
from tongdai.core.clock import Clock
from tongdai.directory import Directory, flows
from tongdai.flows import schema
from tongdai.flows.ports import World
from tongdai.flows.transfers import movable
from tongdai.preferences import PeoplesPreferences
from tongdai.registrar import Bindings
from tongdai.switch import Switch
from tongdai.tenants.config import TenantConfig
from tongdai.tenants.features import Codes
from tongdai.trunks import GatewayState
from tongdai.voicemail import Mailboxes

SHORTEST_RINGING, LONGEST_RINGING = 3.0, 120.0
"""Seconds that somebody may let his phones ring before calls go elsewhere."""

_WHY = {
    Cause.NOT_ACCEPTABLE: "This party was not answered yet, so it cannot be moved.",
    Cause.BUSY: "Another call is parked there.",
    Cause.NOT_FOUND: "Nobody has this number.",
    Cause.FORBIDDEN: "Calls to this country are not permitted.",
    Cause.CONGESTION: "There is no trunk for outside calls.",
}


class Served(Protocol):
    """The control process, as far as configuration goes."""

    def tenant(self, tenant: str) -> TenantConfig | None: ...

    async def serve(self, request: m.Serve) -> None: ...


class Inquiries:
    """Answers one request at a time. Everything but `Serve` is answered at once."""

    def __init__(
        self,
        served: Served,
        *,
        switch: Switch,
        directory: Directory,
        bindings: Bindings,
        mailboxes: Mailboxes,
        preferences: PeoplesPreferences,
        metrics: Callable[[], dict[str, float]],
        trunks: Callable[[], list[GatewayState]],
        call_id: Callable[[str], str],
        facts: Callable[[str], Sequence[LoggedFact]],
        clock: Clock,
    ) -> None:
        self._served = served
        self._switch = switch
        self._directory = directory
        self._bindings = bindings
        self._mailboxes = mailboxes
        self._preferences = preferences
        self._metrics = metrics
        self._call_id = call_id
        self._facts = facts
        self._clock = clock
        self._answers: dict[type, Callable[[Any], m.Answer | Awaitable[m.Answer]]] = {
            m.Serve: self._serve,
            m.ListCalls: lambda x: m.Calls(tuple(self._live(call) for call in self._calls(x.tenant))),
            m.Originate: self._originate,
            m.HangUp: self._hang_up,
            m.Hold: self._hold,
            m.Transfer: self._transfer,
            m.ListPresence: self._presence,
            m.ReadMailbox: self._mailbox,
            m.ChangeMessage: self._message,
            m.ChangeGreeting: self._greeting,
            m.ChangePin: self._pin,
            m.ReadPreferences: self._read_preferences,
            m.ChangePreferences: self._change_preferences,
            m.ReadFacts: lambda x: m.Facts(tuple(y for y in self._facts(x.call) if y.tenant == x.tenant)),
            m.ReadMetrics: lambda _: m.Metrics(self._metrics()),
            m.ReadTrunks: lambda _: m.TrunkStates(tuple(_told(x) for x in trunks())),
        }

    async def answer(self, request: m.Request) -> m.Answer:
        answer = self._answers[type(request)](request)
        return await answer if isinstance(answer, Awaitable) else answer

    async def _serve(self, request: m.Serve) -> m.Answer:
        await self._served.serve(request)
        return m.Done()

    # calls

    def _calls(self, tenant: str) -> list[Call]:
        return [call for call in self._switch.calls() if call.tenant == tenant and not call.ended]

    def _call(self, tenant: str, call: str) -> Call | None:
        return next((x for x in self._calls(tenant) if x.id == call), None)

    def _world(self, tenant: str) -> World:
        return self._directory.worlds[tenant]

    def _live(self, call: Call) -> m.LiveCall:
        ahead = self._clock.wall() - self._clock.monotonic()
        state, place = self._state(call)
        return m.LiveCall(
            id=call.id,
            tenant=call.tenant,
            started=call.started + ahead,
            caller=call.caller,
            dialled=call.dialled,
            state=state,
            place=place,
            subject=call.subject,
            peer=call.peer,
            legs=tuple(
                m.LiveLeg(
                    x.id,
                    x.party,
                    x.state,
                    x.inbound,
                    x.holding,
                    x.since + ahead,
                    self._call_id(x.id),
                    hearing.silent(call, x),
                )
                for x in call.legs.values()
            ),
        )

    def _state(self, call: Call) -> tuple[str, str]:
        flow = self._world(call.tenant).flow(call.position.flow) if call.position is not None else None
        node = flow.nodes.get(call.position.node) if flow is not None and call.position is not None else None
        place = flow.label if flow is not None else ""
        subject = call.legs.get(call.subject)
        if call.peer in call.legs:
            return ("held" if any(x.holding for x in call.legs.values()) else "talking"), place
        if isinstance(node, schema.Park) and call.position is not None and call.position.step == "parked":
            return "parked", node.slot
        if subject is not None and isinstance(subject.hears, InRoom):
            return "conference", place
        if isinstance(node, schema.Queue) and len(call.legs) == 1:
            return "waiting", place
        if any(x.state in (LegState.CALLING, LegState.RINGING) for x in call.legs.values()):
            return "ringing", place
        return "service", place

    def _originate(self, asked: m.Originate) -> m.Answer:
        config = self._served.tenant(asked.tenant)
        person = next((x for x in config.people if x.id == asked.person), None) if config else None
        if person is None:
            return _no_person(asked.person)
        if not self._bindings.of(person.id):
            return m.Refused(
                "no_device_registered",
                f"No device of {person.name} is registered, so none can ring.",
                "Register a phone first.",
            )
        party = Party(PartyKind.PERSON, person.extension, person.name, person.id)
        wanted = self._world(asked.tenant).route(asked.to, party)
        start = wanted.nodes.get(wanted.start)
        if isinstance(start, schema.Refuse):
            return _refused(Cause(start.cause), asked.to)
        flow = flows.originate(person.id, asked.to)
        self._switch.post(asked.tenant, e.CallRequested(asked.call, party, asked.to, flow.ref))
        return m.Done(asked.call)

    def _hang_up(self, asked: m.HangUp) -> m.Answer:
        if self._call(asked.tenant, asked.call) is None:
            return _no_call(asked.call)
        self._switch.post(asked.tenant, e.HangupRequested(asked.call))
        return m.Done()

    def _hold(self, asked: m.Hold) -> m.Answer:
        call = self._call(asked.tenant, asked.call)
        if call is None:
            return _no_call(asked.call)
        if asked.leg not in call.legs:
            return _no_leg(asked.leg)
        if call.other(asked.leg) is None:
            return m.Refused(
                "not_talking", "Nobody is at the other end to hear music.", "Hold a call that talks."
            )
        event = e.LegHeld(asked.leg) if asked.on else e.LegResumed(asked.leg)
        self._switch.post(asked.tenant, event)
        return m.Done()

    def _transfer(self, asked: m.Transfer) -> m.Answer:
        call = self._call(asked.tenant, asked.call)
        if call is None:
            return _no_call(asked.call)
        leg = self._moved(call, asked)
        if leg is None:
            return _no_leg(asked.leg)
        by = self._by(call, asked, leg)
        world, state = self._world(asked.tenant), self._switch.state(asked.tenant)
        if asked.mailbox:
            box = world.mailbox(asked.to)
            if box is None:
                return m.Refused(
                    "mailbox_not_found", f"There is no mailbox {asked.to}.", "Name a person or department."
                )
            flow, label = flows.voicemail(asked.to), f"voicemail of {box.label}"
        else:
            label = asked.to or _free_slot(state, self._codes(asked.tenant))
            if not label:
                return m.Refused("no_place_free", "Every parking place is taken.", "Take a call back first.")
            flow = world.route(label, by)
        obstacle = movable(state, leg, flow)
        if obstacle is not None:
            return _refused(obstacle, label)
        self._switch.post(asked.tenant, e.MoveRequested(asked.call, leg.id, label, flow.ref, by))
        return m.Done(label)

    def _codes(self, tenant: str) -> Codes:
        config = self._served.tenant(tenant)
        return Codes.with_own(config.feature_codes if config is not None else {})

    def _moved(self, call: Call, asked: m.Transfer) -> Leg | None:
        """The leg that stays in the call: the one that was named, or the other end of who asks, or the one
        that the call is about."""
        if asked.leg:
            return call.legs.get(asked.leg)
        for leg in call.legs.values():
            if leg.party.person == asked.by and (other := call.other(leg.id)) is not None:
                return other
        return call.legs.get(call.subject)

    def _by(self, call: Call, asked: m.Transfer, leg: Leg) -> Party:
        """In whose name: a parked call that nobody takes goes back to him."""
        config = self._served.tenant(asked.tenant)
        person = next((x for x in config.people if x.id == asked.by), None) if config else None
        if person is not None:
            return Party(PartyKind.PERSON, person.extension, person.name, person.id)
        others = [x.party for x in call.legs.values() if x.id != leg.id and x.party.person]
        return others[0] if others else leg.party

    # people

    def _presence(self, asked: m.ListPresence) -> m.Answer:
        config = self._served.tenant(asked.tenant)
        if config is None:
            return m.Presence(())
        states: dict[str, str] = {}
        for call in self._calls(asked.tenant):
            for leg in call.legs.values():
                if leg.party.person and states.get(leg.party.person) != "talking":
                    states[leg.party.person] = "talking" if leg.state is LegState.ANSWERED else "ringing"
        found = []
        for person in config.people:
            bindings = [b for id_ in self._bindings.of(person.id) if (b := self._bindings.binding(id_))]
            idle = "available" if bindings else "offline"
            devices = tuple(dict.fromkeys(binding.device for binding in bindings))
            dnd = self._preferences.of(asked.tenant, person.id).dnd
            found.append(m.PersonPresence(person.id, states.get(person.id, idle), devices, dnd))
        return m.Presence(tuple(found))

    # preferences

    def _read_preferences(self, asked: m.ReadPreferences) -> m.Answer:
        if not self._preferences.knows(asked.tenant, asked.person):
            return _no_person(asked.person)
        return m.PersonPreferences(self._preferences.of(asked.tenant, asked.person))

    def _change_preferences(self, asked: m.ChangePreferences) -> m.Answer:
        if not self._preferences.knows(asked.tenant, asked.person):
            return _no_person(asked.person)
        present = self._preferences.of(asked.tenant, asked.person)
        if asked.former not in (None, present):
            return m.Refused(m.CHANGED_MEANWHILE, "They were changed meanwhile.", "Read them again.")
        try:
            changed = msgspec.convert({**msgspec.to_builtins(present), **asked.changes}, Preferences)
        except msgspec.ValidationError as error:
            return m.Refused("bad_preference", f"{error}.", "Give true, false, a number or seconds.")
        obstacle = self._obstacle(asked.tenant, asked.person, changed, asked.changes)
        if obstacle is not None:
            return obstacle
        self._preferences.prefer(asked.tenant, c.SetPreferences(asked.person, changed))
        return m.PersonPreferences(changed)

    def _obstacle(
        self, tenant: str, person: str, wanted: Preferences, changes: Mapping[str, object]
    ) -> m.Refused | None:
        """What is wrong with a change, None when nothing is."""
        by = Party(PartyKind.PERSON, "", person=person)
        for case in FORWARDS:
            to = wanted.forward(case)
            if case in changes and to and self._world(tenant).forward(to, by) is None:
                return m.Refused(
                    "cannot_forward",
                    f"Calls cannot be forwarded to {to!r}.",
                    "Give another extension, or an outside number that he may call, as he would dial it.",
                )
        seconds = wanted.no_answer_seconds
        if seconds and not SHORTEST_RINGING <= seconds <= LONGEST_RINGING:
            return m.Refused(
                "bad_seconds",
                f"Phones cannot ring for {seconds:g} s.",
                f"Give {SHORTEST_RINGING:g} to {LONGEST_RINGING:g} seconds, or 0 for the company's own.",
            )
        return None

    # mailboxes

    def _mailbox(self, asked: m.ReadMailbox) -> m.Answer:
        view = self._mailboxes.view(asked.tenant, asked.mailbox)
        if view is None:
            return _no_mailbox(asked.mailbox)
        greeting, has_pin = self._mailboxes.settings(asked.tenant, asked.mailbox)
        return m.Mailbox(view.id, view.label, greeting, has_pin, view.messages)

    def _message(self, asked: m.ChangeMessage) -> m.Answer:
        view = self._mailboxes.view(asked.tenant, asked.mailbox)
        if view is None:
            return _no_mailbox(asked.mailbox)
        if asked.message not in {message.id for message in view.messages}:
            return m.Refused(
                "message_not_found", f"There is no message {asked.message}.", "Look at the list.", gone=True
            )
        return self._change(asked.tenant, c.MarkMessage(asked.mailbox, asked.message, asked.deleted))

    def _greeting(self, asked: m.ChangeGreeting) -> m.Answer:
        if self._mailboxes.view(asked.tenant, asked.mailbox) is None:
            return _no_mailbox(asked.mailbox)
        return self._change(asked.tenant, c.SetGreeting(asked.mailbox, asked.blob))

    def _pin(self, asked: m.ChangePin) -> m.Answer:
        if self._mailboxes.view(asked.tenant, asked.mailbox) is None:
            return _no_mailbox(asked.mailbox)
        return self._change(asked.tenant, c.SetPin(asked.mailbox, asked.pin))

    def _change(self, tenant: str, command: c.MarkMessage | c.SetGreeting | c.SetPin) -> m.Answer:
        self._mailboxes.carry_out(tenant, command)
        return m.Done()


def _told(state: GatewayState) -> m.TrunkGateway:
    return msgspec.convert(msgspec.to_builtins(state), m.TrunkGateway)


def _free_slot(state: TenantState, codes: Codes) -> str:
    return next((slot for slot in codes.parking if slot not in state.parking), "")


def _refused(cause: Cause, to: str) -> m.Refused:
    return m.Refused(
        "cannot_go_there", f"The call cannot go to {to!r}. {_WHY.get(cause, '')}".strip(), "Name another."
    )


def _no_call(call: str) -> m.Refused:
    return m.Refused(
        "call_not_found", f"There is no call {call} in progress.", "It may have ended.", gone=True
    )


def _no_leg(leg: str) -> m.Refused:
    return m.Refused(
        "leg_not_found", f"There is no leg {leg} in this call.", "Look at the call's legs.", gone=True
    )


def _no_person(person: str) -> m.Refused:
    return m.Refused("person_not_found", f"There is no person {person}.", "Look at the list.", gone=True)


def _no_mailbox(mailbox: str) -> m.Refused:
    return m.Refused(
        "mailbox_not_found",
        f"There is no mailbox {mailbox}.",
        "It is the id of a person or department.",
        gone=True,
    )
