"""ETag and If-Match (RFC 9110 §8.8.3, §13.1): nobody overwrites what he has not seen."""

from __future__ import annotations

import hashlib
from typing import Annotated, TypeVar

from fastapi import Header, Request, Response
from pydantic import BaseModel

from tongdai.api.problems import Problem

B = TypeVar("B", bound=BaseModel)

IfMatch = Annotated[
    str | None,
    Header(alias="If-Match", description="ETag that was read: change it only if it is still this one."),
]


def tag(shown: BaseModel) -> str:
    """The ETag of a representation."""
    return f'"{hashlib.sha256(shown.model_dump_json().encode()).hexdigest()[:24]}"'


def tagged(request: Request, response: Response, shown: B) -> B | Response:
    """The answer to a GET: with its ETag, or 304 when the client has it."""
    etag = tag(shown)
    if etag in _listed(request.headers.get("if-none-match", "")):
        return Response(status_code=304, headers={"ETag": etag})
    response.headers["ETag"] = etag
    return shown


def sent(response: Response, shown: B, place: str = "") -> B:
    """The answer to a change: with its ETag, and where it is when it was made (`place`)."""
    response.headers["ETag"] = tag(shown)
    if place:
        response.headers["Location"] = place
    return shown


def check(if_match: str | None, shown: BaseModel) -> None:
    """Raises `Problem` when what is there is not what the client has read."""
    if if_match is None or if_match.strip() == "*" or tag(shown) in _listed(if_match):
        return
    raise Problem(
        412, "changed_meanwhile", "Somebody changed it since you read it.", "Read it again, then change that."
    )


def _listed(header: str) -> list[str]:
    return [part.strip().removeprefix("W/") for part in header.split(",")]
