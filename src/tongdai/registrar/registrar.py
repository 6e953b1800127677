"""Processing REGISTER requests: RFC 3261 §10.3, with the flows of RFC 5626 §6 where a phone names them,
and the Path of RFC 3327 where proxies lie between."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from email.utils import formatdate
from typing import Protocol

from tongdai.core.clock import Clock
from tongdai.core.ids import new_id
from tongdai.core.log import get_logger
from tongdai.registrar.bindings import Binding, Bindings
from tongdai.sip.flow import Flow
from tongdai.sip.message import NameAddr, ParseError, Request, SipUri
from tongdai.sip.ua import IncomingRequest

log = get_logger(__name__)

DEFAULT_SECONDS = 3600
MIN_SECONDS = 10
MAX_SECONDS = 3600
MAX_CONTACTS = 10
FLOW_SECONDS = 90
"""Seconds within which a phone that keeps flows gives a sign of life (RFC 5626 §4.4: Flow-Timer)."""
MAX_PATH = 8
"""Proxies between a phone and us."""


class Device(Protocol):
    """The device that sent a request, proven by its digest."""

    @property
    def tenant(self) -> str: ...
    @property
    def person(self) -> str: ...
    @property
    def device(self) -> str: ...
    @property
    def username(self) -> str: ...


class Refused(Exception):
    """The answer is not 200."""

    def __init__(self, status: int, reason: str, headers: tuple[tuple[str, str], ...] = ()) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason
        self.headers = headers


class Registrar:
    """Turns REGISTER requests into bindings."""

    def __init__(
        self,
        bindings: Bindings,
        *,
        admit: Callable[[IncomingRequest], Device | None],
        clock: Clock,
        min_seconds: int = MIN_SECONDS,
        max_seconds: int = MAX_SECONDS,
        max_contacts: int = MAX_CONTACTS,
        on_path: Callable[[Binding], None] | None = None,
        on_keeping: Callable[[Flow, float], None] | None = None,
    ) -> None:
        """`admit` proves who sent a request; when nobody is proven it has answered (401 ...) and gives None.

        Shorter registrations than `min_seconds` get 423, longer ones than `max_seconds` that long. A device
        with more than `max_contacts` contacts loses the one that was registered or refreshed longest ago: a
        phone that changes its address at each restart must not lock itself out.

        `on_path` hears of every contact that is reached over another path than before, or for the first time,
        and `on_keeping` of a flow whose phone has promised to show that it is there, and how often.
        """
        self._bindings = bindings
        self._admit = admit
        self._clock = clock
        self._min_seconds = min_seconds
        self._max_seconds = max_seconds
        self._max_contacts = max_contacts
        self._on_path = on_path
        self._on_keeping = on_keeping

    def on_register(self, incoming: IncomingRequest) -> None:
        """Answer a REGISTER."""
        device = self._admit(incoming)
        if device is None:
            return
        try:
            headers = self.register(incoming.request, incoming.flow, device)
        except ParseError as error:
            incoming.respond(400, f"Bad Request: {error}"[:80])
        except Refused as refused:
            incoming.respond(refused.status, refused.reason, refused.headers)
        else:
            incoming.respond(200, headers=headers)

    def register(self, request: Request, flow: Flow, device: Device) -> list[tuple[str, str]]:
        """Carry out a REGISTER of this device, wholly or not at all, and return the header fields of its 200.

        Raises `ParseError` for what cannot be read and `Refused` for what must not be done.
        """
        now = self._clock.monotonic()
        if request.to.uri.user != device.username:
            raise Refused(403, "Not Your Address")
        mine = self._bindings.of_device(device.tenant, device.device)
        if request.contact_is_star:
            if request.expires != 0:
                raise Refused(400, "Contact * Needs Expires 0")
            for binding in mine:
                _check_order(request, binding)
            for binding in mine:
                self._bindings.remove(binding)
        else:
            contacts = request.contacts
            if len(contacts) > self._max_contacts:
                raise Refused(403, "Too Many Contacts")
            path = _path(request)
            keeps = _keeps_flows(request, contacts, path)
            plan = [self._plan(request, contact, mine, flow, path, device, now) for contact in contacts]
            for old, new in plan:
                if new is not None:
                    self._bindings.put(new)
                    if self._on_path is not None and (old is None or old.flow != new.flow):
                        self._on_path(new)
                elif old is not None:
                    self._bindings.remove(old)
            self._make_room(device)
            if keeps:
                if flow.reliable and self._on_keeping is not None and not path:
                    self._on_keeping(flow, FLOW_SECONDS)
                flows = [("Require", "outbound"), ("Flow-Timer", str(FLOW_SECONDS))]
                return [*self._answer(request, device, now), *flows]
        return self._answer(request, device, now)

    def _plan(
        self,
        request: Request,
        contact: NameAddr,
        mine: Sequence[Binding],
        flow: Flow,
        path: tuple[str, ...],
        device: Device,
        now: float,
    ) -> tuple[Binding | None, Binding | None]:
        """What a contact means: the binding it is about, and what shall be there instead (§10.3 step 7)."""
        uri = contact.uri
        seconds = self._granted(request, contact)
        instance = _instance(contact)
        old = next((binding for binding in mine if _same(binding, uri, instance)), None)
        if old is not None:
            _check_order(request, old)
        if seconds == 0:
            return old, None
        new = Binding(
            id=old.id if old is not None else new_id("bnd"),
            tenant=device.tenant,
            person=device.person,
            device=device.device,
            contact=contact.uri_text,
            flow=flow,
            call_id=request.call_id,
            cseq=request.cseq.number,
            registered=now,
            expires=now + seconds,
            instance=instance,
            path=path,
        )
        return old, new

    def _granted(self, request: Request, contact: NameAddr) -> int:
        """How long a contact lives: its own wish, else the request's, else ours (§10.2.1.1); what is no
        number reads as our default (§20.10)."""
        wish = contact.params.get("expires")
        if wish is None:
            wish = request.headers.get("Expires")
        if wish is None or not (wish.isascii() and wish.isdigit()):
            return min(DEFAULT_SECONDS, self._max_seconds)
        seconds = min(int(wish[:10]), self._max_seconds)
        if 0 < seconds < self._min_seconds:
            raise Refused(423, "Interval Too Brief", (("Min-Expires", str(self._min_seconds)),))
        return seconds

    def _make_room(self, device: Device) -> None:
        mine = self._bindings.of_device(device.tenant, device.device)
        for binding in sorted(mine, key=lambda one: one.registered)[: max(0, len(mine) - self._max_contacts)]:
            self._bindings.remove(binding)
            log.info("oldest contact gave way", tenant=binding.tenant, device=binding.device)

    def _answer(self, request: Request, device: Device, now: float) -> list[tuple[str, str]]:
        headers = [
            ("Contact", str(_listed(binding, max(0, math.ceil(binding.expires - now)))))
            for binding in self._bindings.of_device(device.tenant, device.device)
        ]
        # §5.3: the phone sees which proxies are remembered, when it can read that.
        if "path" in request.tokens("Supported"):
            headers += [("Path", value) for value in request.headers.get_all("Path")]
        headers.append(("Date", formatdate(self._clock.wall(), usegmt=True)))
        return headers


def _check_order(request: Request, binding: Binding) -> None:
    """An older request of the same registration client must not undo a newer one."""
    if request.call_id == binding.call_id and request.cseq.number <= binding.cseq:
        raise Refused(500, "CSeq Out Of Order")


def _path(request: Request) -> tuple[str, ...]:
    """The proxies that want to be passed on the way to the phone (RFC 3327 §5.3)."""
    path = tuple(request.headers.get_list("Path"))
    if len(path) > MAX_PATH:
        raise Refused(403, "Too Many Proxies")
    for hop in path:
        NameAddr.parse(hop).uri  # noqa: B018  (bad: 400)
    return path


def _keeps_flows(request: Request, contacts: Sequence[NameAddr], path: Sequence[str]) -> bool:
    """The phone asks for the flows of RFC 5626 (§6). The proxy next to it must know them too, or nothing that
    we send would take the flow."""
    if "outbound" not in request.tokens("Supported"):
        return False
    if not any(contact.params.get("reg-id") and _instance(contact) for contact in contacts):
        return False
    proxied = bool(path) or len(request.headers.get_list("Via")) > 1
    if proxied and not (path and "ob" in NameAddr.parse(path[-1]).uri.params):
        raise Refused(439, "First Hop Lacks Outbound Support")
    return True


def _instance(contact: NameAddr) -> str:
    """What names the phone across addresses, and which of its flows this is (RFC 5626 §4.1, §4.2)."""
    instance, flow = contact.params.get("+sip.instance"), contact.params.get("reg-id")
    return f"{instance};{flow or ''}" if instance else ""


def _listed(binding: Binding, seconds: int) -> NameAddr:
    """A contact with what is left of it, and with what its phone finds it again by (RFC 5626 §4.1, §4.2)."""
    name, _, flow = binding.instance.rpartition(";")
    given = {"+sip.instance": name, "reg-id": flow, "expires": str(seconds)}
    return NameAddr(binding.contact, params={key: value for key, value in given.items() if value})


def _same(binding: Binding, uri: SipUri, instance: str) -> bool:
    """Only a phone that numbers its flows replaces a contact by another of the same name (RFC 5626 §6)."""
    if binding.instance == instance and instance.rpartition(";")[2]:
        return True
    return SipUri.parse(binding.contact).equivalent(uri)
