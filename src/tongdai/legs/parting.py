"""Calls that are over, while the phone has not heard so: a page whose connection was gone when we hung up
would talk to nobody when it comes back."""

from __future__ import annotations

from collections.abc import Callable

from tongdai.core.log import get_logger
from tongdai.legs.leg import SipLeg
from tongdai.legs.ports import Contact
from tongdai.sip.timers import Timers

log = get_logger(__name__)

REMEMBERED_SECONDS = 120.0
"""A phone that comes back later finds out by itself: the session timer (RFC 4028) or its next request, which
gets 481."""


class Parting:
    """Legs with a BYE that was not answered yet. Only phones on a connection: over UDP it is repeated."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._timers = Timers()
        self._legs: dict[str, SipLeg] = {}

    def note(self, leg: SipLeg) -> None:
        """This leg was hung up on."""
        session = leg.session
        if session is None or not leg.record.device or not session.flow.reliable or session.bye_heard:
            return
        self._legs[leg.id] = leg
        self._timers.schedule(self._clock() + REMEMBERED_SECONDS, self._forget, leg.id)

    def _forget(self, leg: str, now: float) -> None:
        self._legs.pop(leg, None)

    def moved(self, tenant: str, contact: Contact) -> None:
        """A phone has proven itself on another path: tell it there what it missed."""
        for leg in tuple(self._legs.values()):
            session = leg.session
            if session is None or session.bye_heard:
                del self._legs[leg.id]
            elif leg.record.tenant == tenant and session.flow != contact.flow and leg.is_of(contact):
                log.info("a phone hears late that its call is over", tenant=tenant, leg=leg.id)
                session.bye_again(contact.flow)

    def deadline(self) -> float | None:
        return self._timers.deadline()

    def on_timers(self, now: float) -> None:
        self._timers.fire(now)
