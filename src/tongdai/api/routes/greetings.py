"""Greetings: what callers hear before they leave a message."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse

from tongdai.api import sound
from tongdai.api.access import Member, Scope
from tongdai.api.context import Context, Ctx
from tongdai.api.routes import mailboxes
from tongdai.api.routes.mailboxes import Mailbox
from tongdai.api.rpc import messages as m
from tongdai.api.shapes import TENANT, Id
from tongdai.api.sound import AUDIO_BODY, SOUND, Kept, Words
from tongdai.core.language import known
from tongdai.speech import render
from tongdai.tenants.department import store as departments
from tongdai.tenants.tenant import service as tenants

router = APIRouter(prefix=TENANT + "/mailboxes/{mailbox}/greeting", tags=["Voicemail"])


async def _own(scope: Scope, ctx: Context, mailbox: str) -> m.Mailbox:
    """Whose it is may change it, or an administrator. Raises `Problem`."""
    box = await mailboxes.read(scope, ctx, mailbox)
    scope.own(mailbox)
    return box


async def _set(scope: Scope, ctx: Context, mailbox: str, kept: Kept | None, how: str) -> Mailbox:
    blob = kept.blob if kept is not None else ""
    await ctx.control.ask(m.ChangeGreeting(scope.tenant, mailbox, blob), m.Done)
    note = {"target": mailbox, "greeting": how}
    await ctx.writer.note(scope.tenant, scope.who.actor, "mailbox.greeting", note)
    return mailboxes.shown(await ctx.control.ask(m.ReadMailbox(scope.tenant, mailbox), m.Mailbox))


@router.get("/sound", summary="Listen to a greeting", response_class=FileResponse, responses=SOUND)
async def listen(mailbox: Id, scope: Member, ctx: Ctx) -> FileResponse:
    """What callers hear now, whether it is one's own or spoken by tongdai."""
    box = await mailboxes.read(scope, ctx, mailbox)
    if box.greeting_blob:
        return sound.file(ctx, scope.tenant, box.greeting_blob)
    async with ctx.db.read() as connection:
        spoken = known((await tenants.get(scope.tenant, connection)).language)
        department = await departments.rows.get(scope.tenant, connection, mailbox)
    phrase = f"voicemail.greeting.{'person' if department is None else 'department'}"
    return sound.served(await ctx.speech.wav(render(phrase, {"name": box.label}, spoken), spoken), mailbox)


@router.put("", summary="Have a greeting spoken")
async def speak(mailbox: Id, scope: Member, body: Words, ctx: Ctx) -> Mailbox:
    """One's own words in tongdai's voice. One's own, or (administrators) anybody's."""
    await _own(scope, ctx, mailbox)
    async with sound.spoken(ctx, scope.tenant, body) as kept:
        return await _set(scope, ctx, mailbox, kept, body.text)


@router.put("/sound", summary="Record or upload a greeting", openapi_extra=AUDIO_BODY)
async def upload(mailbox: Id, request: Request, scope: Member, ctx: Ctx) -> Mailbox:
    """The body is the sound itself. One's own, or (administrators) anybody's."""
    await _own(scope, ctx, mailbox)
    async with sound.received(request, ctx) as file, sound.converted(ctx, scope.tenant, file) as kept:
        return await _set(scope, ctx, mailbox, kept, "uploaded")


@router.delete("", status_code=204, summary="Remove a greeting")
async def remove(mailbox: Id, scope: Member, ctx: Ctx) -> None:
    """tongdai speaks again. One's own, or (administrators) anybody's."""
    await _own(scope, ctx, mailbox)
    await _set(scope, ctx, mailbox, None, "spoken by tongdai")
