"""A registration of ours with a carrier (RFC 3261 §10.2): kept fresh, and never given up.

That a PBX stops trying after so many failures is what keeps telephones dead after a carrier's bad night.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from tongdai.core.log import get_logger
from tongdai.sip.flow import Flow
from tongdai.sip.message import NameAddr, ParseError, Response, SipUri
from tongdai.sip.timers import Timer, Timers
from tongdai.sip.ua import UserAgent
from tongdai.tenants.trunk.model import Gateway, Trunk

log = get_logger(__name__)

FIRST_PAUSE, LONGEST_PAUSE = 2.0, 300.0
"""Seconds after the first failure, doubled with each further one."""
REFUSED_PAUSE = 60.0
"""After a 401, 403, 404 or 407: what is wrong changes slowly, and carriers lock accounts that insist."""
LEAST_EXPIRES = 30
MOST_HOPS = 8
_LONGEST_WAIT = 3600
"""Seconds that a carrier may make us wait."""


class Registration:
    """One gateway's, at one of the addresses that its name has, or the next when that one is silent.
    `registered` until the carrier's own time has passed."""

    def __init__(
        self,
        trunk: Trunk,
        gateways: Sequence[Gateway],
        *,
        flow: Callable[[Gateway], Flow],
        order: Callable[[Trunk, Sequence[Gateway]], Sequence[Gateway]],
        ua: Callable[[], UserAgent],
        timers: Timers,
        clock: Callable[[], float],
        fraction: Callable[[], float],
    ) -> None:
        """`flow` says how to reach a gateway, `order` which to try first. `fraction` gives random numbers
        in 0..1, so that many who lost their carrier at once do not all come back at once."""
        self.trunk = trunk
        self.gateway = gateways[0]
        """Where we are registered, or try to be."""
        self.registered = False
        self.route: tuple[str, ...] = ()
        """Service-Route (RFC 3608): what we send to the carrier while registered has these as Route."""
        self.why = "not yet"
        """What stands in the way while it is not."""
        self._gateways = gateways
        self._left = list(gateways)
        self._flow_to = flow
        self._order = order
        self._ua = ua
        self._timers = timers
        self._clock = clock
        self._fraction = fraction
        self._call_id: str | None = None
        self._cseq = 1
        self._failures = 0
        self._expires = trunk.settings.expires
        self._timer: Timer | None = None
        self._silence: Timer | None = None
        self._until = 0.0
        self._round = 0

    def start(self) -> None:
        """Register, within the second."""
        self._begin_again()
        self._schedule(self._fraction() * min(1.0, FIRST_PAUSE))

    def goes_on(self, trunk: Trunk, gateways: Sequence[Gateway]) -> bool:
        """Whether this serves the trunk as it is now; another address of its name needs nobody to leave."""
        by_name = gateways[0].of is not None
        if _settled(trunk, by_name) != _settled(self.trunk, by_name):
            return False
        self.trunk, self._gateways = trunk, gateways
        if self.gateway not in gateways:
            self._begin_again()
            self._again(0.0)
        return True

    def leave(self, gateway: Gateway) -> None:
        """That one is down: register at another address of the same name, if there is one."""
        if gateway == self.gateway and len(self._gateways) > 1:
            self._begin_again()
            if self.gateway != gateway:
                self._again(0.0)

    def _begin_again(self) -> None:
        """All addresses are to be tried, the best first."""
        self._left = list(self._order(self.trunk, self._gateways))
        self.gateway = self._left.pop(0)

    def stop(self, *, leave: bool) -> None:
        """Register no longer. With `leave` the carrier is told; not when another registration takes over,
        which it would take for that one's end."""
        self._stop_timers()
        self._round += 1
        if self.registered and leave:
            self.registered = False
            self._send(0, self._round)

    def expired(self, now: float) -> bool:
        return self.registered and now >= self._until

    # in

    def _stop_timers(self) -> None:
        for timer in (self._timer, self._silence):
            if timer is not None:
                self._timers.cancel(timer)
        self._timer = self._silence = None

    def _again(self, seconds: float) -> None:
        """In place of what goes on."""
        self._stop_timers()
        self._round += 1
        self._schedule(seconds)

    def _silent(self, number: int, now: float) -> None:
        """Not a word in time, and there is another address: Timer F takes 32 s."""
        self._silence = None
        if number == self._round:
            self._round += 1
            self._refused(408, None)

    def _schedule(self, seconds: float) -> None:
        self._timer = self._timers.schedule(self._clock() + seconds, self._refresh)

    def _refresh(self, now: float) -> None:
        self._timer = None
        if self.expired(now):
            self.registered = False
        self._round += 1
        self._send(self._expires, self._round)
        if self._left:
            wait = self._clock() + self.trunk.settings.patience
            self._silence = self._timers.schedule(wait, self._silent, self._round)

    def _send(self, expires: int, number: int) -> None:
        settings, asked, flow = self.trunk.settings, self.gateway.asked, self._flow_to(self.gateway)
        suffix = "" if flow.transport == "udp" else f";transport={flow.transport}"
        host = settings.domain or asked.host
        port = None if settings.domain or asked.port in (0, 5060) else asked.port
        registrar = f"{SipUri(host, None, port)}{suffix}"
        address = f"<{SipUri(host, settings.username, port)}>"
        self._call_id = self._ua().request(
            "REGISTER",
            registrar,
            flow,
            from_=address,
            to=address,
            headers=[("Expires", str(expires))],
            contact_user=settings.username,
            credentials=self.trunk.credentials,
            call_id=self._call_id,
            cseq=self._cseq,
            on_final=lambda status, response: self._answered(status, response, expires, number),
        )
        self._cseq += 4  # each challenge that is answered takes one more

    def _answered(self, status: int, response: Response | None, asked: int, number: int) -> None:
        if number != self._round or not asked:
            return
        if self._silence is not None:
            self._timers.cancel(self._silence)
            self._silence = None
        if 200 <= status < 300 and response is not None:
            self._accepted(response)
        elif status == 423 and response is not None and self._longer(response):
            self._schedule(0.0)
        else:
            self._refused(status, response)

    def _accepted(self, response: Response) -> None:
        granted = granted_seconds(response, self._flow_to(self.gateway).local, self._expires)
        if not self.registered:
            log.info(
                "registered with a carrier",
                trunk=self.trunk.name,
                gateway=str(self.gateway),
                seconds=granted,
            )
        self.registered, self.why, self._failures = True, "", 0
        self.route = service_route(response)
        self._left = [x for x in self._order(self.trunk, self._gateways) if x != self.gateway]
        self._until = self._clock() + granted
        # early enough for two more attempts before the carrier forgets us
        early = min(granted * 0.1 + 5.0, granted / 2) * (1.0 + self._fraction())
        self._schedule(max(granted - early, granted * 0.4, 1.0))

    def _longer(self, response: Response) -> bool:
        text = (response.headers.get("Min-Expires") or "").strip()
        if not text.isdigit() or not self._expires < int(text) <= 86_400:
            return False
        self._expires = int(text)
        return True

    def _refused(self, status: int, response: Response | None) -> None:
        if (response is None or status == 503) and self._left:  # RFC 3263 §4.3
            self.gateway = self._left.pop(0)
            self._schedule(0.0)
            return
        if len(self._gateways) > 1:
            self._begin_again()
        self._failures += 1
        why = f"{status} {response.reason}" if response is not None else "no answer"
        pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(self._failures - 1, 10))
        if status in (401, 403, 404, 407):
            pause = max(pause, REFUSED_PAUSE)
        asked = response.retry_after(_LONGEST_WAIT) if response is not None else 0.0
        pause = max(pause * (0.5 + self._fraction() / 2), asked)
        if self.why != why or self.registered:
            log.warning(
                "a carrier does not register us",
                trunk=self.trunk.name,
                gateway=str(self.gateway),
                why=why,
                again_in=round(pause, 1),
            )
        self.why = why
        if status in (401, 403, 404, 407) or self.expired(self._clock()):
            self.registered = False
        self._schedule(pause)


def _settled(trunk: Trunk, by_name: bool) -> Trunk:
    """What a registration depends on: not where calls may be sent on to, nor what addresses a name has."""
    return msgspec.structs.replace(trunk, gateways=() if by_name else trunk.gateways, redirects=())


def service_route(response: Response) -> tuple[str, ...]:
    """The proxies that the carrier wants calls to pass (RFC 3608 §6.1); one that cannot be read, or too many,
    are passed over whole: half of a way leads nowhere."""
    try:
        route = tuple(response.headers.get_list("Service-Route"))
        for hop in route:
            NameAddr.parse(hop).uri  # noqa: B018  (bad: ParseError)
    except ParseError as problem:
        log.warning("a carrier's Service-Route cannot be read", problem=str(problem))
        return ()
    return route if len(route) <= MOST_HOPS else ()


def granted_seconds(response: Response, local: tuple[str, int], asked: int) -> int:
    """For how long the carrier keeps our Contact: as it says there, else in Expires (§10.2.4). Contacts of
    other devices may be listed beside ours."""
    try:
        contacts = [NameAddr.parse(text) for text in response.headers.get_list("Contact")]
    except ParseError:
        contacts = []
    ours = [x for x in contacts if (x.uri.host, x.uri.port or 5060) == local] or contacts[:1]
    given = next((value for x in ours if (value := x.params.get("expires"))), None)
    text = (given or response.headers.get("Expires") or "").strip()
    return max(LEAST_EXPIRES, int(text)) if text.isdigit() else asked
