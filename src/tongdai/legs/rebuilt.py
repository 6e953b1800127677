"""Legs whose engine is gone get sessions of the next one: nothing is said to a peer to whom nothing changes,
and the others are offered the stream again."""

from __future__ import annotations

from collections.abc import Callable

from tongdai import sdp
from tongdai.core.log import get_logger
from tongdai.legs.leg import SipLeg
from tongdai.legs.ports import LegMedia, Opened
from tongdai.sip.timers import Timer, Timers

log = get_logger(__name__)

REBUILD_SECONDS = 5.0
"""For so long nobody is heard; whoever has not answered by then, or not finished a handshake, is given up."""


class Rebuilt:
    """Opens sessions again, and follows the offers that this takes."""

    def __init__(
        self,
        media: LegMedia,
        *,
        clock: Callable[[], float],
        public: Callable[[str], str],
        lost: Callable[[str, str], None],
    ) -> None:
        """`public` is what a local address is called in SDP; `lost(leg, why)` ends a leg."""
        self._media = media
        self._clock = clock
        self._public = public
        self._lost = lost
        self._timers = Timers()
        self._waiting: dict[str, Timer] = {}
        """Legs that have to answer an offer, or to finish a handshake after it."""
        self._unsent: dict[str, None] = {}
        """Of these, those whose offer waits for the end of a re-INVITE."""

    def begin(self, leg: SipLeg) -> None:
        """Another engine is there: give the leg a session in it. One that has no ports yet is being opened by
        who wants it."""
        record = leg.record
        if not record.port:
            return

        def opened(result: Opened | None, error: str) -> None:
            if leg.gone:
                return
            if result is None:
                self._lost(leg.id, f"the media engine failed, and there was no place for the sound: {error}")
                return
            before = record.ip, record.port
            leg.opened(result, self._public(result.ip))
            if leg.local is not None and (leg.is_handshaken or before != (record.ip, record.port)):
                self._tell(leg)

        self._media.open(record.tenant, leg.id, opened, record.ip, record.port)
        if not leg.is_handshaken:
            leg.tell_engine()

    def _tell(self, leg: SipLeg) -> None:
        session = leg.session
        if session is None or not session.confirmed:
            self._lost(leg.id, "the media engine failed while the call was being set up")
            return
        self._done(leg.id)
        self._waiting[leg.id] = self._timers.schedule(self._clock() + REBUILD_SECONDS, self._late, leg)
        if session.reinviting:
            self._unsent[leg.id] = None
        else:
            self._offer(leg)

    def _offer(self, leg: SipLeg) -> None:
        log.info("a leg is offered its stream again", tenant=leg.record.tenant, leg=leg.id)
        leg.session_in_use.reinvite(leg.offer_again())

    def answered(self, leg: SipLeg, status: int, sdp_text: str | None) -> bool:
        """The result of a re-INVITE; True when it was one of these and has been dealt with."""
        if leg.id not in self._waiting or leg.id in self._unsent:
            return False
        try:
            if status >= 300 or sdp_text is None:
                raise sdp.NotAcceptable(f"status {status}")
            leg.take_answer(sdp_text)
        except sdp.SdpError as error:
            self._done(leg.id)
            self._lost(leg.id, f"the media engine failed, and the phone did not take another one: {error}")
        else:
            if not leg.is_handshaken:
                self._done(leg.id)
        return True

    def secured(self, leg_id: str) -> None:
        """The leg has finished a handshake with the engine that is there now."""
        if leg_id not in self._unsent:
            self._done(leg_id)

    def _done(self, leg_id: str) -> None:
        if (timer := self._waiting.pop(leg_id, None)) is not None:
            self._timers.cancel(timer)

    def go_on(self, leg: SipLeg) -> None:
        """A re-INVITE has ended: an offer that waited for that may leave."""
        if leg.id in self._unsent and not (leg.gone or leg.session_in_use.reinviting):
            del self._unsent[leg.id]
            self._offer(leg)

    def _late(self, leg: SipLeg, now: float) -> None:
        self._unsent.pop(leg.id, None)
        if self._waiting.pop(leg.id, None) is not None and not leg.gone:
            self._lost(leg.id, "the media engine failed, and the phone did not come to another one in time")

    def deadline(self) -> float | None:
        return self._timers.deadline()

    def on_timers(self, now: float) -> None:
        self._timers.fire(now)
