"""Offer and answer (RFC 3264) for one audio stream."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from tongdai.sdp.codecs import PCMA, PCMU, TELEPHONE_EVENT, Codec
from tongdai.sdp.model import Direction, SdpError, SessionDescription


class NotAcceptable(SdpError):
    """No audio stream or no codec in common: 488."""


class LocalMedia(msgspec.Struct, frozen=True):
    """Where we receive. `host` is an IP literal; `rtcp_port` defaults to `port` + 1 (RFC 3550)."""

    host: str
    port: int
    rtcp_port: int | None = None


class NegotiatedCodec(msgspec.Struct, frozen=True):
    """A codec both sides take, with the number to send it under and the number it arrives under."""

    name: str
    clock_rate: int
    send_pt: int
    receive_pt: int
    fmtp: str | None = None


class Negotiated(msgspec.Struct, frozen=True):
    """What the two descriptions agree on, seen from our side."""

    codecs: list[NegotiatedCodec]
    """Audio codecs in the order of preference; the first is to be sent. telephone-event is not among them."""
    dtmf: NegotiatedCodec | None
    remote_host: str
    """IP literal or name of the peer's c= line; "0.0.0.0" or "::" never: see `direction`."""
    remote_port: int
    remote_rtcp_port: int
    direction: Direction
    """What we do: "sendonly" means the peer only listens. An old-style hold (c=0.0.0.0) reads as no sending."""
    held_by_peer: bool
    """The peer holds us (its own direction is sendonly or inactive, or its address is null)."""
    ptime: int | None = None
    """Packet time in ms that the peer wishes."""


def make_offer(
    local: LocalMedia,
    codecs: Sequence[Codec] = (PCMU, PCMA, TELEPHONE_EVENT),
    direction: Direction = "sendrecv",
    *,
    session_id: int,
    version: int,
    ptime: int | None = 20,
) -> SessionDescription:
    """An offer of one audio stream. `version` must grow by one with each change within a session (RFC 3264 §8)."""
    raise NotImplementedError


def answer(
    offer: SessionDescription,
    local: LocalMedia,
    supported: Sequence[Codec] = (PCMU, PCMA, TELEPHONE_EVENT),
    *,
    prefer: Sequence[str] = (),
    direction: Direction = "sendrecv",
    session_id: int,
    version: int,
    ptime: int | None = 20,
) -> tuple[SessionDescription, Negotiated]:
    """Answer an offer. Codecs keep the offerer's payload types and order, those named in `prefer` (by name) first.
    `direction` is what we would like and is narrowed to what the offer allows. Other m= lines are refused in place.

    Raises `NotAcceptable`.
    """
    raise NotImplementedError


def negotiate(offer: SessionDescription, answer: SessionDescription) -> Negotiated:
    """What our `offer` and the peer's `answer` agree on. Raises `NotAcceptable`."""
    raise NotImplementedError
