"""At which of our addresses a peer's sound arrives."""

from __future__ import annotations

from tongdai import sdp
from tongdai.core.interfaces import Interfaces, seen_at
from tongdai.sip.flow import Flow


def address_for(
    interfaces: Interfaces, flow: Flow | None, offer: sdp.SessionDescription | None = None
) -> str | None:
    """By where the sound of the peer is, or its signalling, when ICE will tell; None: any will do."""
    host = flow.remote[0] if flow is not None else ""
    stream = next((media for media in offer.media if media.port), None) if offer is not None else None
    if offer is not None and stream is not None and offer.ice is None:
        host = seen_at(stream.connection or offer.connection or host, host)
    interface = interfaces.for_peer(host)
    return interface.bind if interface is not None else None
