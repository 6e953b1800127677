"""What is stored of a change."""

from __future__ import annotations

from typing import Any

import msgspec


class Entry(msgspec.Struct, frozen=True):
    """`actor` is a person's id, `provider` or `command line`. `action` is what was done to what
    (`person.change`), `target` its id. `changes` maps a field to what it was and what it is; secrets are
    never in it."""

    id: str
    at: float
    actor: str
    actor_name: str
    address: str
    action: str
    target: str
    changes: dict[str, Any]
