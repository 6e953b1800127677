"""An INVITE session: one dialog and what can be done in it."""

from __future__ import annotations

from collections.abc import Sequence

from tongdai.sip.flow import Flow
from tongdai.sip.message import Request
from tongdai.sip.ua.handler import Refer
from tongdai.sip.ua.state import DialogState

HeaderList = Sequence[tuple[str, str]]


class SessionError(Exception):
    """An operation that the session's present state does not allow; says which state that is."""


class InviteSession:
    """One INVITE usage, in or out. Operations that the state forbids raise `SessionError`."""

    tag: object
    """The owner's own."""
    request: Request | None
    """The INVITE that came in (None for an outgoing or restored one that is already confirmed)."""
    replaces: InviteSession | None
    """As UAS: the session named by the INVITE's Replaces header (RFC 3891)."""

    @property
    def key(self) -> str:
        """Unique name, stable over restore."""
        raise NotImplementedError

    @property
    def flow(self) -> Flow:
        """The flow in use."""
        raise NotImplementedError

    @property
    def call_id(self) -> str: raise NotImplementedError
    @property
    def local_tag(self) -> str: raise NotImplementedError
    @property
    def remote_tag(self) -> str: raise NotImplementedError
    @property
    def local_sdp(self) -> str | None: raise NotImplementedError
    @property
    def remote_sdp(self) -> str | None: raise NotImplementedError
    @property
    def confirmed(self) -> bool: raise NotImplementedError
    @property
    def ended(self) -> bool: raise NotImplementedError

    def snapshot(self) -> DialogState:
        """A copy of the state, to be journaled."""
        raise NotImplementedError

    # -- answering an incoming INVITE

    def progress(self, status: int = 180, sdp: str | None = None, reason: str | None = None, headers: HeaderList = ()) -> None:
        """Send 101..199."""
        raise NotImplementedError

    def accept(self, sdp: str, headers: HeaderList = ()) -> None:
        """Send 200; retransmitted until the ACK, and ended with BYE and `on_ended` when none comes in 64*T1."""
        raise NotImplementedError

    def reject(self, status: int, reason: str | None = None, headers: HeaderList = ()) -> None:
        """Send a final 300..699; the session is over."""
        raise NotImplementedError

    # -- an outgoing INVITE

    def cancel(self, reason: str | None = None) -> None:
        """Give up an outgoing INVITE (Reason: `reason`, e.g. 'SIP;cause=200;text="Call completed elsewhere"').
        `on_failed` follows, with 487 as a rule. A 200 that crosses is acknowledged and ended with BYE."""
        raise NotImplementedError

    def ack(self, sdp: str) -> None:
        """Acknowledge a 2xx that carried the offer, with our answer."""
        raise NotImplementedError

    # -- in the dialog

    def reinvite(self, sdp: str | None, headers: HeaderList = ()) -> None:
        """Offer new media (None: ask the peer for its offer); `on_reinvite_result` follows."""
        raise NotImplementedError

    def accept_reinvite(self, sdp: str, headers: HeaderList = ()) -> None:
        """Answer `on_reinvite` with 200."""
        raise NotImplementedError

    def reject_reinvite(self, status: int = 488, reason: str | None = None) -> None:
        """Refuse `on_reinvite`; the old media stay."""
        raise NotImplementedError

    def bye(self, reason: str | None = None) -> None:
        """Hang up. An early incoming session is rejected with 480, an early outgoing one cancelled; so it always fits.
        No event follows; the session is over at once."""
        raise NotImplementedError

    def refer(self, refer_to: str, headers: HeaderList = ()) -> int:
        """Ask the peer to call `refer_to` (a URI or name-addr); returns the id that `on_refer_result` gives."""
        raise NotImplementedError

    def accept_refer(self, refer: Refer) -> None:
        """202, and NOTIFY 100 Trying unless the peer wants none."""
        raise NotImplementedError

    def reject_refer(self, refer: Refer, status: int = 603, reason: str | None = None) -> None:
        """Refuse the transfer."""
        raise NotImplementedError

    def notify_refer(self, refer_id: int, status: int, reason: str | None = None) -> None:
        """Report how the transfer fares (message/sipfrag); a final status ends the subscription."""
        raise NotImplementedError

    def info(self, body: bytes, content_type: str) -> None:
        """Send an INFO."""
        raise NotImplementedError
