"""What the sessions of one agent share."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from tongdai.sip.flow import Address, Flow
from tongdai.sip.ids import IdSource
from tongdai.sip.location import Located, Place
from tongdai.sip.message import Request, escape_user
from tongdai.sip.timers import Timers
from tongdai.sip.transaction import TransactionLayer

if TYPE_CHECKING:
    from tongdai.sip.ua.handler import UaHandler
    from tongdai.sip.ua.session import InviteSession

HeaderList = Sequence[tuple[str, str]]
Locate = Callable[[Place, Callable[[Located | None], None]], None]
"""Find a place's addresses and give them to the callback, None when nobody could say; within seconds."""

ALLOW = "INVITE, ACK, CANCEL, BYE, PRACK, UPDATE, OPTIONS, REGISTER, INFO, REFER, NOTIFY, SUBSCRIBE"
"""The methods that have a meaning somewhere. None of these is ever refused with 405, all others are."""
SUPPORTED = "replaces, norefersub, timer, 100rel"
EXTENSIONS = frozenset({"replaces", "norefersub", "timer", "100rel", "path"})
"""Option tags that a Require may name: with `path`, a proxy wants the registrar to remember it (RFC 3327)."""


LARGEST_DATAGRAM = 1300
"""Bytes of a request above which it goes over TCP (RFC 3261 §18.1.1): IP would cut it in pieces, and many
firewalls let none but the first pass."""
_VIA_BYTES = 100
_REFUSED_SECONDS = 600.0
"""How long who took no connection is not tried again."""


class SessionError(Exception):
    """An operation that the present state does not allow; the text says which state that is."""


class UaCore:
    """Queue, timers, transactions and the table of sessions."""

    __slots__ = (
        "by_caller",
        "by_key",
        "by_tag",
        "clock",
        "handler",
        "ids",
        "layer",
        "locate",
        "on_output",
        "outgoing",
        "product",
        "refusing",
        "session_seconds",
        "timers",
    )

    def __init__(
        self,
        handler: UaHandler,
        clock: Callable[[], float],
        ids: IdSource,
        product: str,
        on_output: Callable[[], None] | None,
        t1: float,
        session_seconds: int,
        locate: Locate,
    ) -> None:
        self.handler = handler
        self.locate = locate
        self.clock = clock
        self.ids = ids
        self.product = product
        self.session_seconds = session_seconds
        self.on_output = on_output
        self.outgoing: list[tuple[Flow, bytes]] = []
        self.timers = Timers()
        self.layer = TransactionLayer(self.transmit, self.timers, ids, t1=t1)
        self.by_key: dict[str, InviteSession] = {}
        self.by_tag: dict[tuple[str, str], InviteSession] = {}
        """(Call-ID, our tag) -> session."""
        self.by_caller: dict[tuple[str, str], InviteSession] = {}
        """(Call-ID, their tag) -> incoming session."""
        self.refusing: dict[Address, float] = {}
        """Who took no TCP connection for a large request, and until when to remember that."""

    def transmit(self, flow: Flow, data: bytes) -> None:
        """Queue a message."""
        self.outgoing.append((flow, data))
        if len(self.outgoing) == 1 and self.on_output is not None:
            self.on_output()

    def fraction(self) -> float:
        """A random number in 0..1, from the injected source."""
        return zlib.crc32(self.ids.token().encode()) / 2**32

    def stream_for(self, request: Request, flow: Flow, now: float) -> Flow | None:
        """The flow over TCP that a request too large for UDP takes (RFC 3261 §18.1.1); None for any other,
        and to whom we know not to listen there."""
        if flow.transport != "udp" or self.refusing.get(flow.remote, 0.0) > now:
            return None
        if len(bytes(request)) + _VIA_BYTES <= LARGEST_DATAGRAM:
            return None
        return Flow("tcp", flow.local, flow.remote)

    def refused_stream(self, flow: Flow, now: float) -> None:
        """Nobody listens there: datagrams in pieces are better than none."""
        self.refusing = {remote: until for remote, until in self.refusing.items() if until > now}
        self.refusing[flow.remote] = now + _REFUSED_SECONDS

    def add(self, session: InviteSession) -> None:
        """Make a session known."""
        state = session.state
        self.by_key[state.key] = session
        self.by_tag[state.call_id, state.local_tag] = session
        if state.role == "uas":
            self.by_caller[state.call_id, state.remote_tag] = session

    def remove(self, session: InviteSession) -> None:
        """Forget a session; its transactions end by themselves."""
        state = session.state
        self.by_key.pop(state.key, None)
        self.by_tag.pop((state.call_id, state.local_tag), None)
        caller = state.call_id, state.remote_tag
        if self.by_caller.get(caller) is session:
            del self.by_caller[caller]


def contact_uri(flow: Flow, user: str | None) -> str:
    """A Contact that leads back to us over that kind of flow; whatever the user is, it is escaped."""
    transport = "" if flow.transport == "udp" else f";transport={flow.transport}"
    return (
        f"sip:{escape_user(user)}@{flow.local_hostport}{transport}"
        if user
        else f"sip:{flow.local_hostport}{transport}"
    )
