"""The user agent: takes messages and time, gives messages and events (RFC 3261 §8, §12, §13)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tongdai.sip.digest import Credentials
from tongdai.sip.flow import Flow
from tongdai.sip.ids import IdSource
from tongdai.sip.message import Message, Response
from tongdai.sip.ua.handler import UaHandler
from tongdai.sip.ua.session import InviteSession
from tongdai.sip.ua.state import DialogState

HeaderList = Sequence[tuple[str, str]]


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
        t1: float = 0.5,
    ) -> None:
        """`clock` is the clock that also gives every `now` (monotonic seconds). `on_output` is called when the first
        message enters the empty queue, so that the owner can schedule one flush. `product` fills Server/User-Agent."""
        raise NotImplementedError

    def receive(self, data: bytes | Message, flow: Flow, now: float) -> None:
        """Take one datagram or one framed message; answers what needs no owner, tells the handler the rest."""
        raise NotImplementedError

    def deadline(self) -> float | None:
        """When `on_timers` is wanted next, or None."""
        raise NotImplementedError

    def on_timers(self, now: float) -> None:
        """Fire every timer whose time has come."""
        raise NotImplementedError

    def drain(self) -> list[tuple[Flow, bytes]]:
        """Take what is to be sent, in order."""
        raise NotImplementedError

    def flow_failed(self, flow: Flow, now: float) -> None:
        """The transport could not send or lost the connection: pending requests on it fail with 503 (§8.1.3.1)."""
        raise NotImplementedError

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
        tag: object = None,
    ) -> InviteSession:
        """Call `target` (a URI) over `flow`. `from_` and `to` are name-addrs without tag; `to` defaults to the
        target. `pinned` keeps every later request of the dialog on `flow` (a registered binding, a NAT).
        `credentials` alone may answer a challenge; without them a 401/407 is `on_failed`."""
        raise NotImplementedError

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
        on_response: Callable[[Response], None] | None = None,
    ) -> str:
        """Send a request outside any dialog (OPTIONS, REGISTER, NOTIFY, MESSAGE) and return its Call-ID.
        `on_response` gets the final response; 408 and 503 are made up when none comes. Not for INVITE."""
        raise NotImplementedError

    def restore(self, state: DialogState, *, credentials: Credentials | None = None, tag: object = None) -> InviteSession:
        """Continue a session from a snapshot (after a crash, or on another node)."""
        raise NotImplementedError

    def sessions(self) -> list[InviteSession]:
        """Every session that is not over."""
        raise NotImplementedError

    def session(self, key: str) -> InviteSession | None:
        """The session of that `state.key`."""
        raise NotImplementedError
