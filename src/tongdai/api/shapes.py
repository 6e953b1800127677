"""What bodies and answers have in common."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar

import msgspec
from fastapi import Path
from msgspec import UNSET
from pydantic import BaseModel, ConfigDict, Field

Id = Annotated[str, Path(pattern=r"^[a-z]+_[0-9a-z]{1,40}$", description="An id that this API gave.")]
TENANT = "/api/v1/tenants/{tenant}"


class Body(BaseModel):
    """What a client sends: a field that we do not know is an error, not silence."""

    model_config = ConfigDict(extra="forbid", strict=False)


class Party(BaseModel):
    """Somebody on the telephone."""

    kind: str = Field(description="`person` of the company, or `outside`.", examples=["person"])
    number: str = Field(description="Extension, or E.164 number.", examples=["101"])
    name: str = Field("", examples=["Lan Nguyen"])
    person: str | None = Field(None, description="The person's id, for one of the company.")


def party(of: Any) -> Party:
    return Party(kind=of.kind, number=of.number, name=of.name, person=of.person or None)


def when(at: float) -> datetime:
    """Seconds since 1970 as a UTC time."""
    return datetime.fromtimestamp(at, UTC)


S = TypeVar("S", bound=msgspec.Struct)


def changes(body: BaseModel, kind: type[S], **more: Any) -> S:
    """The fields that the client has set, as a service's struct of changes."""
    given = {name: getattr(body, name) for name in body.model_fields_set if name in kind.__struct_fields__}
    values = {
        name: tuple(value) if isinstance(value, list) and name == "members" else value
        for name, value in {**given, **more}.items()
        if value is not UNSET
    }
    return kind(**values)
