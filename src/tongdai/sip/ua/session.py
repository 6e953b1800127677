"""An INVITE session: one dialog and what can be done in it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from tongdai.sip.digest import Credentials
from tongdai.sip.flow import Flow
from tongdai.sip.message import ParseError, Replaces, Request, Response, parse, reason_phrase
from tongdai.sip.timers import Timer
from tongdai.sip.transaction import ServerTransaction
from tongdai.sip.ua.answering import IncomingInvite
from tongdai.sip.ua.calling import OutgoingInvite
from tongdai.sip.ua.core import HeaderList, SessionError, UaCore
from tongdai.sip.ua.dialog import (
    adopt_response,
    build_request,
    fork_of,
    refresh_target,
    request_flow,
    sdp_body,
)
from tongdai.sip.ua.handler import Refer
from tongdai.sip.ua.incoming import IncomingRequest
from tongdai.sip.ua.requests import OutgoingRequest
from tongdai.sip.ua.state import DialogState
from tongdai.sip.ua.transfer import Transfers


class InviteSession:
    """One INVITE usage, in or out. Operations that the state forbids raise `SessionError`.

    `tag` is the owner's own. `request` is the INVITE that came in (None for outgoing and restored
    sessions), `replaces` the session that its Replaces header names.
    """

    __slots__ = (
        "_acked_cseq",
        "_bye_owed",
        "_core",
        "_credentials",
        "_incoming",
        "_outgoing",
        "_retry",
        "_silent",
        "_transfers",
        "_unacked",
        "replaces",
        "request",
        "state",
        "tag",
    )

    def __init__(
        self, core: UaCore, state: DialogState, credentials: Credentials | None = None, tag: Any = None
    ) -> None:
        self._core = core
        self._credentials = credentials
        self._incoming: IncomingInvite | None = None
        self._outgoing: OutgoingInvite | None = None
        self._transfers = Transfers(core, self)
        self._retry: Timer | None = None
        self._unacked: OutgoingInvite | None = None
        self._acked_cseq = 0
        self._bye_owed: HeaderList | None = None
        self._silent = False
        self.state = state
        self.request: Request | None = None
        self.replaces: InviteSession | None = None
        self.tag = tag

    # -- looking

    @property
    def key(self) -> str:
        """Unique name, stable over restore."""
        return self.state.key

    @property
    def flow(self) -> Flow:
        """The flow in use."""
        return self.state.flow

    @property
    def call_id(self) -> str:
        """Call-ID of the dialog."""
        return self.state.call_id

    @property
    def local_tag(self) -> str:
        """Our tag."""
        return self.state.local_tag

    @property
    def remote_tag(self) -> str:
        """The peer's tag; empty before its first response."""
        return self.state.remote_tag

    @property
    def local_sdp(self) -> str | None:
        """The description we sent last."""
        return self.state.local_sdp

    @property
    def remote_sdp(self) -> str | None:
        """The description the peer sent last."""
        return self.state.remote_sdp

    @property
    def confirmed(self) -> bool:
        """Answered and not over."""
        return self.state.phase == "confirmed"

    @property
    def ended(self) -> bool:
        """Over for the owner: no event follows."""
        return self.state.phase == "terminated"

    @property
    def reinviting(self) -> bool:
        """A re-INVITE of ours has no result yet."""
        return self.confirmed and (self._outgoing is not None or self._retry is not None)

    def as_replaces(self) -> Replaces:
        """How the peer of another call would name this dialog to our peer (attended transfer, RFC 5589
        §7)."""
        return Replaces(self.call_id, to_tag=self.remote_tag, from_tag=self.local_tag)

    def snapshot(self) -> DialogState:
        """A copy of the state, to be journaled; `UserAgent.restore` continues from it."""
        state = self.state
        copy = msgspec.structs.replace(
            state,
            route_set=list(state.route_set),
            refers=[msgspec.structs.replace(refer) for refer in state.refers],
        )
        if self._outgoing is not None and self._outgoing.transaction is not None:
            copy.pending_invite = self._outgoing.transaction.data
            copy.pending_from_us = True
        elif (
            self._incoming is not None and not self._incoming.answered and self._incoming.request is not None
        ):
            copy.pending_invite = bytes(self._incoming.request)
        return copy

    # -- answering an incoming INVITE

    def progress(
        self, status: int = 180, sdp: str | None = None, reason: str | None = None, headers: HeaderList = ()
    ) -> None:
        """Send 101..199."""
        if not 100 < status < 200:
            raise ValueError(f"{status} is not provisional")
        incoming = self._unanswered("early")
        if sdp is not None:
            self.state.local_sdp = sdp
        incoming.respond(status, reason, headers, sdp, self._core.clock())

    def accept(self, sdp: str, headers: HeaderList = ()) -> None:
        """Send 200; repeated until the ACK, and ended with BYE and `on_ended` when none comes in 64*T1."""
        incoming = self._unanswered("early")
        self.state.phase = "confirmed"
        self.state.local_sdp = sdp
        incoming.respond(200, None, headers, sdp, self._core.clock())

    def reject(self, status: int, reason: str | None = None, headers: HeaderList = ()) -> None:
        """Send a final 300..699; the session is over."""
        if not 300 <= status < 700:
            raise ValueError(f"{status} is no refusal")
        incoming = self._unanswered("early")
        incoming.respond(status, reason, headers, None, self._core.clock())
        self._end()

    def _unanswered(self, phase: str) -> IncomingInvite:
        if self._incoming is None or self._incoming.answered or self.state.phase != phase:
            raise SessionError(
                f"no INVITE of the peer waits for an answer; the session is {self.state.phase}"
            )
        return self._incoming

    # -- an outgoing INVITE

    def start(self, sdp: str | None, headers: HeaderList) -> None:
        """Used by the agent: send the first INVITE."""
        self.state.local_sdp = sdp
        self._outgoing = OutgoingInvite(self._core, self, sdp, headers, self._credentials, initial=True)
        self._outgoing.start(self._core.clock())

    def cancel(self, reason: str | None = None) -> None:
        """Give up an outgoing INVITE (Reason: `reason`, e.g. `SIP;cause=200;text="Call completed
        elsewhere"`).

        `on_failed` follows, with 487 as a rule. A 200 that crosses is acknowledged and ended with BYE.
        """
        if self._outgoing is None or self.state.phase != "early":
            raise SessionError(f"nothing to cancel; the session is {self.state.phase}")
        self._outgoing.cancel(reason, self._core.clock())

    def ack(self, sdp: str) -> None:
        """Acknowledge a 2xx that carried the offer, with our answer."""
        if self._unacked is None:
            raise SessionError("no 2xx waits for our answer")
        self.state.local_sdp = sdp
        self._send_ack(self._unacked, sdp)

    # -- in the dialog

    def reinvite(self, sdp: str | None, headers: HeaderList = ()) -> None:
        """Offer new media (None: ask the peer for its offer); `on_reinvite_result` follows.

        While an INVITE of the peer is unfinished, ours waits for it. Raises `SessionError` when one of
        ours is unfinished (`reinviting`).
        """
        if not self.confirmed or self.reinviting:
            busy = "has a re-INVITE of ours in progress" if self.confirmed else f"is {self.state.phase}"
            raise SessionError(f"cannot re-INVITE: the session {busy}")
        self._outgoing = OutgoingInvite(self._core, self, sdp, headers, self._credentials, initial=False)
        if self._incoming is None and self._unacked is None:
            self._begin_reinvite(self._core.clock())

    def accept_reinvite(self, sdp: str, headers: HeaderList = ()) -> None:
        """Answer `on_reinvite` with 200."""
        incoming = self._unanswered("confirmed")
        self.state.local_sdp = sdp
        incoming.respond(200, None, headers, sdp, self._core.clock())

    def reject_reinvite(self, status: int = 488, reason: str | None = None) -> None:
        """Refuse `on_reinvite`; the old media stay."""
        now = self._core.clock()
        self._unanswered("confirmed").respond(status, reason, (), None, now)
        self._incoming = None
        self._go_on(now)

    def bye(self, reason: str | None = None) -> None:
        """Hang up, whatever the state: an early incoming session is rejected with 480, an early outgoing
        one cancelled.

        No event follows; the session is over at once. Does nothing when it already is.
        """
        now = self._core.clock()
        headers = [] if reason is None else [("Reason", reason)]
        if self.ended:
            return
        if self.state.phase == "early":
            if self.state.role == "uas":
                self._unanswered("early").respond(480, None, headers, None, now)
            elif self._outgoing is not None:
                self._silent = True
                self._outgoing.cancel(reason, now)
            self._end()
            return
        self._hang_up(headers, now)

    def refer(self, refer_to: str, headers: HeaderList = ()) -> int:
        """Ask the peer to call `refer_to` (a URI or name-addr); returns the id that `on_refer_result`
        gives."""
        self._need_confirmed()
        return self._transfers.send_refer(refer_to, headers, self._core.clock())

    def accept_refer(self, refer: Refer) -> None:
        """202, and NOTIFY 100 Trying unless the peer wants none."""
        self._transfers.accept(refer, self._core.clock())

    def reject_refer(self, refer: Refer, status: int = 603, reason: str | None = None) -> None:
        """Refuse the transfer."""
        self._transfers.reject(refer, status, reason, self._core.clock())

    def notify_refer(self, refer_id: int, status: int, reason: str | None = None) -> None:
        """Report how the transfer fares (message/sipfrag); a final status is the last. Also after the
        session's end: the subscription outlives the call (RFC 5057 §4.1)."""
        self._transfers.notify(refer_id, status, reason, self._core.clock())

    def info(self, body: bytes, content_type: str, headers: HeaderList = ()) -> None:
        """Send an INFO."""
        self._need_confirmed()
        self.send_in_dialog("INFO", self._core.clock(), headers, body, content_type)

    def _need_confirmed(self) -> None:
        if not self.confirmed:
            raise SessionError(f"the session is {self.state.phase}, not confirmed")

    # -- what OutgoingInvite tells

    def invite_progress(self, outgoing: OutgoingInvite, response: Response, now: float) -> None:
        """A 101..199 to our INVITE."""
        if not outgoing.initial or self.state.phase != "early":
            return
        if response.to.tag:
            adopt_response(self.state, response)
        sdp = response.sdp
        if sdp is not None:
            self.state.remote_sdp = sdp
        self._core.handler.on_provisional(self, response, sdp)

    def invite_success(self, outgoing: OutgoingInvite, response: Response, now: float) -> None:
        """A 2xx to our INVITE: the first, the same again, or that of another fork (§13.2.2.4)."""
        number = response.cseq.number
        if outgoing is not self._outgoing:
            if number == self._acked_cseq and response.to.tag == self.state.remote_tag:
                self.repeat_ack()
            elif outgoing.initial and response.to.tag != self.state.remote_tag:
                self._end_fork(outgoing, response, now)
            return
        self._outgoing = None
        if outgoing.initial:
            adopt_response(self.state, response)
        else:
            refresh_target(self.state, response)
        sdp = response.sdp
        if sdp is not None:
            self.state.remote_sdp = sdp
        if outgoing.cancelled or self.ended:
            self._send_ack(outgoing, None)
            if outgoing.initial:
                self._send_bye(
                    [] if outgoing.cancel_reason is None else [("Reason", outgoing.cancel_reason)], now
                )
                self._fail(487, response, now)
            return
        self.state.phase = "confirmed"
        if outgoing.sdp is None:
            self._unacked = outgoing
        else:
            self._send_ack(outgoing, None)
        if outgoing.initial:
            self._core.handler.on_answered(self, response, sdp)
        else:
            self._core.handler.on_reinvite_result(self, response.status, sdp)

    def invite_failure(
        self, outgoing: OutgoingInvite, status: int, response: Response | None, now: float
    ) -> None:
        """Our INVITE failed."""
        if outgoing is not self._outgoing:
            return
        self._outgoing = None
        if outgoing.initial:
            self._fail(status, response, now)
        elif self.ended:
            return
        elif status == 491:
            # §14.1: the owner of the Call-ID waits longer, so that the two do not collide again.
            share = self._core.fraction()
            delay = 2.1 + 1.9 * share if self.state.role == "uac" else 2.0 * share
            self._retry = self._core.timers.schedule(now + delay, self._retry_reinvite, outgoing)
        else:
            self._core.handler.on_reinvite_result(self, status, None)
            if status in (408, 481):
                self._lose(status, "re-INVITE")

    def _retry_reinvite(self, failed: OutgoingInvite, now: float) -> None:
        self._retry = None
        self.reinvite(failed.sdp, failed.headers)

    def _begin_reinvite(self, now: float) -> None:
        if self._outgoing is not None:
            if self._outgoing.sdp is not None:
                self.state.local_sdp = self._outgoing.sdp
            self._outgoing.start(now)

    def _go_on(self, now: float) -> None:
        """An INVITE is finished: the one that waited may begin."""
        if self.confirmed and self._incoming is None and self._unacked is None:
            outgoing = self._outgoing
            if outgoing is not None and outgoing.transaction is None:
                self._begin_reinvite(now)

    def _fail(self, status: int, response: Response | None, now: float) -> None:
        silent = self._silent
        self._end()
        if not silent:
            reason = (
                reason_phrase(status) if response is None or response.status != status else response.reason
            )
            self._core.handler.on_failed(self, status, reason, response)

    def _send_ack(self, outgoing: OutgoingInvite, sdp: str | None) -> None:
        self._unacked = None
        state = self.state
        request = self._build_ack(state, outgoing, sdp)
        state.last_ack = bytes(request)
        self._acked_cseq = request.cseq.number
        self._core.transmit(request_flow(state), state.last_ack)
        self._go_on(self._core.clock())

    def _build_ack(self, state: DialogState, outgoing: OutgoingInvite, sdp: str | None) -> Request:
        body, content_type = sdp_body(sdp)
        transaction = outgoing.transaction
        number = state.invite_cseq if transaction is None else transaction.request.cseq.number
        request = build_request(
            state,
            "ACK",
            self._core.product,
            cseq=number,
            headers=outgoing.credentials_header(),
            body=body,
            content_type=content_type,
        )
        self._core.layer.add_via(request, request_flow(state))
        return request

    def repeat_ack(self) -> None:
        """The 2xx came again: its ACK was lost."""
        if self.state.last_ack is not None:
            self._core.transmit(request_flow(self.state), self.state.last_ack)

    def receive_stray_success(self, response: Response) -> None:
        """A 2xx without a transaction: one whose ACK an earlier process sent."""
        if response.cseq.number == self._acked_cseq and response.to.tag == self.state.remote_tag:
            self.repeat_ack()

    def _end_fork(self, outgoing: OutgoingInvite, response: Response, now: float) -> None:
        """Another branch answered as well: acknowledge it and hang up on it."""
        fork = fork_of(self.state, response)
        self._core.transmit(request_flow(fork), bytes(self._build_ack(fork, outgoing, None)))
        bye = build_request(fork, "BYE", self._core.product)
        self._core.layer.send(bye, request_flow(fork), lambda *_: None, lambda *_: None, now)

    # -- what IncomingInvite and the agent tell

    def begin_incoming(self, request: Request, transaction: ServerTransaction) -> None:
        """Used by the agent: the first INVITE of an incoming session."""
        self.request = request
        self.state.remote_sdp = request.sdp
        self._incoming = IncomingInvite(self._core, self, transaction, request)

    def receive_invite(
        self, request: Request, transaction: ServerTransaction, flow: Flow, now: float
    ) -> None:
        """A re-INVITE. Raises `ParseError`."""
        ours = self._outgoing is not None and self._outgoing.transaction is not None
        if ours or self._unacked is not None or (self._incoming is not None and self._incoming.answered):
            transaction.respond(request.response(491), now)
            return
        if self._incoming is not None or not self.confirmed:
            wait = str(int(self._core.fraction() * 10))
            transaction.respond(request.response(500, None, [("Retry-After", wait)]), now)
            return
        refresh_target(self.state, request, flow)
        self._incoming = IncomingInvite(self._core, self, transaction, request)
        sdp = request.sdp
        if sdp is not None:
            self.state.remote_sdp = sdp
        self._core.handler.on_reinvite(self, sdp)

    def receive_ack(self, ack: Request, now: float) -> None:
        """An ACK for a 2xx of ours."""
        incoming = self._incoming
        if incoming is None or self.state.pending_ok is None or ack.cseq.number != incoming.cseq:
            return
        incoming.acked()
        self._incoming = None
        sdp = ack.sdp
        if sdp is not None:
            self.state.remote_sdp = sdp
        if self._bye_owed is not None:
            self._send_bye(self._bye_owed, now)
            self._core.remove(self)
            return
        self._core.handler.on_ack(self, sdp)
        self._go_on(now)

    def invite_unacked(self, now: float) -> None:
        """No ACK in 64*T1 (§13.3.1.4)."""
        self._incoming = None
        if self._bye_owed is not None:
            self._send_bye(self._bye_owed, now)
            self._core.remove(self)
            return
        self._lose(408, "ACK")

    def receive_cancel(self, reason: str | None, now: float) -> None:
        """A CANCEL for the INVITE in progress; after the final response it has no effect (§9.2)."""
        incoming = self._incoming
        if incoming is None or incoming.answered:
            return
        incoming.respond(487, None, (), None, now)
        if self.state.phase == "early":
            self._end()
            self._core.handler.on_cancelled(self, reason)
        else:
            self._incoming = None
            self._go_on(now)

    def receive(self, request: Request, transaction: ServerTransaction, flow: Flow, now: float) -> None:
        """Any request in the dialog but ACK and CANCEL. Raises `ParseError`."""
        state = self.state
        number = request.cseq.number
        if state.remote_cseq and number <= state.remote_cseq:
            transaction.respond(request.response(500, "CSeq out of order"), now)
            return
        state.remote_cseq = number
        method = request.method
        if self.ended and method != "BYE":
            transaction.respond(request.response(481), now)
        elif method == "BYE":
            self._receive_bye(request, transaction, now)
        elif method == "INVITE":
            self.receive_invite(request, transaction, flow, now)
        elif method == "REFER" and self.confirmed:
            refresh_target(state, request, flow)
            self._transfers.receive_refer(request, transaction)
        elif method == "NOTIFY" and self._transfers.receive_notify(request):
            transaction.respond(request.response(200, None, [("Server", self._core.product)]), now)
        elif method == "INFO":
            transaction.respond(request.response(200, None, [("Server", self._core.product)]), now)
            self._core.handler.on_info(self, request)
        else:
            incoming = IncomingRequest(self._core, request, flow, transaction, state.local_tag)
            self._core.handler.on_message(self, incoming)

    def _receive_bye(self, request: Request, transaction: ServerTransaction, now: float) -> None:
        state = self.state
        if state.phase == "early" and state.role == "uac":
            transaction.respond(request.response(481), now)
            return
        transaction.respond(request.response(200, None, [("Server", self._core.product)]), now)
        was_early, was_over = state.phase == "early", self.ended
        if self._incoming is not None and not self._incoming.answered:
            self._incoming.respond(487, None, (), None, now)
        self._end()
        reason = request.headers.get("Reason")
        if was_over:
            return
        if was_early:
            self._core.handler.on_cancelled(self, reason)
        else:
            self._core.handler.on_bye(self, reason)

    # -- ending

    def send_in_dialog(
        self,
        method: str,
        now: float,
        headers: HeaderList = (),
        body: bytes = b"",
        content_type: str | None = None,
        on_final: Callable[[int, Response | None], None] | None = None,
        on_built: Callable[[Request], None] | None = None,
    ) -> None:
        """Send a request that is no INVITE. A dialog that the peer does not know or answer for is lost
        (§12.2.1.2)."""

        def build(extra: HeaderList) -> tuple[Request, Flow]:
            request = build_request(
                self.state,
                method,
                self._core.product,
                headers=[*headers, *extra],
                body=body,
                content_type=content_type,
            )
            if on_built is not None:
                on_built(request)
            return request, request_flow(self.state)

        def final(status: int, response: Response | None, now: float) -> None:
            if on_final is not None:
                on_final(status, response)
            if status in (408, 481) and method != "NOTIFY" and not self.ended:
                self._lose(status, method)

        OutgoingRequest(self._core, build, self._credentials, final, now)

    def _hang_up(self, headers: HeaderList, now: float) -> None:
        """BYE, after whatever must come before it."""
        if self._unacked is not None:
            self._send_ack(self._unacked, None)
        if self._incoming is not None:
            if not self._incoming.answered:
                self._incoming.respond(487, None, (), None, now)
            elif self.state.pending_ok is not None:
                # The callee must not hang up before the ACK or its timeout (§15).
                self._bye_owed = headers
                self._quiet()
                self._core.by_key.pop(self.key, None)
                return
        self._send_bye(headers, now)
        self._end()

    def _send_bye(self, headers: HeaderList, now: float) -> None:
        self._bye_owed = None
        self.send_in_dialog("BYE", now, headers)

    def _lose(self, status: int, what: str) -> None:
        """The protocol ended the dialog: hang up for what remains of it, tell the owner."""
        now = self._core.clock()
        self._send_bye([], now)
        self._end()
        cause = (
            f"no answer to {what}" if status == 408 else f"the peer does not know the dialog of our {what}"
        )
        self._core.handler.on_ended(self, status, cause)

    def _quiet(self) -> None:
        self.state.phase = "terminated"
        self._transfers.drop_waiting(self._core.clock())
        if self._retry is not None:
            self._core.timers.cancel(self._retry)
            self._retry = None

    def _end(self) -> None:
        self._quiet()
        self.state.pending_ok = None
        if self._incoming is not None:
            self._incoming.stop()
        self._core.remove(self)

    # -- continuing

    def resume(self, now: float) -> None:
        """Used by the agent: take up what was unfinished in a restored state."""
        state = self.state
        if state.last_ack is not None:
            self._acked_cseq = parse(state.last_ack).cseq.number
        if state.pending_ok is not None:
            self._incoming = IncomingInvite(self._core, self, None, None)
            self._incoming.await_ack(state.pending_ok, now)
        if state.pending_invite is None:
            return
        invite = parse(state.pending_invite)
        pending, state.pending_invite = state.pending_from_us, None
        if not isinstance(invite, Request):
            raise ParseError("pending_invite is no request")
        early = state.phase == "early"
        if pending:
            state.pending_from_us = False
            self._outgoing = OutgoingInvite(
                self._core, self, invite.sdp, (), self._credentials, initial=early
            )
            self._outgoing.resume(invite, now)
            return
        transaction = self._core.layer.resume_server(invite, state.flow)
        if early:
            self.begin_incoming(invite, transaction)
        else:
            # The owner's answer to that re-INVITE died with its process; the peer will try again.
            transaction.respond(invite.response(491), now)
