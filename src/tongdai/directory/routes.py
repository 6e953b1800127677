"""A tenant's number plan: from what was dialled to a flow, and from a flow's `ref` back to the flow."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from tongdai.calls.model import Party
from tongdai.core.log import get_logger
from tongdai.directory import flows
from tongdai.flows.schema import Flow
from tongdai.tenants.config import TenantConfig
from tongdai.tenants.extension.model import Destination
from tongdai.tenants.features import FORWARDS, PREFERENCES, Codes, Feature
from tongdai.tenants.numbering import country_of, is_emergency, outside_number

log = get_logger(__name__)


class Routes:
    """Every flow of a tenant that does not depend on a number is made once and shared."""

    def __init__(
        self, config: TenantConfig, owners: Mapping[str, str], every_trunk: Iterable[str] = ()
    ) -> None:
        """`owners` maps every number hosted here (E.164) to its tenant. `every_trunk`: an emergency call may
        use also those that are not the tenant's.
        """
        self._config = config
        self._owners = owners
        self._every_trunk = every_trunk
        self._people = {x.id: x for x in config.people}
        self._codes = Codes.with_own(config.feature_codes)
        self._inside: dict[str, Flow] = {}
        self._menu: dict[str, Flow] = {}
        self._numbers: dict[str, Flow] = {}
        self._by_ref: dict[str, Flow] = {}
        self._made: dict[str, Callable[[str], Flow]] = {
            "outside": lambda number: flows.outside(number, config.trunks, config.main_number),
            "emergency": self._emergency,
            "pickup": self._pickup,
            "intercom": self._intercom,
            "prefer": lambda rest: flows.prefer(*rest.split(":", 1)),
            "hosted": lambda number: flows.hosted(number, config.main_number),
            "unknown": flows.unknown,
            "forbidden": flows.not_permitted,
            "unreachable": flows.unreachable,
            "voicemail": flows.voicemail,
            "originate": lambda rest: flows.originate(*rest.split(":", 1)),
        }
        self._build()
        self._begun = {digits[:length] for digits in self._menu for length in range(1, len(digits))}

    def _build(self) -> None:
        config = self._config
        inside: dict[tuple[str, str], Flow] = {(Destination.MUSIC, ""): flows.music()}
        outsiders: dict[tuple[str, str], Flow] = {}
        for person in config.people:
            inside[Destination.PERSON, person.id] = flows.person(person)
        for department in config.departments:
            inside[Destination.DEPARTMENT, department.id] = flows.department(department)
        outsiders.update(inside)
        for room in config.rooms:
            inside[Destination.ROOM, room.id] = flows.room(room)
            if room.pin:
                outsiders[Destination.ROOM, room.id] = flows.room_with_pin(room)
        for stored in config.flows:
            try:
                flow = flows.decode(stored)
            except ValueError as error:
                log.error("a stored flow cannot be read", tenant=config.id, flow=stored.id, error=str(error))
                continue
            self._by_ref[flow.ref] = flow
            if stored.published:
                inside[Destination.FLOW, stored.id] = outsiders[Destination.FLOW, stored.id] = flow
        for extension in config.extensions:
            target = (extension.kind, extension.target)
            if target in inside:
                self._inside[extension.extension] = inside[target]
            if target in outsiders and extension.kind not in (Destination.FLOW, Destination.MUSIC):
                self._menu[extension.extension] = outsiders[target]
        for number in config.numbers:
            if (number.kind, number.target) in outsiders:
                self._numbers[number.number] = outsiders[number.kind, number.target]
        self._mailboxes = {x.id: flows.own_mailbox(x) for x in config.people}
        self._features = {Feature.ECHO_TEST: flows.echo(), Feature.DIRECTORY: flows.by_name()}
        self._features |= {feature: flows.prefer(*changed) for feature, changed in PREFERENCES.items()}
        self._parking = {slot: flows.park(slot) for slot in self._codes.parking}
        for made in (inside, outsiders, self._mailboxes, self._features, self._parking):
            self._by_ref.update((flow.ref, flow) for flow in made.values())

    def dialled(self, dialled: str, by: Party) -> Flow:
        """See `flows.ports.World.route`."""
        if is_emergency(self._config.country, dialled):
            return self._emergency(dialled)
        if by.person not in self._people:
            return self._menu.get(dialled) or flows.unknown(dialled)
        known = self._inside.get(dialled) or self._parking.get(dialled) or self._feature(dialled, by.person)
        return known or self._outside(dialled)

    def _feature(self, dialled: str, person: str) -> Flow | None:
        found = self._codes.find(dialled)
        if found is None:
            return None
        feature, rest = found
        if feature is Feature.MAILBOX:
            return self._mailboxes[person]
        if feature is Feature.PICKUP:
            return self._pickup(rest)
        if feature is Feature.INTERCOM:
            return self._intercom(rest)
        if feature in FORWARDS:
            return flows.prefer(FORWARDS[feature], rest)
        return self._features.get(feature)

    def _emergency(self, number: str) -> Flow:
        trunks = tuple(dict.fromkeys((*self._config.trunks, *self._every_trunk)))
        return flows.emergency(number, trunks, self._config.main_number)

    def _who(self, extension: str) -> tuple[Flow | None, str, str]:
        """What an extension leads to, and of which kind and id that is."""
        flow = self._inside.get(extension)
        kind, _, id_ = flow.ref.partition(":") if flow is not None else ("", "", "")
        return flow, kind, id_

    def _pickup(self, extension: str) -> Flow:
        flow, kind, id_ = self._who(extension)
        code = self._codes.of[Feature.PICKUP] + extension
        if kind == Destination.PERSON:
            return flows.pickup(extension, code, person=id_)
        if flow is not None and kind == Destination.DEPARTMENT:
            return flows.pickup(extension, code, flow=flow.ref)
        return flows.unknown(code)

    def _intercom(self, extension: str) -> Flow:
        flow, kind, id_ = self._who(extension)
        if flow is not None and kind == Destination.PERSON:
            return flows.intercom(extension, flow.label, person=id_)
        if flow is not None and kind == Destination.DEPARTMENT:
            return flows.intercom(extension, flow.label, department=id_)
        return flows.unknown(self._codes.of[Feature.INTERCOM] + extension)

    def _outside(self, dialled: str) -> Flow:
        number = outside_number(dialled, self._config.country)
        if number is None:
            return flows.unknown(dialled)
        if number in self._owners:
            return flows.hosted(number, self._config.main_number)
        if country_of(number) not in self._config.allowed_countries:
            return flows.not_permitted(number)
        if not self._config.trunks:
            return flows.unreachable(number)
        return flows.outside(number, self._config.trunks, self._config.main_number)

    def forward(self, to: str, by: Party) -> Flow | None:
        """See `flows.ports.World.forward`."""
        if by.person not in self._people or is_emergency(self._config.country, to):
            return None
        flow = self._inside.get(to)
        if flow is None:
            flow = self._outside(to)
            return flow if flow.kind in ("outside", "hosted") else None
        return flow if flow.ref != f"person:{by.person}" else None

    def number(self, number: str) -> Flow:
        """What a call from outside to one of the tenant's numbers reaches."""
        return self._numbers.get(number) or flows.unknown(number)

    def menu(self, digits: str) -> Flow | None:
        """What a caller in a menu may dial: people, departments, and rooms with the PIN."""
        return self._menu.get(digits)

    def begins(self, digits: str) -> bool:
        """Whether further digits make something that a caller in a menu may dial."""
        return digits in self._begun

    def by_ref(self, ref: str) -> Flow | None:
        """The flow of a call in progress, None when what it led to is gone."""
        flow = self._by_ref.get(ref)
        if flow is not None:
            return flow
        kind, _, rest = ref.partition(":")
        make = self._made.get(kind)
        return make(rest) if make is not None else None
