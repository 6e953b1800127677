"""The kinds of stream that a device is offered, one after the other until it takes one."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_address

from tongdai.legs.ports import Contact
from tongdai.sdp import HANDSHAKEN, PLAIN, PROTECTED
from tongdai.sip.flow import Flow
from tongdai.sip.message import ParseError, SipUri

_PHONE = (PLAIN, PROTECTED)
_BROWSER = HANDSHAKEN[0]


def kinds_for(contact: Contact) -> Sequence[str]:
    """Protocols of the m= line, best first. A page does not know its address, so that its contact has a
    made-up name (RFC 7118 §5); a phone on a WebSocket writes its own."""
    if not on_websocket(contact.flow):
        return _PHONE
    return (*_PHONE, _BROWSER) if _has_address(contact.uri) else (_BROWSER, *_PHONE)


def on_websocket(flow: Flow) -> bool:
    return flow.transport in ("ws", "wss")


def is_encrypted(flow: Flow) -> bool:
    """Nobody else reads what is said there: a description may carry keys."""
    return flow.transport in ("tls", "wss")


def _has_address(uri: str) -> bool:
    try:
        ip_address(SipUri.parse(uri).host.strip("[]"))
    except (ParseError, ValueError):
        return False
    return True
