"""One transaction: a table, two timers and the message it repeats."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING

from tongdai.sip.flow import Flow
from tongdai.sip.message import Headers, Message, Request, Response
from tongdai.sip.timers import Timer
from tongdai.sip.transaction.machines import (
    CLIENT,
    INVITE_CLIENT,
    INVITE_SERVER,
    SERVER,
    Action,
    Event,
    State,
    Table,
)

if TYPE_CHECKING:
    from tongdai.sip.transaction.layer import TransactionLayer


class Transaction:
    """What client and server share: running the table."""

    __slots__ = (
        "_data",
        "_interval",
        "_layer",
        "_limit",
        "_retransmit",
        "_table",
        "flow",
        "key",
        "method",
        "state",
    )

    def __init__(
        self, layer: TransactionLayer, table: Table, state: State, key: Hashable, method: str, flow: Flow
    ) -> None:
        self._layer = layer
        self._table = table
        self._data: bytes = b""
        self._interval = layer.t1
        self._retransmit: Timer | None = None
        self._limit: Timer | None = None
        self.state = state
        self.key = key
        self.method = method
        self.flow = flow

    @property
    def terminated(self) -> bool:
        """Nothing will come from it any more."""
        return self.state is State.TERMINATED

    def handle(self, event: Event, message: Message | None, now: float) -> None:
        """Run one transition. Raises KeyError when the table does not know the event in this state."""
        if self.state is State.TERMINATED:
            return
        self.state, actions = self._table[self.state, event]
        over = self.state is State.TERMINATED
        if over:
            self._stop()
            self._layer.forget(self)
        for action in actions:
            getattr(self, _METHODS[action])(message, now)
        if over:
            self._let_go()

    def abandon(self) -> None:
        """End it without a word: nothing more is expected (§9.1)."""
        self.state = State.TERMINATED
        self._stop()
        self._layer.forget(self)
        self._let_go()

    def _let_go(self) -> None:
        """Forget who is told, so that neither keeps the other alive until the garbage collector finds
        both."""

    # -- actions

    def _send(self, message: Message | None, now: float) -> None:
        if self._data:
            self._layer.transmit(self.flow, self._data)

    def _slow_down(self, message: Message | None, now: float) -> None:
        interval = self._interval * 2
        if self._table is not INVITE_CLIENT:
            interval = min(interval, self._layer.t2)
        self._repeat_after(interval, now)

    def _slowest(self, message: Message | None, now: float) -> None:
        self._repeat_after(self._layer.t2, now)

    def _start(self, message: Message | None, now: float) -> None:
        if not self.flow.reliable:
            self._repeat_after(self._layer.t1, now)
        self._limit = self._layer.timers.schedule(now + 64 * self._layer.t1, self.handle, Event.TIMEOUT, None)

    def _stop(self, message: Message | None = None, now: float = 0.0) -> None:
        if self._retransmit is not None:
            self._layer.timers.cancel(self._retransmit)
            self._retransmit = None
        if self._limit is not None:
            self._layer.timers.cancel(self._limit)
            self._limit = None

    def _linger(self, message: Message | None, now: float) -> None:
        seconds = self._linger_seconds()
        self._limit = self._layer.timers.schedule(now + seconds, self.handle, Event.END, None)

    def _repeat_after(self, interval: float, now: float) -> None:
        self._interval = interval
        self._retransmit = self._layer.timers.schedule(now + interval, self.handle, Event.RETRANSMIT, None)

    def _linger_seconds(self) -> float:
        raise NotImplementedError

    def _ack(self, message: Message | None, now: float) -> None:
        raise NotImplementedError

    def _pass(self, message: Message | None, now: float) -> None:
        raise NotImplementedError

    def _fail(self, message: Message | None, now: float) -> None:
        raise NotImplementedError


_METHODS: dict[Action, str] = {
    Action.SEND: "_send",
    Action.SLOW_DOWN: "_slow_down",
    Action.SLOWEST: "_slowest",
    Action.START: "_start",
    Action.STOP: "_stop",
    Action.LINGER: "_linger",
    Action.ACK: "_ack",
    Action.PASS: "_pass",
    Action.FAIL: "_fail",
}

ResponseUser = Callable[[Response, float], None]
FailureUser = Callable[[int, float], None]


def classify(status: int) -> Event:
    """Which event a status is."""
    return Event.PROVISIONAL if status < 200 else Event.SUCCESS if status < 300 else Event.FAILURE


def _nobody(_about: object, _now: float) -> None:
    """Who is told of a transaction that is over."""


class ClientTransaction(Transaction):
    """A request of ours (RFC 3261 §17.1)."""

    __slots__ = ("_on_failure", "_on_response", "request")

    def __init__(
        self,
        layer: TransactionLayer,
        request: Request,
        flow: Flow,
        on_response: ResponseUser,
        on_failure: FailureUser,
    ) -> None:
        invite = request.method == "INVITE"
        super().__init__(
            layer,
            INVITE_CLIENT if invite else CLIENT,
            State.CALLING if invite else State.TRYING,
            (request.via.branch, request.method),
            request.method,
            flow,
        )
        self.request: Request | None = request
        """Until a 2xx: what lingers after it need not be sent or acknowledged here."""
        self._on_response = on_response
        self._on_failure = on_failure
        self._data = bytes(request)

    def say_again(self) -> None:
        """Repeat the request, while it has no final response."""
        if self.state in (State.CALLING, State.TRYING, State.PROCEEDING) and self._data:
            self._layer.transmit(self.flow, self._data)

    @property
    def data(self) -> bytes:
        """The request as it was sent."""
        return self._data

    def _linger(self, message: Message | None, now: float) -> None:
        super()._linger(message, now)
        if self.state is State.ACCEPTED:
            self.request, self._data = None, b""

    def begin(self, now: float) -> None:
        """Send, and start the timers."""
        self._send(None, now)
        self._start(None, now)

    def _linger_seconds(self) -> float:
        if self.state is State.ACCEPTED:
            return 64 * self._layer.t1  # timer M
        if self.flow.reliable:
            return 0.0
        return 64 * self._layer.t1 if self.method == "INVITE" else self._layer.t4  # timers D and K

    def _let_go(self) -> None:
        self._on_response = self._on_failure = _nobody

    def _ack(self, message: Message | None, now: float) -> None:
        request = self.request
        if request is None or not isinstance(message, Response):
            raise TypeError("only a failure is acknowledged here")
        headers = Headers()
        headers.add("Via", request.headers.get_all("Via")[0])
        headers.set_all("Route", request.headers.get_all("Route"))
        headers.add("Max-Forwards", "70")
        headers.add("From", request.headers.get("From") or "")
        headers.add("To", message.headers.get("To") or "")
        headers.add("Call-ID", request.call_id)
        headers.add("CSeq", f"{request.cseq.number} ACK")
        self._layer.transmit(self.flow, bytes(Request("ACK", request.target, headers=headers)))

    def _pass(self, message: Message | None, now: float) -> None:
        if isinstance(message, Response):
            self._on_response(message, now)

    def _fail(self, message: Message | None, now: float) -> None:
        self._on_failure(self._layer.failure_status, now)


class ServerTransaction(Transaction):
    """A request of the peer (RFC 3261 §17.2). `flow` is where the responses go."""

    __slots__ = ("answered", "on_ack", "on_cancel", "request")

    def __init__(self, layer: TransactionLayer, key: Hashable, request: Request, flow: Flow) -> None:
        invite = request.method == "INVITE"
        super().__init__(
            layer,
            INVITE_SERVER if invite else SERVER,
            State.PROCEEDING if invite else State.TRYING,
            key,
            request.method,
            flow,
        )
        self.request: Request | None = request
        """Until the final response."""
        self.answered = False
        self.on_ack: Callable[[Request, float], None] | None = None
        """Gets an ACK of a 2xx that carries the branch of its INVITE, as some do."""
        self.on_cancel: Callable[[str | None, float], None] | None = None
        """Gets the Reason of a CANCEL."""

    def respond(self, response: Response, now: float) -> bytes:
        """Send a response; returns it as it was sent. Raises RuntimeError after a final one, except for a
        2xx again."""
        if self.answered and response.status >= 200:
            raise RuntimeError(f"{self.method} was already answered")
        data = bytes(response)
        if response.status >= 200:
            self.answered = True
            self.request = None
        self._data = data
        self.handle(classify(response.status), response, now)
        return data

    def _linger_seconds(self) -> float:
        if self.state is State.ACCEPTED:
            return 64 * self._layer.t1  # timer L
        if self.flow.reliable:
            return 0.0
        return self._layer.t4 if self.state is State.CONFIRMED else 64 * self._layer.t1  # timers I and J

    def _let_go(self) -> None:
        self.on_ack = self.on_cancel = None

    def _pass(self, message: Message | None, now: float) -> None:
        if self.on_ack is not None and isinstance(message, Request):
            self.on_ack(message, now)
