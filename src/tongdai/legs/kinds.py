"""The kinds of stream that a peer is offered, one after the other until it takes one."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_address
from typing import NamedTuple

from tongdai.legs.ports import Contact
from tongdai.sdp import HANDSHAKEN, PLAIN, PROTECTED
from tongdai.sip.flow import Flow
from tongdai.sip.message import ParseError, SipUri
from tongdai.tenants.trunk.model import Encryption

OFFER_REFUSED = frozenset({415, 488, 606})
"""Who answers so may take another offer."""
EVERYBODY_HAS = ("PCMA", "PCMU")
_PHONE = (PLAIN, PROTECTED)
_BROWSER = HANDSHAKEN[0]


def kinds_for(contact: Contact) -> Sequence[str]:
    """Protocols of the m= line, best first. Where a description may carry keys, they are insisted on first:
    phones that can do without (RFC 8643) often do. A page does not know its address, so that its contact has
    a made-up name (RFC 7118 §5); a phone on a WebSocket writes its own."""
    phone = _PHONE[::-1] if is_encrypted(contact.flow) else _PHONE
    if not on_websocket(contact.flow):
        return phone
    return (*phone, _BROWSER) if _has_address(contact.uri) else (_BROWSER, *phone)


class Offer(NamedTuple):
    """A kind of stream, with keys or not, and the codecs that are named alone, if not all."""

    protocol: str
    keys: bool
    alone: Sequence[str] = ()


def offers_to(encryption: Encryption, flow: Flow) -> Sequence[Offer]:
    """What a carrier is offered, one after the other until it takes one."""
    keys = encryption is not Encryption.NEVER and is_encrypted(flow)
    if encryption is Encryption.REQUIRED:
        return Offer(PROTECTED, keys), Offer(PROTECTED, keys, EVERYBODY_HAS)
    plain = Offer(PLAIN, keys), Offer(PLAIN, keys, EVERYBODY_HAS)
    return (Offer(PROTECTED, keys), *plain) if keys else plain


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
