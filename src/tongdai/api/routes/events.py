"""Live events over a WebSocket."""

from __future__ import annotations

import asyncio

import msgspec
from fastapi import APIRouter, WebSocket
from starlette.websockets import WebSocketDisconnect

from tongdai.api.access import identity, same_origin, scope
from tongdai.api.context import Context
from tongdai.api.hub import Event, Listener
from tongdai.api.problems import Problem
from tongdai.api.shapes import TENANT

router = APIRouter()

_REFUSED = 4000
"""Close code of a refusal: this and the status that HTTP would have, e.g. 4401."""
_ENDING = ("session", "token", "password", "person", "device")
"""What is changed where a session or a token may have been ended, or who administers."""


@router.websocket(TENANT + "/events")
async def events(socket: WebSocket, tenant: str, cursor: str | None = None) -> None:
    """Each message is one event with its `cursor`; connect again with the last one to miss nothing."""
    ctx: Context = socket.app.state.context
    await socket.accept()
    try:
        same_origin(socket)
        found = await scope(await identity(socket), ctx, tenant)
    except Problem as problem:
        await socket.close(_REFUSED + problem.status, problem.code)
        return
    listener = Listener(found.tenant, found.who.person, found.administers)
    complete = ctx.hub.listen(listener, cursor)
    try:
        here = cursor if cursor is not None and complete else ctx.hub.cursor
        await socket.send_text(_word("hello" if complete else "resync", here))
        sending = asyncio.create_task(_send(socket, ctx, listener))
        hearing = asyncio.create_task(socket.receive())
        try:
            await asyncio.wait({sending, hearing}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            sending.cancel()
            hearing.cancel()
        if not hearing.done():
            why = sending.result()
            await socket.close(_REFUSED + why.status, why.code)
        elif hearing.result()["type"] != "websocket.disconnect":
            await socket.close(1008, "nothing is expected of you")
    except WebSocketDisconnect:
        pass
    finally:
        ctx.hub.leave(listener)


async def _send(socket: WebSocket, ctx: Context, listener: Listener) -> Problem:
    """Gives it what happens, until it may hear no more; the reason why."""
    while True:
        event = await listener.queue.get()
        if event is not None and event.data.get("what") in _ENDING:
            socket.state.identity = None  # asked anew, not remembered
            try:
                found = await scope(await identity(socket), ctx, listener.tenant)
            except Problem as problem:
                return problem
            if found.administers != listener.administers:
                return Problem(403, "rights_changed", "What you may see has changed.", "Connect again.")
        await socket.send_text(_shown(ctx, event) if event else _word("resync", ctx.hub.cursor))


def _word(type_: str, cursor: str) -> str:
    return msgspec.json.encode({"type": type_, "cursor": cursor}).decode()


def _shown(ctx: Context, event: Event) -> str:
    cursor = ctx.hub.cursor_at(event.seq)
    return msgspec.json.encode(
        {"type": event.type, "cursor": cursor, "at": event.at, "data": event.data}
    ).decode()
