"""Lists come in pages: `limit`, and a cursor that says where the next one begins."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import Annotated, Generic, TypeVar

import msgspec
from fastapi import Query
from pydantic import BaseModel, Field

from tongdai.api.problems import Problem

MOST = 200
T = TypeVar("T")
M = TypeVar("M")

Limit = Annotated[int, Query(ge=1, le=MOST, description="How many at most.")]
Cursor = Annotated[
    str | None, Query(max_length=500, description="`next` of the page before; leave it out for the first.")
]


class Page(BaseModel, Generic[T]):
    """A part of a list."""

    items: list[T]
    next: str | None = Field(None, description="Cursor of the next page; null on the last.")


def after(cursor: str | None, size: int) -> list[str] | None:
    """What a cursor of ours holds: `size` strings. Raises `Problem` for any other."""
    if cursor is None:
        return None
    try:
        raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        values = msgspec.json.decode(raw, type=list[str])
    except (binascii.Error, ValueError, msgspec.DecodeError):
        values = []
    if len(values) != size or any("\0" in value for value in values):
        raise Problem(
            422, "bad_cursor", "This cursor is none of ours.", "Give `next` of the page before, or none.",
            errors=[("cursor", "no cursor of this list")],
        )  # fmt: skip
    return values


def following(items: Sequence[M], limit: int, key: Callable[[M], Sequence[str]]) -> str | None:
    """The cursor behind the `limit`th of the items, of which one more was asked for than is shown."""
    if len(items) <= limit:
        return None
    raw = msgspec.json.encode(list(key(items[limit - 1])))
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
