"""Everybody's preferences of this node, in memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from tongdai.calls.commands import SetPreferences
from tongdai.calls.preferences import Preferences
from tongdai.core.log import get_logger
from tongdai.db import Database
from tongdai.db.engine import is_refusal
from tongdai.journal import Journal
from tongdai.journal.behind import WriteBehind
from tongdai.journal.refused import Refused
from tongdai.preferences import store
from tongdai.preferences.store import Change
from tongdai.tenants.config import PerTenant, ProviderConfig, TenantConfig

log = get_logger(__name__)

PREFIX = "preferences/"
"""Changes that are not stored yet."""
KEPT = "preferred/"
"""What everybody has set, for a start without the database."""
_UNCHANGED = Preferences()


class PeoplesPreferences:
    """Answers and changes them without waiting for anything. A change is journaled, applied, stored, and then
    forgotten; each may be stored twice without harm."""

    def __init__(
        self,
        config: ProviderConfig,
        *,
        journal: Journal,
        db: Database,
        refused: Refused,
        linger: float = 0.05,
        on_change: Callable[[str, str], None] | None = None,
    ) -> None:
        """`on_change(tenant, person)` is called when somebody's preferences are others. `refused`
        keeps changes that the database will not take."""
        self._people = PerTenant(_people, config)
        self._journal = journal
        self._db = db
        self._on_change = on_change
        self._set: dict[tuple[str, str], Preferences] = {}
        self._serial = 0
        self._opened = False
        self._refused = refused
        self._behind: WriteBehind[tuple[str, Change]] = WriteBehind(
            "preferences", self._store, is_refusal=is_refusal, set_aside=self._set_aside, linger=linger
        )

    async def open(self, entries: Mapping[str, bytes], *, read: bool = True) -> None:
        """Read the database, apply what was journaled and not stored (`Journal.load()`), and begin to store.
        Without `read`, or when it cannot be read, begin with what the journal has kept of it, and read it as
        soon as that can be."""
        self._recall(entries)
        for key in sorted(key for key in entries if key.startswith(PREFIX)):
            self._serial = int(key[len(PREFIX) :])
            try:
                change = store.decode(entries[key])
            except msgspec.DecodeError as error:
                if self._refused.keep_unread("preferences", key, entries[key], error):
                    self._journal.delete(key)
                continue
            self._set[change.tenant, change.person] = change.preferences
            self._behind.put((key, change))
        await self._behind.start_after(self._read, at_once=read)
        self._opened = True

    def _recall(self, entries: Mapping[str, bytes]) -> None:
        for key, value in entries.items():
            if key.startswith(KEPT):
                try:
                    kept = store.decode(value)
                except msgspec.DecodeError:  # another version's, and but a copy
                    self._journal.delete(key)
                else:
                    self._set[kept.tenant, kept.person] = kept.preferences

    async def _read(self) -> None:
        stored = await store.load(self._db)
        former, self._set = self._set, {}
        for change in [*stored, *(change for _, change in self._behind.waiting())]:
            self._set[change.tenant, change.person] = change.preferences
            self._keep(change)
        for tenant, person in former.keys() - self._set.keys():
            self._journal.delete(_kept(tenant, person))
        if self._opened and self._on_change is not None:
            for whose in former.keys() | self._set.keys():
                if former.get(whose) != self._set.get(whose):
                    self._on_change(*whose)

    def _keep(self, change: Change) -> None:
        self._journal.put(_kept(change.tenant, change.person), store.encode(change))

    def follow(self, config: ProviderConfig) -> None:
        """The people are these from now on."""
        self._people.follow(config)

    @property
    def failing(self) -> bool:
        """The database did not take what was given to it last; it is tried again."""
        return self._behind.failing

    @property
    def backlog(self) -> int:
        """How much is not stored yet."""
        return self._behind.backlog

    async def close(self) -> None:
        """Store what is left; what the database does not take now stays in the journal for the next start."""
        await self._behind.close()

    def of(self, tenant: str, person: str) -> Preferences:
        """How the person's calls are treated; as nobody has changed anything, for who is not of this
        tenant."""
        return self._set.get((tenant, person), _UNCHANGED) if self.knows(tenant, person) else _UNCHANGED

    def knows(self, tenant: str, person: str) -> bool:
        """Whether the tenant has this person."""
        return person in (self._people.get(tenant) or ())

    def prefer(self, tenant: str, command: SetPreferences) -> None:
        """Change them. Of somebody who is not there (any more) nothing is kept."""
        if not self.knows(tenant, command.person):
            log.info("no such person has preferences", tenant=tenant, person=command.person)
            return
        change = Change(tenant, command.person, command.preferences)
        self._serial += 1
        key = f"{PREFIX}{self._serial:016}"
        self._journal.put(key, store.encode(change))
        self._set[tenant, command.person] = command.preferences
        self._keep(change)
        self._behind.put((key, change))
        if self._on_change is not None:
            self._on_change(tenant, command.person)

    async def _store(self, batch: list[tuple[str, Change]]) -> None:
        await store.store(self._db, [change for _, change in batch])
        for key, _ in batch:
            self._journal.delete(key)

    def _set_aside(self, item: tuple[str, Change], error: Exception) -> None:
        self._refused.keep("preferences", item[1], error)
        self._journal.delete(item[0])


def _kept(tenant: str, person: str) -> str:
    return f"{KEPT}{tenant}/{person}"


def _people(tenant: TenantConfig) -> frozenset[str]:
    return frozenset(person.id for person in tenant.people)
