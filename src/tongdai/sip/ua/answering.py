"""One INVITE of the peer, first or inside a dialog: our responses, and the 2xx until its ACK (RFC 3261
§13.3, §14.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tongdai.sip.message import Request
from tongdai.sip.timers import Timer
from tongdai.sip.transaction import ServerTransaction
from tongdai.sip.ua.core import ALLOW, HeaderList, SessionError, UaCore
from tongdai.sip.ua.dialog import response_headers, sdp_body
from tongdai.sip.ua.reliable import OPTION, ReliableResponses
from tongdai.sip.ua.state import DialogState

if TYPE_CHECKING:
    from tongdai.sip.ua.callee import Callee

_KEEP_RINGING = 60.0
"""Seconds after which a provisional response is repeated, so that proxies do not give up (§13.3.1.1)."""


class IncomingInvite:
    """Gives the callee `receive_ack` or `invite_unacked` after a 2xx, and `invite_unheard` when a reliable
    response is not acknowledged."""

    __slots__ = (
        "_core",
        "_deadline",
        "_interval",
        "_session",
        "_state",
        "_timer",
        "_user",
        "cseq",
        "reliable",
        "request",
        "transaction",
    )

    def __init__(
        self,
        core: UaCore,
        user: Callee,
        state: DialogState,
        transaction: ServerTransaction | None,
        request: Request | None,
    ) -> None:
        self._core = core
        self._user = user
        self._session = user.session  # is kept as long as the INVITE is under way
        self._state = state
        self._timer: Timer | None = None
        self._interval = 0.0
        self._deadline = 0.0
        self.transaction = transaction
        self.request = request
        self.cseq = state.invite_cseq if request is None else request.cseq.number
        self.reliable: ReliableResponses | None = None
        if transaction is not None:
            transaction.on_cancel = user.receive_cancel
            self.reliable = ReliableResponses(core, state, transaction, user.invite_unheard)

    @property
    def answered(self) -> bool:
        """The final response was sent."""
        return self.transaction is None or self.transaction.answered

    def respond(
        self, status: int, reason: str | None, headers: HeaderList, sdp: str | None, now: float
    ) -> None:
        """Send one response; a 2xx is repeated until the ACK. Raises `SessionError` after a final one."""
        if self.answered or self.request is None or self.transaction is None:
            raise SessionError("the INVITE was already answered")
        state = self._state
        body, content_type = sdp_body(sdp)
        timer = self._user.accepted(self.request, now) if 200 <= status < 300 else ()
        fields = [*response_headers(state, self.request, status), *timer]
        fields += [("Server", self._core.product), *headers]
        if content_type is not None:
            fields.append(("Content-Type", content_type))
        if status < 200 and self.reliable is not None and self._wants_prack(self.request, sdp):
            if self.request.sdp is None and sdp is None and not state.rseq:
                return  # the first one would have to carry our offer (RFC 3262 §5)
            number = self.reliable.next_number()
            fields += [("Require", OPTION), ("RSeq", str(number)), ("Allow", ALLOW)]
            response = self.request.response(status, reason, fields, body, to_tag=state.local_tag)
            self._stop()
            self.reliable.send(number, response, sdp is not None, now)
            self._timer = self._core.timers.schedule(
                now + _KEEP_RINGING, self._say_again, status, reason, headers
            )
            return
        response = self.request.response(status, reason, fields, body, to_tag=state.local_tag)
        data = self.transaction.respond(response, now)
        self._stop()
        if status < 200:
            if status > 100:
                self._timer = self._core.timers.schedule(now + _KEEP_RINGING, self._ring_on, data)
        elif status < 300:
            state.invite_cseq = self.cseq
            self.transaction.on_ack = self._user.receive_ack
            self.await_ack(data, now)

    @staticmethod
    def _wants_prack(request: Request, sdp: str | None) -> bool:
        """The caller insists on it; or can, and would have no early media if this response were lost."""
        if OPTION in request.tokens("Require"):
            return True
        return sdp is not None and OPTION in request.tokens("Supported")

    @property
    def may_offer(self) -> bool:
        """The INVITE has no offer, and its caller can answer ours before the call is (RFC 3262 §5)."""
        request = self.request
        if self.answered or request is None or self.reliable is None or request.sdp is not None:
            return False
        return OPTION in request.tokens("Require") or OPTION in request.tokens("Supported")

    def await_ack(self, data: bytes, now: float) -> None:
        """Repeat a 2xx that was sent once until the ACK comes, on every transport (§13.3.1.4)."""
        t1 = self._core.layer.t1
        self._state.pending_ok = data
        self._interval = t1
        self._deadline = now + 64 * t1
        self._timer = self._core.timers.schedule(now + t1, self._repeat)

    def acked(self) -> None:
        """The ACK is here."""
        self._state.pending_ok = None
        self.stop()

    def stop(self) -> None:
        """Nothing more of this. The transaction lingers (RFC 6026 §7.1) without the session."""
        self._stop()
        if self.transaction is not None and self.answered:
            self.transaction.on_ack = self.transaction.on_cancel = None

    def _repeat(self, now: float) -> None:
        data = self._state.pending_ok
        if data is None:
            return
        if now >= self._deadline:
            self._state.pending_ok = None
            self._timer = None
            self._user.invite_unacked(now)
            return
        flow = self.transaction.flow if self.transaction is not None else self._state.flow
        self._core.transmit(flow, data)
        self._interval = min(self._interval * 2, self._core.layer.t2)
        self._timer = self._core.timers.schedule(min(now + self._interval, self._deadline), self._repeat)

    def _ring_on(self, data: bytes, now: float) -> None:
        if self.transaction is not None and not self.answered:
            self._core.transmit(self.transaction.flow, data)
            self._timer = self._core.timers.schedule(now + _KEEP_RINGING, self._ring_on, data)

    def _say_again(self, status: int, reason: str | None, headers: HeaderList, now: float) -> None:
        """A reliable one that comes again is dropped by whom it is for: a new one says the same."""
        if not self.answered:
            self.respond(status, reason, headers, None, now)

    def _stop(self) -> None:
        if self._timer is not None:
            self._core.timers.cancel(self._timer)
            self._timer = None
        if self.reliable is not None and self.answered:
            self.reliable.stop()
