"""Sets up the demo's companies in the database, once; later starts find them as they were left."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from tongdai.app.demo import companies as demo
from tongdai.app.demo.companies import Company
from tongdai.app.demo.secrets import FIXED_PASSWORDS, FIXED_PINS, DemoSecrets
from tongdai.calls.prompts import Text
from tongdai.core.ids import new_id
from tongdai.core.tenancy import TenantId
from tongdai.db import Database
from tongdai.directory import menu_service, menus
from tongdai.tenants import credentials
from tongdai.tenants.department import service as departments
from tongdai.tenants.department.schema import NewDepartment
from tongdai.tenants.device import service as devices
from tongdai.tenants.device import store as device_store
from tongdai.tenants.device.model import Device
from tongdai.tenants.device.schema import NewDevice
from tongdai.tenants.extension import service as extensions
from tongdai.tenants.extension import store as extension_store
from tongdai.tenants.extension.model import Destination, Extension
from tongdai.tenants.mailbox import service as mailboxes
from tongdai.tenants.mailbox import store as mailbox_store
from tongdai.tenants.number import service as numbers
from tongdai.tenants.person import service as people
from tongdai.tenants.person import store as person_store
from tongdai.tenants.person.model import Person
from tongdai.tenants.person.schema import NewPerson
from tongdai.tenants.provider import service as provider
from tongdai.tenants.provider import store as provider_store
from tongdai.tenants.provider.schema import NewProvider
from tongdai.tenants.room import service as rooms
from tongdai.tenants.room import store as room_store
from tongdai.tenants.room.schema import NewRoom
from tongdai.tenants.tenant import service as tenants
from tongdai.tenants.tenant import store as tenant_store
from tongdai.tenants.tenant.schema import NewTenant, TenantChanges
from tongdai.tenants.trunk import service as trunks
from tongdai.tenants.trunk import store as trunk_store
from tongdai.tenants.trunk.model import TrunkSettings
from tongdai.tenants.trunk.schema import NewTrunk

_TRUNK = "Carrier"


class Login(msgspec.Struct, frozen=True):
    email: str
    password: str


class SeededDevice(msgspec.Struct, frozen=True):
    username: str
    password: str


class SeededPerson(msgspec.Struct, frozen=True):
    name: str
    extension: str
    email: str
    password: str
    voicemail_pin: str
    devices: list[SeededDevice]


class SeededTenant(msgspec.Struct, frozen=True):
    id: str
    name: str
    domain: str
    admin: Login
    numbers: dict[str, str]
    conference_pin: str
    people: list[SeededPerson]


class Offer(msgspec.Struct, frozen=True):
    """Somebody whom a newcomer may be with one click, as `api.routes.sign_in` reads it."""

    name: str
    company: str
    does: str
    email: str
    password: str


class Seeded(msgspec.Struct, frozen=True):
    """The parts of demo.json that tell of accounts, under its keys."""

    provider: Login
    tenants: list[SeededTenant]


async def seed(
    db: Database,
    secrets: DemoSecrets,
    *,
    bench: bool,
    trunk_host: str,
    trunk_port: int,
    ring_seconds: float,
) -> Seeded:
    """Create what is missing, and let the trunk be at this IP address and port.

    With secrets that are not the fixed ones, no account keeps a fixed password or PIN, and the benchmark's
    tenant, whose password everybody knows, is deleted unless `bench` asks for it, which only who listens on
    loopback may. Everything happens in one transaction."""
    async with db.write() as connection:
        await _provider(connection, secrets)
        trunk = await _trunk(connection, trunk_host, trunk_port)
        seeded = []
        for company in demo.COMPANIES:
            tenant = await tenant_store.by_domain(company.domain, connection)
            if tenant is None:
                tenant_id = await _company(connection, company, secrets, trunk, ring_seconds)
            else:
                tenant_id = tenant.id
                if not secrets.fixed:
                    await _replace_fixed(tenant_id, connection, company, secrets)
            seeded.append(_told(tenant_id, company, secrets))
        bench_tenant = await tenant_store.by_domain(demo.BENCH_DOMAIN, connection)
        if bench and bench_tenant is None:
            await _bench(connection, ring_seconds)
        elif bench_tenant is not None and not bench and not secrets.fixed:
            await tenants.delete(bench_tenant.id, connection)
    email = demo.PROVIDER_EMAIL
    return Seeded(Login(email, secrets.passwords[email]), seeded)


def offers(seeded: Seeded) -> list[Offer]:
    """Whom the page offers to be; only for a demo with fixed passwords."""
    company, data = seeded.tenants[0], demo.COMPANIES[0]
    of = {member: x.name for x in data.departments for member in x.members} | {data.operator: "Operator"}
    people = [
        Offer(x.name, company.name, f"{of[x.extension]}, {x.extension}", x.email, x.password)
        for x in company.people
        if x.extension in of and x.extension in ("101", "102", "104", "105")
    ]
    admin = Offer("Administrator", company.name, "", company.admin.email, company.admin.password)
    return [*people, admin]


async def _provider(connection: AsyncConnection, secrets: DemoSecrets) -> None:
    email = demo.PROVIDER_EMAIL
    stored = await provider_store.get(connection)
    if stored is None:
        await provider.create(connection, NewProvider(demo.PROVIDER_NAME, email, secrets.passwords[email]))
    elif not secrets.fixed and credentials.verify_password(stored.password_hash, FIXED_PASSWORDS[email]):
        await provider.set_password(connection, secrets.passwords[email])


async def _trunk(connection: AsyncConnection, host: str, port: int) -> str:
    for trunk in await trunk_store.all_trunks(connection):
        if trunk.name == _TRUNK:
            await trunks.move(connection, trunk.id, host, port)
            return trunk.id
    # not asked for signs of life: whoever stands in for the carrier may be a script that knows no OPTIONS
    new = NewTrunk(_TRUNK, host, port, settings=TrunkSettings(options_seconds=0))
    return (await trunks.create(connection, new)).id


async def _company(
    connection: AsyncConnection, company: Company, secrets: DemoSecrets, trunk: str, ring_seconds: float
) -> TenantId:
    new = NewTenant(company.name, company.domain, language=company.language, ring_seconds=ring_seconds)
    tenant = (await tenants.create(connection, new)).id
    await trunks.open_to(tenant, connection, [trunk])
    by_extension = await _people(tenant, connection, company, secrets)
    reached = {extension: menus.Target(menus.Kind.PERSON, x) for extension, x in by_extension.items()}
    for department in company.departments:
        members = tuple(by_extension[extension] for extension in department.members)
        new_department = NewDepartment(department.name, department.kind, department.extension, members)
        made = await departments.create(tenant, connection, new_department)
        reached[department.extension] = menus.Target(menus.Kind.DEPARTMENT, made.id)
    room_pin = secrets.pins[f"{company.domain}/{company.room}"]
    room = await rooms.create(tenant, connection, NewRoom(company.room_name, company.room, room_pin))
    flow = await menu_service.create(tenant, connection, _menu(company, reached), company.switchboard)
    await numbers.assign(tenant, connection, company.main_number, Destination.FLOW, flow.id)
    await numbers.assign(tenant, connection, company.conference_number, Destination.ROOM, room.id)
    await tenants.change(tenant, connection, TenantChanges(main_number=company.main_number))
    return tenant


def _menu(company: Company, reached: Mapping[str, menus.Target]) -> menus.Menu:
    by_name = menus.Target(menus.Kind.DIRECTORY, company.operator)
    keys = tuple(menus.Key(x.digit, reached.get(x.extension, by_name), x.label) for x in company.choices)
    main = menus.Choices(greeting=Text(company.greeting), keys=keys, otherwise=reached[company.operator])
    return menus.Menu(company.switchboard_name, main)


async def _people(
    tenant: TenantId, connection: AsyncConnection, company: Company, secrets: DemoSecrets
) -> dict[str, str]:
    """Creates them and the administrator; returns their ids by extension."""
    email = company.admin_email
    await people.create(
        tenant,
        connection,
        NewPerson(name="Administrator", email=email, password=secrets.passwords[email], admin=True),
    )
    ids = {}
    for person in company.people:
        password = secrets.passwords[person.email]
        new = NewPerson(name=person.name, extension=person.extension, email=person.email, password=password)
        created = await people.create(tenant, connection, new)
        ids[person.extension] = created.id
        for username in person.devices:
            await devices.create(
                tenant, connection, NewDevice(created.id, username, secrets.passwords[username])
            )
        pin = secrets.pins[f"{company.domain}/{person.extension}"]
        await mailboxes.set_pin(tenant, connection, created.id, pin, secrets.key)
    return ids


async def _replace_fixed(
    tenant: TenantId, connection: AsyncConnection, company: Company, secrets: DemoSecrets
) -> None:
    """Wherever a password or PIN is still the one that everybody knows, it becomes the secret one."""
    for person in await person_store.rows.where(tenant, connection):
        email = person.email or ""
        known = FIXED_PASSWORDS.get(email)
        if known is not None and credentials.verify_password(person.password_hash, known):
            await people.set_password(tenant, connection, person.id, secrets.passwords[email])
    for device in await device_store.rows.where(tenant, connection):
        known = FIXED_PASSWORDS.get(device.username)
        hashes = credentials.device_hashes(device.username, known) if known is not None else {}
        if hashes.get("ha1_sha256") == device.ha1_sha256:
            await devices.set_password(tenant, connection, device.id, secrets.passwords[device.username])
    for extension in await extension_store.rows.where(tenant, connection):
        name = f"{company.domain}/{extension.extension}"
        known = FIXED_PINS.get(name)
        if known is None:
            continue
        room = await room_store.rows.get(tenant, connection, extension.target)
        if room is not None and room.pin == known:
            await rooms.set_pin(tenant, connection, room.id, secrets.pins[name])
        box = await mailbox_store.rows.get(tenant, connection, extension.target)
        if box is not None and credentials.verify_pin(secrets.key, box.pin_hash, known):
            await mailboxes.set_pin(tenant, connection, box.mailbox, secrets.pins[name], secrets.key)


async def _bench(connection: AsyncConnection, ring_seconds: float) -> None:
    """The benchmark's accounts, straight into their tables: the services look at each, and 2,000 take them
    long.
    """
    new = NewTenant("Benchmark", demo.BENCH_DOMAIN, ring_seconds=ring_seconds)
    tenant = (await tenants.create(connection, new)).id
    names = [str(account) for account in demo.BENCH_ACCOUNTS]
    staff = [Person(new_id("person"), name) for name in names]
    await person_store.rows.insert(tenant, connection, staff)
    await extension_store.rows.insert(
        tenant, connection, [Extension(x.name, Destination.PERSON, x.id) for x in staff]
    )
    owned = [
        Device(new_id("device"), x.id, x.name, **credentials.device_hashes(x.name, demo.BENCH_PASSWORD))
        for x in staff
    ]
    await device_store.rows.insert(tenant, connection, owned)
    await extensions.assign_music(tenant, connection, demo.BENCH_MUSIC)
    await rooms.create(tenant, connection, NewRoom("Benchmark", demo.BENCH_ROOM))


def _told(tenant: TenantId, company: Company, secrets: DemoSecrets) -> SeededTenant:
    passwords, pins, domain = secrets.passwords, secrets.pins, company.domain
    return SeededTenant(
        id=tenant,
        name=company.name,
        domain=domain,
        admin=Login(company.admin_email, passwords[company.admin_email]),
        numbers={"main": company.main_number, "conference": company.conference_number},
        conference_pin=pins[f"{domain}/{company.room}"],
        people=[
            SeededPerson(
                name=x.name,
                extension=x.extension,
                email=x.email,
                password=passwords[x.email],
                voicemail_pin=pins[f"{domain}/{x.extension}"],
                devices=[SeededDevice(name, passwords[name]) for name in x.devices],
            )
            for x in company.people
        ],
    )
