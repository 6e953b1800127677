"""All transactions of one agent: making them, finding them, forgetting them."""

from __future__ import annotations

from collections.abc import Callable, Hashable

from tongdai.sip.flow import Flow
from tongdai.sip.ids import IdSource
from tongdai.sip.message import Request, Response, Via
from tongdai.sip.timers import Timers
from tongdai.sip.transaction.machines import Event, State
from tongdai.sip.transaction.routing import response_flow, stamp_source
from tongdai.sip.transaction.transaction import (
    ClientTransaction,
    FailureUser,
    ResponseUser,
    ServerTransaction,
    Transaction,
    classify,
)

MAGIC = "z9hG4bK"
"""Begins every branch since RFC 3261 (§8.1.1.7)."""


class TransactionLayer:
    """Between messages and the user agent. `transmit` takes what is to be sent; it must not call back."""

    def __init__(
        self,
        transmit: Callable[[Flow, bytes], None],
        timers: Timers,
        ids: IdSource,
        *,
        t1: float = 0.5,
        t2: float = 4.0,
        t4: float = 5.0,
    ) -> None:
        self.transmit = transmit
        self.timers = timers
        self.t1 = t1
        self.t2 = t2
        self.t4 = t4
        self.failure_status = 408
        self._ids = ids
        self._own_branch = MAGIC + ids.token()[:10]
        self._clients: dict[Hashable, ClientTransaction] = {}
        self._servers: dict[Hashable, ServerTransaction] = {}
        self._on_streams: dict[Flow, dict[Transaction, None]] = {}
        """Those that end with a connection. Strangers open and close many: none may cost a look at all."""

    def __len__(self) -> int:
        return len(self._clients) + len(self._servers)

    # -- client

    def new_branch(self) -> str:
        """A branch that `has_looped` knows."""
        return self._own_branch + self._ids.token()

    def has_looped(self, request: Request) -> bool:
        """It carries a Via that this very layer made."""
        vias = request.headers.get_all("Via")
        return self._own_branch in (vias[0] if len(vias) == 1 else "\n".join(vias))

    def add_via(self, request: Request, flow: Flow) -> None:
        """Put a Via with a new branch on a request that is going out."""
        params = {"rport": None, "branch": self.new_branch()}
        request.put_via(Via(flow.transport.upper(), *flow.local, params))

    def send(
        self, request: Request, flow: Flow, on_response: ResponseUser, on_failure: FailureUser, now: float
    ) -> ClientTransaction:
        """Send a request in a transaction of its own. It gets a Via unless it has one (a CANCEL has its
        INVITE's)."""
        if "Via" not in request.headers:
            self.add_via(request, flow)
        transaction = ClientTransaction(self, request, flow, on_response, on_failure)
        self._clients[transaction.key] = transaction
        self._follow(transaction)
        transaction.begin(now)
        return transaction

    def resume_invite(
        self, request: Request, flow: Flow, on_response: ResponseUser, on_failure: FailureUser
    ) -> ClientTransaction:
        """Continue an INVITE that an earlier process sent and had a provisional response to."""
        transaction = ClientTransaction(self, request, flow, on_response, on_failure)
        self._clients[transaction.key] = transaction
        self._follow(transaction)
        transaction.state = State.PROCEEDING
        return transaction

    def move(self, transaction: ClientTransaction, flow: Flow) -> None:
        """Go on over another path to the same peer, and say it again there: nobody knows whether it was
        heard, and who heard it knows it by its branch."""
        if transaction.terminated or transaction.flow == flow:
            return
        self._unfollow(transaction)
        transaction.flow = flow
        self._follow(transaction)
        transaction.say_again()

    def receive_response(self, response: Response, now: float) -> bool:
        """Give a response to its transaction; False when there is none (RFC 3261 §17.1.3)."""
        transaction = self._clients.get((response.via.branch, response.cseq.method))
        if transaction is None:
            return False
        transaction.handle(classify(response.status), response, now)
        return True

    # -- server

    def receive_request(self, request: Request, flow: Flow, now: float) -> ServerTransaction | None:
        """A new server transaction, or None when the request belonged to an existing one or is an
        unmatched ACK.

        The Via is marked with the source first. For an ACK use `receive_ack`.
        """
        key = self._server_key(request, request.method)
        known = self._servers.get(key)
        if known is not None:
            known.handle(Event.REQUEST, request, now)
            return None
        return self._add_server(key, request, flow)

    def retransmitted(self, request: Request, now: float) -> bool:
        """The request belongs to a transaction, which has dealt with it."""
        known = self._servers.get(self._server_key(request, request.method))
        if known is not None:
            known.handle(Event.REQUEST, request, now)
        return known is not None

    def resume_server(self, request: Request, flow: Flow) -> ServerTransaction:
        """Continue a request that an earlier process received."""
        return self._add_server(self._server_key(request, request.method), request, flow)

    def _add_server(self, key: Hashable, request: Request, flow: Flow) -> ServerTransaction:
        stamp_source(request, flow)
        transaction = ServerTransaction(self, key, request, response_flow(request.via, flow))
        self._servers[key] = transaction
        self._follow(transaction)
        return transaction

    def receive_ack(self, ack: Request, now: float) -> bool:
        """Give an ACK to the INVITE it has the branch of; False when it stands alone, as that of a 2xx
        does."""
        known = self._servers.get(self._server_key(ack, "INVITE"))
        if known is None:
            return False
        known.handle(Event.ACK, ack, now)
        return True

    def invite_of(self, cancel: Request) -> ServerTransaction | None:
        """The INVITE transaction that a CANCEL means (§9.2)."""
        return self._servers.get(self._server_key(cancel, "INVITE"))

    def respond_stateless(self, request: Request, response: Response, flow: Flow) -> None:
        """Answer without a transaction; the Via must have been marked."""
        self.transmit(response_flow(request.via, flow), bytes(response))

    @staticmethod
    def _server_key(request: Request, method: str) -> Hashable:
        via = request.via
        branch = via.branch
        if branch.startswith(MAGIC) and branch != MAGIC:
            return branch, via.host, via.port, method  # §17.2.3
        # RFC 2543: nothing but the message itself names the transaction.
        return (
            via.host,
            via.port,
            branch,
            request.call_id,
            request.from_.tag,
            request.cseq.number,
            request.target,
            method,
        )

    # -- both

    def _follow(self, transaction: Transaction) -> None:
        if transaction.flow.reliable:
            self._on_streams.setdefault(transaction.flow, {})[transaction] = None

    def forget(self, transaction: Transaction) -> None:
        """Called by a transaction that terminates."""
        if isinstance(transaction, ClientTransaction):
            self._clients.pop(transaction.key, None)
        else:
            self._servers.pop(transaction.key, None)
        self._unfollow(transaction)

    def _unfollow(self, transaction: Transaction) -> None:
        same = self._on_streams.get(transaction.flow) if transaction.flow.reliable else None
        if same is not None:
            same.pop(transaction, None)
            if not same:
                del self._on_streams[transaction.flow]

    def flow_failed(self, flow: Flow, now: float) -> None:
        """A connection is gone: its transactions fail with 503 (§8.1.3.1, §17.1.4)."""
        failed = tuple(self._on_streams.get(flow, ()))
        self.failure_status = 503
        try:
            for transaction in failed:
                transaction.handle(Event.TRANSPORT_ERROR, None, now)
        finally:
            self.failure_status = 408
