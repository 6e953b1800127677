"""Where a leg's peer signals from: its sound may come from there too when it does not know its own address,
behind a NAT."""

from __future__ import annotations

from collections.abc import Sequence

from tongdai.sip.flow import Address, Flow, ip_version
from tongdai.sip.message import NameAddr, ParseError, Request, SipUri
from tongdai.sip.message.grammar import parse_port

_PORT = 5060


def behind_proxies(request: Request) -> Address | None:
    """Where the first proxy saw the phone whose request this is (RFC 3261 §18.2.1); None when there is no
    proxy between, or it does not say."""
    try:
        vias = request.vias
    except ParseError:
        return None
    if len(vias) < 2:
        return None
    phone = vias[-1]
    host = phone.params.get("received") or phone.host
    try:
        port = parse_port(phone.params.get("rport"))
    except ValueError:
        port = None
    return (host, port or phone.port or _PORT) if ip_version(host) else None


def behind_path(path: Sequence[str]) -> Address | None:
    """The same of a phone that registered through proxies, when the one next to it says so in its Path (as
    Kamailio and OpenSIPS do)."""
    try:
        said = NameAddr.parse(path[-1]).uri.params.get("received") if path else None
        uri = SipUri.parse(said) if said else None
    except ParseError:
        return None
    return (uri.host, uri.port or _PORT) if uri is not None and ip_version(uri.host) else None


def seen_from(flow: Flow, path: Sequence[str]) -> Address:
    """Where a registered phone signals from."""
    return behind_path(path) or flow.remote
