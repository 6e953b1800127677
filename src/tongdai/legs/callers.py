"""Who calls: a trunk is known by its address, a device by its password. Nobody else gets further."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence

import msgspec

from tongdai.calls.events import LegOffered
from tongdai.calls.model import Diversion, Party, PartyKind
from tongdai.core.log import get_logger
from tongdai.legs import diverted as diversions
from tongdai.legs.guard import Guard
from tongdai.legs.ports import Device, Edge
from tongdai.sip.digest import Algorithm, DigestServer, Verdict
from tongdai.sip.flow import Flow, ip_version
from tongdai.sip.message import NameAddr, ParseError, Request, SipUri
from tongdai.tenants.credentials import REALM
from tongdai.tenants.trunk.model import Encryption, Trunk

log = get_logger(__name__)

_PROVEN = frozenset({"INVITE", "REGISTER", "SUBSCRIBE", "PUBLISH", "MESSAGE", "NOTIFY", "REFER"})
"""Outside of a dialog these are for phones that prove themselves, and for trunks. OPTIONS asks whether we are
there, which anybody may."""


_nonces = re.compile(r'(?<!c)nonce[ \t]*=[ \t]*"([^"]{1,200})"', re.IGNORECASE).findall
_ANONYMOUS = '"Anonymous" <sip:anonymous@anonymous.invalid>'
"""RFC 3323 §4.1.1.3."""


class Caller(msgspec.Struct, frozen=True):
    """An identified caller and what was dialled."""

    tenant: str
    party: Party
    dialled: str
    trunk: str = ""
    device: str = ""
    insists: bool = False
    """No plain sound."""
    hops: int = 0
    diverted: Diversion | None = None

    def offered(self, call: str, leg: str, replaces: str, request: Request) -> LegOffered:
        """What the call logic is told; `replaces` is the leg that the call takes the place of."""
        hops_left = request.number("Max-Forwards", 70) or 70
        return LegOffered(call, leg, self.party, self.dialled, replaces, self.hops, self.diverted, hops_left)


class Refusal(msgspec.Struct, frozen=True):
    """The final answer to who may not call."""

    status: int
    headers: Sequence[tuple[str, str]] = ()


class Callers:
    """Identifies who sends a request."""

    def __init__(
        self,
        edge: Edge,
        digest: DigestServer,
        clock: Callable[[], float],
        guard: Guard,
        names: Collection[str] = (),
    ) -> None:
        """`names` are the host names, in lower case, by which phones know this server beside their own
        domain.
        """
        self._edge = edge
        self._names = frozenset(names)
        self._digest = digest
        self._clock = clock
        self._guard = guard

    def identify(self, request: Request, flow: Flow) -> Caller | Refusal:
        """The caller of an INVITE, or how to refuse it."""
        trunk = self._edge.trunk_at(*flow.remote)
        try:
            return self._from_trunk(trunk, request) if trunk is not None else self._from_device(request, flow)
        except ParseError as problem:
            return Refusal(problem.status)

    def _from_trunk(self, trunk: Trunk, request: Request) -> Caller | Refusal:
        called = request.uri.subscriber
        if called == trunk.settings.username:
            called = request.to.uri.subscriber  # many call the account that registered
        dialled = self._edge.number_from_trunk(trunk.id, called)
        tenant = self._edge.tenant_of_number(dialled)
        if tenant is None:
            return Refusal(404)
        user, name = _asserted(request, believed=trunk.settings.trusted)
        number = self._edge.number_from_trunk(trunk.id, user) if user.lower() != "anonymous" else ""
        hops, diverted = diversions.read(request)
        if diverted is not None and trunk.settings.trusted:
            by = diverted.by
            by = msgspec.structs.replace(by, number=self._edge.number_from_trunk(trunk.id, by.number))
            diverted = Diversion(by, diverted.reason)
        else:
            diverted = None
        party = Party(PartyKind.OUTSIDE, number, name)
        insists = trunk.settings.encryption is Encryption.REQUIRED
        return Caller(tenant, party, dialled, trunk.id, insists=insists, hops=hops, diverted=diverted)

    def _from_device(self, request: Request, flow: Flow) -> Caller | Refusal:
        device = self.prove(request, flow)
        if isinstance(device, Refusal):
            return device
        uri = request.uri
        dialled = uri.subscriber
        if not self.leads_here(device.tenant, uri) and not self._edge.is_emergency(device.tenant, dialled):
            return Refusal(404)
        party = msgspec.structs.replace(device.party, private=True) if _is_private(request) else device.party
        hops, _ = diversions.read(request)
        return Caller(device.tenant, party, dialled, device=device.device, hops=hops)

    def leads_here(self, tenant: str, uri: SipUri) -> bool:
        """Whether a URI that a phone of this tenant uses means the tenant: its own domain, or the server by
        address or name. Every other domain is nobody's, whether it is hosted here or not."""
        if not uri.host or uri.host in self._names or ip_version(uri.host):
            return True
        if self._edge.tenant_of_domain(uri.host) == tenant:
            return True
        log.info("a phone used a name that is not ours; if it is, add it to sip_names", host=uri.host)
        return False

    def prove(self, request: Request, flow: Flow) -> Device | Refusal:
        """The device whose password the request shows. Unknown names, wrong passwords and the right one after
        too many wrong ones get the same answer.
        """
        found = self._digest.verify(
            request,
            REALM,
            self._clock(),
            self._hashes,
            algorithms=("MD5", "SHA-256"),
            source=flow.remote[0],
        )
        if found.verdict is Verdict.MALFORMED:
            return Refusal(400)
        if found.verdict is Verdict.MISSING or not self._guard.may_guess(found.username, flow):
            return self._challenge(flow, stale=False)
        device = self._edge.device(found.username) if found.verdict is Verdict.OK else None
        if device is None and found.verdict in (Verdict.WRONG, Verdict.OK):
            self._guard.guessed_wrong(found.username, flow)
        if device is None:
            return self._challenge(flow, stale=found.verdict is Verdict.STALE)
        self._guard.guessed_right(found.username, flow)
        return device

    def screen(self, request: Request, flow: Flow) -> tuple[int, Sequence[tuple[str, str]]] | None:
        """Challenge who shows no answer to a challenge that was sent there, before it costs memory; None lets
        the request in, and the status 0 is silence: an answer might hit somebody whose address was forged."""
        if self._answers_us(request, flow) or self._edge.trunk_at(*flow.remote) is not None:
            return None
        if not self._guard.may_answer(flow):
            return 0, ()
        if request.method not in _PROVEN or request.to.tag:
            return None
        try:
            request.auth("Authorization")
        except ParseError as problem:
            return problem.status, ()
        refusal = self._challenge(flow, stale=False)
        return refusal.status, refusal.headers

    def _answers_us(self, request: Request, flow: Flow) -> bool:
        """It shows a nonce that we gave to its source, so that the source is real. Any other `Authorization`
        proves nothing: answers to an INVITE are repeated, ten times to an address that never asked."""
        return any(
            self._digest.issued(nonce, REALM, source=flow.remote[0])
            for line in request.headers.get_all("Authorization")
            for nonce in _nonces(line)
        )

    def _challenge(self, flow: Flow, *, stale: bool) -> Refusal:
        headers = self._digest.challenge(
            REALM,
            self._clock(),
            algorithms=self._edge.algorithms(None),
            stale=stale,
            source=flow.remote[0],
        )
        return Refusal(401, headers)

    def _hashes(self, username: str) -> Mapping[Algorithm, str] | None:
        """Those of somebody else for a name that is nobody's: whatever they prove, the name has no device."""
        device, _ = self._edge.account(username)
        return device.ha1 if device is not None else None


def _asserted(request: Request, *, believed: bool) -> tuple[str, str]:
    """Number and name of an outside caller: a trunk that is `believed` may assert them (RFC 3325), also in
    confidence (§7).
    """
    if "id" in _privacy(request):
        return "anonymous", ""
    for text in request.headers.get_list("P-Asserted-Identity") if believed else ():
        try:
            address = NameAddr.parse(text)
            if address.uri.subscriber:
                return address.uri.subscriber, address.display or request.from_.display or ""
        except ParseError:
            continue
    return request.from_.uri.subscriber, request.from_.display or ""


def _privacy(request: Request) -> Collection[str]:
    """What shall be kept from the called party (RFC 3323 §4.2)."""
    return (request.headers.get("Privacy") or "").lower().replace(" ", "").split(";")


def _is_private(request: Request) -> bool:
    """A phone's wish that whom it calls does not see who calls. Every call here is a new one towards the
    callee, whose headers say nothing else of the caller: so `user` and `header` want the same as `id`."""
    return not {"id", "user", "header"}.isdisjoint(_privacy(request))


def shown_as(caller: Party, domain: str) -> str:
    """Who calls, as a name-addr that the called party may see."""
    return _ANONYMOUS if caller.private else identity(caller, domain)


def identity(caller: Party, domain: str) -> str:
    """Who calls, as a name-addr, whatever they want to be seen of it: for a carrier (RFC 3325)."""
    user = caller.number or "anonymous"
    name = caller.name or None
    if not caller.number and caller.kind is PartyKind.OUTSIDE:
        name = name or "Anonymous"
    return NameAddr(str(SipUri(domain, user)), name).without_params()


def referred_by(party: Party | None, domain: str) -> list[tuple[str, str]]:
    """Who transferred a call there (RFC 3892): whom we know to have done so, whatever the REFER claims."""
    return [] if party is None or party.private else [("Referred-By", identity(party, domain))]


def contact_user(caller: Party) -> str | None:
    """The user of our Contact, which the called party sees as well."""
    return None if caller.private else caller.number or None
