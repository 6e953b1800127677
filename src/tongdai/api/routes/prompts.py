"""Prompts: sound of the company's own, and the music that waiting callers hear."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import FileResponse
from pydantic import BaseModel, Field
from sqlalchemy.ext.asyncio import AsyncConnection

from tongdai.api import etags, problems, sound
from tongdai.api.access import Admin, Member, Scope
from tongdai.api.context import Context, Ctx
from tongdai.api.idempotency import Documented, Once
from tongdai.api.paging import Cursor, Limit, Page, after, following
from tongdai.api.shapes import TENANT, Body, Id, when
from tongdai.api.sound import AUDIO_BODY, SOUND, Kept, Words
from tongdai.core.language import Language, known
from tongdai.core.tenancy import TenantId
from tongdai.tenants.prompt import service as prompts
from tongdai.tenants.prompt.model import Prompt as Stored
from tongdai.tenants.prompt.schema import NewPrompt as NewStored
from tongdai.tenants.prompt.store import rows
from tongdai.tenants.tenant import service as tenants
from tongdai.tenants.tenant.schema import TenantChanges

router = APIRouter(prefix=TENANT, tags=["Prompts"], route_class=Once)

Name = Annotated[str, Field(min_length=1, max_length=100, examples=["Greeting of the new year"])]


class PromptUse(BaseModel):
    """Where callers hear it."""

    kind: str = Field(description="`flow`, `music` or `phrase`.", examples=["flow"])
    name: str = Field(description="Which one.", examples=["An Phát Trading"])


class Prompt(BaseModel):
    """Sound of the company's own. It is at `…/prompts/{id}/sound`."""

    id: str
    name: Name
    seconds: float = Field(examples=[6.4])
    text: str | None = Field(description="What is said, if it was spoken here.")
    language: Language | None = Field(description="In which language it was spoken here.")
    created: datetime
    uses: list[PromptUse] = Field(description="Where callers hear it; what is heard cannot be deleted.")


class NewPrompt(Words):
    """Words that are spoken and kept."""

    name: Name


class PromptChanges(Body):
    """A new name."""

    name: Name


class HoldMusic(BaseModel):
    """What waiting callers hear. The sound is at `…/hold-music/sound`."""

    own: bool = Field(description="False: the music of the house.")
    prompt: Prompt | None = Field(description="The prompt that is played, if it is one.")


class HoldMusicChoice(Body):
    """What waiting callers shall hear."""

    prompt: Annotated[
        str | None, Field(max_length=64, description="A prompt's id; null: the music of the house.")
    ]


async def show(tenant: TenantId, connection: AsyncConnection, stored: Sequence[Stored]) -> list[Prompt]:
    used = await prompts.uses_of(tenant, connection, stored)
    return [
        Prompt(
            id=x.id,
            name=x.name,
            seconds=x.ms / 1000,
            text=x.text or None,
            language=known(x.language) if x.language else None,
            created=when(x.created),
            uses=[PromptUse(kind=use.kind, name=use.name) for use in used[x.id]],
        )
        for x in stored
    ]


async def _shown(tenant: TenantId, connection: AsyncConnection, stored: Stored) -> Prompt:
    return (await show(tenant, connection, [stored]))[0]


async def _keep(scope: Scope, ctx: Context, kept: Kept, name: str, words: Words | None) -> Prompt:
    said = {"text": words.text, "language": words.language} if words is not None else {}
    new = NewStored(name=name, blob=kept.blob, ms=kept.ms, created=ctx.clock.wall(), **said)
    async with ctx.writer.change(scope.tenant, scope.who.actor, "prompt.create") as change:
        stored = await prompts.create(scope.tenant, change.connection, new)
        made = await _shown(scope.tenant, change.connection, stored)
        change.tell(made.id, after=made.model_dump(mode="json", exclude={"id", "uses", "created"}))
    return made


def _located(response: Response, scope: Scope, made: Prompt) -> Prompt:
    return etags.sent(response, made, f"/api/v1/tenants/{scope.tenant}/prompts/{made.id}")


@router.post("/speech", summary="Hear words spoken", response_class=FileResponse, responses=SOUND)
async def speak(scope: Member, body: Words, ctx: Ctx) -> FileResponse:
    """As callers would hear them. Nothing is kept: make a prompt of the same words to keep it."""
    return sound.served(await ctx.speech.wav(body.text, body.language), "speech")


@router.get("/prompts", summary="Prompts")
async def list_prompts(
    scope: Admin,
    ctx: Ctx,
    q: Annotated[str, Query(max_length=100, description="Only those in whose name this is.")] = "",
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[Prompt]:
    """By name."""
    async with ctx.db.read() as connection:
        found = await rows.page(
            scope.tenant, connection, sort="name", after=after(cursor, 2), limit=limit + 1, contains=q
        )
        items = await show(scope.tenant, connection, found[:limit])
    return Page(items=items, next=following(found, limit, lambda x: [x.name, x.id]))


@router.post("/prompts", status_code=201, summary="Have a prompt spoken")
async def create_prompt(
    scope: Admin, body: NewPrompt, response: Response, ctx: Ctx, idempotency_key: Documented = None
) -> Prompt:
    """To be chosen as greeting, music, or in place of a phrase."""
    async with sound.spoken(ctx, scope.tenant, body) as kept:
        return _located(response, scope, await _keep(scope, ctx, kept, body.name, body))


@router.post("/prompts/upload", status_code=201, summary="Upload a prompt", openapi_extra=AUDIO_BODY)
async def upload_prompt(
    scope: Admin,
    name: Annotated[str, Query(min_length=1, max_length=100)],
    request: Request,
    response: Response,
    ctx: Ctx,
    idempotency_key: Documented = None,
) -> Prompt:
    """The body is the sound itself. It is brought to one loudness with everything else that callers hear."""
    async with sound.received(request, ctx) as file, sound.converted(ctx, scope.tenant, file) as kept:
        return _located(response, scope, await _keep(scope, ctx, kept, name, None))


@router.get("/prompts/{prompt}", summary="A prompt", response_model=Prompt)
async def read_prompt(
    prompt: Id, request: Request, response: Response, scope: Admin, ctx: Ctx
) -> Prompt | Response:
    """What it is and where callers hear it."""
    async with ctx.db.read() as connection:
        stored = await prompts.get(scope.tenant, connection, prompt)
        return etags.tagged(request, response, await _shown(scope.tenant, connection, stored))


@router.get(
    "/prompts/{prompt}/sound", summary="Listen to a prompt", response_class=FileResponse, responses=SOUND
)
async def listen(prompt: Id, scope: Admin, ctx: Ctx) -> FileResponse:
    """A WAV file; parts of it by `Range`."""
    async with ctx.db.read() as connection:
        stored = await prompts.get(scope.tenant, connection, prompt)
    return sound.file(ctx, scope.tenant, stored.blob)


@router.patch("/prompts/{prompt}", summary="Rename a prompt")
async def change_prompt(
    prompt: Id,
    scope: Admin,
    body: PromptChanges,
    response: Response,
    ctx: Ctx,
    if_match: etags.IfMatch = None,
) -> Prompt:
    """Callers hear no difference."""
    async with ctx.writer.change(scope.tenant, scope.who.actor, "prompt.change") as change:
        stored = await prompts.get(scope.tenant, change.connection, prompt)
        etags.check(if_match, await _shown(scope.tenant, change.connection, stored))
        renamed = await prompts.rename(scope.tenant, change.connection, prompt, body.name)
        present = await _shown(scope.tenant, change.connection, renamed)
        change.tell(prompt, before={"name": stored.name}, after={"name": present.name})
    return etags.sent(response, present)


@router.delete("/prompts/{prompt}", status_code=204, summary="Delete a prompt")
async def delete_prompt(prompt: Id, scope: Admin, ctx: Ctx, if_match: etags.IfMatch = None) -> None:
    """Refused while callers hear it anywhere; the answer says where."""
    async with ctx.writer.change(scope.tenant, scope.who.actor, "prompt.delete") as change:
        stored = await prompts.get(scope.tenant, change.connection, prompt)
        etags.check(if_match, await _shown(scope.tenant, change.connection, stored))
        sound_goes = await prompts.delete(scope.tenant, change.connection, prompt)
        change.tell(prompt, before={"name": stored.name})
    if sound_goes:
        ctx.blobs.delete(scope.tenant, stored.blob)


async def _music(tenant: TenantId, connection: AsyncConnection) -> HoldMusic:
    blob = (await tenants.get(tenant, connection)).music_blob
    stored = await prompts.of_blob(tenant, connection, blob)
    shown = await _shown(tenant, connection, stored) if stored is not None else None
    return HoldMusic(own=bool(blob), prompt=shown)


@router.get("/hold-music", summary="Hold music", response_model=HoldMusic)
async def hold_music(request: Request, response: Response, scope: Member, ctx: Ctx) -> HoldMusic | Response:
    """What callers of the company hear while they wait."""
    async with ctx.db.read() as connection:
        return etags.tagged(request, response, await _music(scope.tenant, connection))


@router.get(
    "/hold-music/sound", summary="Listen to the hold music", response_class=FileResponse, responses=SOUND
)
async def listen_to_music(scope: Member, ctx: Ctx) -> FileResponse:
    """As callers hear it."""
    async with ctx.db.read() as connection:
        blob = (await tenants.get(scope.tenant, connection)).music_blob
    return sound.file(ctx, scope.tenant, blob) if blob else sound.served(await ctx.speech.music(), "music")


@router.put("/hold-music", summary="Choose the hold music")
async def choose_music(
    scope: Admin, body: HoldMusicChoice, response: Response, ctx: Ctx, if_match: etags.IfMatch = None
) -> HoldMusic:
    """From the next call that waits on."""
    async with ctx.writer.change(scope.tenant, scope.who.actor, "music.change") as change:
        former = await _music(scope.tenant, change.connection)
        etags.check(if_match, former)
        blob = ""
        if body.prompt is not None:
            with problems.referring("prompt"):
                blob = (await prompts.get(scope.tenant, change.connection, body.prompt)).blob
        await tenants.change(scope.tenant, change.connection, TenantChanges(music_blob=blob))
        present = await _music(scope.tenant, change.connection)
        was = former.prompt.name if former.prompt else None
        change.tell(
            scope.tenant, before={"music": was}, after={"music": present.prompt and present.prompt.name}
        )
    return etags.sent(response, present)
