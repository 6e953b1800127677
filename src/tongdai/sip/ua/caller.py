"""The part of a session that sends INVITEs and deals with what becomes of them (RFC 3261 §13.2, §14.1)."""

from __future__ import annotations

from collections.abc import Callable

from tongdai.sip.digest import Credentials
from tongdai.sip.flow import Flow
from tongdai.sip.message import Request, Response, parse, reason_phrase
from tongdai.sip.timers import Timer
from tongdai.sip.ua.calling import OutgoingInvite
from tongdai.sip.ua.core import HeaderList, SessionError
from tongdai.sip.ua.dialog import (
    accept_target,
    adopt_response,
    build_request,
    fork_of,
    note_allowed,
    request_flow,
    sdp_body,
)
from tongdai.sip.ua.in_dialog import Hops
from tongdai.sip.ua.part import Part
from tongdai.sip.ua.reliable import reliable_number
from tongdai.sip.ua.state import DialogState

_ATTEMPTS = 6
"""Times that a re-INVITE is sent to a peer that says 491 to each."""


class Caller(Part):
    """`outgoing` is our INVITE without a final response, sent or waiting for the peer's to finish."""

    _credentials: Credentials | None
    _acked_cseq: int = 0
    _queued: OutgoingInvite | None = None
    _retry: Timer | None = None
    outgoing: OutgoingInvite | None = None
    unacked: OutgoingInvite | None = None
    """Answered with an offer, which the owner has to answer in the ACK."""
    silent: bool = False
    """The owner has left: no event."""

    @property
    def busy(self) -> bool:
        """An INVITE of the owner has no result yet."""
        mine = self.outgoing is not None and not self.outgoing.refreshes
        return mine or self._queued is not None or self._retry is not None

    @property
    def unfinished(self) -> bool:
        """Any INVITE of ours has no result yet, or no ACK."""
        return self.busy or self.outgoing is not None or self.unacked is not None

    @property
    def crossing(self) -> bool:
        """An INVITE of ours is on its way: one of the peer would cross it."""
        sent = self.outgoing is not None and self.outgoing.transaction is not None
        return sent or self.unacked is not None

    # -- asked by the owner

    def start(self, sdp: str | None, headers: HeaderList, now: float) -> None:
        """Send the first INVITE."""
        self._state.local_sdp = sdp
        self.outgoing = self._new(sdp, headers, initial=True)
        self.outgoing.start(now)

    def cancel(self, reason: str | None, now: float) -> None:
        """Give up the first INVITE."""
        if self.outgoing is None or self._state.phase != "early":
            raise SessionError(f"nothing to cancel; the session is {self._state.phase}")
        self.outgoing.cancel(reason, now)

    def ack(self, sdp: str, now: float) -> None:
        """Answer their offer in the ACK."""
        if self.unacked is None:
            raise SessionError("no 2xx waits for our answer")
        self._state.local_sdp = sdp
        self._send_ack(self.unacked, sdp, now)

    def reinvite(
        self, sdp: str | Callable[[], str] | None, headers: HeaderList, now: float, attempt: int = 1
    ) -> None:
        """Offer anew, when the peer's own INVITE is done."""
        text, asks = (None, sdp) if callable(sdp) else (sdp, None)
        invite = self._new(text, headers, initial=False)
        invite.attempt, invite.asks = attempt, asks
        if self.outgoing is not None:
            self._queued = invite  # behind a refresh, of which the owner knows nothing
        else:
            self.outgoing = invite
        self.session.go_on(now)

    def refresh(self, now: float) -> None:
        """Offer what is agreed, so that the peer shows that it is there; not while an INVITE does so."""
        if self.outgoing is not None or self._retry is not None:
            return
        self.outgoing = self._new(self._state.local_sdp, (), initial=False, refreshes=True)
        self.session.go_on(now)

    def go_on(self, now: float) -> None:
        """The way is free: send what waited."""
        if self.outgoing is None:
            self.outgoing, self._queued = self._queued, None
        outgoing = self.outgoing
        if outgoing is None or outgoing.transaction is not None or self.unacked is not None:
            return
        if outgoing.asks is not None:
            outgoing.sdp = outgoing.asks()
            if not outgoing.sdp:
                self.outgoing = None
                self._core.handler.on_changed(self.session)
                return
        if outgoing.sdp is not None:
            outgoing.former, self._state.local_sdp = self._state.local_sdp, outgoing.sdp
        outgoing.start(now)

    def move(self, flow: Flow) -> None:
        """What has no answer goes over another path."""
        if self.outgoing is not None:
            self.outgoing.move(flow)

    def finish_ack(self, now: float) -> None:
        """Acknowledge what is still open, so that a BYE may follow."""
        if self.unacked is not None:
            self._send_ack(self.unacked, None, now)

    def stop(self) -> None:
        """No further attempts."""
        if self._retry is not None:
            self._core.timers.cancel(self._retry)
            self._retry = None
        if self.outgoing is not None:
            self.outgoing.expire(self._core.clock())

    def _new(
        self, sdp: str | None, headers: HeaderList, *, initial: bool, refreshes: bool = False
    ) -> OutgoingInvite:
        core, state = self._core, self._state
        return OutgoingInvite(
            core,
            self,
            self.session,
            state,
            self._credentials,
            Hops(core, state),
            sdp,
            headers,
            state.flow,
            state.invite_cseq,
            initial=initial,
            refreshes=refreshes,
        )

    # -- told by OutgoingInvite

    def timer_asks(self) -> HeaderList:
        """What an INVITE says about the life of the session."""
        return self.session.timer.asks()

    def timer_raised(self, response: Response) -> bool:
        """After a 422: whether the INVITE may be sent again with a longer life."""
        return self.session.timer.raise_to(response)

    def invite_progress(self, outgoing: OutgoingInvite, response: Response, now: float) -> None:
        """A 101..199; a reliable one is acknowledged with PRACK, and is news but once (RFC 3262 §4)."""
        state, tag = self._state, response.to.tag
        number = reliable_number(response) if tag else 0
        if number and not outgoing.is_next(tag, number):
            return
        first = outgoing.initial and state.phase == "early"
        if first and tag:
            adopt_response(state, response)
            note_allowed(state, response)
        if number:
            self.session.send_in_dialog("PRACK", now, [("RAck", f"{number} {outgoing.cseq} INVITE")])
        if not first:
            return
        sdp = response.sdp
        if sdp is not None:
            state.remote_sdp = sdp
            if number and outgoing.sdp is not None:
                state.early_answer = tag
        self._core.handler.on_provisional(self.session, response, sdp)

    def invite_success(self, outgoing: OutgoingInvite, response: Response, now: float) -> None:
        """A 2xx: the first, the same again, or that of another fork (§13.2.2.4)."""
        session, state = self.session, self._state
        if outgoing is not self.outgoing:
            if response.to.tag == state.remote_tag:
                self.receive_success_again(response)
            elif outgoing.initial:
                self._end_fork(outgoing, response, now)
            return
        self.outgoing = None
        if outgoing.initial:
            adopt_response(state, response)
            note_allowed(state, response)
        else:
            accept_target(state, response)
        answered = outgoing.initial and state.early_answer == state.remote_tag != ""
        sdp, known = None if answered else response.sdp, state.remote_sdp
        if sdp is not None:
            state.remote_sdp = sdp
        if outgoing.cancelled or session.ended:
            self._end_late_answer(outgoing, response, now)
            return
        state.phase = "confirmed"
        session.timer.agreed(response, now)
        if outgoing.sdp is None:
            self.unacked = outgoing
        else:
            self._send_ack(outgoing, None, now)
        if outgoing.initial:
            self._core.handler.on_answered(session, response, sdp)
        elif not outgoing.refreshes or (sdp is not None and sdp != known):
            self._core.handler.on_reinvite_result(session, response.status, sdp)
        else:
            self._core.handler.on_changed(self.session)

    def invite_failure(
        self, outgoing: OutgoingInvite, status: int, response: Response | None, now: float
    ) -> None:
        """The end of an INVITE."""
        if outgoing is not self.outgoing:
            return
        self.outgoing = None
        if outgoing.initial:
            self._fail(status, response)
            return
        if self.session.ended:
            return
        if outgoing.former is not None:
            self._state.local_sdp = outgoing.former
        if outgoing.refreshes:
            if status in (408, 481):
                self.session.ending.lose(status, "the refresh of the session")
            else:
                self.session.go_on(now)
        elif status == 491 and outgoing.attempt < _ATTEMPTS:
            # §14.1: the owner of the Call-ID waits longer, so that the two do not collide again.
            share = self._core.fraction()
            delay = 2.1 + 1.9 * share if self._state.role == "uac" else 2.0 * share
            self._retry = self._core.timers.schedule(now + delay, self._try_again, outgoing)
        else:
            self._core.handler.on_reinvite_result(self.session, status, None)
            if status in (408, 481) and not self.session.ended:
                self.session.ending.lose(status, "re-INVITE")

    def receive_success_again(self, response: Response) -> None:
        """Our ACK was lost: send it again. So it is also for an ACK that an earlier process sent."""
        state = self._state
        if (
            response.cseq.number == self._acked_cseq
            and response.to.tag == state.remote_tag
            and state.last_ack is not None
        ):
            self._core.transmit(request_flow(state), state.last_ack)

    def _try_again(self, failed: OutgoingInvite, now: float) -> None:
        self._retry = None
        self.reinvite(failed.asks or failed.sdp, failed.headers, now, failed.attempt + 1)

    def _end_late_answer(self, outgoing: OutgoingInvite, response: Response, now: float) -> None:
        """Answered after we gave up: acknowledge, and hang up."""
        self._send_ack(outgoing, None, now)
        if outgoing.initial:
            reason = [] if outgoing.cancel_reason is None else [("Reason", outgoing.cancel_reason)]
            self.session.ending.send_bye(reason, now)
            self._fail(487, response)

    def _fail(self, status: int, response: Response | None) -> None:
        self.session.end()
        if not self.silent:
            said = response is not None and response.status == status
            reason = response.reason if response is not None and said else reason_phrase(status)
            self._core.handler.on_failed(self.session, status, reason, response)

    def _end_fork(self, outgoing: OutgoingInvite, response: Response, now: float) -> None:
        """Another branch answered as well: acknowledge it and hang up on it, each time it says so."""
        fork = fork_of(self._state, response)
        self._core.transmit(request_flow(fork), bytes(self._build_ack(fork, outgoing, None)))
        bye = build_request(fork, "BYE", self._core.product)
        self._core.layer.send(bye, request_flow(fork), lambda *_: None, lambda *_: None, now)

    # -- ACK

    def _send_ack(self, outgoing: OutgoingInvite, sdp: str | None, now: float) -> None:
        self.unacked = None
        state = self._state
        request = self._build_ack(state, outgoing, sdp)
        state.last_ack = bytes(request)
        self._acked_cseq = outgoing.cseq
        self._core.transmit(request_flow(state), state.last_ack)
        self.session.go_on(now)

    def _build_ack(self, state: DialogState, outgoing: OutgoingInvite, sdp: str | None) -> Request:
        body, content_type = sdp_body(sdp)
        request = build_request(
            state,
            "ACK",
            self._core.product,
            cseq=outgoing.cseq,
            headers=outgoing.credentials_header(),
            body=body,
            content_type=content_type,
        )
        self._core.layer.add_via(request, request_flow(state))
        return request

    # -- continuing

    def resume(self, invite: Request | None, heard: bool, now: float) -> None:
        """Continue after a restore, with the INVITE of ours that was pending."""
        state = self._state
        if state.last_ack is not None:
            self._acked_cseq = parse(state.last_ack).cseq.number
        if invite is not None:
            self.outgoing = self._new(invite.sdp, (), initial=state.phase == "early")
            self.outgoing.resume(invite, heard, now)
