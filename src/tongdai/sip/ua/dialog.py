"""A dialog's part of every message: building requests, routes, targets, sequence (RFC 3261 §12)."""

from __future__ import annotations

from contextlib import suppress

import msgspec

from tongdai.core.addresses import is_nobodys, is_private
from tongdai.sip.flow import Flow, ip_version
from tongdai.sip.message import Headers, Message, NameAddr, ParseError, Request, Response, SipUri
from tongdai.sip.transaction.routing import listens_at_source
from tongdai.sip.ua.core import ALLOW, SUPPORTED, HeaderList, contact_uri
from tongdai.sip.ua.state import DialogState, Phase

_SUPPORTED_WITHOUT_OFFER = SUPPORTED.replace(", 100rel", "")
_WITH_CONTACT = frozenset({"INVITE", "REFER", "NOTIFY", "SUBSCRIBE", "UPDATE"})


def next_cseq(state: DialogState) -> int:
    """Count our CSeq up (§12.2.1.1)."""
    state.local_cseq += 1
    return state.local_cseq


def build_request(
    state: DialogState,
    method: str,
    product: str,
    *,
    cseq: int | None = None,
    headers: HeaderList = (),
    body: bytes = b"",
    content_type: str | None = None,
) -> Request:
    """A request in the dialog, without Via. `cseq` None counts up; ACK and CANCEL give that of their
    INVITE. A Max-Forwards of the caller's own is the first of `headers`."""
    target, routes = _route(state)
    remote_tag = f";tag={state.remote_tag}" if state.remote_tag else ""
    items = [] if headers and headers[0][0] == "Max-Forwards" else [("Max-Forwards", "70")]
    items += [
        ("From", f"{state.local_uri};tag={state.local_tag}"),
        ("To", state.remote_uri + remote_tag),
        ("Call-ID", state.call_id),
        ("CSeq", f"{next_cseq(state) if cseq is None else cseq} {method}"),
    ]
    items += [("Route", route) for route in routes]
    if method in _WITH_CONTACT:
        items.append(("Contact", f"<{state.local_contact}>"))
    if method in ("INVITE", "UPDATE"):
        # Without an offer of ours, a reliable response would bring theirs, to be answered in the PRACK.
        items += [("Allow", ALLOW), ("Supported", SUPPORTED if body else _SUPPORTED_WITHOUT_OFFER)]
    items.append(("User-Agent", product))
    items += headers
    if content_type is not None:
        items.append(("Content-Type", content_type))
    return Request(method, target, headers=Headers.of(items), body=body)


def _route(state: DialogState) -> tuple[str, list[str]]:
    """Request-URI and Route (§12.2.1.1): a first hop without `lr` takes the Request-URI's place."""
    routes = state.route_set
    if not routes:
        return state.remote_target, routes
    first = NameAddr.parse(routes[0]).uri
    if first.lr:
        return state.remote_target, routes
    return str(first), [*routes[1:], f"<{state.remote_target}>"]


def request_flow(state: DialogState) -> Flow:
    """Where the next request of the dialog goes.

    To the first route or the remote target when that is an IP address we can reach, else where the peer's
    messages come from: streams, NATs (`pinned`) and names stay on the flow. The owner resolves names before a
    call begins; that of a hop which cannot be reached there any more is asked for then (`in_dialog.Hops`).
    """
    flow = state.flow
    if state.pinned or flow.reliable:
        return flow
    hop = next_hop(state)
    address = (hop.host, hop.port or 5060)
    if address == flow.remote or hop.scheme == "tel" or not may_be_sent_to(hop.host, flow.remote[0]):
        return flow
    return Flow(flow.transport, flow.local, address)


def next_hop(state: DialogState) -> SipUri:
    """The first route, or the remote target."""
    return NameAddr.parse(state.route_set[0]).uri if state.route_set else SipUri.parse(state.remote_target)


def may_be_sent_to(host: str, source: str) -> bool:
    """It is an address that a peer which we hear from `source` can mean: of its IP version, and no private
    one (ours, perhaps) when it is not in our network itself."""
    version = ip_version(host)
    if not version or version != ip_version(source) or is_nobodys(host):
        return False
    return is_private(source) or not is_private(host)


def is_symmetric(request: Request, flow: Flow, contact: SipUri) -> bool:
    """The peer of an incoming INVITE can only be reached where it sends from.

    So it is when it says so (`ob`, RFC 5626 §4.3), when its Via, and so its idea of itself, is another
    address than we see (a NAT), and when it listens where it sends from and its Contact is that same place;
    or names another one of that host, or a private one, while the port is not the one in Via: a router has
    rewritten them and does not know which port it binds.
    """
    if flow.reliable or ("ob" in contact.params and not request.record_route):
        return True
    via = request.via
    if via.host != flow.remote[0]:
        return ip_version(via.host) != 0
    if not listens_at_source(via, flow):
        return False
    if (via.port or 5060) != flow.remote[1]:
        return contact.host == via.host or is_private(contact.host)
    return (contact.host, contact.port) == (via.host, via.port)


def refresh_target(state: DialogState, message: Message) -> None:
    """Take the peer's Contact as remote target (§12.2). Raises `ParseError` for one that cannot be a
    target."""
    contact = message.contact
    if contact is not None:
        contact.uri  # noqa: B018  (checked before anything depends on it)
        state.remote_target = contact.uri_text


def adopt_response(state: DialogState, response: Response) -> None:
    """As UAC: the dialog is the one that this 101..299 names (§12.1.2).

    A Contact or Record-Route that cannot be read is passed over: a call that was answered must be
    acknowledged and can only be ended in its dialog, so the peer gets both where the INVITE went.
    """
    state.remote_tag = response.to.tag
    try:
        routes = response.record_route
        routes.reverse()
        for route in routes[:1]:
            NameAddr.parse(route).uri  # noqa: B018
    except ParseError:
        routes = []
    state.route_set = routes
    accept_target(state, response)


def note_allowed(state: DialogState, message: Message) -> None:
    """Remember whether the peer takes UPDATE; a message without Allow says nothing about it."""
    if "Allow" in message.headers:
        state.peer_updates = "update" in message.tokens("Allow")


def accept_target(state: DialogState, response: Response) -> None:
    """As UAC: take the Contact of a response as target when it can be one."""
    with suppress(ParseError):
        refresh_target(state, response)


def fork_of(state: DialogState, response: Response) -> DialogState:
    """The dialog that another 2xx of the same INVITE makes (§13.2.2.4)."""
    fork = msgspec.structs.replace(state, route_set=[], refers=[])
    adopt_response(fork, response)
    return fork


def response_headers(state: DialogState, request: Request, status: int) -> list[tuple[str, str]]:
    """What a response of ours to an INVITE adds: Contact, and the routes of a response that makes a dialog
    (§12.1.1)."""
    out = []
    if 100 < status < 300:
        out += [("Record-Route", route) for route in request.headers.get_all("Record-Route")]
        out.append(("Contact", f"<{state.local_contact}>"))
    if 200 <= status < 300:
        out += [("Allow", ALLOW), ("Supported", SUPPORTED)]
    return out


def sdp_body(sdp: str | None) -> tuple[bytes, str | None]:
    """Body and Content-Type of a description."""
    return (b"", None) if sdp is None else (sdp.encode(), "application/sdp")


def incoming_dialog(request: Request, flow: Flow, *, key: str, local_tag: str, phase: Phase) -> DialogState:
    """The dialog that a request of the peer makes, seen from us as UAS (§12.1.1). Raises `ParseError` for a
    Contact or a first route that nothing could be sent to."""
    contact, routes = check_target(request), request.record_route
    for route in routes[:1]:
        NameAddr.parse(route).uri  # noqa: B018  (checked before anything depends on it)
    return DialogState(
        key=key,
        role="uas",
        phase=phase,
        call_id=request.call_id,
        local_tag=local_tag,
        remote_tag=request.from_.tag,
        local_uri=request.to.without_params(),
        remote_uri=request.from_.without_params(),
        local_contact=contact_uri(flow, request.uri.user),
        remote_target=str(contact),
        flow=flow,
        pinned=is_symmetric(request, flow, contact),
        route_set=routes,
        remote_cseq=request.cseq.number,
    )


def check_target(request: Request) -> SipUri:
    """The Contact of a request that makes a dialog. Raises `ParseError`."""
    contact = request.contact
    if contact is None:
        raise ParseError(f"{request.method} without Contact")
    return contact.uri
