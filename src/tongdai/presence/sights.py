"""Who may watch what, and what there is to see of it now."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from tongdai.calls.model import Call, LegState, Party, TenantState
from tongdai.flows.ports import World
from tongdai.presence.packages import Mail, Package, State, Talk, Watched

_RINGING = frozenset({LegState.OFFERED, LegState.ALERTING, LegState.CALLING, LegState.RINGING})


class Sights:
    """One tenant's people see each other, and nothing of another tenant's."""

    def __init__(self, worlds: Mapping[str, World], states: Callable[[str], TenantState]) -> None:
        """`states` gives the live state of a tenant."""
        self._worlds = worlds
        self._states = states

    def find(self, tenant: str, by: Party, username: str, user: str, package: Package) -> Watched | None:
        """What a device, which is `by`'s and is called `username`, means by the user of a URI; None when
        there is nothing, or nothing that it may see. One's own name means oneself."""
        world = self._worlds.get(tenant)
        if world is None:
            return None
        flow = world.route(by.number if user in ("", username) else user, by)
        kind, _, id_ = flow.ref.partition(":")
        if "mailbox" in package.subjects:
            department = world.department(id_) if kind == "department" else None
            mine = kind in ("person", "mailbox") and id_ == by.person
            if mine or (department is not None and by.person in department.members):
                return Watched(tenant, "mailbox", id_)
        elif kind == "person" and "person" in package.subjects:
            return Watched(tenant, "person", id_)
        elif kind == "park" and "park" in package.subjects:
            return Watched(tenant, "park", id_)
        elif kind == "prefer" and id_.startswith("dnd") and "dnd" in package.subjects:
            return Watched(tenant, "dnd", by.person)  # the lamp of the key that he dials the code with
        return None

    def look(self, watched: Watched) -> State | None:
        """Its state now; None when it is gone."""
        world, state = self._worlds.get(watched.tenant), self._states(watched.tenant)
        if world is None:
            return None
        if watched.subject == "mailbox":
            view = world.mailbox(watched.id)
            if view is None:
                return None
            saved = sum(message.saved for message in view.messages)
            return State(mail=Mail(len(view.messages) - saved, saved))
        if watched.subject == "park":
            return State(talks=tuple(_parked(state, watched.id)))
        if world.person(watched.id) is None:
            return None
        dnd = world.preferences(watched.id).dnd
        if watched.subject == "dnd":
            return State(dnd=dnd)
        return State(
            talks=tuple(_talks(state.calls.values(), watched.id)),
            registered=bool(world.bindings(watched.id)),
            dnd=dnd,
        )


def _talks(calls: Iterable[Call], person: str) -> Iterable[Talk]:
    """Every call that somebody is in or that rings for them; several phones that ring are one."""
    for call in calls:
        legs = [
            leg
            for leg in call.legs.values()
            if leg.party.person == person and (leg.state in _RINGING or leg.state is LegState.ANSWERED)
        ]
        if not legs:
            continue
        leg = next((leg for leg in legs if leg.state is LegState.ANSWERED), legs[0])
        far = call.other(leg.id)
        party = far.party if far is not None else call.caller if leg.id != call.subject else None
        number = party.seen.number if party is not None else call.dialled
        name = party.seen.name if party is not None else ""
        yield Talk(leg.id, leg.inbound, leg.state is LegState.ANSWERED, number, name)


def _parked(state: TenantState, slot: str) -> Iterable[Talk]:
    call = state.calls.get(state.parking.get(slot, ""))
    leg = call.legs.get(call.subject) if call is not None else None
    if leg is not None:
        yield Talk(leg.id, False, True, leg.party.seen.number, leg.party.seen.name)
