"""The read model: everything control needs of the configuration, in memory and immutable."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar

import msgspec
from sqlalchemy import Connection, Table, select

from tongdai.core.tenancy import TenantId
from tongdai.db import Database, tables
from tongdai.tenants.changes import sequence
from tongdai.tenants.department.model import Department, Member
from tongdai.tenants.device.model import Device
from tongdai.tenants.extension.model import Destination, Extension
from tongdai.tenants.flow.model import FlowVersion
from tongdai.tenants.number.model import Number
from tongdai.tenants.person.model import Person
from tongdai.tenants.phrase.model import Phrase
from tongdai.tenants.room.model import Room
from tongdai.tenants.tenant.model import Tenant
from tongdai.tenants.trunk.model import TenantTrunk, Trunk, TrunkRow


class PersonConfig(msgspec.Struct, frozen=True):
    """`extension` is empty for who cannot be called."""

    id: str
    name: str
    extension: str


class DepartmentConfig(msgspec.Struct, frozen=True):
    """`members` are person ids in the order in which they are tried."""

    id: str
    name: str
    extension: str
    kind: str
    members: tuple[str, ...]


class RoomConfig(msgspec.Struct, frozen=True):
    id: str
    name: str
    extension: str
    pin: str
    tones: bool = True


class TenantConfig(msgspec.Struct, frozen=True, kw_only=True):
    """One tenant. `trunks` are ids in the order in which they are tried; `flows` holds every version."""

    id: TenantId
    name: str
    domain: str
    country: str
    language: str
    ring_seconds: float
    main_number: str
    allowed_countries: frozenset[str]
    music_blob: str
    sha256_digest: bool
    trunks: tuple[str, ...]
    people: tuple[PersonConfig, ...]
    devices: tuple[Device, ...]
    departments: tuple[DepartmentConfig, ...]
    rooms: tuple[RoomConfig, ...]
    flows: tuple[FlowVersion, ...]
    extensions: tuple[Extension, ...]
    numbers: tuple[Number, ...]
    phrases: tuple[Phrase, ...] = ()
    outside_calls: int = 0
    outside_per_second: float = 0.0
    feature_codes: Mapping[str, str] = {}


class ProviderConfig(msgspec.Struct, frozen=True):
    """Everything as of one moment; `seq` tells of which (`changes.sequence`)."""

    trunks: tuple[Trunk, ...]
    tenants: tuple[TenantConfig, ...]
    seq: int = 0


M = TypeVar("M", bound=msgspec.Struct)
T = TypeVar("T")


async def load(db: Database) -> ProviderConfig:
    """Everything, read off the event loop."""
    return await db.read_in_thread(read)


def read(connection: Connection, only: TenantId | None = None) -> ProviderConfig:
    """What this transaction sees; with `only`, of the tenants this one (none when it does not exist)."""
    # first: what is committed meanwhile may or may not be in the rest, and is looked for again
    seq = sequence(connection)
    of_trunk = [tables.trunk.c[field] for field in TrunkRow.__struct_fields__]
    every_trunk = connection.execute(select(*of_trunk).order_by(tables.trunk.c.id))
    trunks = [TrunkRow(*row).trunk for row in every_trunk]
    columns = [tables.tenant.c[field] for field in Tenant.__struct_fields__]
    every = select(*columns).order_by(tables.tenant.c.id)
    wanted = every if only is None else every.where(tables.tenant.c.id == only)
    tenants = [Tenant(*row) for row in connection.execute(wanted)]
    uses = _by_tenant(connection, only, tables.tenant_trunk, TenantTrunk, "position")
    people = _by_tenant(connection, only, tables.person, Person, "id")
    devices = _by_tenant(connection, only, tables.device, Device, "id")
    departments = _by_tenant(connection, only, tables.department, Department, "id")
    members = _by_tenant(connection, only, tables.department_member, Member, "position")
    rooms = _by_tenant(connection, only, tables.room, Room, "id")
    flows = _by_tenant(connection, only, tables.flow, FlowVersion, "id", "version")
    extensions = _by_tenant(connection, only, tables.extension, Extension, "extension")
    numbers = _by_tenant(connection, only, tables.number, Number, "number")
    phrases = _by_tenant(connection, only, tables.phrase, Phrase, "key")
    configs = []
    for tenant in tenants:
        reached_by = {(x.kind, x.target): x.extension for x in extensions[tenant.id]}
        staff: defaultdict[str, list[str]] = defaultdict(list)
        for member in members[tenant.id]:
            staff[member.department].append(member.person)
        settings: dict[str, Any] = msgspec.structs.asdict(tenant)
        settings["allowed_countries"] = frozenset(tenant.allowed_countries)
        configs.append(
            TenantConfig(
                **settings,
                trunks=tuple(use.trunk for use in uses[tenant.id]),
                people=tuple(
                    PersonConfig(x.id, x.name, reached_by.get((Destination.PERSON, x.id), ""))
                    for x in people[tenant.id]
                ),
                devices=tuple(devices[tenant.id]),
                departments=tuple(
                    DepartmentConfig(
                        x.id,
                        x.name,
                        reached_by.get((Destination.DEPARTMENT, x.id), ""),
                        x.kind,
                        tuple(staff[x.id]),
                    )
                    for x in departments[tenant.id]
                ),
                rooms=tuple(
                    RoomConfig(x.id, x.name, reached_by.get((Destination.ROOM, x.id), ""), x.pin, x.tones)
                    for x in rooms[tenant.id]
                ),
                flows=tuple(flows[tenant.id]),
                extensions=tuple(extensions[tenant.id]),
                numbers=tuple(numbers[tenant.id]),
                phrases=tuple(phrases[tenant.id]),
            )
        )
    return ProviderConfig(tuple(trunks), tuple(configs), seq)


def _by_tenant(
    connection: Connection, only: TenantId | None, table: Table, model: type[M], *order: str
) -> defaultdict[TenantId, list[M]]:
    columns = [table.c[field] for field in model.__struct_fields__]
    grouped: defaultdict[TenantId, list[M]] = defaultdict(list)
    rows = select(table.c.tenant, *columns).order_by(*(table.c[name] for name in order))
    for tenant, *values in connection.execute(rows if only is None else rows.where(table.c.tenant == only)):
        grouped[tenant].append(model(*values))
    return grouped


def with_tenant(old: ProviderConfig, tenant: TenantId, part: ProviderConfig) -> ProviderConfig:
    """`old` with this tenant, and the trunks, as `part` has them."""
    others = [x for x in old.tenants if x.id != tenant]
    tenants = sorted([*others, *part.tenants], key=lambda x: x.id)
    return ProviderConfig(part.trunks, tuple(tenants), part.seq)


def with_former(new: ProviderConfig, old: ProviderConfig) -> ProviderConfig:
    """`new`, in which the tenants that are as they were are the very objects of `old`: what is made of a
    tenant's configuration is made anew for the others only (`PerTenant`)."""
    former = {tenant.id: tenant for tenant in old.tenants}
    same = (former[x.id] if former.get(x.id) == x else x for x in new.tenants)
    return msgspec.structs.replace(new, tenants=tuple(same))


def with_departed(new: ProviderConfig, old: ProviderConfig) -> ProviderConfig:
    """`new`, with those tenants of `old` that are gone: nothing leads to them any more, but their last calls
    can end in good order."""
    here = {tenant.id for tenant in new.tenants}
    # in front, since a domain may have gone from one of them to a new tenant
    gone = tuple(_departed(x) for x in old.tenants if x.id not in here)
    return msgspec.structs.replace(new, tenants=gone + new.tenants)


def _departed(tenant: TenantConfig) -> TenantConfig:
    if not (tenant.trunks or tenant.devices or tenant.extensions or tenant.numbers):
        return tenant
    return msgspec.structs.replace(tenant, trunks=(), devices=(), extensions=(), numbers=())


class Devices:
    """Every device there is: a container of (tenant, id)."""

    def __init__(self, config: ProviderConfig) -> None:
        self._of = PerTenant(lambda tenant: frozenset(x.id for x in tenant.devices), config)

    def follow(self, config: ProviderConfig) -> None:
        """These are the tenants from now on."""
        self._of.follow(config)

    def __contains__(self, device: object) -> bool:
        match device:
            case (str(tenant), str(id_)):
                return id_ in (self._of.get(tenant) or ())
            case _:
                return False


class PerTenant(Generic[T]):
    """What is derived from each tenant's configuration, and derived anew only when that became another
    object: with hundreds of tenants, a change of one costs no more than that one."""

    def __init__(self, derive: Callable[[TenantConfig], T], config: ProviderConfig) -> None:
        self._derive = derive
        self._made: dict[str, tuple[TenantConfig, T]] = {}
        self.follow(config)

    def follow(self, config: ProviderConfig) -> None:
        """These are the tenants from now on."""
        former, self._made = self._made, {}
        for tenant in config.tenants:
            known = former.get(tenant.id)
            if known is None or known[0] is not tenant:
                known = (tenant, self._derive(tenant))
            self._made[tenant.id] = known

    def get(self, tenant: str) -> T | None:
        """None for a tenant that there is not."""
        made = self._made.get(tenant)
        return made[1] if made is not None else None
