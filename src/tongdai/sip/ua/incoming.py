"""A request that waits for the owner's answer."""

from __future__ import annotations

from tongdai.sip.flow import Flow
from tongdai.sip.message import Request
from tongdai.sip.transaction import ServerTransaction
from tongdai.sip.ua.core import HeaderList, SessionError, UaCore


class IncomingRequest:
    """A request and the means to answer it, once."""

    __slots__ = ("_core", "_transaction", "flow", "request", "to_tag")

    def __init__(
        self, core: UaCore, request: Request, flow: Flow, transaction: ServerTransaction, to_tag: str
    ) -> None:
        self._core = core
        self._transaction = transaction
        self.request = request
        self.flow = flow
        self.to_tag = to_tag
        """The tag that our answer has in To."""

    def respond(
        self,
        status: int,
        reason: str | None = None,
        headers: HeaderList = (),
        body: bytes = b"",
        content_type: str | None = None,
    ) -> None:
        """Send the final answer. A second call raises `SessionError`."""
        if self._transaction.answered or self._transaction.terminated:
            raise SessionError(f"the {self.request.method} was already answered")
        fields = [("Server", self._core.product), *headers]
        if content_type is not None:
            fields.append(("Content-Type", content_type))
        response = self.request.response(status, reason, fields, body, to_tag=self.to_tag)
        self._transaction.respond(response, self._core.clock())

    def respond_stateless(self, status: int, reason: str | None = None, headers: HeaderList = ()) -> None:
        """Answer and forget (RFC 3261 §8.2.7), so that a stranger costs us no memory: a repetition of the
        request comes as a new one."""
        if self._transaction.answered or self._transaction.terminated:
            raise SessionError(f"the {self.request.method} was already answered")
        fields = [("Server", self._core.product), *headers]
        response = self.request.response(status, reason, fields, to_tag=self.to_tag)
        self._core.layer.respond_stateless(self.request, response, self.flow)
        self._core.layer.forget(self._transaction)
        self._transaction.answered = True
