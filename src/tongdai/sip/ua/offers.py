"""Offers that the peer makes outside of an INVITE: in an UPDATE (RFC 3311), before or after the call is
answered, or in a PRACK (RFC 3262 §5)."""

from __future__ import annotations

from tongdai.sip.message import Request
from tongdai.sip.transaction import ServerTransaction
from tongdai.sip.ua import session_timer
from tongdai.sip.ua.core import ALLOW, SUPPORTED, HeaderList
from tongdai.sip.ua.dialog import refresh_target, sdp_body
from tongdai.sip.ua.part import Part


class Offers(Part):
    """The owner hears of each by `on_reinvite`, as of those in a re-INVITE: what to answer is the same."""

    _waiting: tuple[Request, ServerTransaction] | None = None
    exchanged: bool = False
    """One was accepted."""

    @property
    def waiting(self) -> bool:
        """An offer waits for the owner's answer."""
        return self._waiting is not None

    def receive_update(self, request: Request, transaction: ServerTransaction, now: float) -> None:
        """An UPDATE. Raises `ParseError`."""
        brief = session_timer.refusal(request)
        if brief is not None:
            transaction.respond(request.response(422, None, brief), now)
            return
        sdp = request.sdp
        refusal = self._refusal() if sdp is not None else 0
        if refusal:
            # §5.2: whose own offer is still open comes again within ten seconds
            wait = [("Retry-After", str(int(self._core.fraction() * 10)))] if refusal == 500 else []
            transaction.respond(request.response(refusal, None, wait), now)
            return
        refresh_target(self._state, request)
        if sdp is None:
            self._respond(request, transaction, 200, None, (), None, now)
            self._core.handler.on_changed(self.session)
        else:
            self.receive(request, transaction, sdp)

    def receive(self, request: Request, transaction: ServerTransaction, sdp: str) -> None:
        """An offer that may be made now: tell the owner. Only one waits at a time."""
        self._waiting = (request, transaction)
        self._state.remote_sdp = sdp
        self._core.handler.on_reinvite(self.session, sdp)

    def accept(self, sdp: str, headers: HeaderList, now: float) -> None:
        """200 with our answer."""
        self._state.local_sdp = sdp
        self.exchanged = True
        self._answer(200, None, headers, sdp, now)

    def reject(self, status: int, reason: str | None, now: float) -> None:
        """Refuse; the old media stay."""
        self._answer(status, reason, (), None, now)

    def drop_waiting(self, now: float) -> None:
        """The session is over: answer what still waits."""
        if self._waiting is not None:
            self._answer(487, None, (), None, now)

    def _refusal(self) -> int:
        """Why an offer cannot be taken now (§5.2): 491 when one of ours is open, 500 when one of the peer's
        is."""
        session = self.session
        if self._waiting is not None:
            return 500
        if session.answered_early:
            return 0
        if session.our_offer_open:
            return 491
        return 500 if session.their_invite_open else 0

    def _answer(
        self, status: int, reason: str | None, headers: HeaderList, sdp: str | None, now: float
    ) -> None:
        assert self._waiting is not None, "no offer waits"
        (request, transaction), self._waiting = self._waiting, None
        self._respond(request, transaction, status, reason, headers, sdp, now)

    def _respond(
        self,
        request: Request,
        transaction: ServerTransaction,
        status: int,
        reason: str | None,
        headers: HeaderList,
        sdp: str | None,
        now: float,
    ) -> None:
        body, content_type = sdp_body(sdp)
        fields = [("Server", self._core.product), *headers]
        if status < 300:
            contact = ("Contact", f"<{self._state.local_contact}>")
            timer = self.session.timer.answers(request, now) if self.session.confirmed else []
            fields = [contact, ("Allow", ALLOW), ("Supported", SUPPORTED), *timer, *fields]
        if content_type is not None:
            fields.append(("Content-Type", content_type))
        transaction.respond(request.response(status, reason, fields, body), now)
