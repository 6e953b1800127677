"""One tenant as its call logic sees it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from tongdai.calls.model import Party
from tongdai.calls.preferences import Preferences
from tongdai.directory import flows
from tongdai.directory.ports import Bindings, Mailboxes, People
from tongdai.directory.routes import Routes
from tongdai.directory.spelling import plain, spellings
from tongdai.flows.ports import Department, MailboxView, Person, RoomConfig
from tongdai.flows.schema import Flow
from tongdai.tenants.config import TenantConfig


class TenantWorld:
    """Implements `flows.ports.World`."""

    def __init__(
        self,
        config: TenantConfig,
        owners: Mapping[str, str],
        bindings: Bindings,
        mailboxes: Mailboxes,
        preferences: People,
        *,
        ring_seconds: float | None = None,
        every_trunk: Iterable[str] = (),
    ) -> None:
        """`ring_seconds` takes the place of the tenant's own setting; the others are as in `Routes`."""
        self.ring_seconds = config.ring_seconds if ring_seconds is None else ring_seconds
        self._tenant = config.id
        self._bindings = bindings
        self._mailboxes = mailboxes
        self._preferences = preferences
        self._routes = Routes(config, owners, every_trunk)
        # people and departments have a mailbox of their own id
        self._people = {x.id: Person(x.id, x.name, x.extension, mailbox=x.id) for x in config.people}
        self._departments = {
            x.id: Department(x.id, x.name, x.extension, x.members, mailbox=x.id) for x in config.departments
        }
        self._rooms = {x.id: RoomConfig(x.id, x.name, x.extension, x.pin, x.tones) for x in config.rooms}
        listed = sorted((x for x in self._people.values() if x.extension), key=lambda x: plain(x.name))
        self._spelled = [(spelling, x) for x in listed for spelling in spellings(x.name)]

    def route(self, dialled: str, by: Party) -> Flow:
        return self._routes.dialled(dialled, by)

    def route_number(self, number: str, by: Party) -> Flow:
        return self._routes.number(number)

    def forward(self, to: str, by: Party) -> Flow | None:
        return self._routes.forward(to, by)

    def voicemail(self, mailbox: str) -> Flow:
        return flows.voicemail(mailbox)

    def route_menu(self, digits: str) -> Flow | None:
        return self._routes.menu(digits)

    def begins_extension(self, digits: str) -> bool:
        return self._routes.begins(digits)

    def flow(self, ref: str) -> Flow | None:
        return self._routes.by_ref(ref)

    def person(self, person: str) -> Person | None:
        return self._people.get(person)

    def department(self, department: str) -> Department | None:
        return self._departments.get(department)

    def room(self, room: str) -> RoomConfig | None:
        return self._rooms.get(room)

    def mailbox(self, mailbox: str) -> MailboxView | None:
        return self._mailboxes.view(self._tenant, mailbox)

    def check_pin(self, mailbox: str, pin: str) -> bool:
        return self._mailboxes.check_pin(self._tenant, mailbox, pin)

    def bindings(self, person: str) -> Sequence[str]:
        return self._bindings.of(person) if person in self._people else ()

    def preferences(self, person: str) -> Preferences:
        return self._preferences.of(self._tenant, person)

    def spelled(self, digits: str) -> Sequence[Person]:
        found = {person.id: person for keys, person in self._spelled if digits and keys.startswith(digits)}
        return list(found.values())
