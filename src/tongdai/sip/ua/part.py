"""A part of an INVITE session."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING

import msgspec

from tongdai.sip.ua.core import UaCore
from tongdai.sip.ua.state import DialogState

if TYPE_CHECKING:
    from tongdai.sip.ua.session import InviteSession


class Part(msgspec.Struct, eq=False):
    """Knows its session without keeping it: else each session that has ended, thousands a minute, would wait
    for the collector of cycles, which stops everything else meanwhile. Whatever may call a part later (an
    INVITE under way) keeps the session."""

    _core: UaCore
    _state: DialogState
    _session_ref: weakref.ref[InviteSession]

    @property
    def session(self) -> InviteSession:
        """What it is a part of. Raises `ReferenceError` when that is gone."""
        session = self._session_ref()
        if session is None:
            raise ReferenceError("the session of this part is gone")
        return session
