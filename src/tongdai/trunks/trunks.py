"""All trunks of a node. Implements `legs.ports.Trunks`."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from itertools import groupby

import msgspec

from tongdai.core.clock import Clock
from tongdai.core.log import get_logger
from tongdai.journal.port import Journal
from tongdai.sip.flow import Address, Flow, local_for
from tongdai.sip.message import Response, SipUri
from tongdai.sip.timers import Timer, Timers
from tongdai.sip.ua import UserAgent
from tongdai.tenants.trunk.model import Gateway, Trunk
from tongdai.trunks.flows import KINDS
from tongdai.trunks.health import Change, Health, alive
from tongdai.trunks.limits import Limit, Limits
from tongdai.trunks.registration import Registration

log = get_logger(__name__)

_HEALTH = "trunk/"
_CHANCE = secrets.SystemRandom()

TenantLimits = Mapping[str, Limit]
"""What each tenant may have at once and begin, over all trunks."""


class GatewayState(msgspec.Struct, frozen=True):
    """How one gateway fares, for people. `since` is wall-clock seconds, 0 when it was always so; `registered`
    is None where nobody registers."""

    trunk: str
    name: str
    gateway: str
    up: bool
    since: float
    registered: bool | None
    why: str
    calls: int
    channels: int


class _Way:
    """One gateway of a trunk, as it fares."""

    def __init__(self, trunk: Trunk, gateway: Gateway, health: Health) -> None:
        self.trunk = trunk
        self.gateway = gateway
        self.health = health
        self.registration: Registration | None = None
        self.paused_until = 0.0
        self.timer: Timer | None = None
        self.asked = 0
        self.waiting = 0
        """The number of the OPTIONS whose answer is still in time; 0: none."""
        self.gone = False

    @property
    def key(self) -> str:
        return f"{self.trunk.id}/{self.gateway}"


class Trunks:
    """Registers, asks for signs of life, orders gateways, counts channels."""

    def __init__(
        self,
        *,
        clock: Clock,
        journal: Journal,
        local: Mapping[str, Sequence[Address]],
        chance: Callable[[], float] = _CHANCE.random,
    ) -> None:
        """`local` is where carriers reach us, by transport."""
        self._clock = clock
        self._journal = journal
        self._local = local
        self._chance = chance
        self._timers = Timers()
        self._limits = Limits()
        self._tenants: TenantLimits = {}
        self._ways: dict[str, _Way] = {}
        self._of: dict[str, list[_Way]] = {}
        self._registrations: dict[str, Registration] = {}
        self._restored: dict[str, Health] = {}
        self._dirty: dict[str, None] = {}
        self._ua: UserAgent | None = None

    def use(self, ua: UserAgent) -> None:
        """Say which user agent asks; once, before `follow`."""
        self._ua = ua

    def _agent(self) -> UserAgent:
        assert self._ua is not None, "no user agent was given"
        return self._ua

    # configuration

    def follow(self, trunks: Collection[Trunk], tenants: TenantLimits) -> None:
        """These are the trunks from now on. What did not change goes on as it was."""
        self._tenants = tenants
        former, self._ways, self._of = self._ways, {}, {}
        for trunk in trunks:
            self._of[trunk.id] = []
            for gateway in trunk.gateways:
                way = _Way(trunk, gateway, Health())
                known = former.get(way.key)
                if known is not None and known.trunk == trunk and known.gateway == gateway:
                    way = former.pop(way.key)
                else:
                    way.health = known.health if known is not None else self._restored.get(way.key, Health())
                    self._begin(way)
                self._ways[way.key] = way
                self._of[trunk.id].append(way)
        for way in former.values():
            self._end(way)
            if way.key not in self._ways:
                self._dirty[way.key] = None
        self._register(trunks)
        for key in self._restored.keys() - self._ways.keys():
            self._dirty[key] = None
        self._restored = {}

    def _begin(self, way: _Way) -> None:
        seconds = way.trunk.settings.options_seconds
        if seconds and way.gateway.located:
            self._ask_in(way, self._chance() * min(2.0, seconds))

    def _end(self, way: _Way) -> None:
        way.gone = True
        if way.timer is not None:
            self._timers.cancel(way.timer)

    def _register(self, trunks: Iterable[Trunk]) -> None:
        """One registration for each gateway that was configured, however many addresses its name has."""
        former, self._registrations = self._registrations, {}
        for trunk in trunks:
            if not trunk.settings.register or self._ua is None:
                continue
            for asked, ways in groupby(self._of[trunk.id], lambda way: way.gateway.asked):
                ways_there = [way for way in ways if way.gateway.located]
                if not ways_there:
                    continue
                key = f"{trunk.id}/{asked}"
                known = former.get(key)
                if known is not None and known.goes_on(trunk, [way.gateway for way in ways_there]):
                    registration = former.pop(key)
                else:
                    registration = self._new_registration(trunk, [way.gateway for way in ways_there])
                    registration.start()
                self._registrations[key] = registration
                for way in ways_there:
                    way.registration = registration
        for key, registration in former.items():
            registration.stop(leave=key not in self._registrations)

    def _new_registration(self, trunk: Trunk, gateways: Sequence[Gateway]) -> Registration:
        return Registration(
            trunk,
            gateways,
            flow=self.flow,
            order=self._ranked,
            ua=self._agent,
            timers=self._timers,
            clock=self._clock.monotonic,
            fraction=self._chance,
        )

    def close(self) -> None:
        """Take leave of every carrier."""
        for way in self._ways.values():
            self._end(way)
        for registration in self._registrations.values():
            registration.stop(leave=True)

    # time

    def deadline(self) -> float | None:
        return self._timers.deadline()

    def on_timers(self, now: float) -> None:
        self._timers.fire(now)

    # signs of life

    def _ask_in(self, way: _Way, seconds: float) -> None:
        way.timer = self._timers.schedule(self._clock.monotonic() + seconds, self._ask, way)

    def _ask(self, way: _Way, now: float) -> None:
        way.timer = None
        settings, gateway, flow = way.trunk.settings, way.gateway, self.flow(way.gateway)
        asked = gateway.asked
        target = str(SipUri(asked.host, settings.username or None, asked.port or None))
        if flow.transport != "udp":
            target += f";transport={flow.transport}"
        way.asked += 1
        way.waiting = number = way.asked
        us = f"<{SipUri(settings.domain or flow.local[0], settings.username or 'tongdai')}>"
        self._agent().request(
            "OPTIONS",
            target,
            flow,
            from_=us,
            headers=[("Accept", "application/sdp")],
            credentials=way.trunk.credentials,
            on_final=lambda status, response: self._told(way, number, status, response),
        )
        # Timer F is no measure: callers would run into the dead gateway for half a minute more
        in_time = min(settings.patience, settings.options_seconds * 0.8)
        self._timers.schedule(now + in_time, self._unanswered, way, number)
        # a gateway that is down is asked as often: who waits for it counts seconds
        self._ask_in(way, settings.options_seconds * (0.9 + 0.2 * self._chance()))

    def _told(self, way: _Way, number: int, status: int, response: Response | None) -> None:
        if way.gone or (response is None and way.waiting != number):
            return
        way.waiting = 0
        if alive(status, response is not None):
            self._succeeded(way)
        else:
            self._failed(way, f"answers {status}" if response is not None else "does not answer")

    def _unanswered(self, way: _Way, number: int, now: float) -> None:
        if way.waiting == number and not way.gone:
            way.waiting = 0
            self._failed(way, "does not answer")

    def _succeeded(self, way: _Way) -> None:
        self._changed(way, way.health.succeeded(way.trunk.settings, self._clock.wall()), "answers again")

    def _failed(self, way: _Way, why: str) -> None:
        self._changed(way, way.health.failed(way.trunk.settings, self._clock.wall()), why)

    def _changed(self, way: _Way, change: Change, why: str) -> None:
        if not change:
            return
        self._dirty[way.key] = None
        tell = log.warning if change == "down" else log.info
        tell(f"a gateway is {change}", trunk=way.trunk.name, gateway=str(way.gateway), why=why)
        if change == "down" and way.registration is not None:
            way.registration.leave(way.gateway)
        if change == "down" and not any(x.health.up for x in self._of.get(way.trunk.id, ())):
            log.error("a trunk is down", trunk=way.trunk.name)
        elif change == "up" and sum(x.health.up for x in self._of.get(way.trunk.id, ())) == 1:
            log.info("a trunk is up", trunk=way.trunk.name)

    def heard(self, trunk: Trunk, gateway: Gateway) -> None:
        """A call was answered there, with whatever: nothing is down that speaks."""
        way = self._ways.get(f"{trunk.id}/{gateway}")
        if way is not None:
            self._succeeded(way)

    def failed(self, trunk: Trunk, gateway: Gateway, pause: float = 0.0) -> None:
        way = self._ways.get(f"{trunk.id}/{gateway}")
        if way is None:
            return
        if pause:
            way.paused_until = self._clock.monotonic() + pause
        elif trunk.settings.options_seconds:  # else nobody would ever find out that it is up again
            self._failed(way, "does not answer calls")

    # ways out

    def order(self, trunk: Trunk) -> Sequence[Gateway]:
        known = self._of.get(trunk.id)
        gateways = [way.gateway for way in known] if known is not None else trunk.gateways
        return self._ranked(trunk, [gateway for gateway in gateways if gateway.located])

    def _ranked(self, trunk: Trunk, gateways: Sequence[Gateway]) -> list[Gateway]:
        """Those that are well first; by priority, and by what DNS says (RFC 3263 §4.2)."""
        now = self._clock.monotonic()

        def rank(gateway: Gateway) -> tuple[bool, int, int, float]:
            way = self._ways.get(f"{trunk.id}/{gateway}")
            well = way is None or (way.health.up and now >= way.paused_until)
            if way is not None and way.registration is not None and not way.registration.registered:
                well = False
            # the smallest of such numbers is each one's as often as its weight says
            return not well, gateway.priority, gateway.rank, -(self._chance() ** (1.0 / gateway.weight))

        return sorted(gateways, key=rank)

    def flow(self, gateway: Gateway) -> Flow:
        local = local_for(self._local[gateway.transport], gateway.host)
        return Flow(KINDS[gateway.transport], local, gateway.address)

    def route(self, trunk: Trunk, gateway: Gateway) -> Sequence[str]:
        way = self._ways.get(f"{trunk.id}/{gateway}")
        registration = way.registration if way is not None else None
        good = registration is not None and registration.registered and registration.gateway == gateway
        return registration.route if registration is not None and good else ()

    # channels

    def admit(self, tenant: str, leg: str, trunk: Trunk, *, emergency: bool) -> str:
        now, settings = self._clock.monotonic(), trunk.settings
        limits = {
            _trunk(trunk.id): Limit(settings.channels, settings.per_second),
            _tenant(tenant): self._tenants.get(tenant, Limit()),
        }
        refusal = ""
        for (key, limit), whose in zip(limits.items(), ("trunk", "company"), strict=True):
            if self._limits.full(key, limit):
                refusal = f"{whose}_full {limit.at_once}"
            elif self._limits.too_fast(key, limit, now):
                refusal = f"{whose}_hurried {limit.per_second:g}"
            if refusal:
                break
        if refusal and not emergency:
            return refusal
        self._limits.take(leg, limits, now)
        return ""

    def joined(self, tenant: str, leg: str, trunk: str) -> None:
        self._limits.occupy(leg, _trunk(trunk), _tenant(tenant))

    def left(self, leg: str) -> None:
        self._limits.release(leg)

    # for people

    def states(self) -> list[GatewayState]:
        return [self._state(way) for ways in self._of.values() for way in ways]

    def _state(self, way: _Way) -> GatewayState:
        registration, now = way.registration, self._clock.monotonic()
        registered = None
        if registration is not None:
            registered = registration.registered and not registration.expired(now)
        why = "" if way.health.up else "does not answer"
        if not way.gateway.located:
            why = "DNS has no address of it"
        if registration is not None and not registered:
            why = f"not registered: {registration.why}"
        elif now < way.paused_until:
            why = f"asked for a pause of {way.paused_until - now:.0f} s"
        return GatewayState(
            trunk=way.trunk.id,
            name=way.trunk.name,
            gateway=_shown(way.gateway),
            up=way.health.up and way.gateway.located,
            since=way.health.since,
            registered=registered,
            why=why,
            calls=self._limits.in_use(_trunk(way.trunk.id)),
            channels=way.trunk.settings.channels,
        )

    def metrics(self) -> dict[str, float]:
        states = self.states()
        return {
            "trunk_gateways": len(states),
            "trunk_gateways_down": sum(not x.up for x in states),
            "trunk_registrations": sum(x.registered is True for x in states),
            "trunk_registrations_missing": sum(x.registered is False for x in states),
            "trunk_calls": sum(self._limits.in_use(_trunk(trunk)) for trunk in self._of),
        }

    # the journal

    def journal(self) -> None:
        """Write what changed: a process that takes over sends nobody to a gateway known to be dead."""
        for key in self._dirty:
            way = self._ways.get(key)
            if way is None:
                self._journal.delete(_HEALTH + key)
            else:
                self._journal.put(_HEALTH + key, msgspec.msgpack.encode(way.health))
        self._dirty.clear()

    def restore(self, entries: Mapping[str, bytes]) -> None:
        """Before the first `follow`."""
        for key, value in entries.items():
            if key.startswith(_HEALTH):
                try:
                    self._restored[key.removeprefix(_HEALTH)] = msgspec.msgpack.decode(value, type=Health)
                except msgspec.DecodeError as error:
                    log.error("a journaled gateway cannot be read; dropped", key=key, error=str(error))
                    self._dirty[key.removeprefix(_HEALTH)] = None


def _shown(gateway: Gateway) -> str:
    return f"{gateway} ({gateway.of.host})" if gateway.of is not None else str(gateway)


def _trunk(trunk: str) -> str:
    return f"trunk {trunk}"


def _tenant(tenant: str) -> str:
    return f"tenant {tenant}"
