"""What is stored of a department."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class DepartmentKind(StrEnum):
    RING = "ring"
    """All members ring together."""
    QUEUE = "queue"
    """Callers wait for the next free member."""


class Department(msgspec.Struct, frozen=True):
    id: str
    name: str
    kind: str


class Member(msgspec.Struct, frozen=True):
    department: str
    person: str
    position: int
