"""What extensions and numbers lead to, as it is shown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pydantic import BaseModel, Field
from sqlalchemy.ext.asyncio import AsyncConnection

from tongdai.core.tenancy import TenantId
from tongdai.directory import menu_service as menus
from tongdai.tenants.department import store as departments
from tongdai.tenants.extension.model import Destination as Kind
from tongdai.tenants.person.store import rows as people
from tongdai.tenants.room.store import rows as rooms

DestinationKind = Literal["person", "department", "room", "menu", "music"]


class Destination(BaseModel):
    """Where a call goes."""

    kind: DestinationKind
    id: str = Field(description="Of the person, department, room or menu; empty for music.")
    name: str = Field(examples=["Sales"])


def kind_of(shown: DestinationKind) -> Kind:
    """What the stores call it: a menu is a flow."""
    return Kind.FLOW if shown == "menu" else Kind(shown)


async def show(
    tenant: TenantId, connection: AsyncConnection, led: Sequence[tuple[str, str]]
) -> list[Destination]:
    """Kinds and targets as the stores have them, each with its name."""
    targets = {kind: [target for x, target in led if x == kind] for kind, _ in led}
    names: dict[tuple[str, str], str] = {(Kind.MUSIC, ""): "hold music"}
    for kind, rows in ((Kind.PERSON, people), (Kind.DEPARTMENT, departments.rows), (Kind.ROOM, rooms)):
        if kind in targets:
            found = await rows.where_in(tenant, connection, "id", targets[kind])
            names |= {(kind, x.id): x.name for x in found}
    if Kind.FLOW in targets:
        names |= {(Kind.FLOW, x.id): x.flow.label for x in await menus.published(tenant, connection)}
    return [
        Destination(kind=_KINDS[kind], id=target, name=names.get((kind, target), "")) for kind, target in led
    ]


_KINDS: dict[str, DestinationKind] = {
    Kind.PERSON: "person",
    Kind.DEPARTMENT: "department",
    Kind.ROOM: "room",
    Kind.FLOW: "menu",
    Kind.MUSIC: "music",
}
