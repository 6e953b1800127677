"""What `tongdai trunk` and `tongdai trunks` do. A tongdai that runs follows within a second."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
from msgspec import UNSET

from tongdai.api.rpc import messages as m
from tongdai.app.asking import ask
from tongdai.app.server_key import server_key
from tongdai.app.stored import Stored, with_stored
from tongdai.tenants.errors import Invalid, NotFound
from tongdai.tenants.tenant import store as tenant_store
from tongdai.tenants.trunk import service, store
from tongdai.tenants.trunk.model import NumberFormat, Trunk, TrunkSettings
from tongdai.tenants.trunk.schema import NewTrunk, TrunkChanges, changed_settings, read_gateway
from tongdai.tenants.trunk.sealed import seal


def add_trunk(
    data: Path | None,
    name: str,
    gateways: Sequence[str],
    country: str | None,
    number_format: str | None,
    given: dict[str, Any],
) -> str:
    """`given` are settings by their names. Raises `TongdaiError`."""
    first, *more = [read_gateway(text) for text in gateways]
    new = NewTrunk(
        name,
        first.host,
        first.port,
        (country or "VN").upper(),
        _format(number_format or "e164"),
        changed_settings(TrunkSettings(), given),
        (first, *more),
    )
    new.check()

    async def work(stored: Stored) -> str:
        settings = _sealed(new.settings, stored)
        async with stored.change("trunk.create") as change:
            sealed = msgspec.structs.replace(new, settings=settings)
            trunk = await service.create(change.connection, sealed)
            change.tell(trunk.id, after=_told(trunk))
        return _shown(trunk, []) + f"\nIts first calls: tongdai trunk open DOMAIN {name!r}\n"

    return with_stored(data, work)


def change_trunk(
    data: Path | None,
    name: str,
    gateways: Sequence[str] | None,
    rename: str | None,
    country: str | None,
    number_format: str | None,
    given: dict[str, Any],
) -> str:
    """Change what is not None or in `given`. Raises `TongdaiError`."""

    async def work(stored: Stored) -> str:
        async with stored.change("trunk.change") as change:
            present = await service.get(change.connection, name)
            changes = TrunkChanges(
                name=UNSET if rename is None else rename,
                country=UNSET if country is None else country.upper(),
                number_format=UNSET if number_format is None else _format(number_format),
                gateways=UNSET if not gateways else tuple(read_gateway(text) for text in gateways),
                settings=_sealed(changed_settings(present.settings, given), stored),
            )
            trunk = await service.change(change.connection, present.id, changes)
            change.tell(trunk.id, before=_told(present), after=_told(trunk))
        return _shown(trunk, [])

    return with_stored(data, work)


def show_trunk(data: Path | None, name: str) -> str:
    """One, and who uses it. Raises `TongdaiError`."""

    async def work(stored: Stored) -> str:
        async with stored.db.read() as connection:
            trunk = await service.get(connection, name)
            using = set(await store.users(connection, trunk.id))
            domains = [x.domain for x in await tenant_store.all_tenants(connection) if x.id in using]
        return _shown(trunk, domains)

    return with_stored(data, work)


def list_trunks(data: Path | None) -> str:
    """One line a trunk."""

    async def work(stored: Stored) -> str:
        async with stored.db.read() as connection:
            found = await store.all_trunks(connection)
        width = max((len(x.name) for x in found), default=0)
        lines = [f"{x.name:{width}}  {', '.join(map(str, x.gateways))}\n" for x in found]
        return "".join(lines) or "There is no trunk yet.\n"

    return with_stored(data, work)


def remove_trunk(data: Path | None, name: str) -> str:
    """Raises `TongdaiError` while somebody uses it."""

    async def work(stored: Stored) -> str:
        async with stored.change("trunk.delete") as change:
            trunk = await service.get(change.connection, name)
            await service.remove(change.connection, trunk.id)
            change.tell(trunk.id, before=_told(trunk))
        return f"{name} is gone.\n"

    return with_stored(data, work)


def open_trunks(data: Path | None, domain: str, names: Sequence[str]) -> str:
    """The tenant's calls go through these, in this order. Raises `TongdaiError`."""

    async def work(stored: Stored) -> str:
        async with stored.change("tenant.trunks") as change:
            tenant = await tenant_store.by_domain(domain, change.connection)
            if tenant is None:
                raise NotFound("tenant", domain)
            wanted = [await service.get(change.connection, name) for name in names]
            await service.open_to(tenant.id, change.connection, [x.id for x in wanted])
            change.tenant = tenant.id
            change.tell(tenant.id, after={"trunks": [x.id for x in wanted]})
        return f"{domain}: {', '.join(x.name for x in wanted) or 'no calls to the outside'}\n"

    return with_stored(data, work)


def trunk_status(data: Path | None, *, as_json: bool) -> str:
    """What the running tongdai knows of each gateway. Raises `TongdaiError` when none runs."""

    async def work(stored: Stored) -> str:
        answer = await ask(stored.data, m.ReadTrunks(), m.TrunkStates)
        if as_json:
            return msgspec.json.format(msgspec.json.encode(answer.gateways)).decode() + "\n"
        return _table(answer.gateways)

    return with_stored(data, work)


def _table(gateways: Sequence[m.TrunkGateway]) -> str:
    rows = [("trunk", "gateway", "state", "since", "registered", "calls", "")]
    for x in gateways:
        at = datetime.fromtimestamp(x.since, UTC).astimezone()
        since = at.strftime("%Y-%m-%d %H:%M:%S") if x.since else "the start"
        registered = "-" if x.registered is None else "yes" if x.registered else "no"
        calls = f"{x.calls}/{x.channels}" if x.channels else str(x.calls)
        rows.append((x.name, x.gateway, "up" if x.up else "DOWN", since, registered, calls, x.why))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "".join(
        "  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)).rstrip() + "\n"
        for row in rows
    )


def _format(text: str) -> NumberFormat:
    try:
        return NumberFormat(text)
    except ValueError:
        known = ", ".join(NumberFormat)
        raise Invalid("bad_format", f"{text!r} is no format of numbers.", f"Use one of {known}.") from None


def _sealed(settings: TrunkSettings, stored: Stored) -> TrunkSettings:
    """With the password as it is kept."""
    return msgspec.structs.replace(settings, password=seal(settings.password, server_key(stored.data)))


def _told(trunk: Trunk) -> dict[str, Any]:
    """For the audit log: that there is a password, not which."""
    settings = msgspec.to_builtins(trunk.settings)
    return {
        **msgspec.to_builtins(trunk),
        "settings": {**settings, "password": bool(settings.get("password"))},
    }


def _shown(trunk: Trunk, domains: Sequence[str]) -> str:
    """Every setting but the password."""
    lines = {
        "name": trunk.name,
        "gateways": ", ".join(
            f"{x} (priority {x.priority}, weight {x.weight})" if len(trunk.gateways) > 1 else str(x)
            for x in trunk.gateways
        ),
        "numbers": f"{trunk.number_format}, {trunk.country}",
    }
    for name in TrunkSettings.__struct_fields__:
        value = getattr(trunk.settings, name)
        if value != getattr(TrunkSettings(), name):
            text = ", ".join(value) if isinstance(value, tuple) else str(value)
            lines[name.replace("_", " ")] = "set" if name == "password" else text
    if domains:
        lines["carries"] = ", ".join(domains)
    width = max(map(len, lines))
    return "".join(f"{name:{width}}  {value}\n" for name, value in lines.items())
