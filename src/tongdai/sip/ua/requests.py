"""A request of ours other than INVITE, through at most the challenges our credentials answer."""

from __future__ import annotations

from collections.abc import Callable

from tongdai.sip.digest import Credentials, DigestClient
from tongdai.sip.flow import Flow
from tongdai.sip.message import Request, Response
from tongdai.sip.transaction import ClientTransaction
from tongdai.sip.ua.core import HeaderList, UaCore

Build = Callable[[HeaderList], tuple[Request, Flow]]
"""Makes the request, with further headers, under a new CSeq."""
Final = Callable[[int, Response | None, float], None]
"""Gets the final status and the response; None with 408 (no response) and 503 (not sent)."""


class OutgoingRequest:
    """Sends at once; calls `on_final` once."""

    __slots__ = (
        "_build",
        "_core",
        "_credentials",
        "_digest",
        "_extra",
        "_flow",
        "_may_widen",
        "_narrow",
        "_on_final",
        "_transaction",
    )

    def __init__(
        self,
        core: UaCore,
        build: Build,
        credentials: Credentials | None,
        on_final: Final,
        now: float,
        *,
        pinned: bool = False,
    ) -> None:
        """`pinned` keeps it on its flow, however large it is: the peer is reached by no other."""
        self._core = core
        self._build = build
        self._credentials = credentials
        self._digest = None if credentials is None else DigestClient(credentials, core.ids.token)
        self._on_final = on_final
        self._transaction: ClientTransaction | None = None
        self._flow: Flow | None = None
        self._may_widen = not pinned
        self._narrow: Flow | None = None
        self._extra: HeaderList = ()
        self._send(now, ())

    def _send(self, now: float, extra: HeaderList) -> None:
        request, flow = self._build(extra)
        self._extra, self._narrow = extra, None
        stream = self._core.stream_for(request, flow, now) if self._may_widen else None
        if stream is not None:
            self._narrow, flow = flow, stream
        self._flow = flow
        self._transaction = self._core.layer.send(request, flow, self._on_response, self._on_failure, now)

    def _on_response(self, response: Response, now: float) -> None:
        if response.status < 200:
            return
        request = self._transaction.request if self._transaction is not None else None
        challenged = response.status in (401, 407) and self._may_answer()
        if challenged and self._digest is not None and request is not None:
            answer = self._digest.answer(response, request.method, request.target)
            if answer is not None:
                self._send(now, [answer])
                return
        self._on_final(response.status, response, now)

    def _may_answer(self) -> bool:
        """Whether whom we asked may have our digest."""
        flow = self._flow
        return self._credentials is not None and flow is not None and self._credentials.are_for(flow.remote)

    def _on_failure(self, status: int, now: float) -> None:
        if status == 503 and self._narrow is not None:  # §18.1.1: again over UDP
            self._core.refused_stream(self._narrow, now)
            self._send(now, self._extra)
            return
        self._on_final(status, None, now)
