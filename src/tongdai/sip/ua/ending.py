"""How a session ends: by a BYE of either side, or because the protocol gives it up (RFC 3261 §15)."""

from __future__ import annotations

from tongdai.sip.flow import Flow
from tongdai.sip.message import Request, Response
from tongdai.sip.transaction import ServerTransaction
from tongdai.sip.ua.callee import Callee
from tongdai.sip.ua.caller import Caller
from tongdai.sip.ua.core import HeaderList
from tongdai.sip.ua.part import Part


class Ending(Part):
    """The end of one session; what of it is unfinished, its caller and callee settle."""

    _caller: Caller
    _callee: Callee

    # -- asked by the owner

    def bye(self, reason: str | None, now: float) -> None:
        """Hang up, whatever the state."""
        session = self.session
        headers = [] if reason is None else [("Reason", reason)]
        if session.state.phase == "early":
            if session.state.role == "uas":
                self._callee.unanswered("early").respond(480, None, headers, None, now)
            else:
                self._caller.silent = True
                self._caller.cancel(reason, now)
            session.end()
        elif session.confirmed:
            self._caller.finish_ack(now)
            if self._callee.hang_up_first(headers, now):
                session.leave()
            else:
                self.send_bye(headers, now)
                session.end()

    def bye_again(self, flow: Flow, now: float) -> None:
        """Say a BYE that has no answer over another path."""
        session = self.session
        if session.ended and not session.bye_heard:
            session.state.flow = flow
            self.send_bye([], now)

    # -- told by the session

    def receive_bye(self, request: Request, transaction: ServerTransaction, now: float) -> None:
        """A BYE of the peer."""
        session = self.session
        phase = session.state.phase
        if phase == "early" and session.state.role == "uac":
            transaction.respond(request.response(481), now)
            return
        transaction.respond(request.response(200, None, [("Server", self._core.product)]), now)
        self._callee.refuse_if_open(now)
        session.end()
        if phase == "early":
            self._core.handler.on_cancelled(session, request.given_reason)
        elif phase == "confirmed":
            self._core.handler.on_bye(session, request.given_reason)

    # -- used by the other parts

    def send_bye(self, headers: HeaderList, now: float) -> None:
        """Send a BYE, and note when the peer has heard it."""
        session = self.session

        def final(status: int, response: Response | None) -> None:
            if response is not None and not session.bye_heard:
                session.bye_heard = True
                if session.on_bye_heard is not None:
                    session.on_bye_heard()

        session.send_in_dialog("BYE", now, headers, on_final=final)

    def lose(self, status: int, what: str) -> None:
        """The protocol ended the dialog. Hang up on what remains of it, tell the owner."""
        session = self.session
        self.send_bye([], self._core.clock())
        session.end()
        cause = (
            f"no answer to {what}" if status == 408 else f"the peer does not know the dialog of our {what}"
        )
        self._core.handler.on_ended(session, status, cause)
