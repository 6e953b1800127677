"""What is stored of a room."""

from __future__ import annotations

import msgspec


class Room(msgspec.Struct, frozen=True):
    """The PIN is kept readable: it goes into invitations, and everybody who is invited knows it. Without one
    only people of the tenant get in. `tones`: its members hear who comes and goes.
    """

    id: str
    name: str
    pin: str = ""
    tones: bool = True
