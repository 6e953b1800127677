"""Voicemail."""

from __future__ import annotations

from datetime import datetime

from fastapi import APIRouter
from fastapi.responses import FileResponse
from pydantic import BaseModel

from tongdai.api import shapes
from tongdai.api.access import Member, Scope
from tongdai.api.context import Context, Ctx
from tongdai.api.problems import not_found
from tongdai.api.rpc import messages as m
from tongdai.api.shapes import TENANT, Body, Id, when
from tongdai.flows.ports import Message as Stored

router = APIRouter(prefix=TENANT + "/mailboxes/{mailbox}", tags=["Voicemail"])


class Message(BaseModel):
    """A message. Its sound is at `…/messages/{id}/sound`."""

    id: str
    caller: shapes.Party
    at: datetime
    seconds: float
    saved: bool


class MessageChanges(Body):
    """A message was heard, and is kept."""

    saved: bool


async def _read(scope: Scope, ctx: Context, mailbox: str) -> m.Mailbox:
    box = await ctx.control.ask(m.ReadMailbox(scope.tenant, mailbox), m.Mailbox)
    scope.own(mailbox)
    return box


async def _message(scope: Scope, ctx: Context, mailbox: str, message: str) -> Stored:
    box = await _read(scope, ctx, mailbox)
    found = next((x for x in box.messages if x.id == message), None)
    if found is None:
        raise not_found("message", message)
    return found


def _shown(x: Stored) -> Message:
    return Message(id=x.id, caller=shapes.party(x.caller), at=when(x.at), seconds=x.ms / 1000, saved=x.saved)


@router.get("/messages", summary="Messages")
async def list_messages(mailbox: Id, scope: Member, ctx: Ctx) -> list[Message]:
    """Of the mailbox of a person or department, by its id, oldest first."""
    return [_shown(x) for x in (await _read(scope, ctx, mailbox)).messages]


@router.get("/messages/{message}/sound", summary="Listen to a message", response_class=FileResponse)
async def listen(mailbox: Id, message: Id, scope: Member, ctx: Ctx) -> FileResponse:
    """A WAV file; parts of it by `Range`."""
    found = await _message(scope, ctx, mailbox, message)
    path = ctx.blobs.path(scope.tenant, found.blob)
    if not path.is_file():
        raise not_found("recording", message)
    return FileResponse(path, media_type="audio/wav")


@router.patch("/messages/{message}", summary="Keep a message")
async def keep(mailbox: Id, message: Id, scope: Member, body: MessageChanges, ctx: Ctx) -> Message:
    """It counts as heard."""
    found = _shown(await _message(scope, ctx, mailbox, message))
    if body.saved:
        await ctx.control.ask(m.ChangeMessage(scope.tenant, mailbox, message), m.Done)
    return found.model_copy(update={"saved": found.saved or body.saved})


@router.delete("/messages/{message}", status_code=204, summary="Delete a message")
async def delete(mailbox: Id, message: Id, scope: Member, ctx: Ctx) -> None:
    """With its sound."""
    await _message(scope, ctx, mailbox, message)
    await ctx.control.ask(m.ChangeMessage(scope.tenant, mailbox, message, deleted=True), m.Done)
    await ctx.writer.note(scope.tenant, scope.who.actor, "message.delete", {"target": message})
