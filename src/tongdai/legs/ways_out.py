"""Calls to the outside: through which gateway of a trunk, and what to try when one does not do."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from tongdai.calls import commands as c
from tongdai.calls import events as e
from tongdai.calls.model import Cause
from tongdai.core.log import get_logger
from tongdai.journal.port import Journal
from tongdai.legs.causes import cause_of
from tongdai.legs.kinds import OFFER_REFUSED, offers_to
from tongdai.legs.leg import SipLeg, spoken_by
from tongdai.legs.ports import Edge, Post, Trunks
from tongdai.legs.presented import presented
from tongdai.sip.flow import Flow, ip_version
from tongdai.sip.message import NameAddr, ParseError, Response, SipUri
from tongdai.sip.timers import Timer, Timers
from tongdai.sip.ua import InviteSession, UserAgent
from tongdai.tenants.trunk.model import Encryption, Gateway, Transport, Trunk

log = get_logger(__name__)

MOST_REDIRECTS = 3
_ELSEWHERE = frozenset({500, 501, 502, 503, 504, 505, 513, 580})
"""What another gateway may answer otherwise. A 4xx or 6xx is of the number that was called (RFC 3261 §21)."""
_LONGEST_PAUSE = 600


class _Kept(msgspec.Struct, kw_only=True):
    """What the journal has of a call out that nobody has answered yet: without the carrier's password."""

    command: c.CreateLeg
    gateways: list[Gateway]
    """Still to be tried."""
    gateway: Gateway
    user: str
    cause: Cause = Cause.CONGESTION
    refused: int = 0
    """Offers that the gateway did not take."""
    redirects: int = 0
    failed: bool = False
    """Something was tried in vain."""
    silent: bool = True
    """Nothing has come back from the gateway."""


class Way(_Kept, kw_only=True):
    """The same with what this process makes of it."""

    trunk: Trunk
    session: InviteSession | None = None
    timer: Timer | None = None

    @property
    def target(self) -> c.TrunkTarget:
        assert isinstance(self.command.target, c.TrunkTarget)
        return self.command.target

    @property
    def encryption(self) -> Encryption:
        """Who calls for help is heard, if need be by others too."""
        wanted = self.trunk.settings.encryption
        return Encryption.AUTO if self.target.emergency and wanted is Encryption.REQUIRED else wanted

    def may_go(self, gateway: Gateway) -> bool:
        """Keys go over TLS alone."""
        return self.encryption is not Encryption.REQUIRED or gateway.transport is Transport.TLS

    @property
    def kept(self) -> _Kept:
        return _Kept(**{name: getattr(self, name) for name in _Kept.__struct_fields__})


_WAY = "way/"
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Kept).decode


class WaysOut:
    """Every call out that waits for its answer, by leg."""

    def __init__(
        self,
        edge: Edge,
        trunks: Trunks,
        *,
        ua: Callable[[], UserAgent],
        clock: Callable[[], float],
        post: Post,
        matched: Callable[[str], SipLeg | None],
        failed: Callable[[SipLeg, Cause], None],
    ) -> None:
        """`matched` finds the leg whose codecs to prefer; `failed` ends a leg."""
        self._edge = edge
        self._trunks = trunks
        self._ua = ua
        self._clock = clock
        self._post = post
        self._matched = matched
        self._failed = failed
        self._ways: dict[str, Way] = {}
        self._dirty: set[str] = set()
        self._timers = Timers()

    def deadline(self) -> float | None:
        return self._timers.deadline()

    def on_timers(self, now: float) -> None:
        self._timers.fire(now)

    # beginning

    def open(self, leg: SipLeg, command: c.CreateLeg, target: c.TrunkTarget) -> Flow | None:
        """A channel for the leg and the flow that it will most likely take; None when it has failed."""
        trunk = self._edge.trunk(target.trunk)
        if trunk is None:
            self._failed(leg, Cause.UNAVAILABLE)
            return None
        tenant = leg.record.tenant
        refusal = self._trunks.admit(tenant, leg.id, trunk, emergency=target.emergency)
        if refusal:
            log.warning("a call was refused", tenant=tenant, leg=leg.id, trunk=trunk.name, why=refusal)
            self._post(tenant, e.LegRerouted(leg.id, trunk.name, refusal))
            self._failed(leg, Cause.LIMITED)
            return None
        leg.record.trunk = trunk.id
        gateways = list(self._trunks.order(trunk))
        if not gateways:
            self._post(tenant, e.LegRerouted(leg.id, trunk.name, "no_address"))
            self._failed(leg, Cause.UNAVAILABLE)
            return None
        first, *others = gateways
        user = self._edge.number_to_trunk(trunk.id, target.number, target.emergency)
        self._ways[leg.id] = Way(command=command, gateways=others, gateway=first, user=user, trunk=trunk)
        return self._trunks.flow(first)

    def call(self, leg: SipLeg) -> None:
        """Send the INVITE. Raises ValueError for what cannot be written in one."""
        way = self._ways[leg.id]
        gateway, settings = way.gateway, way.trunk.settings
        flow = self._trunks.flow(gateway)
        port = None if settings.domain else gateway.asked.port or None
        uri = str(SipUri(settings.domain or gateway.asked.host, way.user, port))
        if flow.transport != "udp":
            uri += f";transport={flow.transport}"
        prefer, foreign = spoken_by(self._matched(way.command.match))
        offer = offers_to(way.encryption, flow)[way.refused]
        if offer.alone:
            prefer, foreign = offer.alone, ()
        elif settings.codecs:
            prefer = settings.codecs
        leg.begin_anew()
        leg.offer_as(offer.protocol, offer.keys)
        leg.record.insists = way.encryption is Encryption.REQUIRED
        caller = way.command.caller
        if way.target.emergency and caller.private:
            caller = msgspec.structs.replace(caller, private=False)  # who helps must be able to call back
        shown = presented(
            way.trunk,
            caller,
            way.command.behind,
            [diversion.reason for diversion in way.command.diversions],
            way.command.hops,
            flow.local[0],
            uri,
            lambda number: self._edge.caller_to_trunk(way.trunk.id, number),
        )
        leg.session = way.session = self._ua().invite(
            uri,
            flow,
            from_=shown.from_,
            to=f"<{uri}>",
            sdp=leg.make_offer(prefer, foreign),
            headers=[("Max-Forwards", str(way.command.max_forwards)), *shown.headers],
            route_set=self._trunks.route(way.trunk, gateway),
            contact_user=shown.contact_user,
            credentials=way.trunk.credentials,
            tag=leg,
        )
        way.silent = True
        self._wait(leg, way)

    def _wait(self, leg: SipLeg, way: Way) -> None:
        self._dirty.add(leg.id)
        at = self._clock() + way.trunk.settings.patience
        way.timer = self._timers.schedule(at, self._silent, leg)

    # what becomes of it

    def heard(self, leg: SipLeg, *, answered: bool = False) -> None:
        """Something came back from the gateway."""
        way = self._ways.get(leg.id)
        if way is None:
            return
        if way.timer is not None:
            self._timers.cancel(way.timer)
            self._took(leg, way)
        if answered:
            del self._ways[leg.id]
            self._dirty.add(leg.id)

    def _took(self, leg: SipLeg, way: Way) -> None:
        """The gateway deals with the call."""
        way.timer, way.silent = None, False
        self._dirty.add(leg.id)
        self._trunks.heard(way.trunk, way.gateway)
        if way.failed or way.target.again:
            self._post(leg.record.tenant, e.LegCarried(leg.id, self._name(way)))

    def forget(self, leg: SipLeg) -> None:
        """The leg is over."""
        way = self._ways.pop(leg.id, None)
        if way is not None:
            self._dirty.add(leg.id)
            if way.timer is not None:
                self._timers.cancel(way.timer)
        self._trunks.left(leg.id)

    # the process after this one

    def journal(self, journal: Journal) -> None:
        """Write what changed since the last time; the caller commits."""
        for leg in self._dirty:
            way = self._ways.get(leg)
            if way is None:
                journal.delete(_WAY + leg)
            else:
                journal.put(_WAY + leg, _encode(way.kept))
        self._dirty.clear()

    def restore(self, entries: Mapping[str, bytes], legs: Mapping[str, SipLeg]) -> None:
        """Take over what is still to be tried for these legs."""
        for key, value in entries.items():
            if not key.startswith(_WAY):
                continue
            leg = legs.get(key.removeprefix(_WAY))
            trunk = self._edge.trunk(leg.record.trunk) if leg is not None else None
            if leg is None or leg.session_in_use.confirmed or trunk is None:
                self._dirty.add(key.removeprefix(_WAY))
                continue
            try:
                kept = _decode(value)
            except msgspec.DecodeError as error:
                log.error("a journaled way out cannot be read; dropped", key=key, error=str(error))
                self._dirty.add(leg.id)
                continue
            way = Way(**msgspec.structs.asdict(kept), trunk=trunk, session=leg.session)
            self._ways[leg.id] = way
            if way.silent:
                self._wait(leg, way)

    def refused(self, leg: SipLeg, status: int, reason: str, response: Response | None) -> Cause | None:
        """The INVITE failed: try something else (None), or say why the leg ends."""
        way = self._ways.get(leg.id)
        if way is None:
            return cause_of(status)
        # from a carrier these tell of the party that was called, whom another way would only ring again
        way.cause = Cause.NO_ANSWER if response is not None and status in (408, 480) else cause_of(status)
        return None if self._tried_otherwise(leg, way, status, reason, response) else way.cause

    def _tried_otherwise(
        self, leg: SipLeg, way: Way, status: int, reason: str, response: Response | None
    ) -> bool:
        if way.timer is not None:
            self._timers.cancel(way.timer)
            way.timer = None
        if response is None:
            self._trunks.failed(way.trunk, way.gateway)
            return self._next(leg, way, "unreachable" if status == 503 else "unanswered")
        if 300 <= status < 400:
            return self._redirected(leg, way, response)
        if status in OFFER_REFUSED:
            offers = offers_to(way.encryption, self._trunks.flow(way.gateway))
            way.refused += 1
            if way.refused < len(offers):
                plain = offers[way.refused].protocol != offers[way.refused - 1].protocol
                self._tell(leg, way, f"{'not_encrypted' if plain else 'no_codec'} {status}")
                return self._again(leg, way)
        if status in _ELSEWHERE:
            if status == 503:
                self._trunks.failed(way.trunk, way.gateway, response.retry_after(_LONGEST_PAUSE))
            return self._next(leg, way, f"answered {status} {reason}".strip())
        return False

    def _silent(self, leg: SipLeg, now: float) -> None:
        """Not even a 100: somebody waits at his phone, and Timer B takes 32 s."""
        way = self._ways.get(leg.id)
        if way is None or leg.gone:
            return
        if way.session is not None and way.session.heard:
            self._took(leg, way)  # 100: it looks for the number
            return
        way.timer = None
        if way.session is not None:
            way.session.tag = None
            way.session.bye()  # should it answer after all, it is cancelled or hung up on
        self._trunks.failed(way.trunk, way.gateway)
        way.cause = Cause.UNAVAILABLE
        if not self._next(leg, way, f"silent {way.trunk.settings.patience:g}"):
            self._failed(leg, way.cause)

    def _redirected(self, leg: SipLeg, way: Way, response: Response) -> bool:
        way.redirects += 1
        for uri in contacts_of(response):
            gateway = self._allowed(way, uri)
            if gateway is not None and way.may_go(gateway) and way.redirects <= MOST_REDIRECTS:
                self._tell(leg, way, f"sent_on {uri.user or way.user}@{uri.host}")
                way.gateway, way.user, way.refused = gateway, uri.user or way.user, 0
                return self._again(leg, way)
        self._tell(leg, way, f"sent_nowhere {response.status}")
        return False

    def _allowed(self, way: Way, uri: SipUri) -> Gateway | None:
        """Only to whom the administrator named: who may send calls anywhere sends them where they cost
        most."""
        settings = way.trunk.settings
        if uri.host == settings.domain:
            return way.gateway
        for gateway in way.trunk.gateways:
            if (uri.host, uri.port or 5060) == gateway.address:
                return gateway
            if gateway.of is not None and uri.host == gateway.of.host:
                return gateway
        for gateway in way.trunk.redirects:
            if uri.host == gateway.asked.host:
                return msgspec.structs.replace(gateway, port=uri.port or gateway.port)
        if uri.host in settings.redirect_hosts and ip_version(uri.host):
            return Gateway(uri.host, uri.port or 5060)
        return None

    def _next(self, leg: SipLeg, way: Way, why: str) -> bool:
        self._tell(leg, way, why)
        if not way.gateways:
            return False
        way.gateway, way.refused = way.gateways.pop(0), 0
        return self._again(leg, way)

    def _again(self, leg: SipLeg, way: Way) -> bool:
        try:
            self.call(leg)
        except ValueError as error:
            log.error("a leg cannot be called", tenant=leg.record.tenant, leg=leg.id, error=str(error))
            return False
        return True

    def _tell(self, leg: SipLeg, way: Way, why: str) -> None:
        way.failed = True
        log.info("a way out did not do", tenant=leg.record.tenant, leg=leg.id, trunk=self._name(way), why=why)
        self._post(leg.record.tenant, e.LegRerouted(leg.id, self._name(way), why))

    def _name(self, way: Way) -> str:
        alone = len(way.trunk.gateways) == 1 and way.gateway in way.trunk.gateways
        return way.trunk.name if alone else f"{way.trunk.name} ({way.gateway.host}:{way.gateway.port})"


def contacts_of(response: Response) -> list[SipUri]:
    """Where a 3xx sends the call, the carrier's favourite first (§8.1.3.4)."""
    found: list[tuple[float, SipUri]] = []
    for text in response.headers.get_list("Contact"):
        try:
            address = NameAddr.parse(text)
            found.append((-float(address.params.get("q") or 1.0), address.uri))
        except (ParseError, ValueError):
            continue
    return [uri for _, uri in sorted(found, key=lambda item: item[0])]
