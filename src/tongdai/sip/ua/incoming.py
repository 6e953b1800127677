"""A request that waits for the owner's answer."""

from __future__ import annotations

from collections.abc import Sequence

from tongdai.sip.flow import Flow
from tongdai.sip.message import Request


class IncomingRequest:
    """A request and the means to answer it, once."""

    __slots__ = ("flow", "request")

    request: Request
    flow: Flow

    def respond(
        self,
        status: int,
        reason: str | None = None,
        headers: Sequence[tuple[str, str]] = (),
        body: bytes = b"",
        content_type: str | None = None,
    ) -> None:
        """Send the final answer. A second call raises `SessionError`."""
        raise NotImplementedError

    def respond_stateless(self, status: int, reason: str | None = None, headers: Sequence[tuple[str, str]] = ()) -> None:
        """Answer and forget (RFC 3261 §8.2.7): for challenges to strangers, so that they cost us no memory."""
        raise NotImplementedError
