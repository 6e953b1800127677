"""Prompts' rules: what is played somewhere stays."""

from __future__ import annotations

import json
from collections.abc import Sequence

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from tongdai.core.ids import new_id
from tongdai.core.tenancy import TenantId
from tongdai.tenants.checks import check_name
from tongdai.tenants.errors import NotFound, Taken
from tongdai.tenants.flow import store as flows
from tongdai.tenants.phrase import store as phrases
from tongdai.tenants.prompt.model import Prompt, Use
from tongdai.tenants.prompt.schema import NewPrompt
from tongdai.tenants.prompt.store import rows
from tongdai.tenants.tenant import store as tenants


async def create(tenant: TenantId, connection: AsyncConnection, new: NewPrompt) -> Prompt:
    new.check()
    prompt = Prompt(id=new_id("prompt"), **msgspec.structs.asdict(new))
    await rows.insert(tenant, connection, [prompt])
    return prompt


async def get(tenant: TenantId, connection: AsyncConnection, prompt: str) -> Prompt:
    found = await rows.get(tenant, connection, prompt)
    if found is None:
        raise NotFound("prompt", prompt)
    return found


async def of_blob(tenant: TenantId, connection: AsyncConnection, blob: str) -> Prompt | None:
    """The prompt whose sound this is."""
    found = await rows.where(tenant, connection, blob=blob) if blob else []
    return found[0] if found else None


async def rename(tenant: TenantId, connection: AsyncConnection, prompt: str, name: str) -> Prompt:
    check_name(name)
    if not await rows.update(tenant, connection, prompt, name=name):
        raise NotFound("prompt", prompt)
    return await get(tenant, connection, prompt)


async def uses(tenant: TenantId, connection: AsyncConnection, prompt: str) -> list[Use]:
    """Everywhere callers hear it now."""
    return (await uses_of(tenant, connection, [await get(tenant, connection, prompt)]))[prompt]


async def uses_of(
    tenant: TenantId, connection: AsyncConnection, prompts: Sequence[Prompt]
) -> dict[str, list[Use]]:
    """The same of several, by their ids, with the flows of the company read once."""
    if not prompts:
        return {}
    # the name of a blob is nobody's to guess: where it stands in a graph, it is played
    graphs = [x.graph for x in await flows.rows.where(tenant, connection, published=True)]
    owner = await tenants.get(tenant, connection)
    replaced = await phrases.rows.where_in(tenant, connection, "blob", [x.blob for x in prompts])
    found: dict[str, list[Use]] = {}
    for prompt in prompts:
        blob = prompt.blob
        used = [Use("flow", json.loads(graph)["label"]) for graph in graphs if blob.encode() in graph]
        if owner is not None and owner.music_blob == blob:
            used.append(Use("music", ""))
        found[prompt.id] = used + [Use("phrase", x.key) for x in replaced if x.blob == blob]
    return found


async def delete(tenant: TenantId, connection: AsyncConnection, prompt: str) -> bool:
    """Delete a prompt that is played nowhere. Returns whether its sound may go, too: a former version of a
    flow that plays it can be published again."""
    found = await get(tenant, connection, prompt)
    if used := await uses(tenant, connection, prompt):
        raise Taken(
            "prompt_in_use",
            f"“{found.name}” is played as {', '.join(map(str, used))}.",
            "Choose other sound there first.",
        )
    await rows.delete(tenant, connection, prompt)
    return not any(found.blob.encode() in x.graph for x in await flows.rows.where(tenant, connection))
