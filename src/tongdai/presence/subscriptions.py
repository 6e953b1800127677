"""The subscriptions of this node's phones (RFC 6665): accepted, told what changed, refreshed, ended."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Container, Iterable, Mapping
from typing import Protocol

import msgspec

from tongdai.calls.model import Party
from tongdai.core.clock import Clock
from tongdai.core.log import get_logger
from tongdai.journal import Journal
from tongdai.journal.reading import decoded
from tongdai.presence.packages import ALLOW_EVENTS, PACKAGES, Package, State, Watched, accepts
from tongdai.presence.sights import Sights
from tongdai.sip.flow import Flow
from tongdai.sip.message import ParseError, Request
from tongdai.sip.phone import is_same_phone
from tongdai.sip.ua import DialogState, IncomingRequest
from tongdai.sip.ua.notifier import Notifier

log = get_logger(__name__)

PREFIX = "subscription/"
DEFAULT_SECONDS = 3600
MIN_SECONDS = 30
MAX_SECONDS = 3600
MAX_OF_DEVICE = 200
"""A phone with more lamps than that is none."""


class Device(Protocol):
    """The device that sent a request, proven by its digest."""

    @property
    def tenant(self) -> str: ...
    @property
    def device(self) -> str: ...
    @property
    def username(self) -> str: ...
    @property
    def party(self) -> Party: ...


class Subscription(msgspec.Struct):
    """One subscription. `until` is monotonic seconds; `event` is the Event field of its NOTIFYs; `told` is
    the state that was sent last, and `version` how many bodies were."""

    dialog: DialogState
    watched: Watched
    package: str
    event: str
    entity: str
    device: str
    until: float
    version: int = 0
    told: State | None = None
    instance: str = ""
    """Names the phone across addresses, when it has such a name (RFC 5626 §4.1)."""

    @property
    def key(self) -> tuple[str, str]:
        return self.dialog.call_id, self.dialog.local_tag


class _Stored(msgspec.Struct):
    """In the journal: its end in wall-clock seconds too, since the monotonic clock ends with the machine."""

    subscription: Subscription
    until: float


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Stored).decode


class Subscriptions:
    """All subscriptions of this node."""

    def __init__(
        self,
        sights: Sights,
        notifier: Notifier,
        *,
        admit: Callable[[IncomingRequest], Device | None],
        instances: Callable[[str, str, Flow], str],
        leads_here: Callable[[Device, Request], bool],
        journal: Journal,
        clock: Clock,
        on_change: Callable[[], None],
    ) -> None:
        """`admit` proves who sent a request; when nobody is proven it has answered and gives None.
        `instances` knows the name across addresses of the phone that registered as a device over a flow, and
        `leads_here` whether a Request-URI means the device's own tenant. `on_change` asks for a call of
        `flush`."""
        self._sights = sights
        self._notifier = notifier
        self._admit = admit
        self._instances = instances
        self._leads_here = leads_here
        self._journal = journal
        self._clock = clock
        self._on_change = on_change
        self._all: dict[tuple[str, str], Subscription] = {}
        self._of_tenant: dict[str, dict[tuple[str, str], Subscription]] = {}
        self._ends: list[tuple[float, tuple[str, str]]] = []
        self._stirred: set[str] = set()
        self._pending: dict[tuple[str, str], bool] = {}
        """A NOTIFY is under way; true: look again when it is answered."""
        self._unwritten: dict[tuple[str, str], Subscription] = {}

    def __len__(self) -> int:
        return len(self._all)

    # -- asked by phones

    def on_subscribe(self, incoming: IncomingRequest) -> None:
        """Answer a SUBSCRIBE, outside or inside of a dialog."""
        device = self._admit(incoming)
        if device is None:
            return
        try:
            if incoming.request.to.tag:
                self._refresh(incoming, device)
            else:
                self._begin(incoming, device)
        except ParseError as problem:
            incoming.respond(problem.status)

    def _begin(self, incoming: IncomingRequest, device: Device) -> None:
        request = incoming.request
        package = self._package(request)
        if package is None:
            incoming.respond(489, headers=[("Allow-Events", ALLOW_EVENTS)])
            return
        if not accepts(package, request.headers.get_list("Accept")):
            incoming.respond(406, headers=[("Accept", package.content_type)])
            return
        seconds = self._granted(incoming)
        if seconds is None:
            return
        user = request.uri.user or ""
        watched = None
        if self._leads_here(device, request):
            watched = self._sights.find(device.tenant, device.party, device.username, user, package)
        if watched is None:
            incoming.respond(404)
            return
        mine = self._of_tenant.get(device.tenant, {}).values()
        if sum(one.device == device.device for one in mine) >= MAX_OF_DEVICE:
            incoming.respond(403, "Too Many Subscriptions")
            return
        subscription = Subscription(
            dialog=self._notifier.begin(incoming),
            watched=watched,
            package=package.name,
            event=(request.headers.get("Event") or package.name).strip(),
            entity=f"sip:{user or device.username}@{request.uri.host}",
            device=device.device,
            until=self._clock.monotonic() + seconds,
            instance=self._instances(device.tenant, device.device, incoming.flow),
        )
        self._index(subscription)
        self._accept(incoming, subscription, seconds)

    def _refresh(self, incoming: IncomingRequest, device: Device) -> None:
        request = incoming.request
        subscription = self._all.get((request.call_id, request.to.tag))
        if (
            subscription is None
            or subscription.device != device.device
            or subscription.dialog.remote_tag != request.from_.tag
            or self._package(request) is not PACKAGES[subscription.package]
        ):
            incoming.respond(481)
            return
        seconds = self._granted(incoming)
        if seconds is None:
            return
        if not self._notifier.refresh(subscription.dialog, incoming):
            incoming.respond(500, "CSeq Out Of Order")
            return
        subscription.until = self._clock.monotonic() + seconds
        heapq.heappush(self._ends, (subscription.until, subscription.key))
        self._accept(incoming, subscription, seconds)

    def _accept(self, incoming: IncomingRequest, subscription: Subscription, seconds: int) -> None:
        """200, then the state as it is, whether it is new or not (§4.2.1.2, §4.2.2)."""
        routes = [("Record-Route", route) for route in incoming.request.headers.get_all("Record-Route")]
        contact = f"<{subscription.dialog.local_contact}>"
        incoming.respond(200, headers=[*routes, ("Contact", contact), ("Expires", str(seconds))])
        subscription.told = None
        if seconds:
            self._tell(subscription)
        else:
            self._end(subscription, "timeout")

    def _granted(self, incoming: IncomingRequest) -> int | None:
        seconds = incoming.request.expires
        if seconds is None:
            return DEFAULT_SECONDS
        if 0 < seconds < MIN_SECONDS:
            incoming.respond(423, headers=[("Min-Expires", str(MIN_SECONDS))])
            return None
        return min(seconds, MAX_SECONDS)

    @staticmethod
    def _package(request: Request) -> Package | None:
        name = (request.headers.get("Event") or "").partition(";")[0].strip().lower()
        return PACKAGES.get(name)

    # -- telling

    def stir(self, tenant: str) -> None:
        """Something of this tenant changed: calls, messages or registrations. Costs nothing where nobody
        watches."""
        if tenant in self._of_tenant and tenant not in self._stirred:
            self._stirred.add(tenant)
            self._on_change()

    def flush(self) -> None:
        """Tell what changed since the last time, and put what is to be kept into the journal. Called once per
        tick, before that tick's messages leave."""
        stirred, self._stirred = self._stirred, set()
        for tenant in stirred:
            seen: dict[Watched, State | None] = {}
            for subscription in tuple(self._of_tenant.get(tenant, {}).values()):
                watched = subscription.watched
                if watched not in seen:
                    seen[watched] = self._sights.look(watched)
                self._compare(subscription, seen[watched])
        unwritten, self._unwritten = self._unwritten, {}
        for key, subscription in unwritten.items():
            if key in self._all:
                until = self._clock.wall() + subscription.until - self._clock.monotonic()
                self._journal.put(_journal_key(subscription), _encode(_Stored(subscription, until)))
            else:
                self._journal.delete(_journal_key(subscription))

    def _compare(self, subscription: Subscription, state: State | None) -> None:
        if state is None:
            self._end(subscription, "noresource")
        elif state != subscription.told:
            self._tell(subscription, state)

    def _tell(self, subscription: Subscription, state: State | None = None) -> None:
        """Send the state, unless an answer to an earlier NOTIFY is still awaited: two at once may change
        places on their way."""
        key = subscription.key
        if key in self._pending:
            self._pending[key] = True
            return
        state = state or self._sights.look(subscription.watched)
        if state is None:
            self._end(subscription, "noresource")
            return
        left = max(0, round(subscription.until - self._clock.monotonic()))
        self._send(subscription, state, f"active;expires={left}")

    def _send(self, subscription: Subscription, state: State | None, how: str) -> None:
        package = PACKAGES[subscription.package]
        headers = [("Event", subscription.event), ("Subscription-State", how)]
        body = b""
        if state is not None:
            body = package.write(state, subscription.entity, subscription.version).encode()
            subscription.told = state
            subscription.version += 1
        key = subscription.key
        self._pending[key] = False
        self._unwritten[key] = subscription
        self._notifier.notify(
            subscription.dialog,
            headers,
            body,
            package.content_type,
            lambda status: self._answered(subscription, status),
        )
        self._on_change()

    def _answered(self, subscription: Subscription, status: int) -> None:
        again = self._pending.pop(subscription.key, False)
        if subscription.key not in self._all:
            return
        if status == 503 and subscription.dialog.flow.reliable:
            subscription.told = None  # its connection is gone; it hears when it is back
        elif status >= 300:  # §4.2.2: the phone does not know it any more, or is gone
            log.info("a subscription ended", tenant=subscription.watched.tenant, status=status)
            self._forget(subscription)
        elif again:
            self._compare(subscription, self._sights.look(subscription.watched))

    def moved(self, tenant: str, device: str, instance: str, uri: str, flow: Flow) -> None:
        """A phone has registered over another path: what it watches is told there, and what it missed
        meanwhile at once."""
        for subscription in tuple(self._of_tenant.get(tenant, {}).values()):
            dialog = subscription.dialog
            if subscription.device != device or dialog.flow == flow:
                continue
            same = is_same_phone(subscription.instance, dialog.remote_target, instance, uri)
            if same and (dialog.pinned or dialog.flow.reliable) and dialog.flow.transport == flow.transport:
                dialog.flow = flow
                self._unwritten[subscription.key] = subscription
                self.stir(tenant)
                self._on_change()

    def _end(self, subscription: Subscription, reason: str) -> None:
        """The last NOTIFY, with the state as it is where there is one (§4.4.1)."""
        self._forget(subscription)
        self._send(subscription, self._sights.look(subscription.watched), f"terminated;reason={reason}")

    def _index(self, subscription: Subscription) -> None:
        self._all[subscription.key] = subscription
        self._of_tenant.setdefault(subscription.watched.tenant, {})[subscription.key] = subscription
        heapq.heappush(self._ends, (subscription.until, subscription.key))

    def _forget(self, subscription: Subscription) -> None:
        if self._all.pop(subscription.key, None) is None:
            return
        tenant = subscription.watched.tenant
        others = self._of_tenant[tenant]
        del others[subscription.key]
        if not others:
            del self._of_tenant[tenant]
        self._unwritten[subscription.key] = subscription
        self._on_change()

    def retain(self, devices: Container[tuple[str, str]], tenants: Iterable[str] | None = None) -> None:
        """The configuration of these tenants changed (None: of all): only these devices (tenant, id) are
        left of them, and what is watched may be gone."""
        for tenant in tuple(self._of_tenant) if tenants is None else tenants:
            for subscription in tuple(self._of_tenant.get(tenant, {}).values()):
                if (tenant, subscription.device) not in devices:
                    self._end(subscription, "rejected")
            self.stir(tenant)

    # -- time

    def deadline(self) -> float | None:
        """When `on_timers` is wanted next (monotonic seconds)."""
        return self._ends[0][0] if self._ends else None

    def on_timers(self, now: float) -> None:
        """End what was not refreshed."""
        while self._ends and self._ends[0][0] <= now:
            _, key = heapq.heappop(self._ends)
            subscription = self._all.get(key)
            if subscription is not None and subscription.until <= now:
                self._end(subscription, "timeout")

    # -- after a restart

    def restore(self, entries: Mapping[str, bytes], *, same_boot: bool = False) -> int:
        """Go on with the subscriptions that an earlier process journaled (`Journal.load()`); what changed
        meanwhile is told with the next `flush`. `same_boot`: that process ran since the machine's last start,
        so its monotonic times are ours. Returns how many there are."""
        wall, monotonic = self._clock.wall(), self._clock.monotonic()
        for _, stored in decoded(self._journal, entries, PREFIX, _decode):
            subscription = stored.subscription
            if not same_boot:
                subscription.until = monotonic + stored.until - wall
                self._unwritten[subscription.key] = subscription
            self._index(subscription)
            self.stir(subscription.watched.tenant)
        return len(self._all)


def _journal_key(subscription: Subscription) -> str:
    return f"{PREFIX}{subscription.watched.tenant}/{subscription.dialog.key}"
