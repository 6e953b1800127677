"""What a user agent tells its owner. Each method returns at once; answers are given by calling back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import msgspec

from tongdai.sip.message import NameAddr, Replaces, Request, Response

if TYPE_CHECKING:
    from tongdai.sip.ua.incoming import IncomingRequest
    from tongdai.sip.ua.session import InviteSession


class Refer(msgspec.Struct, frozen=True):
    """A transfer that the peer asks for (RFC 3515)."""

    id: int
    """CSeq of the REFER: the name of its implicit subscription."""
    refer_to: NameAddr
    """Where to; the `Replaces` header inside its URI is taken out into `replaces`."""
    referred_by: str | None
    """Referred-By (RFC 3892) as received: a claim, not a proof."""
    replaces: Replaces | None
    """Set for an attended transfer (RFC 3891, RFC 5589 §7)."""
    subscribe: bool
    """False when the peer wants no NOTIFY (`Refer-Sub: false`, RFC 4488)."""


class UaHandler(Protocol):
    """Requests outside a dialog and the life of every INVITE session.

    The owner keeps what it needs of a session in `session.tag`. Exceptions that a method raises are the
    owner's bugs: they pass through `receive` after the agent's own state is consistent.
    """

    # -- outside a dialog

    def on_register(self, incoming: IncomingRequest) -> None:
        """A REGISTER; call `incoming.respond(...)` now or later."""
        ...

    def on_invite(self, session: InviteSession) -> None:
        """A new call in. `session.request` is the INVITE, `session.remote_sdp` its offer (None: late offer).

        100 was already sent. Answer with `session.progress`, `accept` or `reject`, now or later.
        `session.replaces` is the session that a Replaces header names (it exists here; whether the caller may
        replace it is the owner's decision).
        """
        ...

    def on_options(self, incoming: IncomingRequest) -> None:
        """An OPTIONS outside a dialog; `incoming.respond(200)` is the usual answer."""
        ...

    def on_request(self, incoming: IncomingRequest) -> None:
        """Any other method outside a dialog that this library allows there: SUBSCRIBE, MESSAGE, NOTIFY,
        PUBLISH, REFER; and a SUBSCRIBE with a tag in To, whose dialog is the owner's to know (see
        `UserAgent.notifier`). Unknown methods were already answered with 405; MESSAGE and PUBLISH, which
        `ALLOW` does not name, are left to the owner."""
        ...

    # -- an outgoing INVITE

    def on_provisional(self, session: InviteSession, response: Response, sdp: str | None) -> None:
        """A 101..199. `sdp` is early media's description when there is one."""
        ...

    def on_answered(self, session: InviteSession, response: Response, sdp: str | None) -> None:
        """The first 2xx. When our INVITE carried the offer, its ACK is on its way and `sdp` is the answer, or
        None when that has come in `on_provisional` and was acknowledged (RFC 3262 §5);
        when it did not, `sdp` is their offer and the owner must call `session.ack(answer)`."""
        ...

    def on_failed(self, session: InviteSession, status: int, reason: str, response: Response | None) -> None:
        """The outgoing INVITE ended without an answer. `response` is None when we made the status up: 408 no
        response, 503 not sendable, 487 after our own cancel had no answer. The session is over."""
        ...

    # -- an incoming INVITE

    def on_cancelled(self, session: InviteSession, reason: str | None) -> None:
        """The caller gave up; 487 was already sent. `reason` is the Reason header (RFC 3326). The session
        is over."""
        ...

    def on_ack(self, session: InviteSession, sdp: str | None) -> None:
        """The ACK of our 2xx came, for the first INVITE or a re-INVITE. `sdp` is the answer when the offer
        was ours. Also the PRACK of a `progress` that made the offer (RFC 3262 §5), before the call is
        answered."""
        ...

    # -- inside the dialog

    def on_reinvite(self, session: InviteSession, sdp: str | None) -> None:
        """The peer sends a new offer, in a re-INVITE, or in an UPDATE or PRACK and so also before the
        call is answered; None asks for an offer of ours. Answer with `session.accept_reinvite(sdp)` or
        `session.reject_reinvite(status)`: a re-INVITE now or later, the others within seconds (RFC 3311
        §5.2)."""
        ...

    def on_reinvite_result(self, session: InviteSession, status: int, sdp: str | None) -> None:
        """How our `session.reinvite` ended: 2xx with the answer, or a failure after which the old media stay.
        Glare (491) was already retried (§14.1); 408 and 481 are followed by `on_ended`.

        A 2xx comes also when the peer has changed its description in answer to a refresh of the session (RFC
        4028 §7.4), which the owner did not ask for."""
        ...

    def on_changed(self, session: InviteSession) -> None:
        """What `session.snapshot()` gives has changed and no other event says so: the session was refreshed
        (RFC 4028), the peer has moved its Contact, or the 200 that waited for a PRACK was sent."""
        ...

    def on_bye(self, session: InviteSession, reason: str | None) -> None:
        """The peer hung up; 200 was already sent. The session is over."""
        ...

    def on_ended(self, session: InviteSession, status: int, cause: str) -> None:
        """The session is over for a reason of the protocol and a BYE was sent where one is due: no ACK in
        64*T1 (408), the dialog unknown to the peer (481), a request in it unanswered (408)."""
        ...

    def on_refer(self, session: InviteSession, refer: Refer) -> None:
        """The peer asks for a transfer. Answer with `session.accept_refer(refer)` or `reject_refer`; after
        accepting report with `session.notify_refer(refer.id, status)` until a final status."""
        ...

    def on_refer_result(self, session: InviteSession, refer_id: int, status: int) -> None:
        """How our `session.refer` fares: its own refusal (>= 300), 202 when accepted, and then the status
        of each sipfrag that the peer reports (RFC 3515 §2.4.5); one >= 200 after the 202 is the last."""
        ...

    def on_info(self, session: InviteSession, request: Request) -> None:
        """An INFO in the dialog (RFC 6086, DTMF of older phones); 200 was already sent."""
        ...

    def on_message(self, session: InviteSession, incoming: IncomingRequest) -> None:
        """A request in the dialog that has no meaning here (MESSAGE, SUBSCRIBE, NOTIFY of another event):
        `incoming.respond(...)`."""
        ...
