"""What is stored of an extension."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class Destination(StrEnum):
    """What an extension or a number leads to; all but music by an id."""

    PERSON = "person"
    DEPARTMENT = "department"
    ROOM = "room"
    FLOW = "flow"
    MUSIC = "music"


class Extension(msgspec.Struct, frozen=True):
    extension: str
    kind: str
    target: str
