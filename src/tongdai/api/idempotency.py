"""Idempotency-Key: a request that is sent twice because its answer was lost has its effect once.

The key is reserved before the request is carried out, so that a crash in between cannot repeat it. Answers
may show a secret once, so they are kept encrypted under a key that the client's own key is part of.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from collections.abc import Callable, Coroutine
from typing import Annotated, Any

import msgspec
from fastapi import Header, Request, Response
from fastapi.routing import APIRoute
from sqlalchemy import delete, insert, select, update
from starlette.responses import StreamingResponse

from tongdai.api.access import Identity, identity
from tongdai.api.context import Context
from tongdai.api.edge import is_sound
from tongdai.api.problems import Problem
from tongdai.db.tables import idempotency as table

KEPT_SECONDS = 86_400.0
HEADER = "idempotency-key"
_NONCE = 12

Documented = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        max_length=200,
        description="Any text, new for each intended effect. The same request with the same key within a day "
        "has no second effect and gets the first answer again (with `Idempotent-Replay: true`).",
    ),
]


class _Answer(msgspec.Struct):
    status: int
    headers: dict[str, str]
    body: bytes


_running: dict[str, asyncio.Lock] = {}


class Once(APIRoute):
    """A route whose POSTs take an Idempotency-Key."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def once(request: Request) -> Response:
            key = request.headers.get(HEADER)
            if request.method != "POST" or not key:
                return await handle(request)
            if len(key) > 200:
                raise Problem(
                    422, "bad_idempotency_key", "The key is too long.", "Use at most 200 characters."
                )
            who = await identity(request)
            name = _name(who, key)
            lock = _running.setdefault(name, asyncio.Lock())
            try:
                async with lock:
                    return await _once(request, handle, name, key)
            finally:
                if not lock.locked():
                    _running.pop(name, None)

        return once


async def _once(
    request: Request, handle: Callable[[Request], Coroutine[Any, Any, Response]], name: str, key: str
) -> Response:
    ctx: Context = request.app.state.context
    fingerprint = await _fingerprint(request)
    now = ctx.clock.wall()
    async with ctx.db.write() as connection:
        await connection.execute(delete(table).where(table.c.created < now - KEPT_SECONDS))
        found = (await connection.execute(select(table).where(table.c.key == name))).first()
        if found is None:
            row = {"key": name, "fingerprint": fingerprint, "answer": b"", "created": now}
            await connection.execute(insert(table).values(row))
    if found is not None:
        return _again(ctx, found.fingerprint, fingerprint, found.answer, name, key)
    try:
        response = await handle(request)
    except BaseException:
        await _forget(ctx, name)
        raise
    if response.status_code >= 400 or isinstance(response, StreamingResponse):
        await _forget(ctx, name)
        return response
    answer = _Answer(response.status_code, dict(response.headers), bytes(response.body))
    sealed = _seal(ctx, name, key, msgspec.msgpack.encode(answer))
    async with ctx.db.write() as connection:
        await connection.execute(update(table).where(table.c.key == name).values(answer=sealed))
    return response


async def _forget(ctx: Context, name: str) -> None:
    async with ctx.db.write() as connection:
        await connection.execute(delete(table).where(table.c.key == name))


def _again(ctx: Context, stored: str, asked: str, sealed: bytes, name: str, key: str) -> Response:
    if stored != asked:
        raise Problem(
            422, "key_reused", "This key was used for another request.", "Use a new key for each effect."
        )
    if not sealed:
        raise Problem(
            409, "outcome_unknown", "The first request was interrupted.", "See in the list what came of it."
        )
    answer = msgspec.msgpack.decode(_open(ctx, name, key, sealed), type=_Answer)
    headers = {**answer.headers, "Idempotent-Replay": "true"}
    return Response(answer.body, answer.status, headers=headers)


def _name(who: Identity, key: str) -> str:
    return hashlib.sha256(f"{who.tenant}\0{who.person}\0{key}".encode()).hexdigest()


async def _fingerprint(request: Request) -> str:
    head = f"{request.method} {request.url.path}?{request.url.query}\n".encode()
    if is_sound(request.headers.get("content-type", "")):
        body = request.headers.get("content-length", "").encode()  # sound goes to the disk, not into memory
    else:
        body = await request.body()
    return hashlib.sha256(head + body).hexdigest()


def _cipher(ctx: Context, name: str, key: str) -> Any:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    secret = hashlib.blake2b(f"{name}\0{key}".encode(), key=ctx.key[:64], person=b"tongdai-idempot").digest()
    return AESGCM(secret[:32])


def _seal(ctx: Context, name: str, key: str, plain: bytes) -> bytes:
    nonce = secrets.token_bytes(_NONCE)
    return nonce + bytes(_cipher(ctx, name, key).encrypt(nonce, plain, name.encode()))


def _open(ctx: Context, name: str, key: str, sealed: bytes) -> bytes:
    return bytes(_cipher(ctx, name, key).decrypt(sealed[:_NONCE], sealed[_NONCE:], name.encode()))
