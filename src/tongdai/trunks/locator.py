"""The gateways that have names: their addresses as DNS has them now, and had them while it is silent (RFC
3263). Asked ahead of time, so that no call ever waits for DNS."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import msgspec

from tongdai.core.clock import Clock
from tongdai.core.log import get_logger
from tongdai.journal.port import Journal
from tongdai.sip.flow import ip_version
from tongdai.sip.location import Located, Place, Target
from tongdai.sip.timers import Timer, Timers
from tongdai.tenants.trunk.model import Gateway, Transport, Trunk
from tongdai.trunks.flows import KINDS

log = get_logger(__name__)

LookUp = Callable[[Place, Callable[[Located | None], None]], None]
"""Find a place's targets and give them to the callback, None when nobody could say; within seconds."""

FIRST_PAUSE, LONGEST_PAUSE = 2.0, 60.0
"""Seconds after a lookup that failed, doubled with each further one."""
LONGEST_SECONDS = 3600.0

_KEPT = "located/"
_OF_TARGET: dict[str, Transport] = {kind: transport for transport, kind in KINDS.items()}
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(tuple[Target, ...]).decode


class _Name:
    """One gateway by name, whichever trunks have it."""

    def __init__(self, place: Place, targets: tuple[Target, ...] = ()) -> None:
        self.place = place
        self.targets = targets
        self.failures = 0
        self.timer: Timer | None = None
        self.gone = False


class Locator:
    """Follows the configured trunks and DNS; `trunks` are the former with the addresses of the latter."""

    def __init__(
        self, *, clock: Clock, journal: Journal, look_up: LookUp, on_change: Callable[[], None]
    ) -> None:
        """`on_change` is called when DNS has changed `trunks`."""
        self._clock = clock
        self._journal = journal
        self._look_up = look_up
        self._on_change = on_change
        self._timers = Timers()
        self._configured: tuple[Trunk, ...] = ()
        self._names: dict[str, _Name] = {}
        self._restored: dict[str, tuple[Target, ...]] = {}
        self._dirty: dict[str, None] = {}

    @property
    def trunks(self) -> tuple[Trunk, ...]:
        """With addresses in place of names; a name that has none yet stays."""
        return tuple(
            msgspec.structs.replace(
                trunk,
                gateways=tuple(x for y in trunk.gateways for x in self._located(y)),
                redirects=tuple(x for y in _redirects(trunk) for x in self._located(y) if x.located),
            )
            for trunk in self._configured
        )

    def _located(self, gateway: Gateway) -> Iterable[Gateway]:
        name = self._names.get(str(gateway))
        if name is None or not name.targets:
            return [gateway]
        return [
            Gateway(
                *target.address,
                _OF_TARGET[target.transport],
                gateway.priority,
                target.weight,
                target.rank,
                gateway,
            )
            for target in name.targets
        ]

    def follow(self, trunks: Iterable[Trunk]) -> None:
        """These are the configured trunks from now on; new names are looked up at once."""
        self._configured = tuple(trunks)
        named = (x for trunk in self._configured for x in (*trunk.gateways, *_redirects(trunk)))
        wanted = {str(x): x for x in named if not x.located}
        for key in self._names.keys() - wanted.keys():
            name = self._names.pop(key)
            name.gone = True
            if name.timer is not None:
                self._timers.cancel(name.timer)
            self._dirty[key] = None
        for key, gateway in wanted.items():
            if key not in self._names:
                place = Place(gateway.host, gateway.port, KINDS.get(gateway.transport))
                self._names[key] = name = _Name(place, self._restored.get(key, ()))
                self._ask(key, name, self._clock.monotonic())
        for key in self._restored.keys() - wanted.keys():
            self._dirty[key] = None
        self._restored = {}

    def _ask(self, key: str, name: _Name, now: float) -> None:
        name.timer = None
        self._look_up(name.place, lambda found: self._found(key, name, found))

    def _found(self, key: str, name: _Name, found: Located | None) -> None:
        if name.gone:
            return
        if found is None:
            pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(name.failures, 10))
            if not name.failures:
                log.warning("DNS does not say where a carrier is", gateway=key, known=len(name.targets))
            name.failures += 1
        else:
            pause, name.failures = min(LONGEST_SECONDS, found.seconds), 0
            if not found.targets:
                log.error("DNS knows no address of a carrier", gateway=key)
            if found.targets != name.targets:
                at = [f"{x.transport}:{x.address[0]}:{x.address[1]}" for x in found.targets]
                log.info("a carrier was located", gateway=key, at=at)
                name.targets = found.targets
                self._dirty[key] = None
                self._on_change()
        name.timer = self._timers.schedule(
            self._clock.monotonic() + pause, lambda now: self._ask(key, name, now)
        )

    # time

    def deadline(self) -> float | None:
        return self._timers.deadline()

    def on_timers(self, now: float) -> None:
        self._timers.fire(now)

    # the journal

    def journal(self) -> None:
        """Write what changed: a process that starts while DNS is silent knows where the carriers were."""
        for key in self._dirty:
            name = self._names.get(key)
            if name is None or not name.targets:
                self._journal.delete(_KEPT + key)
            else:
                self._journal.put(_KEPT + key, _encode(name.targets))
        self._dirty.clear()

    def restore(self, entries: Mapping[str, bytes]) -> None:
        """Before the first `follow`."""
        for key, value in entries.items():
            if key.startswith(_KEPT):
                try:
                    self._restored[key.removeprefix(_KEPT)] = _decode(value)
                except msgspec.DecodeError as error:
                    log.error("a journaled address cannot be read; dropped", key=key, error=str(error))
                    self._dirty[key.removeprefix(_KEPT)] = None


def _redirects(trunk: Trunk) -> list[Gateway]:
    """The names that its 3xx may send calls to."""
    hosts = trunk.settings.redirect_hosts
    return [Gateway(host, 0, Transport.AUTO) for host in hosts if not ip_version(host)]
