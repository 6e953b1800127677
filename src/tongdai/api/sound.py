"""Sound that comes in by HTTP and sound that goes out."""

from __future__ import annotations

import asyncio
import contextlib
import os
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any

import msgspec
from fastapi import Request
from fastapi.responses import FileResponse
from pydantic import Field

from tongdai.api.context import Context
from tongdai.api.edge import is_sound
from tongdai.api.problems import Problem, not_found
from tongdai.api.shapes import Body
from tongdai.core.language import Language
from tongdai.core.tenancy import TenantId

MOST_CHARACTERS = 1_500
"""Of one text: about two minutes, which is longer than anybody listens to a greeting."""


class Words(Body):
    """What shall be spoken."""

    text: Annotated[str, Field(min_length=1, max_length=MOST_CHARACTERS, examples=["Welcome to An Phat."])]
    language: Annotated[Language, Field(description="Whose voice speaks.")] = "en"


class Kept(msgspec.Struct, frozen=True):
    """Sound in the blobs of a tenant."""

    blob: str
    ms: int


@asynccontextmanager
async def received(request: Request, ctx: Context) -> AsyncIterator[Path]:
    """The body as a file, for as long as the block lasts. It is bounded by `edge`, and no more of it than a
    piece is ever in memory."""
    kind = request.headers.get("content-type", "")
    if not is_sound(kind):
        raise Problem(
            415, "not_audio", "This is no sound." if kind else "It is not said that this is sound.",
            "Send the file itself as the body, with its type, such as Content-Type: audio/mpeg.",
        )  # fmt: skip
    fd, name = await asyncio.to_thread(tempfile.mkstemp, prefix="upload-", dir=ctx.data)
    try:
        try:
            async for piece in request.stream():
                if piece:
                    await asyncio.to_thread(os.write, fd, piece)
        finally:
            os.close(fd)
        yield Path(name)
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(name)


AUDIO_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "The file itself: MP3, M4A, FLAC, Ogg, WebM, AIFF, WAV, or a video with sound; "
        "20 MiB and 10 minutes at most.",
        "content": {"audio/*": {"schema": {"type": "string", "format": "binary"}}},
    }
}
"""For OpenAPI."""


@asynccontextmanager
async def converted(ctx: Context, tenant: TenantId, source: Path) -> AsyncIterator[Kept]:
    """A file as sound of the tenant; it goes again when the block raises. Raises `SpeechError`."""
    blob = ctx.blobs.new_name(".wav")
    try:
        seconds = await ctx.speech.convert(source, ctx.blobs.path(tenant, blob))
        yield Kept(blob, round(seconds * 1000))
    except BaseException:
        ctx.blobs.delete(tenant, blob)
        raise


@asynccontextmanager
async def spoken(ctx: Context, tenant: TenantId, words: Words) -> AsyncIterator[Kept]:
    """Words as sound of the tenant; it goes again when the block raises. Raises `SpeechError`."""
    made = await ctx.speech.wav(words.text, words.language)
    async with copied(ctx, tenant, made) as kept:
        yield kept


@asynccontextmanager
async def copied(ctx: Context, tenant: TenantId, source: Path) -> AsyncIterator[Kept]:
    """A file of ours under a name of its own; it goes again when the block raises."""
    blob = ctx.blobs.write(tenant, await asyncio.to_thread(source.read_bytes), ".wav")
    try:
        yield Kept(blob, await asyncio.to_thread(_milliseconds, source))
    except BaseException:
        ctx.blobs.delete(tenant, blob)
        raise


def _milliseconds(path: Path) -> int:
    import wave

    with wave.open(str(path), "rb") as file:
        return round(file.getnframes() * 1000 / file.getframerate())


def file(ctx: Context, tenant: TenantId, blob: str) -> FileResponse:
    """To be listened to; parts of it by `Range`."""
    return served(ctx.blobs.path(tenant, blob), blob)


def served(path: Path, what: str) -> FileResponse:
    if not path.is_file():
        raise not_found("recording", what)
    kind = {".ogg": "audio/ogg", ".opus": "audio/ogg"}.get(path.suffix, "audio/wav")
    return FileResponse(path, media_type=kind, headers={"Cache-Control": "private, max-age=3600"})


SOUND: dict[int | str, dict[str, Any]] = {
    200: {"description": "A sound.", "content": {"audio/wav": {}, "audio/ogg": {}}}
}
"""For OpenAPI."""
