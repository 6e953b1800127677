"""Extensions: unique in their tenant, and never in the way of a feature or of an emergency number."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncConnection

from tongdai.core.tenancy import TenantId
from tongdai.tenants.errors import Invalid, NotFound, Taken
from tongdai.tenants.extension.model import Destination, Extension
from tongdai.tenants.extension.store import rows
from tongdai.tenants.features import Codes
from tongdai.tenants.flow import leads
from tongdai.tenants.numbering import check_extension
from tongdai.tenants.person import store as people
from tongdai.tenants.tenant import store as tenants

_MOST_NAMED = 10


async def assign(
    tenant: TenantId, connection: AsyncConnection, extension: str, kind: Destination, target: str
) -> None:
    """Give `target` this extension, in place of the one it had. That the target exists is its own service's
    to know.
    """
    owner = await tenants.get(tenant, connection)
    if owner is None:
        raise NotFound("tenant", tenant)
    check_extension(extension, owner.country, Codes.with_own(owner.feature_codes))
    held = await rows.get(tenant, connection, extension)
    if held is not None and (held.kind, held.target) != (kind, target):
        raise Taken(
            "extension_taken",
            f"The extension {extension} belongs to a {held.kind} already.",
            "Choose another.",
        )
    if held is None:
        await release(tenant, connection, kind, target)
        await rows.insert(tenant, connection, [Extension(extension, kind, target)])


async def assign_music(tenant: TenantId, connection: AsyncConnection, extension: str) -> None:
    """An extension that plays the hold music for ever."""
    await assign(tenant, connection, extension, Destination.MUSIC, "")


async def release(tenant: TenantId, connection: AsyncConnection, kind: Destination, target: str) -> None:
    """Take the extension away from what it leads to, if it has one. Raises `Invalid`, which names them, while
    a menu leads there by it, or people forward their calls to it."""
    for extension in await of(tenant, connection, kind, target):
        await leads.refuse_if_led_to(tenant, connection, f"extension ({extension})", {extension})
        await _refuse_if_forwarded_to(tenant, connection, extension)
        await rows.delete(tenant, connection, extension)


async def retire(tenant: TenantId, connection: AsyncConnection, kind: Destination, target: str) -> None:
    """Take the extension away from what is about to be deleted. Raises `Invalid`, which names them, while
    menus lead there or people forward their calls there. What leads to itself goes with what it leads to."""
    held = await of(tenant, connection, kind, target)
    await leads.refuse_if_led_to(tenant, connection, kind, {target, *held}, but=target)
    for extension in held:
        await _refuse_if_forwarded_to(tenant, connection, extension, but=target)
        await rows.delete(tenant, connection, extension)


async def _refuse_if_forwarded_to(
    tenant: TenantId, connection: AsyncConnection, extension: str, *, but: str = ""
) -> None:
    forwarding = await people.forwarding_to(tenant, connection, extension)
    names = [person.name for person in forwarding if person.id != but]
    if names:
        shown = names if len(names) <= _MOST_NAMED else [*names[:_MOST_NAMED], "…"]
        raise Invalid(
            "forwarded_there",
            f"Calls of these people are forwarded to {extension}: {', '.join(shown)}.",
            "They can change that in their settings, and you can under their names in People.",
            places=shown,
        )


async def of(tenant: TenantId, connection: AsyncConnection, kind: Destination, target: str) -> list[str]:
    """The extensions that lead there: one or none."""
    return [held.extension for held in await rows.where(tenant, connection, kind=kind, target=target)]


async def free(tenant: TenantId, connection: AsyncConnection, begin: str, limit: int) -> list[str]:
    """The first `limit` extensions as long as `begin`, from it upwards, that can be given away."""
    owner = await tenants.get(tenant, connection)
    if owner is None:
        raise NotFound("tenant", tenant)
    taken = {held.extension for held in await rows.where(tenant, connection)}
    codes = Codes.with_own(owner.feature_codes)
    found: list[str] = []
    for number in range(int(begin), 10 ** len(begin)):
        if len(found) == limit:
            break
        if str(number) not in taken and _can_be(str(number), owner.country, codes):
            found.append(str(number))
    return found


def _can_be(extension: str, country: str, codes: Codes) -> bool:
    try:
        check_extension(extension, country, codes)
    except Invalid:
        return False
    return True
