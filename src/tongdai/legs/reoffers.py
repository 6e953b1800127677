"""Offers within a dialog, of the peer and ours: hold and resume, another address or codec, another engine."""

from __future__ import annotations

from tongdai import sdp
from tongdai.calls import events as e
from tongdai.core.log import get_logger
from tongdai.legs.kept import KeptLegs
from tongdai.legs.leg import SipLeg
from tongdai.legs.ports import Post
from tongdai.legs.rebuilt import Rebuilt
from tongdai.legs.renegotiation import Renegotiation
from tongdai.sip.ua import InviteSession

log = get_logger(__name__)


class Reoffers:
    """Answers them, and follows how ours are answered."""

    def __init__(self, kept: KeptLegs, post: Post, rebuilt: Rebuilt, renegotiation: Renegotiation) -> None:
        self._kept = kept
        self._renegotiation = renegotiation
        self._post = post
        self._rebuilt = rebuilt

    def asked(self, leg: SipLeg, session: InviteSession, sdp_text: str | None) -> None:
        """Hold, resume, or a new address or codec of the peer."""
        was_held = leg.record.held
        if sdp_text is None:
            leg.remote_offer = None
            session.accept_reinvite(leg.make_offer(leg.record.codecs, leg.record.foreign))
        else:
            try:
                leg.remote_offer = sdp.parse(sdp_text)
                answer = leg.answer_offer(*self._renegotiation.preferred(leg))
            except sdp.SdpError:
                session.reject_reinvite(488)
                return
            session.accept_reinvite(answer)
        self._kept.mark(leg)
        self.tell_hold(leg, was_held)
        self._renegotiation.look(leg.id)

    def answered(self, leg: SipLeg, status: int, sdp_text: str | None) -> None:
        """We offer anew what another engine carries, or another codec; and a peer may move its sound when its
        session is refreshed."""
        self._renegotiation.answered(leg, status)
        was_held = leg.record.held
        if not self._rebuilt.answered(leg, status, sdp_text) and status < 300 and sdp_text is not None:
            try:
                leg.take_answer(sdp_text)
            except sdp.SdpError as error:
                log.info(
                    "a peer's answer does not fit", tenant=leg.record.tenant, leg=leg.id, error=str(error)
                )
        self._rebuilt.go_on(leg)
        if not leg.gone:
            self._kept.mark(leg)
            self.tell_hold(leg, was_held)
            self._renegotiation.look(leg.id)

    def changed(self, leg: SipLeg) -> None:
        """Something of the dialog is another, or an offer of the peer's has come to its end."""
        self._rebuilt.go_on(leg)
        self._kept.mark(leg)
        self._renegotiation.look(leg.id)

    def tell_hold(self, leg: SipLeg, was_held: bool) -> None:
        """Tell the call logic when the peer has put us on hold, or taken back."""
        if leg.record.held != was_held:
            event = e.LegHeld(leg.id) if leg.record.held else e.LegResumed(leg.id)
            self._post(leg.record.tenant, event)
