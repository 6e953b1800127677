"""Ports of an engine that sessions are opened on without waiting for its reply (docs/adr/0026)."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from tongdai.media import wire
from tongdai.media.commands import Commands
from tongdai.media.errors import EngineError, EngineRefused

PAIRS = 32
"""So many sessions of an address are opened between two replies of a busy engine."""


class Reserve:
    """The reserved ports of one engine, by local address: asked for with the first session there. Each reply
    to an opening brings another one."""

    def __init__(self, client: Commands, refused: Callable[[str, str], None]) -> None:
        """`refused(leg, detail)` when the engine does not do what it has promised."""
        self._client = client
        self._refused = refused
        self._there: dict[str | None, _Reserved] = {}
        """By address as it is asked for: None is the engine's own."""
        self._unconfirmed: set[str] = set()

    def open(self, leg: str, ip: str | None) -> wire.Opened | None:
        """Open a session on a reserved port, if one is left."""
        there = self._there.setdefault(ip, _Reserved())
        if there.pairs < PAIRS // 2 and not there.asked:
            self._ask(there, ip)
        if not there.free:
            return None
        opened = there.free.popleft()
        self._unconfirmed.add(leg)

        def confirmed(future: asyncio.Future[wire.Opened]) -> None:
            there.pairs -= 1
            try:
                reply = future.result()
            except EngineRefused as error:
                self._unconfirmed.discard(leg)
                self._refused(leg, error.detail)
            except EngineError:
                pass  # the connection broke: see `renewed`
            else:
                self._unconfirmed.discard(leg)
                if reply.next is not None:
                    there.add(reply.ip, reply.next)

        self._client.open_reserved(leg, opened.port).add_done_callback(confirmed)
        return opened

    def give_up(self) -> int | None:
        """A port that is reserved no longer, for a session on an address where none is left."""
        there = next((there for there in self._there.values() if there.free), None)
        if there is None:
            return None
        there.pairs -= 1
        return there.free.pop().port

    def lost(self) -> None:
        """The connection broke, and with it the engine forgot what was reserved."""
        self._there.clear()

    def renewed(self) -> set[str]:
        """There is a connection again. Returns the legs of which it is not known whether their sessions were
        opened over the one before."""
        self._there.clear()  # what was asked for in between failed
        legs, self._unconfirmed = self._unconfirmed, set()
        return legs

    def _ask(self, there: _Reserved, ip: str | None) -> None:
        def reserved(future: asyncio.Future[wire.Reserved]) -> None:
            try:
                reply = future.result()
            except EngineError:
                return  # an engine of before this command, or none: sessions are opened as ever
            there.asked = False
            for port in reply.ports:
                there.add(reply.ip, port)

        there.asked = True
        self._client.reserve(PAIRS - there.pairs, ip).add_done_callback(reserved)


class _Reserved:
    """On one address."""

    def __init__(self) -> None:
        self.free: deque[wire.Opened] = deque()
        self.pairs = 0
        """With those of which the engine has not yet told what comes in their place."""
        self.asked = False

    def add(self, ip: str, port: int) -> None:
        self.free.append(wire.Opened(ip, port, port + 1))
        self.pairs += 1
