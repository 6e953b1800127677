"""SDP (RFC 8866) and offer/answer (RFC 3264) for audio. Pure.

parse(text) -> SessionDescription            str(description) -> text
make_offer(local, codecs, direction, session_id=, version=) -> SessionDescription
answer(offer, local, supported, session_id=, version=, ...) -> (SessionDescription, Negotiated)   # we were
asked negotiate(offer, answer) -> Negotiated                                                         # we
asked
"""

from __future__ import annotations

from tongdai.sdp.codecs import CN, G722, OPUS, PCMA, PCMU, TELEPHONE_EVENT, TELEPHONE_EVENT_48000, Codec
from tongdai.sdp.crypto import SUITES, Crypto, Srtp
from tongdai.sdp.model import Direction, Ice, Media, Origin, SdpError, SessionDescription
from tongdai.sdp.negotiation import (
    PLAIN,
    PROTECTED,
    LocalMedia,
    Negotiated,
    NegotiatedCodec,
    NotAcceptable,
    acceptable,
    answer,
    continued,
    make_offer,
    negotiate,
)
from tongdai.sdp.text import parse
from tongdai.sdp.webrtc import HANDSHAKEN, Secured, Setup, WebRtc

__all__ = [
    "CN",
    "G722",
    "HANDSHAKEN",
    "OPUS",
    "PCMA",
    "PCMU",
    "PLAIN",
    "PROTECTED",
    "SUITES",
    "TELEPHONE_EVENT",
    "TELEPHONE_EVENT_48000",
    "Codec",
    "Crypto",
    "Direction",
    "Ice",
    "LocalMedia",
    "Media",
    "Negotiated",
    "NegotiatedCodec",
    "NotAcceptable",
    "Origin",
    "SdpError",
    "Secured",
    "SessionDescription",
    "Setup",
    "Srtp",
    "WebRtc",
    "acceptable",
    "answer",
    "continued",
    "make_offer",
    "negotiate",
    "parse",
]
