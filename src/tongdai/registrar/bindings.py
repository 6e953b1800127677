"""The bindings of all devices: who is reachable, where, over which path, and until when."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable, Container, Mapping, Sequence
from typing import TypeVar

import msgspec

from tongdai.core.clock import Clock
from tongdai.core.log import get_logger
from tongdai.journal import Journal
from tongdai.journal.reading import decoded
from tongdai.sip.flow import Address, Flow
from tongdai.sip.message import NameAddr, ParseError, SipUri

log = get_logger(__name__)

PREFIX = "binding/"

K = TypeVar("K")


class Binding(msgspec.Struct, frozen=True):
    """One contact of a device (RFC 3261 §10). It is reached over `flow`, the way its REGISTER came,
    whatever the contact says: behind a NAT nothing else works, and elsewhere it is the same place."""

    id: str
    tenant: str
    person: str
    device: str
    contact: str
    """The URI as the phone wrote it: the Request-URI of what is sent to it."""
    flow: Flow
    call_id: str
    cseq: int
    registered: float
    """When it was registered or refreshed last, monotonic seconds."""
    expires: float
    """Monotonic seconds."""
    instance: str = ""
    """`+sip.instance` and `reg-id` of RFC 5626 with `;` between, when the phone gave the first: it names the
    phone across addresses."""
    path: tuple[str, ...] = ()
    """The proxies between, the nearest to us first: what is sent to the contact has them as Route (RFC
    3327 §5.4)."""

    @property
    def phone(self) -> tuple[str, str] | None:
        """Names the phone, which may have several flows to us (RFC 5626 §4.2); None when it numbers none."""
        name, _, flow = self.instance.rpartition(";")
        return (self.device, name) if name and flow else None

    def moved(self, seconds: float) -> Binding:
        """The same on a monotonic clock that is ahead by `seconds`."""
        return msgspec.structs.replace(
            self, registered=self.registered + seconds, expires=self.expires + seconds
        )


class _Stored(msgspec.Struct, frozen=True):
    """A binding in the journal: its end in wall-clock seconds too, since the monotonic clock ends with the
    machine."""

    binding: Binding
    until: float


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(_Stored)


class Bindings:
    """All bindings of this node. Answers from memory; every change is put into the journal."""

    def __init__(
        self,
        journal: Journal,
        clock: Clock,
        *,
        on_reachable: Callable[[str, str], None] | None = None,
        on_gone: Callable[[str, str], None] | None = None,
    ) -> None:
        """`on_reachable(tenant, person)` is called whenever a contact was added for somebody, `on_gone`
        whenever one was removed."""
        self._on_gone = on_gone
        self._journal = journal
        self._clock = clock
        self._on_reachable = on_reachable
        self._by_id: dict[str, Binding] = {}
        self._by_device: dict[tuple[str, str], dict[str, Binding]] = {}
        self._by_person: dict[str, dict[str, Binding]] = {}
        self._by_connection: dict[int, set[str]] = {}
        self._places: Counter[tuple[str, str, str, int]] = Counter()
        """Contacts of a device at each host and port, and (port 0) at each host."""
        self._ends: list[tuple[float, str]] = []
        """A heap with one entry per binding, never later than its end; looked at again when it comes up."""

    # -- reading

    def of(self, person: str) -> Sequence[str]:
        """Ids of the contacts that ring for a person, the oldest first; none when nothing is registered. Of
        the flows of one phone only that which was registered or refreshed last: it would ring twice (RFC 5626
        §5.3)."""
        mine = self._by_person.get(person)
        if mine is None:
            return ()
        if len(mine) == 1:
            return tuple(mine)
        best: dict[tuple[str, str] | str, Binding] = {}
        for one in mine.values():
            key = one.phone or one.id
            if key not in best or best[key].registered <= one.registered:
                best[key] = one
        return tuple(one.id for one in best.values())

    def next_flow(self, binding: str, *, gone: bool) -> str:
        """Another flow to the phone of a binding whose own does not lead there; empty when there is none.
        With `gone` it will not any more, and is forgotten (RFC 5626 §5.3.1: 430)."""
        failed = self._by_id.get(binding)
        if failed is None:
            return ""
        if gone:
            self.remove(failed)
        others = [
            one
            for one in self.of_device(failed.tenant, failed.device)
            if one.phone is not None and one.phone == failed.phone and one.id != binding
        ]
        return max(others, key=lambda one: one.registered).id if others else ""

    def binding(self, binding: str) -> Binding | None:
        """A binding that is still there."""
        return self._by_id.get(binding)

    def of_device(self, tenant: str, device: str) -> Sequence[Binding]:
        """The contacts of one device, the oldest first."""
        return tuple(self._by_device.get((tenant, device), {}).values())

    def are_at(self, tenant: str, device: str, end: Address) -> tuple[bool, bool]:
        """Whether a contact of the device is at this very end, and whether one is at its host. It takes as
        long for a device that has contacts elsewhere, none, or does not exist."""
        host, port = end
        return (tenant, device, host, port) in self._places, (tenant, device, host, 0) in self._places

    def instance_on(self, tenant: str, device: str, flow: Flow) -> str:
        """`Binding.instance` of the phone that registered as this device over a flow; empty when none did."""
        return next((one.instance for one in self.of_device(tenant, device) if one.flow == flow), "")

    def __len__(self) -> int:
        return len(self._by_id)

    # -- changing

    def put(self, binding: Binding) -> None:
        """Add a binding, or replace the one of the same id."""
        new = binding.id not in self._by_id
        self._index(binding)
        self._write(binding)
        if new and self._on_reachable is not None:
            self._on_reachable(binding.tenant, binding.person)

    def remove(self, binding: Binding) -> None:
        """Forget a binding."""
        known = self._by_id.pop(binding.id, None)
        if known is None:
            return
        self._count(known, -1)
        _unindex(self._by_device, (binding.tenant, binding.device), binding.id)
        _unindex(self._by_person, binding.person, binding.id)
        self._by_connection.get(binding.flow.connection, set()).discard(binding.id)
        self._journal.delete(_key(binding))
        if self._on_gone is not None:
            self._on_gone(binding.tenant, binding.person)

    def retain(self, devices: Container[tuple[str, str]]) -> None:
        """Forget the contacts of all but these devices (tenant, device): the others were deleted."""
        for binding in tuple(self._by_id.values()):
            if (binding.tenant, binding.device) not in devices:
                self.remove(binding)
                log.info("contact of a deleted device", tenant=binding.tenant, device=binding.device)

    def connection_lost(self, flow: Flow) -> None:
        """A stream is gone. Contacts that name the address they registered from can be called there; the
        others are behind a NAT and unreachable until the phone registers again."""
        for id_ in tuple(self._by_connection.pop(flow.connection, ())):
            binding = self._by_id[id_]
            reachable = _without_connection(binding)
            if reachable is None:
                self.remove(binding)
                log.info("contact lost with its connection", tenant=binding.tenant, device=binding.device)
            else:
                self.put(reachable)

    def restore(self, entries: Mapping[str, bytes], *, same_boot: bool = False) -> int:
        """Take over what an earlier process journaled (`Journal.load()`); returns how many bindings are
        alive. `same_boot`: that process ran since the machine's last start, so its monotonic times are ours,
        whatever was done to the wall clock meanwhile.

        UDP contacts go on as they were. The connections of a stream ended with their process
        (`connection_lost`)."""
        wall, monotonic = self._clock.wall(), self._clock.monotonic()
        for key, stored in decoded(self._journal, entries, PREFIX, _decoder.decode):
            kept = stored.binding if same_boot else stored.binding.moved(_ahead(stored, wall, monotonic))
            binding = _without_connection(kept) if kept.flow.connection else kept
            if binding is None or binding.expires <= monotonic:
                self._journal.delete(key)
            else:
                self._index(binding)
                if not same_boot:
                    self._write(binding)
        return len(self._by_id)

    def _write(self, binding: Binding) -> None:
        until = self._clock.wall() + binding.expires - self._clock.monotonic()
        self._journal.put(_key(binding), _encoder.encode(_Stored(binding, until)))

    # -- time

    def deadline(self) -> float | None:
        """When `on_timers` is wanted next (monotonic seconds)."""
        return self._ends[0][0] if self._ends else None

    def on_timers(self, now: float) -> None:
        """Remove what has expired."""
        while self._ends and self._ends[0][0] <= now:
            _, id_ = heapq.heappop(self._ends)
            binding = self._by_id.get(id_)
            if binding is None:
                continue
            if binding.expires > now:
                heapq.heappush(self._ends, (binding.expires, id_))
                continue
            self.remove(binding)
            log.info("registration expired", tenant=binding.tenant, device=binding.device)

    def _index(self, binding: Binding) -> None:
        old = self._by_id.get(binding.id)
        if old is None or binding.expires < old.expires:
            heapq.heappush(self._ends, (binding.expires, binding.id))
        if old is not None and old.flow.connection != binding.flow.connection:
            self._by_connection.get(old.flow.connection, set()).discard(binding.id)
        if binding.flow.connection:
            self._by_connection.setdefault(binding.flow.connection, set()).add(binding.id)
        if old is not None:
            self._count(old, -1)
        self._count(binding, 1)
        self._by_id[binding.id] = binding
        self._by_device.setdefault((binding.tenant, binding.device), {})[binding.id] = binding
        self._by_person.setdefault(binding.person, {})[binding.id] = binding

    def _count(self, binding: Binding, more: int) -> None:
        host, port = binding.flow.remote
        for place in (host, port), (host, 0):
            key = (binding.tenant, binding.device, *place)
            self._places[key] += more
            if not self._places[key]:
                del self._places[key]


def _ahead(stored: _Stored, wall: float, monotonic: float) -> float:
    """By how many seconds our monotonic clock is ahead of the one of the process that stored it."""
    return monotonic + stored.until - wall - stored.binding.expires


def _key(binding: Binding) -> str:
    return f"{PREFIX}{binding.tenant}/{binding.device}/{binding.id}"


def _unindex(index: dict[K, dict[str, Binding]], key: K, id_: str) -> None:
    entries = index.get(key)
    if entries is not None:
        entries.pop(id_, None)
        if not entries:
            del index[key]


def _without_connection(binding: Binding) -> Binding | None:
    """The same contact reached over a new connection to it, or to the proxy before it; None when a NAT lies
    between, or when only the other side can open one."""
    if binding.flow.transport != "tcp":
        return None
    try:
        uri = NameAddr.parse(binding.path[0]).uri if binding.path else SipUri.parse(binding.contact)
    except ParseError:
        return None
    if uri.host != binding.flow.remote[0] or uri.port is None:
        return None
    flow = msgspec.structs.replace(binding.flow, remote=(uri.host, uri.port), connection=0)
    return msgspec.structs.replace(binding, flow=flow)
