"""A request of ours other than INVITE, through at most the challenges our credentials answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from tongdai.sip.digest import Credentials, DigestClient
from tongdai.sip.flow import Flow
from tongdai.sip.message import Headers, Request, Response
from tongdai.sip.transaction import ClientTransaction
from tongdai.sip.ua.core import HeaderList, UaCore, contact_uri

Build = Callable[[HeaderList], tuple[Request, Flow]]
"""Makes the request, with further headers, under a new CSeq."""
Final = Callable[[int, Response | None, float], None]
"""Gets the final status and the response; None with 408 (no response) and 503 (not sent)."""


def outside_dialogs(
    core: UaCore,
    method: str,
    target: str,
    flow: Flow,
    *,
    from_: str,
    to: str,
    call_id: str,
    cseq: int,
    route_set: Sequence[str],
    contact_user: str | None,
    headers: HeaderList,
    body: bytes,
    content_type: str | None,
) -> Build:
    """Makes a request outside any dialog (RFC 3261 §8.1.1), the first with this CSeq; with a Contact, unless
    `headers` have one."""
    numbers = iter(range(cseq, 2**31))
    fixed = [("Route", route) for route in route_set]
    if not any(name.lower() in ("contact", "m") for name, _ in headers):
        fixed.append(("Contact", f"<{contact_uri(flow, contact_user)}>"))
    fixed += [("User-Agent", core.product), *headers]
    if content_type is not None:
        fixed.append(("Content-Type", content_type))

    def build(extra: HeaderList) -> tuple[Request, Flow]:
        items = [
            ("Max-Forwards", "70"),
            ("From", from_),
            ("To", to),
            ("Call-ID", call_id),
            ("CSeq", f"{next(numbers)} {method}"),
        ]
        return Request(method, target, headers=Headers.of([*items, *fixed, *extra]), body=body), flow

    return build


class OutgoingRequest(msgspec.Struct, eq=False):
    """Is sent by `send`; calls `on_final` once."""

    _core: UaCore
    _build: Build
    _credentials: Credentials | None
    _on_final: Final
    pinned: bool = False
    """It stays on its flow, however large it is: the peer is reached by no other."""
    _digest: DigestClient | None = None
    _transaction: ClientTransaction | None = None
    _flow: Flow | None = None
    _narrow: Flow | None = None
    _extra: HeaderList = ()

    def send(self, now: float, extra: HeaderList = ()) -> None:
        """Send it; `extra` are the credentials of a repetition."""
        request, flow = self._build(extra)
        self._extra, self._narrow = extra, None
        stream = None if self.pinned else self._core.stream_for(request, flow, now)
        if stream is not None:
            self._narrow, flow = flow, stream
        self._flow = flow
        self._transaction = self._core.layer.send(request, flow, self._on_response, self._on_failure, now)

    def _on_response(self, response: Response, now: float) -> None:
        if response.status < 200:
            return
        request = self._transaction.request if self._transaction is not None else None
        answer = None
        if response.status in (401, 407) and request is not None:
            answer = self._answer(response, request)
        if answer is not None:
            self.send(now, [answer])
        else:
            self._on_final(response.status, response, now)

    def _answer(self, response: Response, request: Request) -> tuple[str, str] | None:
        """Our digest, if whom we asked may have it."""
        flow = self._flow
        if self._credentials is None or flow is None or not self._credentials.are_for(flow.remote):
            return None
        if self._digest is None:
            self._digest = DigestClient(self._credentials, self._core.ids.token)
        return self._digest.answer(response, request.method, request.target)

    def _on_failure(self, status: int, now: float) -> None:
        if status == 503 and self._narrow is not None:  # §18.1.1: again over UDP
            self._core.refused_stream(self._narrow, now)
            self.send(now, self._extra)
            return
        self._on_final(status, None, now)
