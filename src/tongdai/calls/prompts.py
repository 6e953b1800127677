"""What can be played to a leg, named without files: the speech adapter turns it into sound."""

from __future__ import annotations

import msgspec


class Phrase(msgspec.Struct, frozen=True, tag="phrase"):
    """A phrase of the catalogue (`speech.phrases`), spoken in the tenant's language."""

    key: str
    args: dict[str, str | int] = {}


class Text(msgspec.Struct, frozen=True, tag="text"):
    """Words that the company wrote itself, e.g. its greeting."""

    text: str


class Clip(msgspec.Struct, frozen=True, tag="clip"):
    """A stored recording, by blob name: a message, a recorded greeting, an upload."""

    blob: str


class Beep(msgspec.Struct, frozen=True, tag="beep"):
    """The tone after which one speaks."""


class Chime(msgspec.Struct, frozen=True, tag="chime"):
    """The tone of a room that somebody came into, or left."""

    joined: bool


Prompt = Phrase | Text | Clip | Beep | Chime
