"""Phrases: what callers are told, and sound of the company's own in place of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request, Response
from fastapi.responses import FileResponse
from pydantic import BaseModel, Field
from sqlalchemy.ext.asyncio import AsyncConnection

from tongdai.api import etags, problems, sound
from tongdai.api.access import Admin
from tongdai.api.context import Ctx
from tongdai.api.routes.prompts import Prompt, show
from tongdai.api.shapes import TENANT, Body
from tongdai.api.sound import SOUND
from tongdai.core.language import Language, known
from tongdai.core.tenancy import TenantId
from tongdai.speech import phrases as catalogue
from tongdai.tenants.phrase import service as phrases
from tongdai.tenants.phrase.schema import NewPhrase
from tongdai.tenants.phrase.store import rows
from tongdai.tenants.prompt import service as prompts
from tongdai.tenants.prompt.store import rows as prompt_rows
from tongdai.tenants.tenant import service as tenants

router = APIRouter(prefix=TENANT + "/phrases", tags=["Phrases"])


class CallerPhrase(BaseModel):
    """Something that tongdai tells callers. What they hear is at `…/phrases/{key}/sound`."""

    key: str = Field(examples=["queue.welcome"])
    text: str = Field(
        description="As tongdai says it in the language of the company; what differs from call to call in "
        "braces.",
        examples=["{name} is not available."],
    )
    own: bool = Field(description="Whether the company's own sound is played in its place.")
    prompt: Prompt | None = Field(description="The prompt that is played, if it is one.")


class PhraseChoice(Body):
    """What shall be played."""

    prompt: Annotated[
        str | None, Field(max_length=64, description="A prompt's id; null: tongdai speaks again.")
    ]


def _known(
    phrase: Annotated[
        str, Path(pattern=r"^[a-z]+([._][a-z]+)*$", max_length=100, examples=["queue.welcome"])
    ],
    _: Admin,
) -> str:
    if phrase not in catalogue.CATALOGUES["en"]:
        raise problems.not_found("phrase", phrase)
    return phrase


Key = Annotated[str, Depends(_known)]


async def _language(tenant: TenantId, connection: AsyncConnection) -> Language:
    return known((await tenants.get(tenant, connection)).language)


async def _shown(tenant: TenantId, connection: AsyncConnection, keys: Sequence[str]) -> list[CallerPhrase]:
    language = await _language(tenant, connection)
    own = {x.key: x.blob for x in await rows.where_in(tenant, connection, "key", keys)}
    stored = await prompt_rows.where_in(tenant, connection, "blob", list(own.values()))
    shown = await show(tenant, connection, stored)
    by_blob = {x.blob: prompt for x, prompt in zip(stored, shown, strict=True)}
    return [
        CallerPhrase(
            key=key,
            text=catalogue.sample(key, language),
            own=key in own,
            prompt=by_blob.get(own.get(key, "")),
        )
        for key in keys
    ]


@router.get("", summary="Phrases")
async def list_phrases(scope: Admin, ctx: Ctx) -> list[CallerPhrase]:
    """All of them, in the order in which a caller may come to hear them."""
    async with ctx.db.read() as connection:
        return await _shown(scope.tenant, connection, list(catalogue.CATALOGUES["en"]))


@router.get("/{phrase}", summary="A phrase", response_model=CallerPhrase)
async def read_phrase(
    phrase: Key, request: Request, response: Response, scope: Admin, ctx: Ctx
) -> CallerPhrase | Response:
    """What callers are told, and whether they hear sound of the company's own."""
    async with ctx.db.read() as connection:
        (shown,) = await _shown(scope.tenant, connection, [phrase])
    return etags.tagged(request, response, shown)


@router.get("/{phrase}/sound", summary="Listen to a phrase", response_class=FileResponse, responses=SOUND)
async def listen(phrase: Key, scope: Admin, ctx: Ctx) -> FileResponse:
    """What callers hear now. Where tongdai speaks, the name of what differs from call to call is said."""
    async with ctx.db.read() as connection:
        own = await rows.get(scope.tenant, connection, phrase)
        language = await _language(scope.tenant, connection)
    if own is not None:
        return sound.file(ctx, scope.tenant, own.blob)
    words = catalogue.sample(phrase, language).translate({ord("{"): "", ord("}"): ""})
    return sound.served(await ctx.speech.wav(words, language), phrase)


@router.put("/{phrase}", summary="Choose what is played in place of a phrase")
async def choose(
    phrase: Key,
    scope: Admin,
    body: PhraseChoice,
    response: Response,
    ctx: Ctx,
    if_match: etags.IfMatch = None,
) -> CallerPhrase:
    """From the next caller on. A phrase in which something differs from call to call loses that."""
    async with ctx.writer.change(scope.tenant, scope.who.actor, "phrase.change") as change:
        (former,) = await _shown(scope.tenant, change.connection, [phrase])
        etags.check(if_match, former)
        if body.prompt is not None:
            with problems.referring("prompt"):
                blob = (await prompts.get(scope.tenant, change.connection, body.prompt)).blob
            await phrases.put(scope.tenant, change.connection, NewPhrase(phrase, blob))
        elif former.own:
            await phrases.remove(scope.tenant, change.connection, phrase)
        (present,) = await _shown(scope.tenant, change.connection, [phrase])
        change.tell(phrase, before={"sound": _sound(former)}, after={"sound": _sound(present)})
    return etags.sent(response, present)


def _sound(shown: CallerPhrase) -> str | None:
    """For the audit log."""
    return shown.prompt.name if shown.prompt is not None else "uploaded" if shown.own else None
