"""Requests in a dialog, and the other addresses of a next hop that is a host name (RFC 3263 §4.3)."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from tongdai.sip.digest import Credentials
from tongdai.sip.flow import Flow, Transport, ip_version
from tongdai.sip.location import Located, Place
from tongdai.sip.message import Request, Response
from tongdai.sip.ua.core import HeaderList, UaCore
from tongdai.sip.ua.dialog import build_request, may_be_sent_to, next_hop, request_flow
from tongdai.sip.ua.requests import OutgoingRequest
from tongdai.sip.ua.state import DialogState

_DIALLED: tuple[Transport, ...] = ("udp", "tcp", "tls")
"""Nobody opens a WebSocket to a browser."""


class Hops(msgspec.Struct, eq=False):
    """The addresses of a dialog's next hop, for one request. The dialog keeps to the one that was tried last,
    as to its kind of transport."""

    _core: UaCore
    _state: DialogState
    _left: list[Flow] | None = None

    def after(
        self,
        status: int,
        response: Response | None,
        again: Callable[[float], None],
        failed: Callable[[float], None],
    ) -> bool:
        """A request has failed. False when no other address could change that; otherwise DNS is asked, and
        `again` or `failed` follows with the time, perhaps at once."""
        if status != 503 and not (status == 408 and response is None):
            return False
        if self._left is not None:
            return self._next(again)
        place = self._place()
        if place is None:
            return False
        failing = request_flow(self._state)

        def found(located: Located | None) -> None:
            targets = located.targets if located is not None else ()
            source, local = self._state.flow.remote[0], self._state.flow.local
            self._left = [
                Flow(target.transport, local, target.address)
                for target in sorted(targets, key=lambda target: target.rank)
                if target.address != failing.remote and may_be_sent_to(target.address[0], source)
            ]
            if not self._next(again):
                failed(self._core.clock())

        self._core.locate(place, found)
        return True

    def _next(self, again: Callable[[float], None]) -> bool:
        if not self._left:
            return False
        self._state.flow = self._left.pop(0)
        again(self._core.clock())
        return True

    def _place(self) -> Place | None:
        """What DNS is asked for; None for whom it does not know: an address, and a peer that is reached by
        the way it came alone."""
        state, kind = self._state, self._state.flow.transport
        if kind not in _DIALLED or (state.pinned and not state.flow.reliable):
            return None
        hop = next_hop(state)
        if hop.scheme == "tel" or ip_version(hop.host) or hop.host.endswith(".invalid"):
            return None
        if (hop.params.get("transport") or kind).lower() != kind:
            return None
        return Place(hop.host, hop.port or 0, kind, hop.scheme == "sips")


class InDialog(msgspec.Struct, eq=False):
    """A request of ours other than INVITE: sent by `send`, and again to each address of the next hop that DNS
    knows until one answers; `on_final` follows, once, as of `OutgoingRequest`."""

    _core: UaCore
    _state: DialogState
    _method: str
    _credentials: Credentials | None
    _headers: HeaderList
    _body: bytes
    _content_type: str | None
    _on_built: Callable[[Request], None] | None
    _on_final: Callable[[int, Response | None], None]
    _hops: Hops

    def send(self, now: float) -> None:
        """Send it, under a new CSeq."""
        request = OutgoingRequest(self._core, self._build, self._credentials, self._final, self._state.pinned)
        request.send(now)

    def _build(self, extra: HeaderList) -> tuple[Request, Flow]:
        request = build_request(
            self._state,
            self._method,
            self._core.product,
            headers=[*self._headers, *extra],
            body=self._body,
            content_type=self._content_type,
        )
        if self._on_built is not None:
            self._on_built(request)
        return request, request_flow(self._state)

    def _final(self, status: int, response: Response | None, now: float) -> None:
        def failed(now: float) -> None:
            self._on_final(status, response)

        if not self._hops.after(status, response, self.send, failed):
            failed(now)
