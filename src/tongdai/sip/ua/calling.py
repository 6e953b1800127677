"""One INVITE of ours, first or inside a dialog: challenges, CANCEL, and its responses (RFC 3261 §13.2,
§14.1, §9.1)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec

from tongdai.sip.digest import Credentials, DigestClient
from tongdai.sip.flow import Flow
from tongdai.sip.message import Headers, Request, Response, SipUri
from tongdai.sip.timers import Timer
from tongdai.sip.transaction import ClientTransaction
from tongdai.sip.ua.core import HeaderList, UaCore, contact_uri
from tongdai.sip.ua.dialog import build_request, request_flow, sdp_body
from tongdai.sip.ua.in_dialog import Hops
from tongdai.sip.ua.state import DialogState

if TYPE_CHECKING:
    from tongdai.sip.ua.caller import Caller
    from tongdai.sip.ua.session import InviteSession


class OutgoingInvite(msgspec.Struct, eq=False):
    """Gives the caller `invite_progress`, `invite_success` and, once, `invite_failure`."""

    _core: UaCore
    _user: Caller
    _session: InviteSession
    """Is kept as long as the INVITE is under way."""
    _state: DialogState
    _credentials: Credentials | None
    _hops: Hops
    sdp: str | None
    headers: HeaderList
    flow: Flow
    cseq: int
    initial: bool
    refreshes: bool
    """Ours alone: the owner has not asked for it."""
    asks: Callable[[], str] | None = None
    """Gives `sdp` when it is sent; nothing: it is not sent."""
    former: str | None = None
    """What held before: it does again when this is refused (§14.1)."""
    attempt: int = 1
    heard: bool = False
    cancelled: bool = False
    cancel_reason: str | None = None
    done: bool = False
    transaction: ClientTransaction | None = None
    _digest: DigestClient | None = None
    _cancel_sent: bool = False
    _give_up: Timer | None = None
    _numbers: dict[str, int] = msgspec.field(default_factory=dict)
    _proof: HeaderList = ()
    _widened: tuple[Flow, str] | None = None

    def start(self, now: float, extra: HeaderList = ()) -> None:
        """Send it; `extra` are the credentials of a repetition."""
        state = self._state
        request = self._built(extra)
        self._proof = extra
        self.cseq = state.invite_cseq = state.local_cseq
        self.flow = request_flow(state) if not self.initial else state.flow
        stream = None if state.pinned else self._core.stream_for(request, self.flow, now)
        if stream is not None:
            self._widen(stream)
            request = self._built(extra, self.cseq)
        self.heard = False
        self.transaction = self._core.layer.send(request, self.flow, self._on_response, self._on_failure, now)

    def _built(self, extra: HeaderList, cseq: int | None = None) -> Request:
        body, content_type = sdp_body(self.sdp)
        return build_request(
            self._state,
            "INVITE",
            self._core.product,
            cseq=cseq,
            headers=[*self.headers, *self._user.timer_asks(), *extra],
            body=body,
            content_type=content_type,
        )

    def _widen(self, stream: Flow) -> None:
        """It is too large for UDP: it, and what follows in its dialog, goes over TCP."""
        state = self._state
        if self.initial:
            self._widened = self.flow, state.local_contact
            state.flow = stream
            state.local_contact = contact_uri(stream, SipUri.parse(state.local_contact).user)
        else:
            self._widened = self.flow, ""
        self.flow = stream

    def _narrow(self, now: float) -> None:
        """Nobody takes it over TCP: again over UDP (§18.1.1), as a request of another branch."""
        assert self._widened is not None
        flow, contact = self._widened
        self._widened = None
        self._core.refused_stream(flow, now)
        if self.initial:
            self._state.flow, self._state.local_contact = flow, contact
        self.start(now, self._proof)

    def is_next(self, tag: str, number: int) -> bool:
        """The reliable response of this RSeq is the first of its dialog or follows the one before: others
        came already, or come again (RFC 3262 §4)."""
        last = self._numbers.get(tag)
        if last is not None and number != last + 1:
            return False
        self._numbers[tag] = number
        return True

    def resume(self, request: Request, heard: bool, now: float) -> None:
        """Continue one that an earlier process has built.

        Perhaps it was killed before it sent it, so it is sent again: that changes nothing for a peer that
        has it. Only a first INVITE that was heard is not: should its transaction have ended meanwhile, it
        would ring anew.
        """
        self.heard = heard
        names = ("Authorization", "Proxy-Authorization")
        self._proof = [(name, value) for name in names for value in request.headers.get_all(name)]
        layer = self._core.layer
        if heard and self.initial:
            self.transaction = layer.resume_invite(request, self.flow, self._on_response, self._on_failure)
        else:
            self.transaction = layer.send(request, self.flow, self._on_response, self._on_failure, now)

    def cancel(self, reason: str | None, now: float) -> None:
        """Send CANCEL, now or when the first provisional response allows it (§9.1)."""
        if self.cancelled or self.done:
            return
        self.cancelled = True
        self.cancel_reason = reason
        if self.heard:
            self._send_cancel(now)

    def expire(self, now: float) -> None:
        """The session is over: wait for the final response only as long as it may take."""
        if self.transaction is not None and not self.done and self._give_up is None:
            self._give_up = self._core.timers.schedule(now + 64 * self._core.layer.t1, self._abandon)

    def credentials_header(self) -> HeaderList:
        """The Authorization that our INVITE carried, which its ACK repeats (§22.1)."""
        return self._proof

    def _on_response(self, response: Response, now: float) -> None:
        status = response.status
        if status < 200:
            self.heard = True
            if self.cancelled:
                self._send_cancel(now)
            elif status > 100:
                self._user.invite_progress(self, response, now)
        elif status < 300:
            self._finish()
            self._user.invite_success(self, response, now)
        elif not self.done:
            if status in (401, 407) and not self.cancelled and self._answer_challenge(response, now):
                return
            if status == 422 and not self.cancelled and self._user.timer_raised(response):
                self._digest = None  # a new request, which may be challenged like the first
                self.start(now)
                return
            self._fail(status, response, now)

    def _on_failure(self, status: int, now: float) -> None:
        if status == 503 and self._widened is not None and not (self.heard or self.cancelled or self.done):
            self._narrow(now)
        elif not self.done:
            self._fail(487 if self.cancelled else status, None, now)

    def _fail(self, status: int, response: Response | None, now: float) -> None:
        """It is over, unless it can go to another address of the peer's. Where a first INVITE goes is the
        owner's affair."""

        def again(now: float) -> None:
            if not self.done:
                self.start(now, self._proof)

        def failed(now: float) -> None:
            if not self.done:
                self._finish()
                self._user.invite_failure(self, status, response, now)

        if self.initial or not self._hops.after(status, response, again, failed):
            failed(now)

    def move(self, flow: Flow) -> None:
        """The peer is reached over another path from now on."""
        self.flow = flow
        if self.transaction is not None:
            self._core.layer.move(self.transaction, flow)

    def _finish(self) -> None:
        self.done = True
        if self._give_up is not None:
            self._core.timers.cancel(self._give_up)
            self._give_up = None

    def _answer_challenge(self, response: Response, now: float) -> bool:
        request = self.transaction.request if self.transaction is not None else None
        if self._credentials is None or request is None or not self._credentials.are_for(self.flow.remote):
            return False
        if self._digest is None:
            self._digest = DigestClient(self._credentials, self._core.ids.token)
        answer = self._digest.answer(response, "INVITE", request.target)
        if answer is None:
            return False
        self.start(now, [answer])
        return True

    def _send_cancel(self, now: float) -> None:
        invite = self.transaction.request if self.transaction is not None else None
        if self._cancel_sent or invite is None:
            return
        self._cancel_sent = True
        headers = Headers.of([("Via", invite.headers.get_all("Via")[0]), ("Max-Forwards", "70")])
        for name in ("From", "To", "Call-ID"):
            headers.add(name, invite.headers.get(name) or "")
        headers.add("CSeq", f"{invite.cseq.number} CANCEL")
        headers.set_all("Route", invite.headers.get_all("Route"))
        if self.cancel_reason is not None:
            headers.add("Reason", self.cancel_reason)
        layer = self._core.layer
        cancel = Request("CANCEL", invite.target, headers=headers)
        layer.send(cancel, self.flow, lambda *_: None, lambda *_: None, now)
        # A peer that answers the CANCEL with silence has no final response for us either (§9.1).
        self._give_up = self._core.timers.schedule(now + 64 * layer.t1, self._abandon)

    def _abandon(self, now: float) -> None:
        if self.transaction is not None:
            self.transaction.abandon()
        self._on_failure(487, now)
