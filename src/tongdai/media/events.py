"""What the engine reports by itself (docs/engine.md, "Events"). Times are milliseconds."""

from __future__ import annotations

from typing import Literal

import msgspec


class _Event(msgspec.Struct, frozen=True, tag_field="ev"):
    n: int
    """Counts up from 1 for the life of the engine; a gap means that events were lost."""


class Dtmf(_Event, frozen=True, tag="dtmf"):
    """A key was pressed (told once, when it begins). `digit` is one of 0-9, *, #, A-D."""

    session: str
    digit: str
    ms: int = 0


class PlayDone(_Event, frozen=True, tag="play_done"):
    """`ms` tells how far it was played, `detail` what was wrong with a file when it `failed`."""

    session: str
    play: str
    reason: Literal["finished", "stopped", "closed", "failed"]
    ms: int = 0
    detail: str | None = None


class RecordDone(_Event, frozen=True, tag="record_done"):
    session: str
    record: str
    path: str
    ms: int
    voiced_ms: int
    reason: Literal["stopped", "digit", "silence", "limit", "closed", "disk", "failed"]
    digit: str | None = None


class Latched(_Event, frozen=True, tag="latched"):
    """The first valid packet of the signalled peer came, from this source."""

    session: str
    ip: str
    port: int


class Moved(_Event, frozen=True, tag="moved"):
    """The peer of a protected stream sends from another place and is followed there."""

    session: str
    ip: str
    port: int


class Secured(_Event, frozen=True, tag="secured"):
    """The handshake with the peer brought keys of this suite; `dtls` is its version."""

    session: str
    suite: str
    dtls: str


class Insecure(_Event, frozen=True, tag="insecure"):
    """The handshake failed: the session stays without sound."""

    session: str
    detail: str


class Expired(_Event, frozen=True, tag="expired"):
    """The peer has not shown for `ms` that it still wants to be sent to (RFC 7675); nothing is."""

    session: str
    ms: int


class Quiet(_Event, frozen=True, tag="quiet"):
    """From a peer that should send came no packet, or nothing but silence, for `ms`; told once per
    silence."""

    session: str
    ms: int
    lack: Literal["packets", "sound"]


class Heard(_Event, frozen=True, tag="heard"):
    """What `Quiet` told of is over; so long it lasted."""

    session: str
    ms: int


class Failed(_Event, frozen=True, tag="error"):
    """A command without an id failed, or by a fault of the engine a session did (`op` is `session`), or the
    `mixer` that a session was in (`mixer`)."""

    op: str
    error: str
    detail: str = ""
    session: str | None = None
    mixer: str | None = None


class Orphaned(_Event, frozen=True, tag="orphaned"):
    """The engine ended a session that no controller had claimed."""

    session: str


EngineEvent = (
    Dtmf
    | PlayDone
    | RecordDone
    | Latched
    | Moved
    | Secured
    | Insecure
    | Expired
    | Quiet
    | Heard
    | Failed
    | Orphaned
)
"""Any event."""
