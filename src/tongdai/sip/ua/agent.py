"""The user agent: takes messages and time, gives messages and events (RFC 3261 §8, §12, §13)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import Any

from tongdai.sip import stun
from tongdai.sip.digest import Credentials
from tongdai.sip.flow import Flow
from tongdai.sip.ids import IdSource
from tongdai.sip.message import Message, NameAddr, ParseError, Replaces, Request, Response, SipUri, parse
from tongdai.sip.transaction import ServerTransaction
from tongdai.sip.transaction.routing import response_flow, stamp_source
from tongdai.sip.ua import session_timer
from tongdai.sip.ua.core import ALLOW, EXTENSIONS, SUPPORTED, HeaderList, Locate, UaCore, contact_uri
from tongdai.sip.ua.dialog import incoming_dialog
from tongdai.sip.ua.handler import UaHandler
from tongdai.sip.ua.incoming import IncomingRequest
from tongdai.sip.ua.notifier import Notifier
from tongdai.sip.ua.requests import OutgoingRequest, outside_dialogs
from tongdai.sip.ua.session import InviteSession
from tongdai.sip.ua.state import DialogState

Screen = Callable[[Request, Flow], tuple[int, HeaderList] | None]

_OUTSIDE = frozenset({"SUBSCRIBE", "MESSAGE", "NOTIFY", "PUBLISH", "REFER"})
_SDP_RANGES = ("application/sdp", "application/*", "*/*")
_INSIDE_ONLY = frozenset({"BYE", "INFO", "PRACK", "UPDATE"})


class UserAgent:
    """All SIP of one process, without I/O."""

    def __init__(
        self,
        handler: UaHandler,
        *,
        clock: Callable[[], float],
        ids: IdSource,
        product: str = "tongdai",
        on_output: Callable[[], None] | None = None,
        screen: Screen | None = None,
        may_tell: Callable[[Flow], bool] = lambda _: True,
        find_ringing: Callable[[Replaces], InviteSession | None] = lambda _: None,
        t1: float = 0.5,
        session_seconds: int = 1800,
        locate: Locate = lambda _, done: done(None),
    ) -> None:
        """`clock` is the one that also gives every `now` (monotonic seconds). `on_output` is called when
        the first message enters the empty queue, so that the owner can schedule one flush. `product` fills
        Server and User-Agent.

        `screen` sees every request that belongs to no dialog, session or transaction of ours before it costs
        memory; the status and headers it returns are sent statelessly (§8.2.7), nothing for the status 0;
        None lets the request in. It may see one request several times, and one that cannot be parsed wholly.

        `may_tell` says whether a STUN request from there is answered: nothing proves who asks.

        `session_seconds` is the interval after which a call whose peer is silently gone shall end (RFC 4028);
        with 0 it is left to the peers to ask for one. `find_ringing` knows further names that a Replaces may
        give to an early dialog. `locate` asks DNS for the next hop of a dialog that is not reached where it
        was (RFC 3263 §4.3).
        """
        self._core = UaCore(handler, clock, ids, product, on_output, t1, session_seconds, locate)
        self._handler = handler
        self._screen = screen
        self._may_tell = may_tell
        self._find_ringing = find_ringing
        self._tag_key = ids.token().encode()[:64]
        self.notifier = Notifier(self._core)

    # -- driving

    def receive(self, data: bytes | Message, flow: Flow, now: float) -> None:
        """Take one datagram or one framed message; answer what needs no owner, tell the handler the rest."""
        if isinstance(data, Message):
            message = data
        elif not data.strip(b"\r\n\0 "):
            return  # keep-alive
        elif data[0] < 2:
            told = stun.answer(data, flow.remote)
            if told is not None and self._may_tell(flow):
                self._core.transmit(flow, told)
            return
        else:
            try:
                message = parse(data)
            except ParseError as problem:
                self.refuse(problem, flow)
                return
        if isinstance(message, Request):
            self._receive_request(message, flow, now)
        elif isinstance(message, Response):
            self._receive_response(message, now)

    def refuse(self, problem: ParseError, flow: Flow) -> None:
        """Answer a message that could not be parsed, when it can be answered."""
        request = problem.request
        if request is None or self._screened_out(request, flow):
            return
        try:
            stamp_source(request, flow)
            flow = response_flow(request.via, flow)
        except ParseError:
            pass  # its Via cannot be read: back to the source, as it is
        status, reason, fields = problem.status, _one_line(problem.reason), [("Server", self._core.product)]
        try:
            response = request.response(status, reason, fields, to_tag=self._to_tag(request))
        except ParseError:
            response = request.response(
                status, reason, fields
            )  # nowhere to put a tag, or nothing to make one of
        self._core.transmit(flow, bytes(response))

    def deadline(self) -> float | None:
        """When `on_timers` is wanted next, or None."""
        return self._core.timers.deadline()

    def on_timers(self, now: float) -> None:
        """Fire every timer whose time has come."""
        self._core.timers.fire(now)

    def drain(self) -> list[tuple[Flow, bytes]]:
        """Take what is to be sent, in order."""
        # Kept as one object, since everything below appends to it.
        outgoing = self._core.outgoing
        taken = outgoing[:]
        outgoing.clear()
        return taken

    def flow_failed(self, flow: Flow, now: float) -> None:
        """The transport could not send or lost the connection: pending requests on it fail with 503
        (§8.1.3.1)."""
        self._core.layer.flow_failed(flow, now)

    # -- asking

    def invite(
        self,
        target: str,
        flow: Flow,
        *,
        from_: str,
        to: str | None = None,
        sdp: str | None,
        headers: HeaderList = (),
        route_set: Sequence[str] = (),
        contact_user: str | None = None,
        credentials: Credentials | None = None,
        pinned: bool = False,
        call_id: str | None = None,
        tag: Any = None,
    ) -> InviteSession:
        """Call `target` (a URI) over `flow`. `from_` and `to` are name-addrs without tag; `to` defaults to
        the target.

        `pinned` keeps every later request of the dialog on `flow` (a registered binding, a NAT).
        `credentials` alone may answer a challenge; without them a 401 or 407 is `on_failed`. Raises
        `ParseError` for bad addresses.
        """
        core = self._core
        SipUri.parse(target)
        tag_token = core.ids.token()
        state = DialogState(
            key=core.ids.token(),
            role="uac",
            phase="early",
            call_id=call_id or core.ids.token(),
            local_tag=tag_token,
            remote_tag="",
            local_uri=NameAddr.parse(from_).without_params(),
            remote_uri=f"<{target}>" if to is None else NameAddr.parse(to).without_params(),
            local_contact=contact_uri(flow, contact_user),
            remote_target=target,
            flow=flow,
            pinned=pinned,
            route_set=list(route_set),
        )
        session = InviteSession(core, state, credentials, tag)
        core.add(session)
        session.start(sdp, headers)
        return session

    def request(
        self,
        method: str,
        target: str,
        flow: Flow,
        *,
        from_: str,
        to: str | None = None,
        headers: HeaderList = (),
        body: bytes = b"",
        content_type: str | None = None,
        route_set: Sequence[str] = (),
        contact_user: str | None = None,
        credentials: Credentials | None = None,
        call_id: str | None = None,
        cseq: int = 1,
        on_final: Callable[[int, Response | None], None] | None = None,
    ) -> str:
        """Send a request outside any dialog (OPTIONS, REGISTER, NOTIFY, MESSAGE) and return its Call-ID.

        `on_final(status, response)` is called once; the response is None with 408 (no answer) and 503 (not
        sent). A challenge that `credentials` answer takes one more CSeq. A Contact is added unless
        `headers` have one. Not for INVITE. Raises `ParseError` for bad addresses.
        """
        core = self._core
        if method in ("INVITE", "ACK", "CANCEL"):
            raise ValueError(f"{method} is not a request of its own")
        call_id = call_id or core.ids.token()
        build = outside_dialogs(
            core,
            method,
            target,
            flow,
            from_=f"{NameAddr.parse(from_).without_params()};tag={core.ids.token()}",
            to=f"<{target}>" if to is None else NameAddr.parse(to).without_params(),
            call_id=call_id,
            cseq=cseq,
            route_set=route_set,
            contact_user=contact_user,
            headers=headers,
            body=body,
            content_type=content_type,
        )

        def final(status: int, response: Response | None, now: float) -> None:
            if on_final is not None:
                on_final(status, response)

        OutgoingRequest(core, build, credentials, final).send(core.clock())
        return call_id

    # -- sessions

    def restore(
        self, state: DialogState, *, credentials: Credentials | None = None, tag: Any = None
    ) -> InviteSession:
        """Continue a session from a snapshot (after a crash, or on another node). Its INVITE, when one was
        pending, goes on; a re-INVITE of the peer that was not answered is refused with 491, which makes it
        try again."""
        session = InviteSession(self._core, state, credentials, tag)
        if state.phase != "terminated":
            self._core.add(session)
        session.resume(self._core.clock())
        return session

    def sessions(self) -> list[InviteSession]:
        """Every session that is not over."""
        return list(self._core.by_key.values())

    def session(self, key: str) -> InviteSession | None:
        """The session of that `state.key`, unless it is over."""
        return self._core.by_key.get(key)

    def find_replaced(self, replaces: Replaces) -> InviteSession | None:
        """The session that a Replaces names, seen from us (RFC 3891 §3)."""
        session = self._core.by_tag.get((replaces.call_id, replaces.to_tag))
        if session is None or session.ended or session.remote_tag != replaces.from_tag:
            return None
        return session

    def transactions(self) -> int:
        """How many transactions live: 0 when everything is at rest."""
        return len(self._core.layer)

    # -- responses

    def _receive_response(self, response: Response, now: float) -> None:
        try:
            lines = response.headers.get_all("Via")
            if len(lines) > 1 or "," in lines[0]:
                return  # §8.1.3.3: not for us
            if self._core.layer.receive_response(response, now):
                return
            if response.cseq.method == "INVITE" and 200 <= response.status < 300:
                session = self._core.by_tag.get((response.call_id, response.from_.tag))
                if session is not None:
                    session.receive_stray_success(response)
        except ParseError:
            return  # §8.1.3: a malformed response is as good as none

    # -- requests

    def _receive_request(self, request: Request, flow: Flow, now: float) -> None:
        if request.method == "ACK":
            self._receive_ack(request, now)
            return
        layer = self._core.layer
        if self._screen is not None and self._is_new(request):
            if layer.retransmitted(request, now):
                return
            verdict = self._screen(request, flow)
            if verdict is not None:
                if not verdict[0]:
                    return
                stamp_source(request, flow)
                self._answer_stateless(request, flow, verdict[0], None, verdict[1])
                return
        transaction = layer.receive_request(request, flow, now)
        if transaction is None:
            return
        try:
            if request.method == "CANCEL":
                self._receive_cancel(request, transaction, now)
            elif request.to.tag:
                self._receive_in_dialog(request, transaction, flow, now)
            else:
                self._receive_out_of_dialog(request, transaction, flow, now)
        except ParseError as problem:
            if not transaction.answered:
                self._answer(transaction, request, problem.status, (), now, problem.reason)

    def _is_new(self, request: Request) -> bool:
        """It belongs to nothing that we know of."""
        if request.method == "CANCEL":
            return self._core.layer.invite_of(request) is None
        tag = request.to.tag
        return not tag or (request.call_id, tag) not in self._core.by_tag

    def _screened_out(self, request: Request, flow: Flow) -> bool:
        """Not even an error is to be said about a request that could not be read."""
        if self._screen is None:
            return False
        try:
            verdict = self._screen(request, flow)
        except ParseError:
            return False
        return verdict is not None and not verdict[0]

    def _receive_ack(self, ack: Request, now: float) -> None:
        if self._core.layer.receive_ack(ack, now):
            return
        session = self._core.by_tag.get((ack.call_id, ack.to.tag))
        if session is not None and session.remote_tag == ack.from_.tag:
            session.receive_ack(ack, now)

    def _receive_cancel(self, cancel: Request, transaction: ServerTransaction, now: float) -> None:
        invite = self._core.layer.invite_of(cancel)
        if invite is None:
            self._answer(transaction, cancel, 481, (), now)
            return
        self._answer(transaction, cancel, 200, (), now)
        if invite.on_cancel is not None:
            invite.on_cancel(cancel.given_reason, now)

    def _receive_in_dialog(
        self, request: Request, transaction: ServerTransaction, flow: Flow, now: float
    ) -> None:
        session = self._core.by_tag.get((request.call_id, request.to.tag))
        if session is None and request.method == "SUBSCRIBE":
            self._handler.on_request(IncomingRequest(self._core, request, flow, transaction, request.to.tag))
        elif session is None or session.remote_tag != request.from_.tag:
            self._answer(transaction, request, 481, (), now)
        elif self._accepts_extensions(request, transaction, now):
            if request.method == "OPTIONS":
                self._answer(transaction, request, 200, [("Allow", ALLOW), ("Supported", SUPPORTED)], now)
            elif not self._known(request.method):
                self._answer(transaction, request, 405, [("Allow", ALLOW)], now)
            else:
                session.receive(request, transaction, flow, now)

    def _receive_out_of_dialog(
        self, request: Request, transaction: ServerTransaction, flow: Flow, now: float
    ) -> None:
        method = request.method
        if not self._known(method):
            self._answer(transaction, request, 405, [("Allow", ALLOW)], now)
            return
        request.uri  # noqa: B018  (bad or foreign: 400 or 416)
        if self._core.layer.has_looped(request):
            self._answer(transaction, request, 482, (), now)
            return
        if not self._accepts_extensions(request, transaction, now):
            return
        if method == "INVITE":
            self._receive_invite(request, transaction, flow, now)
            return
        if method in _INSIDE_ONLY:
            self._answer(transaction, request, 481, (), now)
            return
        incoming = IncomingRequest(self._core, request, flow, transaction, self._to_tag(request))
        if method == "REGISTER":
            self._handler.on_register(incoming)
        elif method == "OPTIONS":
            self._handler.on_options(incoming)
        else:
            self._handler.on_request(incoming)

    def _receive_invite(
        self, request: Request, transaction: ServerTransaction, flow: Flow, now: float
    ) -> None:
        core = self._core
        refusal = self._refusal_of_invite(request)
        if refusal is not None:
            self._answer(transaction, request, refusal[0], refusal[1], now)
            return
        state = incoming_dialog(
            request, flow, key=core.ids.token(), local_tag=core.ids.token(), phase="early"
        )
        state.invite_cseq = state.remote_cseq
        replaces = request.headers.get("Replaces")
        replaced = None
        if replaces is not None:
            wanted = Replaces.parse(replaces)
            replaced = self.find_replaced(wanted) or self._find_ringing(wanted)
            if replaced is None or (not replaced.confirmed and replaced.state.role == "uas"):
                self._answer(transaction, request, 481, (), now)
                return
            if wanted.early_only and replaced.confirmed:
                self._answer(transaction, request, 486, (), now)
                return
        session = InviteSession(core, state)
        session.replaces = replaced
        core.add(session)
        session.begin_incoming(request, transaction)
        transaction.respond(request.response(100), now)
        self._handler.on_invite(session)

    def _refusal_of_invite(self, request: Request) -> tuple[int, HeaderList] | None:
        if request.number("Max-Forwards", 70) == 0:
            return 483, ()
        if (request.headers.get("Content-Encoding") or "identity").lower() != "identity":
            return 415, [("Accept-Encoding", "identity")]
        if request.body and request.sdp is None:
            disposition = (request.headers.get("Content-Disposition") or "").lower().replace(" ", "")
            if "handling=optional" not in disposition:
                return 415, [("Accept", "application/sdp")]
        accepted = request.headers.get_list("Accept")
        if accepted and not any(kind.partition(";")[0].strip().lower() in _SDP_RANGES for kind in accepted):
            return 406, ()
        brief = session_timer.refusal(request)
        if brief is not None:
            return 422, brief
        merged = self._core.by_caller.get((request.call_id, request.from_.tag))
        if merged is not None and merged.state.invite_cseq == request.cseq.number:
            return 482, ()  # §8.2.2.2: the same request by another way
        return None

    @staticmethod
    def _known(method: str) -> bool:
        return method in ("INVITE", "REGISTER", "OPTIONS") or method in _OUTSIDE or method in _INSIDE_ONLY

    def _accepts_extensions(self, request: Request, transaction: ServerTransaction, now: float) -> bool:
        """420 for what a Require names and we do not have (§8.2.2.3)."""
        if "Require" not in request.headers:
            return True
        unknown = [tag for tag in request.tokens("Require") if tag not in EXTENSIONS]
        if unknown:
            self._answer(transaction, request, 420, [("Unsupported", ", ".join(unknown))], now)
        return not unknown

    # -- answering

    def _to_tag(self, request: Request) -> str:
        """The same for the same request, without remembering it (§8.2.7)."""
        text = f"{request.via.branch}\n{request.call_id}\n{request.cseq.number}"
        return hashlib.blake2b(text.encode(), digest_size=9, key=self._tag_key).hexdigest()

    def _answer(
        self,
        transaction: ServerTransaction,
        request: Request,
        status: int,
        headers: HeaderList,
        now: float,
        reason: str | None = None,
    ) -> None:
        fields = [("Server", self._core.product), *headers]
        transaction.respond(
            request.response(status, _one_line(reason), fields, to_tag=self._to_tag(request)), now
        )
        if status == 481 or (not request.to.tag and request.method not in ("INVITE", "CANCEL")):
            transaction.abandon()  # asked again it gets the same answer, and meanwhile costs no memory

    def _answer_stateless(
        self, request: Request, flow: Flow, status: int, reason: str | None, headers: HeaderList
    ) -> None:
        """Says no more than it must: perhaps the address is forged, and somebody else gets it."""
        response = request.response(status, _one_line(reason), headers, to_tag=self._to_tag(request))
        self._core.layer.respond_stateless(request, response, flow)


def _one_line(reason: str | None) -> str | None:
    """A reason phrase tells which field is bad, never what the peer wrote there."""
    if reason is None:
        return None
    plain = reason.partition("'")[0].partition('"')[0].strip()
    return "".join(char for char in plain if char.isprintable() and char.isascii()) or None
