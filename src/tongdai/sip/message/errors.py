"""What is wrong with a message, and what to do about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tongdai.sip.message.message import Request


class ParseError(ValueError):
    """A message or a header field against the grammar.

    `status` is what a request deserves. `request` holds what could be read when there is a Via to answer
    by: its fields may be missing or malformed, so copy them as text (`Request.response` without a tag does).
    Without it, and for responses, the message is to be dropped (RFC 3261 §16.3, §18.1.2).
    """

    def __init__(self, reason: str, *, status: int = 400, request: Request | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.status = status
        self.request = request
