"""Voicemail: mailboxes and their messages. A person has a mailbox of their own id, a department, too."""

from __future__ import annotations

from datetime import datetime

from fastapi import APIRouter
from fastapi.responses import FileResponse
from pydantic import BaseModel, Field

from tongdai.api import shapes, sound
from tongdai.api.access import Member, Scope
from tongdai.api.context import Context, Ctx
from tongdai.api.problems import not_found
from tongdai.api.rpc import messages as m
from tongdai.api.shapes import TENANT, Body, Id, when
from tongdai.api.sound import SOUND
from tongdai.flows.ports import Message as Stored
from tongdai.tenants.department import store as departments

router = APIRouter(prefix=TENANT + "/mailboxes", tags=["Voicemail"])


class Mailbox(BaseModel):
    """Where messages are left."""

    id: str = Field(description="Of the person or department whose it is.")
    name: str = Field(examples=["Lan Nguyen"])
    own_greeting: bool = Field(description="False: the greeting is spoken by tongdai.")
    has_pin: bool = Field(description="Whether it can be listened to by telephone.")
    new: int = Field(description="Messages that were not heard yet.")
    total: int


class Message(BaseModel):
    """A message. Its sound is at `…/messages/{id}/sound`."""

    id: str
    caller: shapes.Party
    at: datetime
    seconds: float
    saved: bool = Field(description="Whether it was heard.")


class MessageChanges(Body):
    """A message was heard, and is kept."""

    saved: bool


async def read(scope: Scope, ctx: Context, mailbox: str) -> m.Mailbox:
    """A mailbox that is his, or his department's, or (administrators) anybody's. Raises `Problem`."""
    box = await ctx.control.ask(m.ReadMailbox(scope.tenant, mailbox), m.Mailbox)
    if not scope.administers and mailbox not in await _departments(scope, ctx):
        scope.own(mailbox)
    return box


async def _departments(scope: Scope, ctx: Context) -> list[str]:
    """Of which he is a member; an administrator cares for all of them."""
    async with ctx.db.read() as connection:
        if scope.administers:
            return [x.id for x in await departments.rows.where(scope.tenant, connection)]
        member = await departments.members.where(scope.tenant, connection, person=scope.who.person)
        return [x.department for x in member]


async def _message(scope: Scope, ctx: Context, mailbox: str, message: str) -> Stored:
    box = await read(scope, ctx, mailbox)
    found = next((x for x in box.messages if x.id == message), None)
    if found is None:
        raise not_found("message", message)
    return found


def shown(box: m.Mailbox) -> Mailbox:
    return Mailbox(
        id=box.id,
        name=box.label,
        own_greeting=bool(box.greeting_blob),
        has_pin=box.has_pin,
        new=sum(not x.saved for x in box.messages),
        total=len(box.messages),
    )


def _shown(x: Stored) -> Message:
    return Message(id=x.id, caller=shapes.party(x.caller), at=when(x.at), seconds=x.ms / 1000, saved=x.saved)


@router.get("", summary="One's mailboxes")
async def list_mailboxes(scope: Member, ctx: Ctx) -> list[Mailbox]:
    """One's own and those of one's departments; for administrators, of all departments."""
    ids = [x for x in (scope.who.person, *await _departments(scope, ctx)) if x]
    return [shown(await ctx.control.ask(m.ReadMailbox(scope.tenant, x), m.Mailbox)) for x in ids]


@router.get("/{mailbox}", summary="A mailbox")
async def read_mailbox(mailbox: Id, scope: Member, ctx: Ctx) -> Mailbox:
    """Of a person or department, by its id."""
    return shown(await read(scope, ctx, mailbox))


@router.get("/{mailbox}/messages", summary="Messages")
async def list_messages(mailbox: Id, scope: Member, ctx: Ctx) -> list[Message]:
    """Of the mailbox of a person or department, by its id, oldest first."""
    return [_shown(x) for x in (await read(scope, ctx, mailbox)).messages]


@router.get(
    "/{mailbox}/messages/{message}/sound",
    summary="Listen to a message",
    response_class=FileResponse,
    responses=SOUND,
)
async def listen(mailbox: Id, message: Id, scope: Member, ctx: Ctx) -> FileResponse:
    """A WAV file; parts of it by `Range`."""
    return sound.file(ctx, scope.tenant, (await _message(scope, ctx, mailbox, message)).blob)


@router.patch("/{mailbox}/messages/{message}", summary="Keep a message")
async def keep(mailbox: Id, message: Id, scope: Member, body: MessageChanges, ctx: Ctx) -> Message:
    """It counts as heard."""
    found = _shown(await _message(scope, ctx, mailbox, message))
    if body.saved:
        await ctx.control.ask(m.ChangeMessage(scope.tenant, mailbox, message), m.Done)
    return found.model_copy(update={"saved": found.saved or body.saved})


@router.delete("/{mailbox}/messages/{message}", status_code=204, summary="Delete a message")
async def delete(mailbox: Id, message: Id, scope: Member, ctx: Ctx) -> None:
    """With its sound."""
    await _message(scope, ctx, mailbox, message)
    await ctx.control.ask(m.ChangeMessage(scope.tenant, mailbox, message, deleted=True), m.Done)
    await ctx.writer.note(scope.tenant, scope.who.actor, "message.delete", {"target": message})
