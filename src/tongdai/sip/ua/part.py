"""A part of an INVITE session."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING

from tongdai.sip.ua.core import UaCore

if TYPE_CHECKING:
    from tongdai.sip.ua.session import InviteSession


class Part:
    """Knows its session without keeping it: else each session that has ended, thousands a minute, would wait
    for the collector of cycles, which stops everything else meanwhile. Whatever may call a part later (an
    INVITE under way) keeps the session."""

    __slots__ = ("_core", "_session_ref", "_state")

    def __init__(self, core: UaCore, session: InviteSession) -> None:
        self._core = core
        self._state = session.state
        self._session_ref = weakref.ref(session)

    @property
    def session(self) -> InviteSession:
        """What it is a part of. Raises `ReferenceError` when that is gone."""
        session = self._session_ref()
        if session is None:
            raise ReferenceError("the session of this part is gone")
        return session
