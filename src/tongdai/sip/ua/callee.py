"""The part of a session that is sent INVITEs and answers them (RFC 3261 §13.3, §14.2)."""

from __future__ import annotations

from tongdai.sip.message import Request
from tongdai.sip.transaction import ServerTransaction
from tongdai.sip.ua import session_timer
from tongdai.sip.ua.answering import IncomingInvite
from tongdai.sip.ua.core import HeaderList, SessionError
from tongdai.sip.ua.dialog import note_allowed, refresh_target
from tongdai.sip.ua.part import Part
from tongdai.sip.ua.reliable import read_rack
from tongdai.sip.ua.state import Phase


class Callee(Part):
    """`incoming` is the peer's INVITE until it is refused, or acknowledged."""

    _held: tuple[str, HeaderList] | None = None
    """A 2xx that waits for a PRACK."""
    incoming: IncomingInvite | None = None
    bye_owed: HeaderList | None = None
    """Our BYE waits for the ACK: the callee must not hang up before it or its timeout (§15)."""

    def begin(self, request: Request, transaction: ServerTransaction | None) -> None:
        """The first INVITE of the session."""
        self._state.remote_sdp = request.sdp
        note_allowed(self._state, request)
        self.incoming = self._new(transaction, request)

    def unanswered(self, phase: Phase) -> IncomingInvite:
        """The INVITE that waits for the owner. Raises `SessionError` when none does in that phase."""
        now_in = self._state.phase
        if self.incoming is None or self.incoming.answered or now_in != phase:
            raise SessionError(f"no INVITE of the peer waits for an answer; the session is {now_in}")
        return self.incoming

    def accept(self, sdp: str, headers: HeaderList, now: float) -> None:
        """Answer the first INVITE, when what described the early media is acknowledged."""
        incoming = self.unanswered("early")
        if self._held is not None:
            raise SessionError("the INVITE was already accepted")
        session, state = self.session, self._state
        state.local_sdp = sdp
        if incoming.reliable is not None and incoming.reliable.holds_answer:
            self._held = sdp, headers
            return
        described: str | None = sdp
        if session.updated_early:
            described = None  # the 2xx would undo the UPDATE
        elif session.answered_early and incoming.request is not None and incoming.request.sdp is None:
            described = None  # our offer was answered in the PRACK
        state.phase = "confirmed"
        incoming.respond(200, None, headers, described, now)

    @property
    def offer_unanswered(self) -> bool:
        """Our 2xx made the offer, whose answer comes in the ACK."""
        incoming = self.incoming
        if incoming is None or not incoming.answered or incoming.request is None:
            return False
        return incoming.request.sdp is None

    def refuse_reinvite(self, status: int, reason: str | None, now: float) -> None:
        """Refuse; the dialog goes on."""
        self.unanswered("confirmed").respond(status, reason, (), None, now)
        self.incoming = None
        self.session.go_on(now)

    def hang_up_first(self, headers: HeaderList, now: float) -> bool:
        """Settle the INVITE before a BYE; True when the BYE has to wait for the ACK."""
        incoming = self.incoming
        if incoming is None:
            return False
        if not incoming.answered:
            incoming.respond(487, None, (), None, now)
            return False
        if self._state.pending_ok is None:
            return False
        self.bye_owed = headers
        return True

    def refuse_if_open(self, now: float) -> None:
        """The session ends: an INVITE without an answer gets 487."""
        if self.incoming is not None and not self.incoming.answered:
            self.incoming.respond(487, None, (), None, now)

    def stop(self) -> None:
        """Repeat nothing any more."""
        self._state.pending_ok = None
        if self.incoming is not None:
            self.incoming.stop()

    # -- told by the agent and IncomingInvite

    def accepted(self, request: Request, now: float) -> HeaderList:
        """What a 2xx adds about the life of the session."""
        return self.session.timer.answers(request, now)

    def receive_invite(self, request: Request, transaction: ServerTransaction) -> None:
        """A re-INVITE; those that cross another are refused. Raises `ParseError`."""
        session = self.session
        now = self._core.clock()
        if session.invite_crosses or (self.incoming is not None and self.incoming.answered):
            transaction.respond(request.response(491), now)
            return
        if self.incoming is not None or session.update_waits or not session.confirmed:
            wait = str(int(self._core.fraction() * 10))
            transaction.respond(request.response(500, None, [("Retry-After", wait)]), now)
            return
        brief = session_timer.refusal(request)
        if brief is not None:
            transaction.respond(request.response(422, None, brief), now)
            return
        sdp = request.sdp
        refresh_target(session.state, request)
        if sdp is not None:
            session.state.remote_sdp = sdp
        self.incoming = self._new(transaction, request)
        self._core.handler.on_reinvite(session, sdp)

    def receive_prack(self, request: Request, transaction: ServerTransaction, now: float) -> None:
        """A PRACK (RFC 3262 §3); one that comes again, or after the final response, is as good as the first.
        Raises `ParseError`."""
        session, state = self.session, self._state
        number, cseq = read_rack(request)
        if cseq != state.invite_cseq or not 0 < number <= state.rseq:
            transaction.respond(request.response(481), now)
            return
        reliable = self.incoming.reliable if self.incoming is not None else None
        done = reliable.acknowledge(number, now) if reliable is not None else None
        if done is not None and done.described:
            state.early_answer = state.remote_tag
        sdp = request.sdp if done is not None else None
        incoming = self.incoming
        answers = incoming is not None and incoming.request is not None and incoming.request.sdp is None
        if done is not None and done.described and answers:
            transaction.respond(request.response(200, None, [("Server", self._core.product)]), now)
            if sdp is not None:
                state.remote_sdp = sdp
            self._core.handler.on_ack(session, sdp)
        elif sdp is not None:
            session.take_offer(request, transaction, sdp)
        else:
            transaction.respond(request.response(200, None, [("Server", self._core.product)]), now)
        if self._held is not None and not session.ended and reliable is not None:
            (sdp, headers), self._held = self._held, None
            self.accept(sdp, headers, now)
            self._core.handler.on_changed(session)

    def invite_unheard(self, now: float) -> None:
        """No PRACK in 64*T1 (RFC 3262 §3)."""
        if self.incoming is not None and not self.incoming.answered:
            self.incoming.respond(504, "No PRACK", (), None, now)
        self.session.end()
        self._core.handler.on_ended(self.session, 408, "no PRACK")

    def receive_ack(self, ack: Request, now: float) -> None:
        """An ACK for a 2xx of ours; one for another INVITE or dialog is ignored, whatever its branch."""
        incoming = self.incoming
        state = self._state
        if incoming is None or state.pending_ok is None or ack.cseq.number != incoming.cseq:
            return
        if (ack.call_id, ack.to.tag, ack.from_.tag) != (state.call_id, state.local_tag, state.remote_tag):
            return
        incoming.acked()
        self.incoming = None
        sdp = ack.sdp
        if sdp is not None:
            state.remote_sdp = sdp
        if not self._pay_bye(now):
            session = self.session
            self._core.handler.on_ack(session, sdp)
            session.go_on(now)

    def invite_unacked(self, now: float) -> None:
        """No ACK in 64*T1 (§13.3.1.4)."""
        self.incoming = None
        if not self._pay_bye(now):
            self.session.ending.lose(408, "ACK")

    def receive_cancel(self, reason: str | None, now: float) -> None:
        """A CANCEL; after the final response it has no effect (§9.2)."""
        incoming = self.incoming
        if incoming is None or incoming.answered:
            return
        incoming.respond(487, None, (), None, now)
        if self._state.phase == "early":
            self.session.end()
            self._core.handler.on_cancelled(self.session, reason)
        else:
            self.incoming = None
            self.session.go_on(now)

    def _pay_bye(self, now: float) -> bool:
        headers, self.bye_owed = self.bye_owed, None
        if headers is None:
            return False
        self.session.ending.send_bye(headers, now)
        self.session.end()
        return True

    def _new(self, transaction: ServerTransaction | None, request: Request | None) -> IncomingInvite:
        return IncomingInvite(self._core, self, self._state, transaction, request)

    # -- continuing

    def resume(self, invite: Request | None, now: float) -> None:
        """Continue after a restore, with the INVITE of the peer that was pending."""
        state = self._state
        if state.pending_ok is not None:
            self.incoming = self._new(None, None)
            self.incoming.await_ack(state.pending_ok, now)
        if invite is None:
            return
        transaction = self._core.layer.resume_server(invite, state.flow)
        if state.phase == "early":
            self.begin(invite, transaction)
            self.session.request = invite
        else:
            # The owner's answer to that re-INVITE died with its process; the peer will try again.
            transaction.respond(invite.response(491), now)
