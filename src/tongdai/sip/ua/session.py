"""An INVITE session: one dialog and what can be done in it."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from tongdai.sip.digest import Credentials
from tongdai.sip.flow import Flow
from tongdai.sip.message import ParseError, Replaces, Request, Response, parse
from tongdai.sip.transaction import ServerTransaction
from tongdai.sip.ua.callee import Callee
from tongdai.sip.ua.caller import Caller
from tongdai.sip.ua.core import HeaderList, SessionError, UaCore
from tongdai.sip.ua.dialog import refresh_target
from tongdai.sip.ua.ending import Ending
from tongdai.sip.ua.handler import Refer
from tongdai.sip.ua.in_dialog import Hops, InDialog
from tongdai.sip.ua.incoming import IncomingRequest
from tongdai.sip.ua.offers import Offers
from tongdai.sip.ua.session_timer import SessionTimer
from tongdai.sip.ua.state import DialogState
from tongdai.sip.ua.transfer import Transfers


class InviteSession:
    """One INVITE usage, in or out. Operations that the state forbids raise `SessionError`.

    `tag` is the owner's own. `request` is the INVITE that came in (None for outgoing and restored
    sessions), `replaces` the session that its Replaces header names.
    """

    __slots__ = (
        "__weakref__",
        "_callee",
        "_caller",
        "_core",
        "_credentials",
        "_offers",
        "_transfers",
        "bye_heard",
        "ending",
        "on_bye_heard",
        "replaces",
        "request",
        "state",
        "tag",
        "timer",
    )

    def __init__(
        self, core: UaCore, state: DialogState, credentials: Credentials | None = None, tag: Any = None
    ) -> None:
        self._core = core
        self.state = state
        self._credentials = credentials
        me = weakref.ref(self)
        self._caller = Caller(core, state, me, credentials)
        self._callee = Callee(core, state, me)
        self._offers = Offers(core, state, me)
        self._transfers = Transfers(core, state, me)
        self.timer = SessionTimer(core, state, me, core.session_seconds)
        self.ending = Ending(core, state, me, self._caller, self._callee)
        self.request: Request | None = None
        self.replaces: InviteSession | None = None
        self.tag = tag
        self.bye_heard = False
        """The peer has answered our BYE."""
        self.on_bye_heard: Callable[[], None] | None = None
        """Called once it has."""

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
    def heard(self) -> bool:
        """The peer has said something to our unanswered INVITE, if only 100."""
        outgoing = self._caller.outgoing
        return outgoing is not None and outgoing.heard

    @property
    def ended(self) -> bool:
        """Over for the owner: no event follows."""
        return self.state.phase == "terminated"

    @property
    def reinviting(self) -> bool:
        """A re-INVITE of ours has no result yet."""
        return self.confirmed and self._caller.busy

    @property
    def at_rest(self) -> bool:
        """Answered, and no INVITE and no offer of either side is unfinished."""
        unfinished = self._caller.unfinished or self._callee.incoming is not None or self._offers.waiting
        return self.confirmed and not unfinished

    @property
    def offered(self) -> bool:
        """An offer of the peer in the dialog waits for `accept_reinvite` or `reject_reinvite`."""
        return self._offers.waiting or (self.confirmed and self.their_invite_open)

    @property
    def may_offer_early(self) -> bool:
        """The caller made no offer and takes ours in `progress`; the answer comes by `on_ack`."""
        incoming = self._callee.incoming
        return incoming is not None and self.state.phase == "early" and incoming.may_offer

    def as_replaces(self) -> Replaces:
        """How the peer of another call would name this dialog to our peer (attended transfer, RFC 5589
        §7)."""
        return Replaces(self.call_id, to_tag=self.remote_tag, from_tag=self.local_tag)

    def snapshot(self) -> DialogState:
        """A copy of the state, to be journaled; `UserAgent.restore` continues from it."""
        state = self.state
        copy = replace(state, route_set=list(state.route_set), refers=list(map(replace, state.refers)))
        outgoing, incoming = self._caller.outgoing, self._callee.incoming
        if outgoing is not None and outgoing.transaction is not None:
            copy.pending_invite = outgoing.transaction.data
            copy.pending_from_us = True
            copy.pending_heard = outgoing.heard
        elif incoming is not None and not incoming.answered and incoming.request is not None:
            copy.pending_invite = bytes(incoming.request)
        return copy

    # -- answering an incoming INVITE

    def progress(
        self, status: int = 180, sdp: str | None = None, reason: str | None = None, headers: HeaderList = ()
    ) -> None:
        """Send 101..199."""
        if not 100 < status < 200:
            raise ValueError(f"{status} is not provisional")
        incoming = self._callee.unanswered("early")
        if sdp is not None:
            self.state.local_sdp = sdp
        incoming.respond(status, reason, headers, sdp, self._core.clock())

    def accept(self, sdp: str, headers: HeaderList = ()) -> None:
        """Send 200; repeated until the ACK, and ended with BYE and `on_ended` when none comes in 64*T1.

        While the peer has not acknowledged what describes the early media, the 200 waits for that, and the
        session stays early (RFC 3262 §3)."""
        self._callee.accept(sdp, headers, self._core.clock())

    def reject(self, status: int, reason: str | None = None, headers: HeaderList = ()) -> None:
        """Send a final 300..699; the session is over."""
        if not 300 <= status < 700:
            raise ValueError(f"{status} is no refusal")
        incoming = self._callee.unanswered("early")
        incoming.respond(status, reason, headers, None, self._core.clock())
        self.end()

    # -- an outgoing INVITE

    def start(self, sdp: str | None, headers: HeaderList) -> None:
        """Used by the agent: send the first INVITE."""
        self._caller.start(sdp, headers, self._core.clock())

    def cancel(self, reason: str | None = None) -> None:
        """Give up an outgoing INVITE (Reason: `reason`, e.g. `SIP;cause=200;text="Call completed
        elsewhere"`).

        `on_failed` follows, with 487 as a rule. A 200 that crosses is acknowledged and ended with BYE.
        """
        self._caller.cancel(reason, self._core.clock())

    def ack(self, sdp: str) -> None:
        """Acknowledge a 2xx that carried the offer, with our answer."""
        self._caller.ack(sdp, self._core.clock())

    # -- in the dialog

    def reinvite(self, sdp: str | Callable[[], str] | None, headers: HeaderList = ()) -> None:
        """Offer new media (None: ask the peer for its offer); `on_reinvite_result` follows.

        While an INVITE of the peer is unfinished, ours waits for it, and is sent again when the two met (491,
        §14.1). Then something else may hold: a function is asked for the offer whenever it is sent. If it
        gives nothing, nothing is sent, and `on_changed` follows. Raises `SessionError` when a re-INVITE of
        ours is unfinished (`reinviting`).
        """
        if not self.confirmed or self.reinviting:
            busy = "has a re-INVITE of ours in progress" if self.confirmed else f"is {self.state.phase}"
            raise SessionError(f"cannot re-INVITE: the session {busy}")
        self._caller.reinvite(sdp, headers, self._core.clock())

    def accept_reinvite(self, sdp: str, headers: HeaderList = ()) -> None:
        """Answer `on_reinvite` with 200."""
        if self._offers.waiting:
            self._offers.accept(sdp, headers, self._core.clock())
            return
        incoming = self._callee.unanswered("confirmed")
        self.state.local_sdp = sdp
        incoming.respond(200, None, headers, sdp, self._core.clock())

    def reject_reinvite(self, status: int = 488, reason: str | None = None) -> None:
        """Refuse `on_reinvite`; the old media stay."""
        if self._offers.waiting:
            self._offers.reject(status, reason, self._core.clock())
            return
        self._callee.refuse_reinvite(status, reason, self._core.clock())

    def bye(self, reason: str | None = None) -> None:
        """Hang up, whatever the state: an early incoming session is rejected with 480, an early outgoing
        one cancelled.

        No event follows; the session is over at once. Does nothing when it already is.
        """
        self.ending.bye(reason, self._core.clock())

    def move(self, flow: Flow) -> bool:
        """Send over another path to the same peer, which the owner has proven to be its (RFC 5626 §5.3).

        False when nothing changes: a dialog keeps to its kind of transport, and one over UDP that is not
        `pinned` to its target."""
        state = self.state
        keeps = not (state.pinned or state.flow.reliable) or state.flow.transport != flow.transport
        if self.ended or keeps or state.flow == flow:
            return False
        state.flow = flow
        self._caller.move(flow)
        return True

    def bye_again(self, flow: Flow) -> None:
        """The peer, which has not answered our BYE, is reached by this flow (see `move`): tell it there."""
        self.ending.bye_again(flow, self._core.clock())

    def refer(self, refer_to: str, headers: HeaderList = ()) -> int:
        """Ask the peer to call `refer_to` (a URI or name-addr); returns the id that `on_refer_result`
        gives."""
        self._need_confirmed()
        return self._transfers.send_refer(refer_to, headers, self._core.clock())

    def accept_refer(self, refer: Refer) -> None:
        """202, and NOTIFY 100 Trying unless the peer wants none."""
        self._transfers.accept(refer, self._core.clock())

    @property
    def referred(self) -> int | None:
        """The last transfer of the peer's that was accepted and whose outcome it still waits for."""
        waiting = [refer.id for refer in self.state.refers if refer.active and not refer.sent_by_us]
        return waiting[-1] if waiting else None

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

    # -- what the agent tells

    def begin_incoming(self, request: Request, transaction: ServerTransaction) -> None:
        """The first INVITE of an incoming session."""
        self.request = request
        self._callee.begin(request, transaction)

    def receive_ack(self, ack: Request, now: float) -> None:
        """An ACK in the dialog."""
        self._callee.receive_ack(ack, now)

    def receive_stray_success(self, response: Response) -> None:
        """A 2xx without a transaction: one whose ACK an earlier process sent."""
        self._caller.receive_success_again(response)

    def receive(self, request: Request, transaction: ServerTransaction, flow: Flow, now: float) -> None:
        """Any request in the dialog but ACK and CANCEL. Raises `ParseError`."""
        state = self.state
        number = request.cseq.number
        if state.remote_cseq and number <= state.remote_cseq:
            transaction.respond(request.response(500, "CSeq out of order"), now)
            return
        state.remote_cseq = number
        if state.pinned or flow.reliable:
            state.flow = flow  # a NAT has bound anew, or a stream was opened again
        method = request.method
        if self.ended and method != "BYE":
            transaction.respond(request.response(481), now)
        elif method == "BYE":
            self.ending.receive_bye(request, transaction, now)
        elif method == "INVITE":
            self._callee.receive_invite(request, transaction)
        elif method == "PRACK":
            self._callee.receive_prack(request, transaction, now)
        elif method == "UPDATE":
            self._offers.receive_update(request, transaction, now)
        elif method == "REFER" and self.confirmed:
            refresh_target(state, request)
            self._transfers.receive_refer(request, transaction)
        elif method == "NOTIFY" and self._transfers.receive_notify(request):
            transaction.respond(request.response(200, None, [("Server", self._core.product)]), now)
        elif method == "INFO" and _is_of_a_package(request):
            transaction.respond(request.response(469, None, [("Recv-Info", "")]), now)
        elif method == "INFO":
            transaction.respond(request.response(200, None, [("Server", self._core.product)]), now)
            self._core.handler.on_info(self, request)
        else:
            incoming = IncomingRequest(self._core, request, flow, transaction, state.local_tag)
            self._core.handler.on_message(self, incoming)

    # -- used by the parts

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

        def final(status: int, response: Response | None) -> None:
            if on_final is not None:
                on_final(status, response)
            if status in (408, 481) and method not in ("NOTIFY", "PRACK") and not self.ended:
                self.ending.lose(status, method)

        core, state = self._core, self.state
        hops = Hops(core, state)
        request = InDialog(
            core, state, method, self._credentials, headers, body, content_type, on_built, final, hops
        )
        request.send(now)

    def go_on(self, now: float) -> None:
        """An INVITE is finished, the one that waited may begin."""
        if self.confirmed and self._callee.incoming is None:
            self._caller.go_on(now)

    @property
    def invite_crosses(self) -> bool:
        """An INVITE of the peer would meet one of ours."""
        return self._caller.crossing

    @property
    def our_offer_open(self) -> bool:
        """An offer of ours has no answer yet."""
        return self.invite_crosses or self._callee.offer_unanswered

    @property
    def their_invite_open(self) -> bool:
        """An INVITE of the peer has no final answer of ours."""
        incoming = self._callee.incoming
        return incoming is not None and not incoming.answered

    def take_offer(self, request: Request, transaction: ServerTransaction, sdp: str) -> None:
        """An offer in a PRACK."""
        self._offers.receive(request, transaction, sdp)

    @property
    def updated_early(self) -> bool:
        """The offer of the first INVITE is answered, and another one behind it."""
        return self.answered_early and self._offers.exchanged

    @property
    def update_waits(self) -> bool:
        """An offer of the peer in an UPDATE has no answer of ours."""
        return self._offers.waiting

    @property
    def answered_early(self) -> bool:
        """The offer of the first INVITE was answered before its final response."""
        state = self.state
        return state.phase == "early" and bool(state.early_answer) and state.early_answer == state.remote_tag

    def refresh_by_reinvite(self, now: float) -> None:
        """See `Caller.refresh`."""
        self._caller.refresh(now)

    def end(self) -> None:
        """The session is over in every respect."""
        self.leave()
        self._callee.stop()
        self._core.remove(self)

    def leave(self) -> None:
        """The session is over for the owner."""
        self.state.phase = "terminated"
        self._core.by_key.pop(self.state.key, None)
        now = self._core.clock()
        self._transfers.drop_waiting(now)
        self._offers.drop_waiting(now)
        self.timer.stop()
        self._caller.stop()

    # -- continuing

    def resume(self, now: float) -> None:
        """Used by the agent: take up what was unfinished in a restored state."""
        state = self.state
        ours, theirs = None, None
        if state.pending_invite is not None:
            invite = parse(state.pending_invite)
            if not isinstance(invite, Request):
                raise ParseError("pending_invite is no request")
            ours, theirs = (invite, None) if state.pending_from_us else (None, invite)
            state.pending_invite, state.pending_from_us = None, False
        self._caller.resume(ours, state.pending_heard, now)
        self._callee.resume(theirs, now)
        self.timer.resume(now)


def _is_of_a_package(info: Request) -> bool:
    """It means what only an Info Package says (RFC 6086 §4.2.2), and we have announced none. Keys mean the
    same under whatever name."""
    return "Info-Package" in info.headers and not info.content_type.startswith("application/dtmf")
