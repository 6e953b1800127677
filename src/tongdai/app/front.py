"""All of the user agent's events: calls go to `Legs`, the rest is answered here."""

from __future__ import annotations

from collections.abc import Callable

from tongdai.legs import Device, Legs
from tongdai.legs.callers import Callers, Refusal
from tongdai.legs.leg import RETRY_AFTER
from tongdai.presence import Subscriptions
from tongdai.presence.packages import ALLOW_EVENTS
from tongdai.registrar import Registrar
from tongdai.sip.message import Request
from tongdai.sip.ua import IncomingRequest, InviteSession
from tongdai.sip.ua.core import ALLOW, SUPPORTED


def admit(callers: Callers, incoming: IncomingRequest) -> Device | None:
    """The device that a request proves to be from; when it is nobody's, the answer was sent."""
    found = callers.prove(incoming.request, incoming.flow)
    if isinstance(found, Refusal):
        incoming.respond_stateless(found.status, headers=found.headers)
        return None
    return found


class Front(Legs):
    """Legs, and what comes outside of calls. Implements `sip.ua.UaHandler`."""

    registrar: Registrar
    subscriptions: Subscriptions
    full: Callable[[Request], bool] | None = None
    """Whether there is no room for another call, which this one would be."""

    def on_invite(self, session: InviteSession) -> None:
        """What replaces a call is none more."""
        request = session.request
        if self.full is not None and request is not None and session.replaces is None and self.full(request):
            session.reject(503, headers=RETRY_AFTER)
        else:
            super().on_invite(session)

    def on_register(self, incoming: IncomingRequest) -> None:
        self.registrar.on_register(incoming)

    def on_options(self, incoming: IncomingRequest) -> None:
        """A carrier or a phone asks whether we are there."""
        headers = [
            ("Allow", ALLOW),
            ("Accept", "application/sdp"),
            ("Supported", SUPPORTED),
            ("Allow-Events", ALLOW_EVENTS),
        ]
        incoming.respond_stateless(200, headers=headers)  # anybody may ask, and as often as they like

    def on_request(self, incoming: IncomingRequest) -> None:
        """Messages, published states and transfers outside of a call are not offered."""
        method = incoming.request.method
        if method == "SUBSCRIBE":
            self.subscriptions.on_subscribe(incoming)
        elif method == "NOTIFY":
            incoming.respond(481)  # we have subscribed to nothing (RFC 6665 §4.1.3)
        elif method == "REFER":
            incoming.respond(403, "Transfers Are for Calls")
        else:
            incoming.respond(405, headers=[("Allow", ALLOW)])
