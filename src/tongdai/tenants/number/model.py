"""What is stored of a number."""

from __future__ import annotations

import msgspec


class Number(msgspec.Struct, frozen=True):
    """An E.164 number and what a call to it from outside reaches (`extension.model.Destination`)."""

    number: str
    kind: str
    target: str
