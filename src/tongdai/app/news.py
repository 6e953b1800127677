"""What has changed, told to whom it concerns: queues, lamps and pages."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tongdai.api.rpc.messages import CallFact, CallStored, MailboxChanged, Registered
from tongdai.api.rpc.server import RpcServer
from tongdai.calls import events as e
from tongdai.calls.facts import LoggedFact, people_of
from tongdai.presence import Subscriptions
from tongdai.switch import Switch


class News:
    """Who tells the news is made before those who hear it: `use` introduces them."""

    def __init__(self, rpc: RpcServer, stir: Callable[[], None]) -> None:
        self._rpc = rpc
        self._stir = stir

    def use(self, switch: Switch, subscriptions: Subscriptions) -> None:
        """Say who has the queues and the lamps; before anything changes."""
        self._switch = switch
        self._subscriptions = subscriptions

    def calls_changed(self, tenant: str) -> None:
        self._subscriptions.stir(tenant)
        self._stir()

    def fact(self, fact: LoggedFact) -> None:
        """Something happened to a call."""
        self._rpc.tell(CallFact(fact))

    def stored(self, facts: Sequence[LoggedFact]) -> None:
        """A call can be found in the log."""
        self._rpc.tell(CallStored(facts[0].tenant, facts[0].call, people_of(facts)))

    def mailbox_changed(self, tenant: str, mailbox: str) -> None:
        self._subscriptions.stir(tenant)
        self._rpc.tell(MailboxChanged(tenant, mailbox))

    def reachable(self, tenant: str, person: str) -> None:
        """Who is there again, or can be disturbed again, may be wanted by a queue."""
        self._switch.post(tenant, e.PersonReachable(person))
        self.gone(tenant, person)

    def gone(self, tenant: str, person: str) -> None:
        """A person has a device less."""
        self._subscriptions.stir(tenant)
        self._rpc.tell(Registered(tenant, person))
